"""Exercises of the notebook implementation/08-transformer: attention, its scale, its order."""

import torch
from torch import nn

from hgteach.course.comparing import Wrong, close, describe
from hgteach.course.registry import exercise


@exercise(
    "attend",
    title="Every month looks at every month",
    minutes=5,
    difficulty=1,
    prompt=r"""
Write `attend(q, k, v)` for tensors of shape `(T, d)`: the result of
$\mathrm{softmax}(q k^\top / \sqrt{d})\, v$, shape `(T, d)`. Each *month that looks* (a row of `q`)
must give weights that add up to 1 over the months it looks at.
""",
    hint="""
`q @ k.T` has a row for each month that looks and a column for each month that is looked at. Along
which of the two axes must the weights add up to 1?
""",
    meaning="Attention is a weighted mean whose weights depend on what is there.",
)
def attend(q, k, v):
    """Compare, turn into weights, take the weighted mean."""
    weights = (q @ k.T / q.shape[1] ** 0.5).softmax(dim=1)  # (T looks, T looked at)
    return weights @ v  # (T, d)


@attend.verify
def _(answer):
    random = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 5, 4, generator=random)
    same = torch.ones(5, 4)
    think = "If all months hold the same, so does their mean."
    close(answer(q, k, same), same, "v of ones", think=think)
    think = "Over which axis do the weights add up, and what is the square root of d?"
    close(answer(q, k, v), attend(q, k, v), think=think)


@attend.wrong
def _(q, k, v):
    """Lets the weights add up over the months that look."""
    return (q @ k.T / q.shape[1] ** 0.5).softmax(dim=0) @ v


@attend.wrong
def _(q, k, v):
    """Divides by d."""
    return (q @ k.T / q.shape[1]).softmax(dim=1) @ v


@exercise(
    "months-looked-at",
    title="How many months does a month look at?",
    minutes=10,
    difficulty=2,
    prompt=r"""
Write `months_looked_at(weights)` for attention weights `(..., T)` whose last axis adds up to 1:
$e^H$ with the entropy $H = -\sum_t w_t \log w_t$ over the last axis, shape `(...)`. A weight may be
exactly 0, and then adds nothing.
""",
    hint=r"""
$w \log w$ goes to 0 as w does, but the computer finds 0 times minus infinity. `torch.xlogy`
computes the product and knows this.
""",
    meaning="Weights spread evenly over n months count as n, one single month counts as 1.",
)
def months_looked_at(weights):
    """Turn the entropy of the weights into a number of months."""
    return torch.xlogy(weights, weights).sum(dim=-1).neg().exp()


@months_looked_at.verify
def _(answer):
    think = "All weight on one month. Is 0 times log 0 a number?"
    close(answer(torch.eye(3)), torch.ones(3), "one month each", think=think)
    think = "Even weights over n months should count as n."
    close(answer(torch.full((2, 8), 1 / 8)), torch.full((2,), 8.0), "eight even", think=think)
    weights = torch.tensor([[[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]]])
    think = "Is it e to the power of the entropy?"
    close(answer(weights), months_looked_at(weights), "three months", think=think)


@months_looked_at.wrong
def _(weights):
    """Trips over 0 times log 0."""
    return (-(weights * weights.log()).sum(dim=-1)).exp()


@months_looked_at.wrong
def _(weights):
    """Is another, also sensible, effective number."""
    return 1 / (weights**2).sum(dim=-1)


@exercise(
    "undo-the-flattening",
    title="Undo the flattening",
    minutes=5,
    difficulty=2,
    prompt=r"""
The published code divides by $\sqrt{128}$ where $\sqrt{16}$ is meant. By which factor would
training have to multiply the weights of the *query* layer (biases too) to undo that exactly? Set
`factor` to the number.
""",
    hint=r"""
The scores are $q \cdot k$, divided. If q grows by a factor, so do the scores. What factor turns
$1/\sqrt{128}$ into $1/\sqrt{16}$?
""",
    meaning="The published scale does not forbid sharp attention; it makes training walk further.",
)
def factor():
    """The ratio of the two divisors: the square root of 128 / 16 = 8 heads."""
    return 8**0.5


@factor.verify
def _(answer):
    try:
        close(answer, 8**0.5, rtol=5e-3)
    except Wrong:  # without the right number in the message
        raise Wrong(
            f"{describe(answer)} does not turn the one scale into the other. The scores are "
            "proportional to q: divide by the root of 128, multiply by your factor, and compare "
            "with dividing by the root of 16."
        ) from None


factor.wrong(8.0)
factor.wrong(1 / 8**0.5)


@exercise(
    "sees-order",
    title="Does it know the order?",
    minutes=15,
    difficulty=3,
    prompt="""
Write `sees_order(model, x)` for a model that maps `(B, T, C)` to `(B, T, D)`: `True` if shuffling
the months of `x` changes more than the order of the results, else `False`. Shuffle all patients'
months in the same way, and allow differences below 0.0001.
""",
    hint="""
Shuffle, then run. Or run, then shuffle in the same way. A model that does not see order cannot
tell which of the two you did.
""",
    meaning="Attention alone sees a bag of months. Without positions there is no first month.",
)
def sees_order(model, x):
    """Compare shuffle-then-run with run-then-shuffle."""
    order = torch.randperm(x.shape[1])
    return not torch.allclose(model(x[:, order]), model(x)[:, order], atol=1e-4)


class _Running(nn.Module):
    def forward(self, x):
        return x.cumsum(dim=1)


@sees_order.verify
def _(answer):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(4, 12, 3, generator=random)
    for model, expected, what in (
        (nn.Tanh(), False, "a layer that treats each month alone"),
        (_Running(), True, "a running sum"),
        (lambda x: x + x.mean(dim=1, keepdim=True), False, "each month plus the mean"),
    ):
        found = answer(model, x)
        if not isinstance(found, bool):
            raise Wrong(f"{what}: expected True or False, got {found!r:.60}.")
        if found is not expected:
            raise Wrong(f"{what}: expected {expected}, got {found}. What do you compare with what?")


@sees_order.wrong
def _(model, x):
    """Forgets to shuffle the results before comparing."""
    return not torch.allclose(model(x[:, torch.randperm(x.shape[1])]), model(x), atol=1e-4)


@sees_order.wrong
def _(model, x):
    """Shuffles patients instead of months."""
    order = torch.randperm(len(x))
    return not torch.allclose(model(x[order]), model(x)[order], atol=1e-4)
