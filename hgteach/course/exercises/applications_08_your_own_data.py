"""Exercises of the notebook applications/08-your-own-data: empty cells, gaps, who goes where."""

import numpy as np

from hgteach.course.comparing import Wrong, close, same_shape
from hgteach.course.registry import exercise

NONE = float("nan")


@exercise(
    "flag-and-fill",
    title="An empty cell, said in two columns",
    minutes=8,
    difficulty=1,
    prompt="""
Write `flag_and_fill(values)` for the values of one patient in the order of time, an array with
`nan` where a cell is empty. Return `(filled, empty)`: the values with each empty cell holding the
last value before it (or, before the first one, the first one), and an array of booleans that says
which cells were empty. At least one value is there.
""",
    hint="For each row, find the position of the last row up to it that is not empty: "
    "`np.maximum.accumulate` of positions does it. Rows before the first value have none yet.",
    meaning="Nothing is lost: where the flag says empty, the fill is taken out again.",
)
def flag_and_fill(values):
    """The position of the last value so far, or of the first one."""
    empty = np.isnan(values)
    last = np.maximum.accumulate(np.where(empty, -1, np.arange(len(values))))
    return values[np.where(last < 0, np.argmin(empty), last)], empty


@flag_and_fill.verify
def _(answer):
    values = np.array([NONE, 5.0, NONE, NONE, 7.0, NONE])
    found = answer(values.copy())
    if not isinstance(found, tuple) or len(found) != 2:
        raise Wrong("expected two arrays, filled and empty")
    close(found[1], np.isnan(values), "empty")
    close(found[0], [5.0, 5, 5, 5, 7, 7], "filled",
          think="Only the first row looks ahead.")  # fmt: skip


@flag_and_fill.wrong
def _(values):
    """Fills with the mean, which nobody ever measured."""
    empty = np.isnan(values)
    return np.where(empty, np.nanmean(values), values), empty


@exercise(
    "visits-again",
    title="From gaps back to visits",
    minutes=10,
    difficulty=2,
    prompt="""
A generator made, for `P` patients with `T` rows each: `first` `(P,)`, the day of the first visit;
`gap` `(P, T)`, days since the row before (in the first row it means nothing); `rows` `(P,)`, how
many rows each patient has, a number that need not be whole or lie between 1 and `T`. Write
`visits_again(first, gap, rows)`: an array `(P, T)` of days, with `nan` where there is no row.
""",
    hint="Put `first` in the place of the first gap and add up along the row. A number of rows is "
    "rounded and brought between 1 and T, then compared with 0, 1, …, T - 1.",
    meaning="Gaps above 0 make times that go up, whatever the model does: order is built in.",
)
def visits_again(first, gap, rows):
    """Adds up, then cuts."""
    steps = np.concatenate([first[:, None], gap[:, 1:]], axis=1)
    kept = np.arange(gap.shape[1]) < np.clip(np.rint(rows), 1, gap.shape[1])[:, None]
    return np.where(kept, steps.cumsum(axis=1), np.nan)


@visits_again.verify
def _(answer):
    first, gap = np.array([10.0, 0.0, 5.0]), np.array([[9.0, 7, 2], [3, 3, 3], [1, 1, 1]])
    found = answer(first, gap.copy(), np.array([2.4, 9.0, 0.2]))
    same_shape(found, (3, 3), "three patients")
    expected = np.array([[10, 17, NONE], [0, 3, 6], [5, NONE, NONE]])
    close(np.isnan(found), np.isnan(expected), "where there is no row",
          think="9 rows of 3 are 3; 0.2 rows are still 1.")  # fmt: skip
    close(np.nan_to_num(found), np.nan_to_num(expected), "days",
          think="The first gap means nothing.")  # fmt: skip


@visits_again.wrong
def _(first, gap, rows):
    """Adds the first gap too."""
    kept = np.arange(gap.shape[1]) < np.clip(np.rint(rows), 1, gap.shape[1])[:, None]
    return np.where(kept, first[:, None] + gap.cumsum(axis=1), np.nan)


@exercise(
    "hold-out-patients",
    title="Hold out people, not rows",
    minutes=8,
    difficulty=3,
    prompt="""
Write `hold_out(patients, share, seed)`: `patients` is an array that says of each row whose it is.
Return an array of booleans, one a row, that is true for all rows of `share` of the patients
(rounded), drawn at random with `seed`, and for no row of the others.
""",
    hint="Draw from the *different* patients, without putting back, then ask of each row whether "
    "its patient was drawn: `np.unique`, `choice(…, replace=False)`, `np.isin`.",
    meaning="A row of somebody that the generator knows is no test: the person was there.",
)
def hold_out(patients, share, seed):
    """Draws people, then takes their rows."""
    people = np.unique(patients)
    chosen = np.random.default_rng(seed).choice(people, round(share * len(people)), replace=False)
    return np.isin(patients, chosen)


@hold_out.verify
def _(answer):
    patients = np.repeat([f"C-{k}" for k in range(40)], np.arange(40) % 7 + 1)
    found = np.asarray(answer(patients, 0.25, 1))
    same_shape(found, patients.shape, "one a row")
    held, others = set(patients[found]), set(patients[~found])
    if held & others:
        raise Wrong(f"{len(held & others)} patients have rows on both sides")
    if len(held) != 10:
        raise Wrong(f"expected a quarter of 40 patients, which is 10, got {len(held)}")
    if held == set(patients[np.asarray(answer(patients, 0.25, 2))]):
        raise Wrong("two seeds hold out the same patients; are they drawn at random?")


@hold_out.wrong
def _(patients, share, seed):
    """Draws rows."""
    return np.random.default_rng(seed).random(len(patients)) < share
