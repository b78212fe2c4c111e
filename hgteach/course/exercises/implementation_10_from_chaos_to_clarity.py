"""Exercises of implementation/10-from-chaos-to-clarity: guessing through noise."""

import torch

from hgteach.course.comparing import close
from hgteach.course.registry import exercise


@exercise(
    "one-big-step",
    title="All the way in one step",
    minutes=5,
    difficulty=1,
    prompt="""
Begin with pure noise (ᾱ = 0) and go straight to step 0. Write `one_step(x, shares, centres)`: who
comes out for each number in the tensor `x`? There are several groups of people, with `shares` and
`centres`, `(K,)` each; the result is shaped like `x`.
""",
    hint="""
With ᾱ = 0 the number says nothing about the person. What is the best guess then? At step 0 there is
no noise left: the patient is the guess.
""",
    meaning="Everybody becomes the average patient, who may not exist. So the way back needs "
    "steps: each takes away a little noise, and then the next guess is better.",
)
def one_step(x, shares, centres):
    """Give everybody the mean of the population, whatever the noise."""
    return torch.full_like(x, float((shares * centres).sum()))


@one_step.verify
def _(answer):
    x = torch.tensor([[-3.0, 0.0], [0.1, 2.0]])
    shares, centres = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([-1.0, 1.0, 4.0])
    think = "May the result depend on `x` if `x` says nothing?"
    close(answer(x, shares, centres), one_step(x, shares, centres), think=think)


@one_step.wrong
def _(x, shares, centres):
    """Sends each number to the nearest centre."""
    return centres[(x[..., None] - centres).abs().argmin(dim=-1)]


@exercise(
    "yes-or-no",
    title="The best guess at a yes or no",
    minutes=10,
    difficulty=2,
    prompt="""
Half of the people are exactly at −1 (*no*), half exactly at +1 (*yes*), as the levels of a drug are
in v3. Write `best_guess_of_a_level(x_t, alpha_bar)`: the mean of $x_0$ among all people who ended
up at the noisy number `x_t` (a tensor), for `alpha_bar` = ᾱ between 0 and 1. It must not overflow
at ᾱ = 0.9999.
""",
    hint="""
Bayes' rule for the logarithm of the odds: log p(x_t | yes) − log p(x_t | no). The squares cancel,
and a line in `x_t` is left. If the odds are e^a to 1, then the mean is (e^a − 1) / (e^a + 1): a
function that PyTorch has.
""",
    meaning="It is an S: steep when there is little noise, flat when there is much. A softmax over "
    "the levels of a drug is the same S with more ends.",
)
def best_guess_of_a_level(x_t, alpha_bar):
    """Turn the log odds, 2 √ᾱ x_t / (1 − ᾱ), into a mean of −1 and 1."""
    return torch.tanh(alpha_bar**0.5 * x_t / (1 - alpha_bar))


@best_guess_of_a_level.verify
def _(answer):
    x_t = torch.tensor([-2.0, -0.3, 0.0, 0.5, 1.0])
    close(answer(x_t, 1e-6), torch.zeros(5), "in deep noise", atol=3e-3, think="Who can tell?")
    for alpha_bar in (0.2, 0.5, 0.9999):
        think = "Is the variance of the noise, 1 − ᾱ, in the right place?"
        if alpha_bar > 0.99:
            think = "The odds are too large for the computer here. The hint names a way round."
        expected = best_guess_of_a_level(x_t, alpha_bar)
        close(answer(x_t, alpha_bar), expected, f"at ᾱ = {alpha_bar}", think=think)


@best_guess_of_a_level.wrong
def _(x_t, alpha_bar):
    """Overflows for large odds."""
    odds = torch.exp(2 * alpha_bar**0.5 * x_t / (1 - alpha_bar))
    return (odds - 1) / (odds + 1)


@exercise(
    "floor-of-the-loss",
    title="As good as it gets",
    minutes=10,
    difficulty=3,
    prompt="""
Your network's loss at one noise level has stopped falling. Is it lazy, or is that all that can be
known? Write `floor(v, alpha_bar)`: the mean squared error of the *best* guess of $x_0$, if $x_0$ is
normal with mean 0 and variance `v`.
""",
    hint="""
For normal numbers the best guess is a line: x̂ = c · x_t. Write the mean of (x_0 − c x_t)² with
x_t = √ᾱ x_0 + √(1 − ᾱ) ε, and choose c so that it is smallest.
""",
    meaning="Noise destroys; no network brings that part back. Judge a loss by its distance to the "
    "floor, not to zero.",
)
def floor(v, alpha_bar):
    """Return v less what x_t explains, v² ᾱ / (variance of x_t)."""
    return v * (1 - alpha_bar) / (alpha_bar * v + 1 - alpha_bar)


@floor.verify
def _(answer):
    close(answer(2.0, 1.0), 0.0, "without noise", think="Then x_t is x_0.")
    close(answer(2.0, 0.0), 2.0, "in pure noise", think="Then the best guess is the mean, 0.")
    for v, alpha_bar in ((1.0, 0.3), (0.04, 0.5), (4.0, 0.9)):
        think = "What is the variance of x_t here? It is 1 only if v is."
        close(answer(v, alpha_bar), floor(v, alpha_bar), f"v = {v}, ᾱ = {alpha_bar}", think=think)


@floor.wrong
def _(v, alpha_bar):
    """Holds only where the variance is 1."""
    return v * (1 - alpha_bar)
