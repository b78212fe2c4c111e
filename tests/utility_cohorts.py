"""Small cohorts for the tests of what a copy is good for."""

from functools import cache

import numpy as np

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.evaluation.patients import EMPTY, Patients
from hgteach.schema import Schema


def cohort(schema: Schema, lengths: list[int] | None = None, **columns: list) -> Patients:
    """Return patients from nested lists; a name with _ stands for one with spaces.

    What lies beyond a patient's length is emptied.
    """
    first = np.asarray(next(iter(columns.values())))
    lengths = np.full(len(first), first.shape[1]) if lengths is None else np.asarray(lengths)
    beyond = np.arange(first.shape[1]) >= lengths[:, None]
    values = {}
    for name, cells in columns.items():
        name = name.replace("_", " ")
        number = schema[name].kind == "real"
        cells = np.asarray(cells, dtype=float if number else np.int16)
        values[name] = np.where(beyond, np.nan if number else EMPTY, cells)
    return Patients(schema, values, lengths)


def laboratory(*more: str) -> Schema:
    """Return a schema of viral load, CD4 and more of the published columns."""
    return ART_HIV.select(["VL", "CD4", *more])


@cache
def halves(patients: int = 800) -> tuple[Patients, Patients]:
    """Return two groups of simulated patients, that many in each."""
    everybody = Patients.of(simulate_art_hiv(2 * patients, seed=1), ART_HIV)
    return everybody.halves(np.random.default_rng(0))


def ragged(patients: Patients) -> Patients:
    """Return the same patients, each followed for 1 to T rows."""
    random = np.random.default_rng(2)
    lengths = random.integers(1, patients.timesteps + 1, len(patients))
    beyond = np.arange(patients.timesteps) >= lengths[:, None]
    values = {
        name: np.where(beyond, np.nan if name in patients.schema.real else EMPTY, cells)
        for name, cells in patients.values.items()
    }
    return Patients(patients.schema, values, lengths)
