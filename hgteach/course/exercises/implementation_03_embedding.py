"""Exercises of the notebook implementation/03-embedding: tables of weights and their gradient."""

import torch

from hgteach.course.comparing import close
from hgteach.course.registry import exercise


@exercise(
    "count-embedding-weights",
    title="How many weights, how many channels?",
    minutes=5,
    difficulty=1,
    prompt="""
Write `count(columns)` for a list with one entry a column: the number of its levels, or `None` for
a column of numbers. Two levels get vectors of 2, more levels get vectors of 4, a number passes
through as one channel. Return the pair `(weights, channels)`.
""",
    hint="""
A table has one row a level and one column a dimension. A number needs no table, but it still takes
up a channel.
""",
    meaning="An embedding is small: the six regimen levels of the example cost 24 numbers.",
)
def count(columns):
    """Add up the tables, levels times size, and the channels that come out."""
    sizes = [1 if levels is None else 2 if levels == 2 else 4 for levels in columns]
    tables = [(levels or 0) * size for levels, size in zip(columns, sizes, strict=True)]
    return sum(tables), sum(sizes)


@count.verify
def _(answer):
    think = "A number has no table, but one channel."
    close(answer([None, None]), (0, 2), "two numbers", think=think)
    close(answer([2, 4]), (20, 6), "two levels and four", think="Levels times size.")
    example = [None, None, 2, 4, 6, 6, 2]
    close(answer(example), (72, 18), "the series' seven variables")


@count.wrong
def _(columns):
    """Gives a number a weight of its own."""
    sizes = [1 if levels is None else 2 if levels == 2 else 4 for levels in columns]
    return sum((levels or 1) * size for levels, size in zip(columns, sizes, strict=True)), sum(
        sizes
    )


@count.wrong
def _(columns):
    """Counts the channels that go in, not those that come out."""
    sizes = [1 if levels is None else 2 if levels == 2 else 4 for levels in columns]
    weights = sum((levels or 0) * size for levels, size in zip(columns, sizes, strict=True))
    return weights, sum(levels or 1 for levels in columns)


@exercise(
    "distance-to-a-row",
    title="How undecided is a generator?",
    minutes=10,
    difficulty=2,
    prompt="""
A real patient lies exactly on a row of the table. Write `distance(p, table)`: for probabilities
`p` of shape `(B, levels)` and a table of shape `(levels, size)`, embed softly and return, for each
of the B rows, the Euclidean distance to the *nearest* row of the table: shape `(B,)`.
""",
    hint="""
Two steps: soft vectors `(B, size)`; then all distances `(B, levels)`. `torch.cdist`
computes the second in one call. Which axis do you take the minimum over?
""",
    meaning="A critic can see this distance, so a generator is pushed to make up its mind.",
)
def distance(p, table):
    """Embed softly, then measure to the nearest row."""
    soft = p @ table  # (B, size)
    return torch.cdist(soft, table).min(dim=1).values  # (B,)


@distance.verify
def _(answer):
    table = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0]])
    close(answer(torch.eye(3), table), torch.zeros(3), "one-hot rows", think="A row is a row.")
    p = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.25, 0.75, 0.0], [0.2, 0.4, 0.4]])
    think = "The nearest row need not be the most likely level."
    close(answer(p, table), distance(p, table), "undecided rows", think=think)


@distance.wrong
def _(p, table):
    """Measures to the most likely level, which need not be the nearest."""
    return (p @ table - table[p.argmax(dim=1)]).norm(dim=1)


@distance.wrong
def _(p, table):
    """Takes the minimum over patients instead of levels."""
    return torch.cdist(p @ table, table).min(dim=0).values


@exercise(
    "table-gradient",
    title="Which rows learn?",
    minutes=15,
    difficulty=3,
    prompt="""
A look-up read the rows `codes`, shape `(B,)`. Backpropagation hands you `slope`, the gradient of
the loss with respect to what was read, shape `(B, size)`. Write `table_gradient(codes, slope,
levels)`: the gradient of the table, shape `(levels, size)`, without calling autograd.
""",
    hint="""
Look-up is one-hot times table. The gradient of `A @ W` with respect to `W` is `A.T @ slope`. Or
think: whoever read a row sends its slope back to that row, and two readers add up.
""",
    meaning="A level that nobody in the batch has learns nothing, which is one reason why rare "
    "regimens come out badly.",
)
def table_gradient(codes, slope, levels):
    """Send every slope back to the row that was read; readers of one row add up."""
    one_hot = torch.nn.functional.one_hot(codes, levels).to(slope.dtype)  # (B, levels)
    return one_hot.T @ slope  # (levels, size)


@table_gradient.verify
def _(answer):
    slope = torch.tensor([[1.0, 0.0], [0.5, 2.0], [3.0, -1.0], [0.0, 1.0]])
    close(answer(torch.arange(4), slope, 4), slope, "four readers, four rows")
    codes = torch.tensor([2, 0, 2, 2])
    think = "Three readers of row 2 add up; rows 1 and 3 were never read."
    close(answer(codes, slope, 4), table_gradient(codes, slope, 4), "shared rows", think=think)


@table_gradient.wrong
def _(codes, slope, levels):
    """Lets the last reader overwrite the others."""
    gradient = torch.zeros(levels, slope.shape[1])
    gradient[codes] = slope
    return gradient


@table_gradient.wrong
def _(codes, slope, levels):
    """Averages the readers of a row instead of adding them."""
    one_hot = torch.nn.functional.one_hot(codes, levels).to(slope.dtype)
    return one_hot.T @ slope / one_hot.sum(dim=0).clamp(min=1)[:, None]
