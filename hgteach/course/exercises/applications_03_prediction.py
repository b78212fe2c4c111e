"""Exercises of the notebook applications/03-prediction: pairs, people and what a table says."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close, describe
from hgteach.course.registry import exercise


@exercise(
    "auc-by-hand",
    title="All pairs",
    minutes=10,
    difficulty=2,
    prompt="""
Write `pairs_right(truth, score)` for two arrays (`truth` holds 1 and 0): over all pairs of a 1 and
a 0, the share in which the 1 has the higher score. A tie counts one half.
""",
    hint="`score[truth == 1][:, None]` against `score[truth == 0]` compares all pairs at once.",
    meaning="This is the AUC. Only order counts: any growing function of the score has the same.",
)
def pairs_right(truth, score):
    """Compare every 1 with every 0."""
    yes, no = score[truth == 1][:, None], score[truth == 0]
    return ((yes > no) + 0.5 * (yes == no)).mean()


@pairs_right.verify
def _(answer):
    cases = (
        ("two of each", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], "There are four pairs."),
        ("more of one", [1, 0, 0, 0], [0.5, 0.1, 0.2, 0.9], "One 1 against three 0s."),
        ("ties", [1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], "What does a coin deserve?"),
    )
    for what, truth, score, think in cases:
        truth, score = np.array(truth), np.array(score)
        close(answer(truth, score), pairs_right(truth, score), what, think=think)


@pairs_right.wrong
def _(truth, score):
    """Forgets ties."""
    return (score[truth == 1][:, None] > score[truth == 0]).mean()


@pairs_right.wrong
def _(truth, score):
    """Counts right answers at one half instead of pairs."""
    return ((score > 0.5) == truth).mean()


@exercise(
    "split-by-patient",
    title="Nobody on both sides",
    minutes=10,
    difficulty=2,
    prompt="""
Write `split(patient_ids, tested)`. `patient_ids` names the patient of each row; `tested` is the
share of **patients** to test on, rounded. Return two arrays of True and False, one entry a row:
`(train, test)`. Take the patients with the largest ids for the test.
""",
    hint="`np.unique` gives each patient once, sorted; `np.isin` finds their rows.",
    meaning="Rows of one person are alike, so a person on both sides gives the answer away.",
)
def split(patient_ids, tested):
    """Choose people, then take all of their rows."""
    people = np.unique(patient_ids)
    chosen = people[len(people) - round(tested * len(people)) :]
    test = np.isin(patient_ids, chosen)
    return ~test, test


@split.verify
def _(answer):
    ids = np.array([7, 7, 7, 7, 7, 7, 1, 2, 3, 3])
    for share, think in (
        (0.25, "One of four people, and all of that person's rows."),
        (0.5, "Count people, not rows."),
    ):
        found = answer(ids, share)
        if not (isinstance(found, tuple | list) and len(found) == 2):
            raise Wrong(f"expected the pair (train, test), got {describe(found)}.")
        train, test = split(ids, share)
        close(found[1], test, f"test, share {share:g}", think=think)
        close(found[0], train, f"train, share {share:g}", think="Everybody else trains.")


@split.wrong
def _(patient_ids, tested):
    """Counts rows."""
    test = np.arange(len(patient_ids)) >= len(patient_ids) * (1 - tested)
    return ~test, test


@split.wrong
def _(patient_ids, tested):
    """Takes the smallest ids."""
    people = np.unique(patient_ids)
    test = np.isin(patient_ids, people[: round(tested * len(people))])
    return ~test, test


@exercise(
    "read-the-table",
    title="A letter to the editor",
    minutes=5,
    difficulty=3,
    prompt="""
A paper on a new generator reports, for one task: "TSTR AUC 0.91, hence our data can replace real
data." No other number is given. Which one would tell you most? Set `answer` to the letter.

- **a**: the AUC of carrying the last value on, and TRTR on the same people
- **b**: TRTS
- **c**: the number of synthetic patients
""",
    hint="Is 0.91 much? Compared with what?",
    meaning="0.91 may be all that there is to learn, less than the last value gives, or a leak.",
)
def answer():
    """A score needs the simple forecast below it and the real data's own above it."""
    return "a"


@answer.verify
def _(letter):
    choose(letter, "a", {
        "b": "Useful later. But would it tell you whether 0.91 is good?",
        "c": "More of the same teaches no more. What is 0.91 to be compared with?",
    })  # fmt: skip


answer.wrong("b")
answer.wrong("c")
