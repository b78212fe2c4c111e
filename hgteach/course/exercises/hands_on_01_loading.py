"""Exercises of the notebook hands-on/01-loading: reading clinical time series with care."""

import numpy as np
import pandas as pd

from hgteach.course.comparing import Wrong, choose, close
from hgteach.course.registry import exercise


@exercise(
    "months-between",
    title="How often is it measured?",
    minutes=3,
    difficulty=1,
    prompt="""
Write `months_between(flags)`: given the flags of a column such as `VL (M)` (the texts `"True"` and
`"False"`, one a month), return how many months there are *for each* measurement, on average. Two
measurements in twelve months make 6.
""",
    hint='`flags == "True"` is True in the months with a measurement, and Trues can be summed.',
    meaning="A monthly table is not a monthly measurement.",
)
def months_between(flags):
    """Return the months for each measurement."""
    return len(flags) / (flags == "True").sum()


@months_between.verify
def _(answer):
    flags = pd.Series(["True", *["False"] * 5] * 2)
    close(answer(flags), 6.0, "2 of 12 months", think="Months divided by measurements.")
    always = pd.Series(["True"] * 4)
    close(answer(always), 1.0, "measured every month", think="Months divided by measurements.")


@months_between.wrong
def _(flags):
    """Gives the share of months instead."""
    return (flags == "True").mean()


@months_between.wrong
def _(flags):
    """Counts the months without a measurement."""
    return (flags == "False").sum() / (flags == "True").sum()


@exercise(
    "why-measured-differs",
    title="Who gets measured?",
    minutes=3,
    difficulty=2,
    prompt="""
The cells above compared months in which viral load was measured with months in which it was
carried forward. Which of these is the safest reading? Write one letter, in quotes.

- `"a"`: Measuring viral load raises it.
- `"b"`: The laboratory makes larger errors than carrying forward does.
- `"c"`: Something decides when viral load is measured, and it goes along with viral load.
- `"d"`: Months without a measurement are a random sample of all months.
""",
    hint="In which months of care is viral load measured most often, and how high is it then?",
    meaning="Measuring is a decision, so an average over measured months is not an average over "
    "time. A good synthetic copy has to keep that, too.",
)
def why_measured_differs():
    """Clinics look more often early in care, and where they worry."""
    return "c"


@why_measured_differs.verify
def _(answer):
    refused = {
        "a": "the table shows that the two go together, not which causes which.",
        "b": "an error of the laboratory would scatter the values around, and there is no sign "
        "of where such errors would come from. When is a patient asked to come back soon?",
        "d": "if that were so, the two groups of months would look alike. Do they?",
    }
    choose(answer, "c", refused)


why_measured_differs.wrong("d")
why_measured_differs.wrong("a")


def _cohort(patients):
    """Return a table from a dictionary: patient number to viral load, month by month."""
    rows = [(p, t, vl) for p, course in patients.items() for t, vl in enumerate(course)]
    return pd.DataFrame(rows, columns=["PatientID", "Timestep", "VL"])


@exercise(
    "share-suppressed",
    title="From months to patients",
    minutes=6,
    difficulty=2,
    prompt="""
Write `share_suppressed(table)`: for each patient, the share of months with a viral load of *at
most* 1,000 copies/mL, which is how the World Health Organization defines suppression. Return a
Series whose index holds the `PatientID`s, in increasing order.
""",
    hint="""
First a column of True and False for the months, then its mean within each patient:
`something.groupby(table["PatientID"]).mean()`.
""",
    meaning="Most questions in medicine are about patients, most tables are about visits.",
)
def share_suppressed(table):
    """Return, for each patient, the share of months at or below 1,000 copies/mL."""
    suppressed = table["VL"] <= 1000
    return suppressed.groupby(table["PatientID"]).mean()


@share_suppressed.verify
def _(answer):
    table = _cohort({3: [50_000, 1_000, 40, 30], 7: [20, 20, 20, 20], 9: [1e5, 2e5, 3e3, 1_001]})
    got = answer(table)
    if not isinstance(got, pd.Series):
        raise Wrong("expected a pandas Series with one number for each patient.")
    if list(got.index) != [3, 7, 9]:
        raise Wrong(f"expected the patients [3, 7, 9] as the index, got {list(got.index)[:5]}.")
    think = "A share is between 0 and 1. Exactly 1,000 still counts as suppressed, 1,001 does not."
    close(got, np.array([0.75, 1.0, 0.0]), think=think)


@share_suppressed.wrong
def _(table):
    """Leaves out exactly 1,000."""
    return (table["VL"] < 1000).groupby(table["PatientID"]).mean()


@share_suppressed.wrong
def _(table):
    """Averages over everybody."""
    return (table["VL"] <= 1000).mean()


@exercise(
    "months-to-suppression",
    title="How long until the virus is under control?",
    minutes=12,
    difficulty=3,
    prompt="""
Write `months_to_suppression(table)`: for each patient whose viral load is *above* 1,000 at month 0,
the first month in which it is at most 1,000. Return a Series with the `PatientID`s as the index, in
increasing order, and `NaN` for a patient who never gets there. Patients who start at or below 1,000
are not in it. The rows may come in any order; a loop over patients is not needed.
""",
    hint="""
Three steps. Who starts above 1,000 (rows with `Timestep` 0)? Among all rows at or below 1,000,
which is each patient's smallest `Timestep`? Then `.reindex` the second by the first: where there
is no answer, pandas writes NaN.
""",
    meaning="You met censoring: for some, the study ends before the event. Dropping them would "
    "flatter the treatment; the lesson on survival shows what to do instead.",
)
def months_to_suppression(table):
    """Return the first month at or below 1,000 of everybody who starts above; NaN for never."""
    start = table[table["Timestep"] == 0]
    starters = np.sort(start.loc[start["VL"] > 1000, "PatientID"])
    first = table[table["VL"] <= 1000].groupby("PatientID")["Timestep"].min()
    return first.reindex(starters)


@months_to_suppression.verify
def _(answer):
    table = _cohort(
        {
            2: [90_000, 5_000, 900, 4_000, 30],
            4: [10, 10, 5_000, 10, 10],
            5: [80_000, 70_000, 60_000, 50_000, 40_000],
            8: [2_000, 1_000, 20, 20, 20],
        }
    )
    for order, rows in (("in order", table), ("shuffled", table.sample(frac=1, random_state=3))):
        got = answer(rows)
        if not isinstance(got, pd.Series):
            raise Wrong("expected a pandas Series with one number for each patient.")
        if 4 in got.index:
            raise Wrong("patient 4 starts suppressed (10 copies/mL at month 0): leave them out.")
        if list(got.index) != [2, 5, 8]:
            raise Wrong(
                f"expected the patients [2, 5, 8] as the index, got {list(got.index)[:5]}. "
                "Those who never get there stay in, as NaN, and the index is sorted."
            )
        think = "The first month counts, even if viral load rises again later."
        close(got, np.array([2.0, np.nan, 1.0]), f"rows {order}", think=think)


@months_to_suppression.wrong
def _(table):
    """Drops the patients who never get there."""
    start = table[(table["Timestep"] == 0) & (table["VL"] > 1000)]["PatientID"]
    below = table[(table["VL"] <= 1000) & table["PatientID"].isin(start)]
    return below.groupby("PatientID")["Timestep"].min()


@months_to_suppression.wrong
def _(table):
    """Counts the months above 1,000 instead of finding the first below."""
    start = table[(table["Timestep"] == 0) & (table["VL"] > 1000)]["PatientID"].sort_values()
    return (table["VL"] > 1000).groupby(table["PatientID"]).sum().reindex(start).astype(float)
