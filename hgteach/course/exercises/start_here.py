"""Exercises of the notebook 00-start-here: how a check answers, and what realistic could mean."""

import numpy as np
import pandas as pd

from hgteach.course.comparing import Wrong, choose, close, describe
from hgteach.course.registry import exercise


@exercise(
    "rows-in-the-cohort",
    title="Count before you trust",
    minutes=2,
    difficulty=1,
    prompt="""
The cohort has 8,916 patients, and one row for each of 60 months. How many rows should the table
have? Replace the `...` in `rows = ...` below with your answer (a sum such as `3 * 4` is fine),
and run the cell.
""",
    hint="Every patient brings sixty rows.",
    meaning="Knowing how long a table should be, before opening it, is the cheapest check there "
    "is.",
)
def rows_in_the_cohort():
    """Return one row a patient and month."""
    return 8916 * 60


@rows_in_the_cohort.verify
def _(answer):
    if isinstance(answer, int) and answer == 8916 + 60:
        raise Wrong("that is the sum. Every one of the patients brings sixty rows.")
    try:
        close(answer, 8916 * 60)
    except Wrong:  # whose words would give the number away
        raise Wrong(f"not {describe(answer)}. How many rows do two patients bring?") from None


rows_in_the_cohort.wrong(8916 + 60)
rows_in_the_cohort.wrong(8916)


@exercise(
    "what-shuffling-breaks",
    title="What does shuffling break?",
    minutes=3,
    difficulty=2,
    prompt="""
Each column of the cohort was shuffled on its own. Which of these can be different in the shuffled
copy? Write one letter, in quotes.

- `"a"`: the highest viral load
- `"b"`: the share of rows that belong to women
- `"c"`: the average CD4 count of the rows with a viral load above 1,000
- `"d"`: the number of rows with a CD4 count below 200
""",
    hint="Three of the four can be worked out from a single column. Which one needs two?",
    meaning="What lives in one column survives; what ties two columns, or two months, is gone.",
)
def what_shuffling_breaks():
    """Only this one looks at two columns of the same row."""
    return "c"


@what_shuffling_breaks.verify
def _(answer):
    one = "that needs one column only, and shuffling a column changes the order, not the values."
    choose(answer, "c", {"a": one, "b": one, "d": one})


what_shuffling_breaks.wrong("a")
what_shuffling_breaks.wrong("d")


def _visits(*patients):
    """Return a table of patients, each given by the values of one column, month by month."""
    rows = [
        (number, month, value)
        for number, values in enumerate(patients)
        for month, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["PatientID", "Timestep", "Gender"])


@exercise(
    "share-that-changes",
    title="Your first measure of realism",
    minutes=8,
    difficulty=3,
    prompt="""
Write `share_that_changes(table, column)`: the share of *patients* (between 0 and 1) for whom
`column` holds more than one value over their months. Patients are told apart by `"PatientID"`.
""",
    hint="""
`table.groupby("PatientID")[column]` gives each patient's values. How many *different* values has
each (`.nunique()`)? Then ask for which patients that is more than one, and take the mean.
""",
    meaning="A handful of lines found what no histogram shows. Measures like this one are what "
    "the course is about.",
)
def share_that_changes(table, column):
    """Return the share of patients with more than one value of the column."""
    different = table.groupby("PatientID")[column].nunique()
    return (different > 1).mean()


@share_that_changes.verify
def _(answer):
    constant = _visits(["Male"] * 3, ["Female"] * 3)
    close(answer(constant, "Gender"), 0.0, "two patients who never change", atol=1e-9)
    table = _visits(["Male"] * 4, ["Male", "Female"] * 2, ["Female"] * 4, ["Female"] * 4)
    think = "One patient of the four changes, three times. Count patients, not rows or changes."
    close(answer(table, "Gender"), 0.25, "four patients", think=think)
    shuffled = table.sample(frac=1, random_state=1).rename(columns={"Gender": "Ethnic"})
    think = "The rows may come in any order, and the column may have another name."
    close(answer(shuffled, "Ethnic"), 0.25, "the same four, rows in another order", think=think)


@share_that_changes.wrong
def _(table, column):
    """Counts changes between neighbouring rows, across patients."""
    return np.mean(table[column].to_numpy()[1:] != table[column].to_numpy()[:-1])


@share_that_changes.wrong
def _(table, column):
    """Counts patients instead of taking their share."""
    different = table.groupby("PatientID")[column].nunique()
    return (different > 1).sum()
