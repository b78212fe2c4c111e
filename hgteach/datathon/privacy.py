"""The privacy floor: below it a cohort is not ranked, however real and useful it is.

Each limit lies beyond what new patients of the same simulation ever showed in the trials, which
``docs/datathon.md`` reports with what copies showed. To pass is not to be safe: it is only the
failure of these attacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hgteach.datathon.rules import COHORT_SCHEMA as SCHEMA
from hgteach.errors import InputError
from hgteach.evaluation.distances import (
    closeness,
    closest,
    courses,
    exact_copies,
    features,
    nearest,
)  # fmt: skip
from hgteach.evaluation.membership import attack, success
from hgteach.evaluation.patients import Patients

RATIO = 1 / 3  # one training patient is so much nearer than the next one: then they are the source
ROWS_COPIED, PATIENTS_NEAR, CLOSER, ROWS_CLOSER, MEMBERS = 0.01, 0.02, 0.55, 0.60, 0.55
ROWS = 2000  # of a cohort, drawn at random, that look for their nearest row


@dataclass(frozen=True)
class Finding:
    """One check of the floor: what was measured, the limit, and what passing it would mean."""

    name: str
    value: float
    limit: float
    says: str

    @property
    def broken(self) -> bool:
        """Whether the value lies beyond the limit."""
        return self.value > self.limit


def copied(
    known: Patients, cohort: Patients, of: str = "training", held: Patients | None = None
) -> list[Finding]:
    """Look for copies, exact and near; this needs nobody beside the patients given out."""
    rows = exact_copies(known, cohort, SCHEMA, holdout=held).loc["rows"]
    chance = 0.0 if held is None else rows["holdout"]
    far, _ = nearest(*courses(cohort, known, like=known), 2)
    near = float((far[:, 0] <= RATIO * far[:, 1]).mean())
    return [  # one near patient alone may be chance, however small the cohort
        Finding(f"rows copied from {of}", rows["synthetic"] - chance, ROWS_COPIED,
                f"of the rows are, value for value, rows of {of} patients"),
        Finding(f"near copies of {of} patients", near, max(PATIENTS_NEAR, 1.5 / len(cohort)),
                f"of the patients lie at least three times nearer to one {of} patient than to any "
                "other: each is that person, lightly changed"),
    ]  # fmt: skip


def privacy_floor(
    training: Patients, cohort: Patients, held: Patients, test: Patients, seed: int = 0
) -> list[Finding]:
    """Take every check of the floor.

    Args:
        training: the patients given out whole.
        cohort: the synthetic ones.
        held: real patients of whom nobody saw the whole course.
        test: the months of test patients that were given out.
        seed: fixes what is drawn.
    """
    early = cohort.with_values(
        {name: cells[:, : test.timesteps] for name, cells in cohort.values.items()}
    )
    early = Patients(SCHEMA, early.values, np.minimum(cohort.lengths, test.timesteps))
    share = closeness(closest(training, cohort, held, SCHEMA, seed=seed)).loc["closer to real"]
    found = success(attack(training, cohort, held, SCHEMA, seed=seed), seed=seed)
    found = found.loc["density ratio"]
    return [
        *copied(training, cohort, held=held),
        *copied(test, early, "test"),
        Finding("patients closer to training", share["low"], CLOSER,
                "or more of the patients lie closer to a training patient than to anybody of an "
                "equally large group whom you never saw (half would be chance)"),
        Finding("rows closer to training", _rows_closer(training, cohort, held, seed),
                max(ROWS_CLOSER, 0.5 + 20 / len(training)),  # of few patients, chance does more
                "of the rows lie closer to a row of a training patient than to a row of people "
                "whom you never saw (half would be chance): rows were copied and jittered"),
        Finding("members found", found["AUC low"], MEMBERS,
                "or more: so often an attacker ranks a training patient above a stranger (half "
                "would be chance), looking at six months at a time"),
    ]  # fmt: skip


def refuse(faults: Iterable[Finding | str]) -> None:
    """Raise one :class:`InputError` that says every fault, if there is any."""
    said = [
        fault if isinstance(fault, str)
        else f"Below the privacy floor: {fault.value:.0%} {fault.says} (limit {fault.limit:.0%})."
        for fault in faults
        if isinstance(fault, str) or fault.broken
    ]  # fmt: skip
    if said:
        raise InputError("\n".join(said))


def _rows_closer(training: Patients, cohort: Patients, held: Patients, seed: int) -> float:
    """Return the share of rows that are closer to training than to held rows, ties half."""
    random = np.random.default_rng(seed)
    size = min(len(training), len(held))
    groups = (training.sample(size, random), held.sample(size, random))
    made = features(cohort, training)[cohort.present]
    made = made[random.choice(len(made), min(ROWS, len(made)), replace=False)]
    to_training, to_held = (
        nearest(made, features(group, training)[group.present])[0][:, 0] for group in groups
    )
    return float((np.sign(to_held - to_training) + 1).mean() / 2)
