"""Exercises of the notebook implementation/01-preprocessing: levels, Box–Cox, float32."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close
from hgteach.course.registry import exercise


@exercise(
    "read-levels",
    title="Read a block back",
    minutes=5,
    difficulty=1,
    prompt="""
A generator does not write clean ones and zeros. A row of its block for *Extra PI* may be
`[0.4, 0.3, 0.3]`. Write `read_levels(block, levels)`: for an array of shape `(rows, levels)` and
a list of names, return the list of the most likely name of each row.
""",
    hint="""
Which *position* in the row holds the largest number? NumPy has one function for it. Rounding will
not do: in the row above nothing rounds to one.
""",
    meaning="Taking the largest channel always gives one level, and throws away how sure it was.",
)
def read_levels(block, levels):
    """Name the largest channel of each row."""
    return [levels[position] for position in block.argmax(axis=1)]


@read_levels.verify
def _(answer):
    levels = ["DRV", "RTV", "none"]
    close(answer(np.eye(3), levels), levels, "clean one-hot rows")
    unsure = np.array([[0.4, 0.3, 0.3], [0.2, 0.35, 0.45]])
    think = "No entry of these rows passes a half, yet one of each is the largest."
    close(answer(unsure, levels), ["DRV", "none"], "unsure rows", think=think)


@read_levels.wrong
def _(block, levels):
    """Rounds, and falls back to the first level when nothing passes a half."""
    return [levels[position] for position in (block > 0.5).argmax(axis=1)]


@read_levels.wrong
def _(block, levels):
    """Looks down the columns instead of along the rows."""
    return [levels[position] for position in block.argmax(axis=0)]


@exercise(
    "inverse-box-cox",
    title="The way back",
    minutes=10,
    difficulty=2,
    prompt=r"""
A model trained on bent numbers makes bent numbers; a clinician wants copies/mL. Solve
$y = (x^\lambda - 1) / \lambda$ for $x$ and write `inverse_box_cox(y, lam)`. It must also work for
`lam = 0`.
""",
    hint=r"""
Multiply by $\lambda$, add one, then ask which power undoes "to the power $\lambda$". For
$\lambda = 0$: what undoes the logarithm?
""",
    meaning="Every step of the pipeline has a way back, so what a model makes can be read in "
    "clinical units.",
)
def inverse_box_cox(y, lam):
    """Undo Box–Cox: the exponential at 0, otherwise a root."""
    return np.exp(y) if lam == 0 else (lam * y + 1) ** (1 / lam)


@inverse_box_cox.verify
def _(answer):
    x = np.array([0.5, 1.0, 40.0, 9000.0])
    for lam in (1.0, 0.5, -0.25):
        y = (x**lam - 1) / lam
        think = "Put x = 40 through the formula by hand, then walk back step by step."
        close(answer(y, lam), x, f"lam = {lam}", think=think)
    close(answer(np.log(x), 0.0), x, "lam = 0", think="Here y is the logarithm of x.")


@inverse_box_cox.wrong
def _(y, lam):
    """Forgets the limit at 0, where dividing by lam fails."""
    return (lam * y + 1) ** (1 / lam)


@inverse_box_cox.wrong
def _(y, lam):
    """Takes the power instead of the root."""
    return np.exp(y) if lam == 0 else (lam * y + 1) ** lam


@exercise(
    "why-the-second-term",
    title="Why the second term?",
    minutes=5,
    difficulty=2,
    prompt=r"""
Leave $(\lambda - 1) \sum \log x$ out of the likelihood, as the dotted line does. For numbers
above 1, the "best" $\lambda$ is then as negative as you allow. Why?

- **a**: a negative $\lambda$ really makes the numbers more normal.
- **b**: a negative $\lambda$ presses all numbers together, and a small variance looks like a good
  fit unless the pressing has its price.
- **c**: the logarithm of the variance cannot be computed for a negative $\lambda$.

Set `answer` to the letter.
""",
    hint=r"""
What is the variance of $y$ if all patients land between 0 and 0.01? Who could then still be told
apart?
""",
    meaning="A density must count how far the axis was stretched; that count is the second term.",
)
def why_the_second_term():
    """Return the letter: shrinking the axis must cost something."""
    return "b"


@why_the_second_term.verify
def _(answer):
    choose(
        answer,
        "b",
        {
            "a": "look at the histograms for a strongly negative power: they pile up at one end.",
            "c": "the dotted line was drawn, so the variance could be computed.",
        },
    )


for letter in "ac":
    why_the_second_term.wrong(letter)


@exercise(
    "survives-float32",
    title="Which powers survive float32?",
    minutes=15,
    difficulty=3,
    prompt=r"""
Write `survives(x, lam)`. Send the positive numbers `x` through Box–Cox, scale to [0, 1] with the
smallest and largest result, store that as `np.float32`, and come all the way back in `np.float64`.
Return `True` if every number returns within one part in ten thousand of itself, else `False`.
(`lam` is never 0 here. Keep `np.errstate(all="ignore")` around the way back.)
""",
    hint="""
Four lines out and back, then one comparison. Compare relative to each number, not to the largest:
an error of 50 copies is nothing at 100,000 and everything at 40. A result that is infinite or not
a number has not survived.
""",
    meaning="What looks like a choice of statistics is also a choice of arithmetic: a saturated "
    "transform erases patients.",
)
def survives(x, lam):
    """Say whether every number comes back within 1e-4 of itself through float32."""
    y = (x**lam - 1) / lam
    low, high = y.min(), y.max()
    stored = ((y - low) / (high - low)).astype(np.float32)
    with np.errstate(all="ignore"):
        back = (lam * (stored.astype(np.float64) * (high - low) + low) + 1) ** (1 / lam)
        return bool((np.abs(back - x) <= 1e-4 * x).all())


@survives.verify
def _(answer):
    load = np.array([10.0, 40.0, 1e3, 1e5])
    wide = np.array([1.0, 1e3, 1e6, 1e9])
    for x, lam, think in (
        (load, 0.5, "A square root over four powers of ten is harmless."),
        (load, -0.1, "A small negative power is harmless."),
        (wide, 1.0, "Without a bend, float32 is good to seven digits of each number."),
        (wide, -1.0, "1e6 lands next to 1. Is it float32 there, and is the error relative to 1e6?"),
    ):
        result = answer(x, lam)
        if not isinstance(result, bool | np.bool_):
            raise Wrong(f"expected True or False, got {type(result).__name__}.")
        close(bool(result), survives(x, lam), f"lam = {lam}", think=think)


@survives.wrong
def _(x, lam):
    """Never leaves float64, where all is well."""
    y = (x**lam - 1) / lam
    low, high = y.min(), y.max()
    back = (lam * ((y - low) / (high - low) * (high - low) + low) + 1) ** (1 / lam)
    return bool((np.abs(back - x) <= 1e-4 * x).all())


@survives.wrong
def _(x, lam):
    """Measures the error against the largest number, so small ones may vanish."""
    y = (x**lam - 1) / lam
    low, high = y.min(), y.max()
    stored = ((y - low) / (high - low)).astype(np.float32)
    with np.errstate(all="ignore"):
        back = (lam * (stored.astype(np.float64) * (high - low) + low) + 1) ** (1 / lam)
        return bool((np.abs(back - x) <= 1e-4 * x.max()).all())
