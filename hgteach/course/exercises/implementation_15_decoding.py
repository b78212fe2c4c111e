"""Exercises of the notebook implementation/15-decoding: who is kept, a record, levels, votes."""

import torch

from hgteach.course.comparing import Wrong, close
from hgteach.course.registry import exercise


@exercise(
    "who-is-kept",
    title="Who is kept?",
    minutes=5,
    difficulty=1,
    prompt="""
Write `who_is_kept(x_0, numbers)` for `x_0` of shape `(B, T, C)`, whose first `numbers` channels are
numbers: a boolean tensor `(B,)` that is true for a patient whose numbers all lie within [−1, 1] in
all months. The other channels do not matter.
""",
    hint="`.abs() <= 1` is a table of (B, T, numbers). A patient passes if *all* of it is true.",
    meaning="One month in sixty is enough to lose a patient.",
)
def who_is_kept(x_0, numbers):
    """Ask every number in every month."""
    return (x_0[..., :numbers].abs() <= 1).all(dim=2).all(dim=1)


@who_is_kept.verify
def _(answer):
    x_0 = torch.zeros(5, 4, 3)
    x_0[1, 2, 0], x_0[2, 3, 1], x_0[3, 0, 2], x_0[4, 1, :2] = 1.1, -1.2, 5.0, 1.0
    think = "Patient 3 is out of range only in a level; patient 4 is exactly at the edge."
    close(answer(x_0, 2), [True, False, False, True, True], think=think)


@who_is_kept.wrong
def _(x_0, numbers):
    """Forgets that a number may be too low."""
    return (x_0[..., :numbers] <= 1).all(dim=2).all(dim=1)


@who_is_kept.wrong
def _(x_0, numbers):
    """Looks at the levels too."""
    return (x_0.abs() <= 1).all(dim=2).all(dim=1)


@exercise(
    "a-new-record",
    title="A new record",
    minutes=6,
    difficulty=2,
    prompt="""
A perfect model draws new people from the very population that the 300 training patients came from.
How likely is it that a new person's highest CD4 count is above that of all 300? Set `chance` to the
number. (No two people have exactly the same.)
""",
    hint="Line up all 301 people. Which of them holds the record, if nothing tells them apart?",
    meaning="Nothing about the distribution was needed: it is the same for every number.",
)
def chance():
    """Each of the 301 is equally likely to hold the record."""
    return 1 / 301


@chance.verify
def _(answer):
    if not (isinstance(answer, float | int) and abs(301 * answer - 1) < 1e-3):
        raise Wrong("How many people are there with the new one, and who of them is special?")


chance.wrong(1 / 300)
chance.wrong(0.5)


@exercise(
    "softmax-of-levels",
    title="What softmax makes of ±1",
    minutes=6,
    difficulty=2,
    prompt="""
A column has `levels` levels; the channel of the true one is exactly 1, all others are exactly −1.
Write `softmax_of_levels(levels)`: the probability that a softmax over the channels gives the true
level.
""",
    hint="e to the 1 for one of them, e to the −1 for each of the others.",
    meaning="For six levels it is 0.60: a record that is known for certain would be drawn wrong "
    "in four of ten months.",
)
def softmax_of_levels(levels):
    """Divide the true one's exponential by the sum of all."""
    return 1 / (1 + (levels - 1) * 2.718281828459045**-2)


@softmax_of_levels.verify
def _(answer):
    close(answer(2), 1 / (1 + 2.718281828459045**-2), "2 levels", think="The gap is 2, not 1.")
    close(answer(6), softmax_of_levels(6), "6 levels", think="How many channels are at -1?")


@softmax_of_levels.wrong
def _(levels):
    """Takes channels of 0 and 1."""
    return 1 / (1 + (levels - 1) / 2.718281828459045)


@exercise(
    "sixty-votes",
    title="Sixty votes about one fact",
    minutes=8,
    difficulty=3,
    prompt="""
Write `sixty_votes(levels)` for the noisy channels of one static column, `(B, T, K)`: one level a
patient, `(B,)`, that uses all that the months say. Counting the months in which each level wins is
not the best: a month that is nearly sure should count more than one that is nearly undecided.
""",
    hint="What does the mean over months do to an error that is new in each of them?",
    meaning="The mean of 60 errors is nearly eight times smaller than one: nobody flips.",
)
def sixty_votes(levels):
    """Average over the months, then decide."""
    return levels.mean(dim=1).argmax(dim=1)


@sixty_votes.verify
def _(answer):
    sure, unsure = torch.tensor([-1.0, 1.0]), torch.tensor([0.1, -0.1])
    people = torch.stack([torch.stack([sure, unsure, unsure]), torch.stack([unsure] * 3)])
    think = "Patient 0: one month is sure of level 1, two lean to level 0 by a hair."
    close(answer(people), [1, 0], "two patients", think=think)
    noisy = torch.randn(7, 60, 3, generator=torch.Generator().manual_seed(0))
    think = "Does every month have its say?"
    close(answer(noisy), sixty_votes(noisy), "three levels, seven patients", think=think)


@sixty_votes.wrong
def _(levels):
    """Counts in how many months each level wins."""
    return levels.argmax(dim=2).mode(dim=1).values


@sixty_votes.wrong
def _(levels):
    """Believes the first month."""
    return levels[:, 0].argmax(dim=1)
