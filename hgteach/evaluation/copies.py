"""Deliberately bad copies: what failure looks like, so that a score has something beside it."""

from __future__ import annotations

import numpy as np

from hgteach.evaluation.patients import Patients


def independent_columns(patients: Patients, random: np.random.Generator) -> Patients:
    """Shuffle every column on its own over all rows: right marginals, and nothing else."""
    present, mixed = patients.present, {}
    for name, cells in patients.values.items():
        cells = cells.copy()
        cells[present] = random.permutation(cells[present])
        mixed[name] = cells  # (P, T)
    return patients.with_values(mixed)


def shuffled_months(patients: Patients, random: np.random.Generator) -> Patients:
    """Shuffle each patient's months: right patients, right rows, and no course of time."""
    draw = random.random((len(patients), patients.timesteps))
    draw[~patients.present] = 2.0  # empty cells stay at the end
    order = draw.argsort(axis=1)  # (P, T)
    return patients.with_values(
        {name: np.take_along_axis(cells, order, 1) for name, cells in patients.values.items()}
    )


def bootstrap(patients: Patients, random: np.random.Generator) -> Patients:
    """Draw real patients with replacement: perfectly real, and no protection at all."""
    return patients.take(random.integers(len(patients), size=len(patients)))


BAD_COPIES = {
    "independent columns": independent_columns,
    "shuffled months": shuffled_months,
    "bootstrap of real patients": bootstrap,
}
