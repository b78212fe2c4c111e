"""Exercises of implementation/12-forward-noising: how much of a patient is left at each step."""

import numpy as np
import torch
from scipy.optimize import brentq

from hgteach.course.comparing import Wrong, close
from hgteach.course.registry import exercise
from hgteach.models.diffusion import cosine_alpha_bar, linear_alpha_bar


@exercise(
    "fast-forward",
    title="Straight to step t",
    minutes=5,
    difficulty=1,
    prompt="""
Write `fast_forward(beta, t)`: the factor of the patient and the factor of the noise at step `t`, a
pair of numbers. `beta` is an array of the variances that are added, step 1 first. At step 0 it is
`(1, 0)`.
""",
    hint="`beta[:t]` are the steps so far. What happens to the patient's *variance* in each of them?",
    meaning="Training may jump to any step at once, so no step has to wait for those before it.",
)
def fast_forward(beta, t):
    """Multiply what is left in each step; take roots at the end."""
    left = np.prod(1 - np.asarray(beta)[:t])
    return left**0.5, (1 - left) ** 0.5


@fast_forward.verify
def _(answer):
    beta = np.array([0.36, 0.75, 0.5])
    close(answer(beta, 0), (1.0, 0.0), "step 0", think="Nothing has happened yet.")
    close(answer(beta, 1), (0.8, 0.6), "step 1, β = 0.36", think="Variance or spread?")
    close(answer(beta, 3), fast_forward(beta, 3), "step 3")


@fast_forward.wrong
def _(beta, t):
    """Adds the variances up."""
    return (1 - beta[:t].sum()) ** 0.5, beta[:t].sum() ** 0.5


@fast_forward.wrong
def _(beta, t):
    """Forgets the roots."""
    left = np.prod(1 - beta[:t])
    return left, 1 - left


@exercise(
    "buried-at",
    title="When is sex buried?",
    minutes=10,
    difficulty=2,
    prompt="""
A static channel is −1 or 1 in `months` months, and each month has noise of its own. Write
`buried_at(alpha_bar, months)`: the first step at which the noise *in the months' mean* has a larger
variance than the patient's part has (the square of √ᾱ · 1). `alpha_bar` is an array of ᾱ_0 … ᾱ_T.
If it never happens, return `None`.
""",
    hint="The mean of m independent numbers has an m-th of their variance.",
    meaning="With the published schedule one month is buried half-way, and sixty months never.",
)
def buried_at(alpha_bar, months):
    """Return the first step with (1 − ᾱ) / months > ᾱ."""
    alpha_bar = np.asarray(alpha_bar)
    buried = (1 - alpha_bar) / months > alpha_bar
    return int(buried.argmax()) if buried.any() else None


@buried_at.verify
def _(answer):
    linear, cosine = linear_alpha_bar(500).numpy(), cosine_alpha_bar(500).numpy()
    for name, schedule in (("published", linear), ("cosine", cosine)):
        for months in (1, 5, 60):
            expected = buried_at(schedule, months)
            got = _found(answer, schedule.copy(), months)
            if got != expected:
                what = f"the {name} schedule, {months} months"
                raise Wrong(f"{what}: expected {expected}, got {got}. Is it the mean's noise?")


def _found(answer, schedule, months):
    """Call an answer for which None is a result, which the guard otherwise refuses."""
    return getattr(answer, "__wrapped__", answer)(schedule, months)


@buried_at.wrong
def _(alpha_bar, months):
    """Looks at one month."""
    return int((alpha_bar < 0.5).argmax())
