"""Exercises of the notebook implementation/02-dataloader: order, cuts and batches."""

import numpy as np
import torch

from hgteach.course.comparing import Wrong, close, describe
from hgteach.course.registry import exercise


@exercise(
    "row-of",
    title="Where did this month come from?",
    minutes=5,
    difficulty=1,
    prompt="""
A reshape moves no number, so `x[patient, month]` must have been a row of the table. Which one?
Write `row_of(patient, month, timesteps)`; all three count from 0 or are whole numbers, and the
rows are sorted by patient, then month.
""",
    hint="How many rows do the patients before this one fill?",
    meaning="All that a reshape does is this sum, read backwards.",
)
def row_of(patient, month, timesteps):
    """Skip the rows of all earlier patients, then this patient's earlier months."""
    return patient * timesteps + month


@row_of.verify
def _(answer):
    close(answer(0, 2, 3), 2, "the toy's P0, month 2")
    close(answer(1, 0, 3), 3, "the toy's P1, month 0", think="P0 fills rows 0, 1 and 2.")
    close(answer(7, 59, 60), 479, "patient 7, month 59 of 60")


@row_of.wrong
def _(patient, month, timesteps):
    """Sorted by month first."""
    return month * timesteps + patient


@row_of.wrong
def _(patient, month, timesteps):
    """Counts from 1."""
    return patient * timesteps + month + 1


@exercise(
    "find-mixed-patients",
    title="A detector for mixed-up people",
    minutes=10,
    difficulty=2,
    prompt="""
In these data a person's sex and ethnicity never change. If they do, the rows were in the wrong
order (or a generator forgot who it was writing about). Write `count_mixed(block)` for the one-hot
block of such a column, a tensor of shape `(patients, timesteps, levels)`: how many patients do not
keep their first month's level?
""",
    hint="""
Compare every month with the first: `block[:, :1]` keeps the axis, so it lines up with `block`.
Then ask, for each patient, whether *any* month differs *anywhere*. Count people, not months.
""",
    meaning="Columns that cannot change are free alarms, for your pipeline and for a generator.",
)
def count_mixed(block):
    """Count the patients with any month that differs from their first."""
    differs = block != block[:, :1]  # (P, T, levels)
    return int(differs.any(dim=2).any(dim=1).sum())


@count_mixed.verify
def _(answer):
    codes = torch.tensor([[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 0]])
    block = torch.nn.functional.one_hot(codes, 2).float()
    close(answer(block[:2]), 0, "two patients who stay the same")
    think = "Count each person once, however often the level changes."
    close(answer(block), 3, "five patients, three of them mixed", think=think)


@count_mixed.wrong
def _(block):
    """Counts months, not people."""
    return int((block != block[:, :1]).any(dim=2).sum())


@count_mixed.wrong
def _(block):
    """Looks at the first and the last month only."""
    return int((block[:, 0] != block[:, -1]).any(dim=1).sum())


@exercise(
    "equal-batches",
    title="Nobody sits out, nobody counts twice",
    minutes=10,
    difficulty=3,
    prompt="""
Write `batch_sizes(patients, largest)`: a list of batch sizes that uses every patient once, has as
few batches as possible with none above `largest`, and differs by one at most. For 300 patients and
`largest = 256` it is `[150, 150]`.
""",
    hint="""
First find the *number* of batches; rounding up is the point. Then divide the patients among them,
and hand out the remainder one by one. Compare the lists as sets of sizes: order does not matter.
""",
    meaning="With equal batches every patient pulls on the model with the same weight.",
)
def batch_sizes(patients, largest):
    """Divide the patients among the fewest batches, remainder handed out one by one."""
    count = -(-patients // largest)
    each, left = divmod(patients, count)
    return [each + 1] * left + [each] * (count - left)


@batch_sizes.verify
def _(answer):
    for patients, largest in ((300, 256), (8916, 256), (7, 2), (256, 256), (5, 10)):
        sizes = answer(patients, largest)
        what = f"{patients} patients, at most {largest}"
        if not isinstance(sizes, list) or not all(isinstance(s, int | np.integer) for s in sizes):
            raise Wrong(f"{what}: expected a list of whole numbers, got {describe(sizes)}.")
        close(sum(sizes), patients, f"{what}, all sizes added", think="Everyone, once.")
        expected = sorted(batch_sizes(patients, largest))
        close(sorted(sizes), expected, what, think="As few batches as possible, equally full.")


@batch_sizes.wrong
def _(patients, largest):
    """Drops the incomplete batch, as the series does."""
    return [largest] * (patients // largest)


@batch_sizes.wrong
def _(patients, largest):
    """Keeps the incomplete batch as it is."""
    left = patients % largest
    return [largest] * (patients // largest) + ([left] if left else [])
