"""Exercises of the notebook implementation/16-dynamic-correlations: lines, rests, two faults."""

import numpy as np

from hgteach.course.comparing import Wrong, close, describe
from hgteach.course.registry import exercise

COURSES = np.random.default_rng(0).normal(size=(2, 41, 12)).cumsum(axis=2)  # (2, P, T)


@exercise(
    "line-and-rest",
    title="Cut a course in two",
    minutes=8,
    difficulty=1,
    prompt=r"""
Write `line_and_rest(x)` for one patient's values, one a month: the pair `(line, rest)`. The line is
the straight one that fits best; its slope is
$\sum (t - \bar t)(x - \bar x) \big/ \sum (t - \bar t)^2$, and it passes through $(\bar t, \bar x)$.
Line and rest add up to `x`.
""",
    hint="`t = np.arange(len(x))`. Which value has the line in the middle month?",
    meaning="The rest has no slope and no mean left: all that a line can say is in the line.",
)
def line_and_rest(x):
    """Fit the line by least squares, in one formula, and take it off."""
    x = np.asarray(x, dtype=float)
    t = np.arange(len(x)) - (len(x) - 1) / 2
    line = x.mean() + t * (t @ (x - x.mean())) / (t @ t)
    return line, x - line


@line_and_rest.verify
def _(answer):
    for x in ([3.0, 5.0, 7.0, 9.0], [1.0, 4.0, 4.0, 7.0, 1.0]):
        found = answer(np.array(x))
        if not (isinstance(found, tuple | list) and len(found) == 2):
            raise Wrong(f"expected the pair (line, rest), got {describe(found)}.")
        for part, expected, name in zip(found, line_and_rest(x), ("line", "rest"), strict=True):
            think = "Line and rest add up, and all months pull at the line, not only two."
            close(part, expected, f"the {name} of {x}", think=think)


@line_and_rest.wrong
def _(x):
    """Connects the first and the last value."""
    line = np.linspace(x[0], x[-1], len(x))
    return line, x - line


@exercise(
    "behind-the-trend",
    title="What stands behind a trend of 0.9?",
    minutes=10,
    difficulty=2,
    prompt=r"""
In every patient the correlation of two lines is 1 or −1; the recipe cuts it at ±0.999999, takes
`arctanh`, averages over patients, and takes `tanh`. Turn that round. Write
`share_same_way(trend)`: the share of patients, from 0 to 1, whose two lines run the same way, if
the published trend correlation of the pair is `trend`.
""",
    hint="""
If a share `s` has +z and the rest −z, what is the mean? `z` is `np.arctanh(0.999999)`, about 7.25.
""",
    meaning="A published trend of 0.9 means 60 % of patients, and 0.5 means 54 %: hardly a trend.",
)
def share_same_way(trend):
    """The mean of ±z is z (2s − 1), and tanh of it is what was published."""
    return (1 + np.arctanh(trend) / np.arctanh(0.999999)) / 2


@share_same_way.verify
def _(answer):
    close(answer(0.0), 0.5, "trend 0", think="Nothing is left if as many agree as disagree.")
    think = "The mean is z (2s − 1)."
    for trend in (0.9, -0.5):
        close(answer(trend), share_same_way(trend), f"trend {trend}", think=think)


@share_same_way.wrong
def _(trend):
    """Takes the published number for a mean of ±1."""
    return (1 + trend) / 2


@exercise(
    "stands-still",
    title="Does it move at all?",
    minutes=8,
    difficulty=2,
    prompt="""
Write `moves(x)`: True if one patient's values really change, False if all differences between
them are round-off of the computer. Amounts may be large (100,000 copies/mL) or small (0.001), so
one fixed limit will not do.
""",
    hint="""
A computer's number carries about 16 digits. What counts as nothing beside a value of 100,000?
""",
    meaning="Equality is the wrong question to ask of computed numbers; *how small beside what* is "
    "the right one.",
)
def moves(x):
    """Compare the spread with a millionth of the size of the values."""
    x = np.asarray(x, dtype=float)
    return bool(x.std() > 1e-6 * np.abs(x).max())


@moves.verify
def _(answer):
    wobble = np.tile([1.0, -1.0], 30)
    for size in (1e5, 2.0, 1e-3):
        think = f"What is small beside {size:g}?"
        still, moving = size * (1 + 2e-16 * wobble), size * (1 + 0.01 * wobble)
        close(answer(still), False, f"{size:g}, but for the last digit", think=think)
        close(answer(moving), True, f"{size:g}, give or take 1 %", think=think)
    close(answer(np.zeros(60)), False, "sixty zeros")


@moves.wrong
def _(x):
    """Asks whether the spread is exactly zero, as the published code does."""
    return bool(np.std(x) != 0)


@moves.wrong
def _(x):
    """Uses one limit for all sizes."""
    return bool(np.std(x) > 1e-3)


@exercise(
    "agreement-of-slopes",
    title="A trend that is not saturated",
    minutes=12,
    difficulty=3,
    prompt="""
Write `agreement(a, b)` for two columns of the same patients, `(P, T)` each: of the patients in
whom both columns move, the share whose two slopes have the same sign, less the share whose slopes
have opposite signs. Use no loop over patients. For this exercise, no patient has a slope of
exactly 0 and still moves.
""",
    hint="""
The sign of a slope is the sign of `(x - mean) @ t` with the months `t` counted from their middle.
The product of two signs is 1 or −1. What is its mean?
""",
    meaning="It lies from −1 to 1, is 0 if slopes are unrelated, and no logarithm stretches it.",
)
def agreement(a, b):
    """Average the product of the slopes' signs over those patients in whom both columns move."""
    t = np.arange(a.shape[1]) - (a.shape[1] - 1) / 2
    ways, still = [], np.zeros(len(a), dtype=bool)
    for x in (a, b):
        ways.append(np.sign((x - x.mean(axis=1, keepdims=True)) @ t))  # (P,)
        still |= x.std(axis=1) <= 1e-6 * np.abs(x).max(axis=1)
    return (ways[0] * ways[1])[~still].mean()


@agreement.verify
def _(answer):
    a, b = COURSES
    close(answer(a, b), agreement(a, b), "41 patients")
    close(answer(a, a), 1.0, "a column with itself", think="All slopes agree.")
    held = b.copy()
    held[:20] = 0.1
    think = "In 20 patients the second column stands still: they have no say."
    close(answer(a, held), agreement(a, held), "41 patients, 20 still", think=think)


@agreement.wrong
def _(a, b):
    """Counts patients who stand still."""
    t = np.arange(a.shape[1]) - (a.shape[1] - 1) / 2
    return (np.sign(a @ t) * np.sign(b @ t)).mean()
