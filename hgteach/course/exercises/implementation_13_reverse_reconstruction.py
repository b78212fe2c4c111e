"""Exercises of the notebook implementation/13-reverse-reconstruction: back to the patient."""

import torch

from hgteach.course.comparing import close
from hgteach.course.registry import exercise


@exercise(
    "back-to-the-patient",
    title="Back to the patient",
    minutes=4,
    difficulty=1,
    prompt=r"""
Solve $x_t = \sqrt{\bar\alpha}\,x_0 + \sqrt{1-\bar\alpha}\,\varepsilon$ for $x_0$. Write
`back_to_the_patient(x_t, noise, alpha_bar)` for tensors of one shape.
""",
    hint="Take off the noise's part, then divide by the patient's share.",
    meaning="The root of a small number stands below the line: late steps magnify every error.",
)
def back_to_the_patient(x_t, noise, alpha_bar):
    """Take the noise off, undo the share."""
    return (x_t - (1 - alpha_bar) ** 0.5 * noise) / alpha_bar**0.5


@back_to_the_patient.verify
def _(answer):
    x_0, noise = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    for alpha_bar in torch.tensor([0.9, 0.25]):
        x_t = alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * noise
        think = "Where do the square roots stand?"
        close(answer(x_t, noise, alpha_bar), x_0, f"ᾱ = {alpha_bar:.2f}", rtol=1e-3, think=think)


@back_to_the_patient.wrong
def _(x_t, noise, alpha_bar):
    """Forgets the roots."""
    return (x_t - (1 - alpha_bar) * noise) / alpha_bar


@exercise(
    "best-guess",
    title="The best guess there is",
    minutes=12,
    difficulty=2,
    prompt=r"""
A number $x_0$ is one of `values` `(K,)`, each equally likely. You see `x_t` `(B,)`. Write
`best_guess(x_t, values, alpha_bar)`, `(B,)`: the mean of the values, each weighed by how likely it
is now. By Bayes' rule that is proportional to
$\exp\bigl(-(x_t - \sqrt{\bar\alpha}\,x_0)^2 / 2(1-\bar\alpha)\bigr)$.
""",
    hint="""
`x_t[:, None] - …` has a row for each x_t and a column for each value. A softmax over the columns is
an exponential that is divided by its sum, without trouble for large numbers.
""",
    meaning="Little noise: what is seen. Much noise: the mean. No network can guess better.",
)
def best_guess(x_t, values, alpha_bar):
    """Weigh every value by the noise that it would take."""
    noise = x_t[:, None] - alpha_bar**0.5 * values  # (B, K)
    return (-(noise**2) / (2 * (1 - alpha_bar))).softmax(dim=1) @ values


@best_guess.verify
def _(answer):
    values, x_t = torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([-40.0, -0.3, 1.1])
    far = torch.tensor([-1.0, 1 / 3, 1 / 3])
    close(answer(x_t[:1], values, 0.5), far[:1], "x_t = -40", think="Is 0 divided by 0?")
    think = "Then all values are equally likely."
    close(answer(x_t[1:], values, 1e-12), far[1:], "noise alone", think=think)
    think = "What stands in the exponent: roots, squares, the 2?"
    close(answer(x_t, values, 0.6), best_guess(x_t, values, 0.6), "ᾱ = 0.6", think=think)


@best_guess.wrong
def _(x_t, values, alpha_bar):
    """Takes the most likely value."""
    return values[(x_t[:, None] - alpha_bar**0.5 * values).abs().argmin(dim=1)]


@best_guess.wrong
def _(x_t, values, alpha_bar):
    """Divides 0 by 0 far away."""
    likely = torch.exp(-((x_t[:, None] - alpha_bar**0.5 * values) ** 2) / (2 * (1 - alpha_bar)))
    return likely @ values / likely.sum(dim=1)


@exercise(
    "what-a-step-weighs",
    title="What a step weighs",
    minutes=12,
    difficulty=3,
    prompt=r"""
The published loss of one number is $(\hat\varepsilon-\varepsilon)^2 + w\,(\tilde x_0 - x_0)^2$,
where $\tilde x_0$ is made from the blend $u\,\varepsilon + (1-u)\,\hat\varepsilon$ with u drawn
evenly from [0, 1]. Let $\hat x_0$ be made from $\hat\varepsilon$ alone. Write
`what_a_step_weighs(alpha_bar, weight)`: the factor c for which the loss is, averaged over u,
$c\,(\hat x_0 - x_0)^2$.
""",
    hint=r"""
First write $(\hat\varepsilon-\varepsilon)^2$ as a factor times $(\hat x_0 - x_0)^2$. Then: which
share of the error is left in the blend, and what is the mean of its square?
""",
    meaning="Two losses and a blend are one squared error, with a floor under its weight.",
)
def what_a_step_weighs(alpha_bar, weight):
    """Add the signal-to-noise ratio, and a third of the weight."""
    return alpha_bar / (1 - alpha_bar) + weight / 3


@what_a_step_weighs.verify
def _(answer):
    think = "With a weight of 0 only the noise's error is left. How large is it in the patient?"
    close(answer(0.8, 0.0), 4.0, "ᾱ = 0.8, weight 0", think=think)
    think = "The share 1 - u is squared before it is averaged."
    close(answer(0.5, 20.0), 1 + 20 / 3, "ᾱ = 0.5, weight 20", think=think)
    close(answer(0.1, 3.0), 1 / 9 + 1, "ᾱ = 0.1, weight 3")


@what_a_step_weighs.wrong
def _(alpha_bar, weight):
    """Averages before squaring."""
    return alpha_bar / (1 - alpha_bar) + weight / 4


@what_a_step_weighs.wrong
def _(alpha_bar, weight):
    """Gives the weight of the noise's error."""
    return 1 + weight / 3 * (1 - alpha_bar) / alpha_bar
