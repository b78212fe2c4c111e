"""What is fixed for everybody: names of files, sizes, and the limits of a day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES
from hgteach.errors import InputError
from hgteach.evaluation.goals import SUPPRESSION
from hgteach.files import replacing

PARTICIPANTS, ORGANISERS, SUBMISSIONS = "participants", "organisers", "submissions"
RULES, TRAINING, TEST = "rules.json", "data/training.csv", "data/test.csv"
PARTS = ("public", "private")
PREDICTION, COHORT = "prediction.csv", "cohort.csv"  # what a team hands in
ANSWER = "suppressed"  # the column of a prediction
COHORT_SCHEMA = ART_HIV.select(EXAMPLE_VARIABLES)
KNOWN, AHEAD = 24, 6  # months of a test patient that are given out; months to foresee
GOAL = SUPPRESSION
FEWEST, FEW, DEFAULT_PATIENTS, MOST_PATIENTS = 240, 600, 3000, 8000
LARGEST_COHORT = 500
BYTES_A_ROW = 200  # more than any honest row needs


@dataclass(frozen=True)
class Rules:
    """The numbers of one datathon, as ``rules.json`` in the participants' folder holds them.

    Attributes:
        provenance: a sentence on the data.
        training: patients given out whole.
        test: patients given out for the first ``known`` months; half of them count on the day.
        cohort: patients that a synthetic cohort must have.
        known, ahead: the outcome is suppression in month ``known - 1 + ahead``, counted from 0.
        attempts: files that a team may have scored on one day, in each task.
    """

    provenance: str
    training: int
    test: int
    cohort: int
    known: int = KNOWN
    ahead: int = AHEAD
    attempts: int = 5

    @property
    def month(self) -> int:
        """The month whose outcome is foreseen."""
        return self.known - 1 + self.ahead

    def save(self, path: Path) -> None:
        """Write the rules as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, participants: Path) -> Rules:
        """Read the rules in a participants' folder.

        Raises:
            InputError: it is not one.
        """
        try:
            return cls(**json.loads((participants / RULES).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise InputError(
                f"{participants} holds no readable {RULES}, so it is not the participants' folder "
                "of a datathon. Name the folder that the organisers gave out with --data."
            ) from None


def write_json(path: Path, content: object) -> None:
    """Write beside, then rename."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
