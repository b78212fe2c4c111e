"""Exercises of the notebook hands-on/05-v2.5-transformer: time, attention, a fair comparison."""

import numpy as np
import torch

from hgteach.course.comparing import choose, close
from hgteach.course.registry import exercise


@exercise(
    "months-in-disorder",
    title="Months in disorder",
    minutes=3,
    difficulty=1,
    prompt="""
Take a synthetic cohort and shuffle the months of each patient. Which of these can change? Set
`answer` to the letter.

- **a**: the distribution of viral load over all rows
- **b**: how many patients there are of each sex and ethnicity
- **c**: how far viral load moves from one month to the next
- **d**: the correlation of viral load and CD4 over all rows
""",
    hint="Which of them needs to know which row comes after which?",
    meaning="Most measures of realism never look at order. Ask of each what it would overlook.",
)
def answer():
    """Only a step between neighbouring months depends on their order."""
    return "c"


@answer.verify
def _(letter):
    same_rows = "The rows are the same ones, in another order. Does this measure know the order?"
    choose(
        letter, "c", {"a": same_rows, "b": "Who the patients are does not move.", "d": same_rows}
    )


answer.wrong("a")
answer.wrong("d")


@exercise(
    "how-far-it-looks",
    title="How far does a month look?",
    minutes=10,
    difficulty=2,
    prompt="""
Attention weights `(T, T)` have a row for each month that looks; each row adds up to 1. Write
`how_far(weights)`: the mean distance in months to what is looked at, weighted, averaged over all
months that look: one number.
""",
    hint="""
First a table of distances, |row - column|: `torch.arange(T)` with a new axis, minus itself. Then
weight, add up each row, and take the mean of the rows.
""",
    meaning="Even weights over 60 months look 20 months far; looking only at oneself is 0.",
)
def how_far(weights):
    """Weight the distances, add up each row, average the rows."""
    month = torch.arange(len(weights), dtype=weights.dtype)
    distance = (month[:, None] - month[None, :]).abs()  # (T, T)
    return (weights * distance).sum(dim=1).mean()


@how_far.verify
def _(answer):
    close(answer(torch.eye(5)), 0.0, "looking at oneself", think="The distance to oneself is 0.")
    even = torch.full((4, 4), 0.25)
    close(answer(even), how_far(even), "even weights", think="Are distances always positive?")
    ahead = torch.zeros(4, 4)
    ahead[:, 0] = 1.0
    close(answer(ahead), 1.5, "everybody looks at month 0")


@how_far.wrong
def _(weights):
    """Lets looking back and looking ahead cancel."""
    month = torch.arange(len(weights), dtype=weights.dtype)
    return (weights * (month[:, None] - month[None, :])).sum(dim=1).mean()


@how_far.wrong
def _(weights):
    """Averages over all pairs, and divides by T once too often."""
    month = torch.arange(len(weights), dtype=weights.dtype)
    return (weights * (month[:, None] - month[None, :]).abs()).mean()


@exercise(
    "probability-better",
    title="Better, or luckier?",
    minutes=10,
    difficulty=3,
    prompt="""
Two models were trained with several seeds each; `old` and `new` hold one error a seed (lower is
better), not necessarily equally many. Write `probability_better(old, new)`: the probability that a
random seed of `new` has a lower error than a random seed of `old`; a tie counts one half.
""",
    hint="""
Compare every seed of one with every seed of the other: `np.asarray(new)[:, None]` against
`np.asarray(old)[None, :]`. A comparison is 0 or 1, so its mean is a share.
""",
    meaning="One half means no difference. With three seeds each there are only nine pairs, so "
    "even 1.0 is weak evidence: say how many seeds you ran.",
)
def probability_better(old, new):
    """Compare all pairs; ties count one half."""
    old, new = np.asarray(old, float)[None, :], np.asarray(new, float)[:, None]
    return float(((new < old) + 0.5 * (new == old)).mean())


@probability_better.verify
def _(answer):
    close(answer([3.0, 4.0], [1.0, 2.0]), 1.0, "clearly better", think="Lower is better.")
    close(answer([1.0, 1.0], [1.0]), 0.5, "ties", think="A tie counts one half.")
    old, new = [0.30, 0.20, 0.25], [0.22, 0.28]
    close(answer(old, new), 0.5, "three seeds and two", think="Compare every pair.")
    close(answer([1.0, 2.0, 9.0], [3.0, 2.0]), 0.25 + 1 / 6, "one unlucky seed")


@probability_better.wrong
def _(old, new):
    """Compares the means, which one unlucky seed decides."""
    return float(np.mean(new) < np.mean(old))


@probability_better.wrong
def _(old, new):
    """Gives ties away."""
    return float((np.asarray(new)[:, None] < np.asarray(old)[None, :]).mean())
