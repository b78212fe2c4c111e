"""Exercises of the notebook applications/02-treatment-policy: learning from records, and trust."""

import numpy as np

from hgteach.course.comparing import choose, close
from hgteach.course.registry import exercise


@exercise(
    "one-step-of-q",
    title="One step of Q-learning",
    minutes=5,
    difficulty=1,
    prompt="""
Write `step(Q, s, a, r, later, gamma, rate)`: a **new** table of values after one record. In state
`s` the action `a` earned `r` and led to the state `later`. Move `Q[s, a]` the share `rate` of the
way towards the reward plus `gamma` times the best value of the next state.
""",
    hint="`new = Q.copy()`. A share of the way from x to y is `x + rate * (y - x)`.",
    meaning="One record teaches about one cell. The rest of the table learns through it, later.",
)
def step(Q, s, a, r, later, gamma, rate):
    """Only the cell of this state and action moves."""
    new = Q.copy()
    target = r + gamma * Q[later].max()
    new[s, a] += rate * (target - Q[s, a])
    return new


@step.verify
def _(answer):
    values = np.array([[1.0, 3.0], [0.0, 2.0]])
    one = (values, 1, 0, -0.2, 0, 0.5, 0.1)
    close(answer(*one), step(*one), "one record", think="What is the best that state 0 offers?")
    stay = (values, 0, 1, 1.0, 0, 0.5, 1.0)
    close(answer(*stay), step(*stay), "all the way", think="The state may lead to itself.")


@step.wrong
def _(Q, s, a, r, later, gamma, rate):
    """Looks at the same action in the next state."""
    new = Q.copy()
    new[s, a] += rate * (r + gamma * Q[later, a] - Q[s, a])
    return new


@step.wrong
def _(Q, s, a, r, later, gamma, rate):
    """Adds the target without taking off the old value."""
    new = Q.copy()
    new[s, a] += rate * (r + gamma * Q[later].max())
    return new


@exercise(
    "allowed-actions",
    title="What may be recommended",
    minutes=10,
    difficulty=2,
    prompt="""
Write `allowed(taken, threshold)`. `taken` counts how often each action was taken in each state,
`(states, actions)`. Return True where an action was taken at all *and* at least `threshold` times
as often as the commonest action of the same state.
""",
    hint="`taken.max(axis=1, keepdims=True)` has the shape `(states, 1)` and fits each row.",
    meaning="The threshold is a dial from copying the doctors (1) to believing in luck (0).",
)
def allowed(taken, threshold):
    """Compare each count with the largest of its own row."""
    return (taken > 0) & (taken >= threshold * taken.max(axis=1, keepdims=True))


@allowed.verify
def _(answer):
    taken = np.array([[100, 25, 5], [3, 0, 2], [0, 0, 0]])
    for threshold, think in (
        (0.2, "Compare within a state, not over the whole table."),
        (0.0, "What nobody ever did has taught nothing."),
        (1.0, "Only the commonest one is left."),
    ):
        wanted = allowed(taken, threshold)
        close(answer(taken, threshold), wanted, f"threshold {threshold:g}", think=think)


@allowed.wrong
def _(taken, threshold):
    """Compares with the commonest of all states."""
    return (taken > 0) & (taken >= threshold * taken.max())


@allowed.wrong
def _(taken, threshold):
    """Forgets that an action may never have been taken."""
    return taken >= threshold * taken.max(axis=1, keepdims=True)


@exercise(
    "effective-sample-size",
    title="How many people still speak?",
    minutes=15,
    difficulty=3,
    prompt="""
Each patient makes `H` decisions. `chance_policy` and `chance_doctors`, `(P, H)`, hold the chance
that the policy, and that the doctors, would do what was done. Write `effective(chance_policy,
chance_doctors)`: the effective sample size of the patients' weights.
""",
    hint="""
A patient's weight is the **product** of the ratios over their decisions. The effective sample size
is the squared sum of the weights over the sum of the squared weights.
""",
    meaning="Equal weights make everybody count; one huge weight makes a study of one person.",
)
def effective(chance_policy, chance_doctors):
    """Multiply the ratios along each patient, then compare the weights."""
    weight = (chance_policy / chance_doctors).prod(axis=1)
    return weight.sum() ** 2 / (weight**2).sum()


@effective.verify
def _(answer):
    doctors = np.full((4, 2), 0.5)
    close(answer(doctors, doctors), 4.0, "the doctors themselves", think="All weights are 1.")
    follows = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    think = "Whoever left the policy once does not speak for it."
    close(answer(follows, doctors), 2.0, "two who follow it", think=think)
    mixed = np.array([[0.9, 0.9], [0.9, 0.1], [0.5, 0.5], [0.1, 0.1]])
    close(answer(mixed, doctors), effective(mixed, doctors), "weights of all sizes", think=think)


@effective.wrong
def _(chance_policy, chance_doctors):
    """Adds the ratios instead of multiplying them."""
    weight = (chance_policy / chance_doctors).sum(axis=1)
    return weight.sum() ** 2 / (weight**2).sum()


@effective.wrong
def _(chance_policy, chance_doctors):
    """Counts the patients with any weight."""
    return ((chance_policy / chance_doctors).prod(axis=1) > 0.01).sum()


@exercise(
    "whose-fault",
    title="The heatmaps differ",
    minutes=5,
    difficulty=2,
    prompt="""
From 500 real patients a policy recommends regimen A at 60 % of visits; from a synthetic copy of
them, at 40 %. What follows about the copy? Set `answer` to the letter.

- **a**: it has lost the effect of A
- **b**: nothing yet: first see how far two groups of 500 real patients differ
- **c**: it is safe to use, since both recommend A
""",
    hint="Which heatmap would a second group of 500 real patients have given?",
    meaning="Without its floor a difference has no size.",
)
def answer():
    """Measure the floor before blaming the copy."""
    return "b"


@answer.verify
def _(letter):
    choose(letter, "b", {
        "a": "Two groups of real patients have the same effects. Would their heatmaps be the same?",
        "c": "Agreeing on one regimen says nothing about the others, nor about harm.",
    })  # fmt: skip


answer.wrong("a")
answer.wrong("c")
