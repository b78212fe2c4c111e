"""Exercises of implementation/11-diffusion-tensors: channels that noise can be poured over."""

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from hgteach.course.comparing import close, same_shape
from hgteach.course.registry import exercise


@exercise(
    "halved-months",
    title="Where a month gets lost",
    minutes=5,
    difficulty=1,
    prompt="""
v3's network halves the months `levels` times, rounding down, and then doubles them as often. Write
`lost(months, levels)`: how many months are missing after each doubling, a list in the order of the
way up. For 60 months and 3 levels it is `[1, 0, 0]`: 7 doubled is 14, and 15 were seen.
""",
    hint="List the lengths on the way down first, and compare each with twice the next one.",
    meaning="A month is lost wherever a length is odd, and one empty month there mends it.",
)
def lost(months, levels):
    """Halve, remember the remainders, and read them from the bottom up."""
    missing = []
    for _ in range(levels):
        missing.append(months % 2)
        months //= 2
    return missing[::-1]


@lost.verify
def _(answer):
    close(answer(60, 3), [1, 0, 0], "60 months, 3 levels", think="The deepest level comes first.")
    close(answer(100, 3), lost(100, 3), "100 months, 3 levels", think="Which lengths are odd?")
    close(answer(31, 2), [1, 1], "31 months, 2 levels", think="31, 15, 7.")


@lost.wrong
def _(months, levels):
    """Lists them from the top down."""
    return lost(months, levels)[::-1]


@exercise(
    "scores-of-ties",
    title="Normal scores, with equals among them",
    minutes=10,
    difficulty=2,
    prompt="""
Write `normal_scores(x)` for an array of n numbers: the quantile of the standard normal distribution
at the *middle* of each number's share of the ranks. The smallest of 5 different numbers stands for
the ranks from 0 to 1/5, so its place is 0.1. Equal numbers share the middle of all their ranks.
`ndtri` from `scipy.special` is the quantile function.
""",
    hint="`scipy.stats.rankdata` counts from 1, and gives equals their mean rank.",
    meaning="Order is kept, equals stay equal, and the shape is as near to normal as ties permit.",
)
def normal_scores(x):
    """Take the mean rank, less half a rank, as a share, and its quantile."""
    return ndtri((rankdata(x) - 0.5) / len(x))


@normal_scores.verify
def _(answer):
    x = np.array([30.0, 1.0, 1000.0, 5.0, 8.0])
    same_shape(answer(x), (5,))
    close(answer(x), ndtri([0.7, 0.1, 0.9, 0.3, 0.5]), "5 different numbers")
    think = "Only order counts: a logarithm must change nothing."
    close(answer(np.log(x)), normal_scores(x), "their logarithms", think=think)
    ties = np.array([2.0, 2.0, 2.0, 7.0])
    close(answer(ties), ndtri([0.375, 0.375, 0.375, 0.875]), "with equals", think="Ranks 1, 2, 3?")


@normal_scores.wrong
def _(x):
    """Lets the order in the file decide between equals."""
    return ndtri((np.argsort(np.argsort(x)) + 0.5) / len(x))


@exercise(
    "seen-through-noise",
    title="How well is sex seen through the noise?",
    minutes=15,
    difficulty=3,
    prompt="""
A static channel is −1 or +1, equally often, in all `months` months. Each month gets noise *of its
own*. Write `recognised(alpha_bar, months)`: the probability that the months' mean has the patient's
sign. `ndtr(z)` from `scipy.special` is the probability that a standard normal number is below z.
""",
    hint="""
The mean of the noisy months is √ᾱ x_0 plus the mean of the noise. How wide is the mean of `months`
independent numbers that are √(1 − ᾱ) wide each?
""",
    meaning="At the published last step 28 % of the patient is left a month, and sixty months of "
    "it say the sex almost surely. With one noise a patient they say no more than one month.",
)
def recognised(alpha_bar, months):
    """Return the chance that noise does not turn the sign of the mean."""
    return ndtr(np.sqrt(months * alpha_bar / (1 - alpha_bar)))


@recognised.verify
def _(answer):
    close(answer(0.0, 60), 0.5, "in pure noise", think="Nothing is left to see.")
    close(answer(0.5, 1), ndtr(1.0), "one month, half and half")
    random = torch.Generator().manual_seed(0)
    mean = 0.2 + np.sqrt(0.96) * torch.randn(20_000, 9, generator=random).mean(dim=1)
    drawn = (mean > 0).double().mean().item()
    think = "How wide is the mean of 9 noises?"
    what = "drawn 20,000 times, ᾱ = 0.04, 9 months"
    close(answer(0.04, 9), drawn, what, atol=0.015, rtol=0, think=think)


@recognised.wrong
def _(alpha_bar, months):
    """Forgets that a mean is calmer than a month."""
    return ndtr(np.sqrt(alpha_bar / (1 - alpha_bar)))
