"""Exercises of the notebook implementation/09-mode-collapse: counting who disappears."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close, describe
from hgteach.course.registry import exercise


@exercise(
    "total-variation",
    title="How many would have to move?",
    minutes=5,
    difficulty=2,
    prompt="""
Write `total_variation(p, q)` for two lists of shares (each adds up to 1, in the same order): the
smallest share of people who would have to change groups to turn `p` into `q`.
""",
    hint="""
Whoever leaves one group arrives in another. If you add up all differences, how often have you
counted each person?
""",
    meaning="0 means the same shares, 1 means that no group is shared.",
)
def total_variation(p, q):
    """Half of the summed differences: each who moves is missing once and surplus once."""
    return np.abs(np.asarray(p, float) - np.asarray(q, float)).sum() / 2


@total_variation.verify
def _(answer):
    close(answer([0.5, 0.5], [0.5, 0.5]), 0.0, "equal shares")
    think = "Everybody has to move, and each person once."
    close(answer([1.0, 0.0], [0.0, 1.0]), 1.0, "nobody shared", think=think)
    close(answer([0.4, 0.4, 0.1, 0.1], [0.2, 0.2, 0.3, 0.3]), 0.4, "four groups", think=think)


@total_variation.wrong
def _(p, q):
    """Counts each person twice."""
    return np.abs(np.asarray(p) - np.asarray(q)).sum()


@total_variation.wrong
def _(p, q):
    """Looks at the worst group only."""
    return np.abs(np.asarray(p) - np.asarray(q)).max()


@exercise(
    "the-margins-agree",
    title="When both margins agree",
    minutes=5,
    difficulty=1,
    prompt="""
A synthetic cohort has exactly the right share of women, and exactly the right share of each
ethnicity. What follows for African women? Set `reading` to the letter.

- **a**: their share is right as well.
- **b**: they are there, but their share may be wrong.
- **c**: they may be missing altogether.
""",
    hint="""
Try it with four people: two women and two men, two African and two not. Can you seat them so that
no African woman is there?
""",
    meaning="Two right columns can hide a group that does not exist. Count joint groups.",
)
def reading():
    """The margins leave the joint table free, down to zero."""
    return "c"


@reading.verify
def _(letter):
    four = "Two women, both not African, and two African men: are the margins right?"
    choose(letter, "c", {"a": "Do two margins fix a table of four cells?", "b": four})


reading.wrong("a")
reading.wrong("b")


@exercise(
    "weights-for-the-missing",
    title="Can weights bring people back?",
    minutes=15,
    difficulty=3,
    prompt="""
A common repair: give each synthetic patient a weight, so that the weighted shares of the groups
match the real ones. Write `repair(real, synthetic)` for two arrays of shares: the pair `(weights,
missing)`. `weights` holds the weight of a patient of each group, real share over synthetic share,
and 0 where the group has no synthetic patient. `missing` is the real share that no weight can
reach.
""",
    hint="""
Divide only where there is somebody: `np.divide(real, synthetic, out=zeros, where=synthetic > 0)`.
Who is left?
""",
    meaning="Weights can turn up a voice that is there. They cannot give one to a group that is "
    "not, and a group of two with weight 30 is still two people.",
)
def repair(real, synthetic):
    """Weigh those who are there; add up the groups of which nobody is."""
    real, synthetic = np.asarray(real, float), np.asarray(synthetic, float)
    there = synthetic > 0
    weights = np.divide(real, synthetic, out=np.zeros_like(real), where=there)
    return weights, float(real[~there].sum())


@repair.verify
def _(answer):
    think = "Two groups have nobody. What do they weigh, and how many real people are they?"
    for real, made, what, hint in (
        ([0.5, 0.5], [0.8, 0.2], "two groups", "Real share over synthetic share."),
        ([0.6, 0.25, 0.1, 0.05], [0.9, 0.1, 0.0, 0.0], "a collapsed copy", think),
    ):
        found = answer(np.array(real), np.array(made))
        if not (isinstance(found, tuple | list) and len(found) == 2):
            raise Wrong(f"{what}: expected the pair (weights, missing), got {describe(found)}.")
        weights, missing = repair(real, made)
        close(found[0], weights, f"{what}, weights", think=hint)
        close(found[1], missing, f"{what}, missing", think=hint)


@repair.wrong
def _(real, synthetic):
    """Lets a group of nobody weigh infinitely much."""
    with np.errstate(divide="ignore"):
        return np.asarray(real, float) / np.asarray(synthetic, float), 0.0


@repair.wrong
def _(real, synthetic):
    """Divides the wrong way round."""
    real, synthetic = np.asarray(real, float), np.asarray(synthetic, float)
    return synthetic / real, float(real[synthetic == 0].sum())
