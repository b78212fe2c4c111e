"""Exercises of implementation/12-forward-noising: how much of a patient is left at each step."""

import numpy as np
from scipy.optimize import brentq

from hgteach.course.comparing import Wrong, close, describe
from hgteach.course.registry import exercise
from hgteach.models.diffusion import cosine_alpha_bar, linear_alpha_bar


@exercise(
    "fast-forward",
    title="Straight to step t",
    minutes=5,
    difficulty=1,
    prompt="""
Write `fast_forward(beta, t)`: the factors of patient and noise at step `t`, a pair of numbers.
`beta` is an array of the variances that are added, step 1 first. At step 0 it is `(1, 0)`.
""",
    hint="`beta[:t]` are the steps so far. What does each do to the patient's *variance*?",
    meaning="Training may jump to any step at once, so no step has to wait for those before it.",
)
def fast_forward(beta, t):
    """Multiply what is left in each step; take roots at the end."""
    left = np.prod(1 - np.asarray(beta)[:t])
    return left**0.5, (1 - left) ** 0.5


@fast_forward.verify
def _(answer):
    beta = np.array([0.36, 0.25, 0.19])
    close(answer(beta, 0), (1.0, 0.0), "step 0", think="Nothing has happened yet.")
    close(answer(beta, 1), (0.8, 0.6), "step 1, β = 0.36", think="Variance or spread?")
    think = "Each step keeps a share of what the steps before it left."
    close(answer(beta, 3), fast_forward(beta, 3), "step 3", think=think)


@fast_forward.wrong
def _(beta, t):
    """Adds the variances up."""
    return (1 - beta[:t].sum()) ** 0.5, beta[:t].sum() ** 0.5


@exercise(
    "buried-at",
    title="When is sex buried?",
    minutes=10,
    difficulty=2,
    prompt="""
A static channel is −1 or 1 in `months` months, and each month has noise of its own. Write
`buried_at(alpha_bar, months)`: the first step at which the noise *in the months' mean* has a larger
variance than the patient's part has (the square of √ᾱ · 1). `alpha_bar` is an array of ᾱ_0 … ᾱ_T.
If it never happens, return T + 1.
""",
    hint="The mean of m independent numbers has an m-th of their variance.",
    meaning="With the published schedule one month is buried half-way, and sixty months never.",
)
def buried_at(alpha_bar, months):
    """Return the first step with (1 − ᾱ) / months > ᾱ."""
    alpha_bar = np.asarray(alpha_bar)
    buried = (1 - alpha_bar) / months > alpha_bar
    return int(buried.argmax()) if buried.any() else len(alpha_bar)


@buried_at.verify
def _(answer):
    schedules = {"published": linear_alpha_bar(500), "cosine": cosine_alpha_bar(500)}
    for name, schedule in schedules.items():
        for months in (1, 5, 60):
            what, think = f"{name} schedule, {months} months", "Is it the noise of the mean?"
            close(answer(schedule.numpy(), months), buried_at(schedule, months), what, think=think)


@buried_at.wrong
def _(alpha_bar, months):
    """Looks at one month."""
    return int((alpha_bar < 0.5).argmax())


@exercise(
    "bury-it",
    title="Mend the straight line",
    minutes=15,
    difficulty=3,
    prompt="""
The published schedule is a straight line of β from `first` to `last`, and leaves 28 % of the
patient. Keep the line, but bury the patient: write `last_beta(steps, first, left)`, the `last` with
which √ᾱ_T = `left`. It has to be right within 2 %.
""",
    hint="""
`linear_alpha_bar(steps, first, last)[-1]` is ᾱ_T; a larger `last` leaves less. A root
finder (`scipy.optimize.brentq`) does the rest. A first guess: ᾱ_T is about exp(−sum of all β).
""",
    meaning="Half as many steps need β about twice as large; the published ones are half as large.",
)
def last_beta(steps, first, left):
    """Search between `first` and 1/2 for the β that leaves what is asked for."""

    def too_much(last):
        return np.log(linear_alpha_bar(steps, first, last)[-1].item()) / 2 - np.log(left)

    return brentq(too_much, first, 0.5)


@last_beta.verify
def _(answer):
    for steps, first, left in ((500, 1e-4, 0.01), (100, 1e-3, 0.05), (500, 1e-4, 0.2818)):
        last = answer(steps, first, left)
        if not isinstance(last, float | int):  # NumPy's float64 is a float
            raise Wrong(f"expected a number, got {describe(last)}.")
        found = linear_alpha_bar(steps, first, last)[-1].item() ** 0.5
        if not abs(found / left - 1) < 0.02:
            what = f"{steps} steps from {first:g}, to leave {left:g}"
            raise Wrong(f"{what}: with last = {last:.4g}, {found:.4g} is left.")


@last_beta.wrong
def _(steps, first, left):
    """Stops at the first guess."""
    return -4 * np.log(left) / steps - first
