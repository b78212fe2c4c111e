"""What every score must say of itself, and the two or three cohorts that it is taken from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hgteach.errors import InputError
from hgteach.evaluation.patients import Patients

Family = Literal["realism", "utility", "safety"]


class NotMeasured(InputError):
    """A measure cannot be taken from these tables; the sentence says why."""


ELSEWHERE = "Made for other tables:"


class NotForThisTable(NotMeasured):
    """A measure asks for columns of the course's own cohorts, so a report need not mention it."""

    def __init__(self, asks: str) -> None:
        """Say what it asks for."""
        super().__init__(f"{ELSEWHERE} it asks for {asks}.")


@dataclass(frozen=True)
class Task:
    """The cohorts that a score compares. All share one schema.

    Attributes:
        real: the patients that the generator has learnt from.
        synthetic: the patients that it made.
        holdout: real patients that it never saw, if there are any.
        seed: fixes whatever a measure draws.
    """

    real: Patients
    synthetic: Patients
    holdout: Patients | None = None
    seed: int = 0

    def random(self) -> np.random.Generator:
        """Return a fresh source of random numbers."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Measure:
    """One number about a synthetic cohort.

    Attributes:
        name: a few words, for a table.
        family: the question that it answers.
        definition: one or two sentences for a reader who has not met it. A report puts the
            table's goals (``goals.goal_words``) in the place of ``{goals}``.
        lowest, highest: the range of the score.
        best: the score of a cohort that cannot be told from real patients, or leaks nothing.
        source: where it comes from.
        score: takes it. It may raise ``NotMeasured``.
        dear: it takes seconds, so it is repeated less often for the references.
    """

    name: str
    family: Family
    definition: str
    lowest: float
    highest: float
    best: float
    source: str
    score: Callable[[Task], float]
    dear: bool = False
