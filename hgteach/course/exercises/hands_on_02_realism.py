"""Exercises of the notebook hands-on/02-realism: gaps, too good, order of codes, backwards."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close, same_shape
from hgteach.course.registry import exercise


@exercise(
    "largest-gap",
    title="The largest gap",
    minutes=8,
    difficulty=1,
    prompt="""
Write `largest_gap(a, b)`, the Kolmogorov–Smirnov distance of two lists of numbers. For each value
that occurs, compare the share of `a` that is at most this value with the share of `b` that is.
Return the largest of these differences.
""",
    hint="""
`(a[:, None] <= values).mean(axis=0)` is the share of `a` at or below each of the `values`.
""",
    meaning="It is 0 for equal distributions, 1 for ones that do not overlap, whatever the unit.",
)
def largest_gap(a, b):
    """Compare the two cumulative shares at every value that occurs."""
    a, b = np.asarray(a), np.asarray(b)
    values = np.concatenate([a, b])
    shares = [(x[:, None] <= values).mean(axis=0) for x in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


@largest_gap.verify
def _(answer):
    close(answer(np.array([1.0, 2, 3]), np.array([2.0, 3, 4])), 1 / 3, "1, 2, 3 against 2, 3, 4")
    close(answer(np.array([1.0, 2]), np.array([7.0, 8, 9])), 1.0, "no overlap")
    think = "Half of the first list lies at or below 1, and how much of the second?"
    close(answer(np.array([1.0, 9]), np.array([1.0, 1, 1, 9])), 1 / 4, "with ties", think=think)
    close(answer(np.array([5.0, 5]), np.array([1.0, 5])), 1 / 2, "5, 5 against 1, 5")


@largest_gap.wrong
def _(a, b):
    """Looks only where the first list has values."""
    shares = [(x[:, None] <= a).mean(axis=0) for x in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


@exercise(
    "closer-than-people",
    title="Closer than other people",
    minutes=5,
    difficulty=1,
    prompt="""
A copy's columns are closer to the real ones than those of *other real people* are. What follows?
Set `reading` to the letter.

- **a**: the copy is better than real patients.
- **b**: the copy may have been made from these very rows, so this measure can praise it no further.
- **c**: the measure is broken.
""",
    hint="Where do the values of the two bad copies come from?",
    meaning="The floor is where chance alone lands. Below it there is nothing to win, only to ask.",
)
def reading():
    """Shuffled or repeated rows keep the columns as they are."""
    return "b"


@reading.verify
def _(letter):
    refused = {
        "a": "Both bad copies hold real values, moved around. Would you call them better?",
        "c": "It measures columns, and the columns are the same. What did it not look at?",
    }
    choose(letter, "b", refused)


reading.wrong("a")
reading.wrong("c")


@exercise(
    "explained-by-levels",
    title="How much do the levels explain?",
    minutes=10,
    difficulty=2,
    prompt="""
Write `explained(numbers, codes)`: how much of the variance of `numbers` lies between the groups
that have the same code. Sum, over the groups, of size times squared distance of the group's mean
from the mean of all, divided by the summed squared distances of all numbers from it.
""",
    hint="""
`np.bincount(codes)` counts each group, `np.bincount(codes, weights=numbers)` adds it up.
""",
    meaning="It lies from 0 to 1, its square root is the correlation ratio, and it does not care "
    "which code a level has.",
)
def explained(numbers, codes):
    """Compare the spread of the groups' means with the spread of all."""
    apart = numbers - np.mean(numbers)
    sizes, sums = np.bincount(codes), np.bincount(codes, weights=apart)
    return (sums**2 / np.maximum(sizes, 1)).sum() / (apart**2).sum()


@explained.verify
def _(answer):
    pairs = np.array([0, 0, 1, 1])
    close(answer(np.array([1.0, 1, 3, 3]), pairs), 1.0, "two groups without spread")
    close(answer(np.array([1.0, 3, 1, 3]), pairs), 0.0, "two equal groups")
    numbers, codes = np.array([1.0, 2, 6, 7, 7, 1]), np.array([0, 0, 3, 3, 3, 1])
    think = "Is each group weighted by its size? Code 2 belongs to nobody."
    close(answer(numbers, codes), explained(numbers, codes), "unequal groups", think=think)
    turned = np.array([3, 1, 2, 0])[codes]
    close(answer(numbers, turned), explained(numbers, codes), "the same groups, other codes")


@explained.wrong
def _(numbers, codes):
    """Correlates with the codes, whose order means nothing."""
    return np.corrcoef(numbers, codes)[0, 1] ** 2


@exercise(
    "fool-the-judge",
    title="Fool the judge",
    minutes=15,
    difficulty=3,
    prompt="""
Be the forger. Write `forge(course)` for one patient's table `(T, columns)` of numbers: another
table of the same shape that keeps every value of every column, keeps which values stand in one
row together, and keeps the autocorrelation of each column, and yet tells another story: the
patient of the check, who got better, must get worse.
""",
    hint="The rows may move, as whole rows. Which order of rows keeps all neighbours together?",
    meaning="Columns, correlations and autocorrelation are all blind to the direction of time.",
)
def forge(course):
    """Play the record backwards."""
    return course[::-1].copy()


@forge.verify
def _(answer):
    better = np.array([[5.0, 200], [4.6, 230], [3.1, 300], [2.0, 310], [1.7, 420], [1.6, 450]])
    forged = answer(better.copy())
    same_shape(forged, better)
    forged = np.asarray(forged)
    rows = [sorted(map(tuple, table.tolist())) for table in (forged, better)]
    if rows[0] != rows[1]:
        raise Wrong("the rows are no longer the same rows: their values may move only together.")
    steps = [np.abs(np.diff(table, axis=0)).sum(axis=0) for table in (forged, better)]
    if not np.allclose(*steps):
        raise Wrong("neighbouring months no longer resemble each other as they did.")
    if forged[-1, 0] <= forged[0, 0]:
        raise Wrong("the viral load, the first column, still falls: the patient still gets better.")


@forge.wrong
def _(course):
    """Shuffles the rows."""
    return np.random.default_rng(0).permutation(course)


@forge.wrong
def _(course):
    """Turns one column only, and tears rows apart."""
    forged = course.copy()
    forged[:, 0] = course[::-1, 0]
    return forged
