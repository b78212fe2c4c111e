"""Exercises of the notebook implementation/04-critic: distances, slopes and their penalty."""

import numpy as np
import torch

from hgteach.course.comparing import Wrong, close
from hgteach.course.registry import exercise


@exercise(
    "cheapest-plan",
    title="Carry as little as possible",
    minutes=5,
    difficulty=1,
    prompt="""
Write `cheapest_plan(a, b)` for two arrays with equally many numbers: the Wasserstein distance,
without trying all pairings (for twenty numbers, there are more than two quintillion).
""",
    hint="In the cheapest plan above, who goes to whom? Which function puts both crowds in line?",
    meaning="On a line, sorting finds the best of all pairings. In two dimensions nothing so "
    "simple does, which is why a critic is worth its trouble.",
)
def cheapest_plan(a, b):
    """Pair smallest with smallest, next with next."""
    return np.abs(np.sort(a) - np.sort(b)).mean()


@cheapest_plan.verify
def _(answer):
    real, fake = np.array([5.0, 0.0, 6.0, 1.0]), np.array([3.0, 2.0, 3.5, 2.5])
    think = "Which of the 24 pairings was the cheapest?"
    close(answer(real, fake[::-1]), 2.0, "the four of the lesson, in another order", think=think)
    think = "Both crowds have the same mean. Are they the same crowd?"
    close(answer(np.array([-1.0, 1.0]), np.zeros(2)), 1.0, "spread against none", think=think)
    a, b = np.random.default_rng(0).normal(size=(2, 200))
    think = "Does your plan depend on the order in which they come? It must not."
    close(answer(a, b + 1), cheapest_plan(a, b + 1), "200 random numbers", think=think)


@cheapest_plan.wrong
def _(a, b):
    """Pairs them as they come."""
    return np.abs(a - b).mean()


@cheapest_plan.wrong
def _(a, b):
    """Compares the means only, so a generator without spread looks perfect."""
    return abs(a.mean() - b.mean())


@exercise(
    "penalty-twice",
    title="The derivative of the penalty",
    minutes=15,
    difficulty=3,
    prompt=r"""
For $D(x) = \sum_k a_k \tanh(b_k x)$, write `penalty_gradient(a, b, x)`: the derivatives of the
penalty $(D'(x) - 1)^2$ with respect to $a_1, a_2, \dots$, for tensors `a` and `b` of the same
length and a number `x`. On paper first; no autograd.
""",
    hint=r"""
Call the slope $s$, a sum over $k$. The chain rule gives $2(s - 1)$ times $\partial s / \partial
a_k$. How does $s$ depend on one $a_k$?
""",
    meaning="This is what autograd computes behind `create_graph=True`, for every weight of the "
    "critic; it is the dearest part of training.",
)
def penalty_gradient(a, b, x):
    """Outer derivative 2 (s - 1), times the inner one: s is linear in each a."""
    share = b * (1 - torch.tanh(b * x) ** 2)  # ds / da
    return 2 * ((a * share).sum() - 1) * share


@penalty_gradient.verify
def _(answer):
    a, b = torch.tensor([2.0, -1.0, 0.3]), torch.tensor([1.5, 0.5, -2.0])
    for x in (0.4, -1.0):
        expected = penalty_gradient(a, b, x)
        think = "Check it against autograd on small numbers."
        close(answer(a, b, x), expected, f"x = {x}", think=think)
    flat = answer(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 2.0]), 0.0)
    close(flat, torch.zeros(2), "a critic of slope 1", think="It has nothing to pay.")


@penalty_gradient.wrong
def _(a, b, x):
    """Forgets the inner derivative."""
    slope = (a * b * (1 - torch.tanh(b * x) ** 2)).sum()
    return 2 * (slope - 1) * torch.ones_like(a)


@penalty_gradient.wrong
def _(a, b, x):
    """Treats every unit as a critic of its own."""
    share = b * (1 - torch.tanh(b * x) ** 2)
    return 2 * (a * share - 1) * share


@exercise(
    "steepness-of-a-patient",
    title="One steepness a patient",
    minutes=5,
    difficulty=1,
    prompt="""
`slope`, of shape `(B, T, F)`, holds the gradient of each patient's score with respect to each
number of their record. Write `penalty_of(slope)`: the gradient penalty, one number.
""",
    hint="How many steepnesses must there be before the mean: B, B * T, or one?",
    meaning="The critic scores whole patients, so the rule is about whole patients: T months may "
    "share a length of 1 between them.",
)
def penalty_of(slope):
    """Measure each patient's gradient as one long vector."""
    return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()


@penalty_of.verify
def _(answer):
    slope = torch.zeros(2, 4, 4)
    slope[:] = 0.25  # 16 entries of a quarter: length one
    think = "Each patient's 16 entries of 0.25 form a vector of length 1."
    close(answer(slope), 0.0, "two patients of slope 1", think=think)
    slope[0] = 0.75
    think = "One patient has steepness 3, the other 1. Penalise first, then take the mean."
    close(answer(slope), 2.0, "one steep patient", think=think)


@penalty_of.wrong
def _(slope):
    """One steepness a month."""
    return ((slope.norm(dim=-1) - 1) ** 2).mean()


@penalty_of.wrong
def _(slope):
    """One steepness for the whole batch, averaged over patients before the penalty."""
    return (slope.flatten(1).norm(dim=1).mean() - 1) ** 2


@exercise(
    "widest-gap",
    title="How wide can a gap be?",
    minutes=10,
    difficulty=2,
    prompt="""
A forger copies every real patient and adds `shift` to each of `channels` channels in each of
`months` months. Write `widest_gap(shift, months, channels)`: the widest score gap that a critic of
slope 1 can show. Then compare 10 months with 60.
""",
    hint="The gap is at most the distance carried. How long is a vector of n equal entries?",
    meaning="The same small fault gives a gap 2.4 times wider at 60 months than at 10. So losses "
    "at different lengths cannot be compared, and a saw-tooth in the curves is no instability.",
)
def widest_gap(shift, months, channels):
    """Each record moves by the length of a vector with months * channels equal entries."""
    return abs(shift) * (months * channels) ** 0.5


@widest_gap.verify
def _(answer):
    close(answer(0.5, 1, 1), 0.5, "one number", think="Here the record is a point on a line.")
    found = answer(0.1, 1, 4)
    if abs(found - 0.4) < 1e-6:
        raise Wrong("four channels: you added the shifts, but a length is no sum. Pythagoras?")
    close(found, 0.2, "four channels", think="Two channels would be a diagonal.")
    think = "A month is as good as a channel: all are entries of one vector."
    close(answer(0.1, 25, 4), 1.0, "25 months of four channels", think=think)
    close(answer(-0.5, 4, 1), 1.0, "a shift downwards", think="A distance has no sign.")


@widest_gap.wrong
def _(shift, months, channels):
    """Adds the shifts up."""
    return shift * months * channels


@widest_gap.wrong
def _(shift, months, channels):
    """Averages over months, as if length did not matter."""
    return shift * channels**0.5
