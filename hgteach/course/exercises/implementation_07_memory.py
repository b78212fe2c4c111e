"""Exercises of implementation/07-memory: what is remembered, what is used, and what leaks."""

import torch

from hgteach.course.comparing import Wrong, close, same_shape
from hgteach.course.registry import exercise


@exercise(
    "recall-and-scatter",
    title="Recall, then scatter",
    minutes=5,
    difficulty=1,
    prompt="""
Write `around(noise, vectors, who, spread)`: the input of v2's generator. `noise` is
`(B, T, latent)`, `vectors` is `(N, latent)`, `who` holds B row numbers of `vectors`, `spread` is
`(latent,)`. All months of a patient gather around the *same* recalled vector.
""",
    hint="""
`vectors[who]` is `(B, latent)`: no axis for the months yet. Where must it go, so that one vector
serves all months of its patient?
""",
    meaning="The vector says who this is, the noise says what month by month: two sources, added.",
)
def around(noise, vectors, who, spread):
    """Stretch the noise to the spread of months, and move it to one vector a patient."""
    return noise * spread + vectors[who].unsqueeze(1)  # (B, T, latent)


@around.verify
def _(answer):
    noise = torch.arange(24.0).reshape(3, 4, 2) / 10
    vectors, spread = torch.tensor([[10.0, 20.0], [-5.0, 0.0]]), torch.tensor([1.0, 0.5])
    who = torch.tensor([1, 0, 1])
    think = "No noise: every month should be the recalled vector itself."
    still = answer(torch.zeros(3, 4, 2), vectors, who, spread)
    close(still, vectors[who].unsqueeze(1).expand(3, 4, 2), "without noise", think=think)
    think = "The spread stretches the noise, not the vector."
    close(answer(noise, vectors, who, spread), around(noise, vectors, who, spread), think=think)


@around.wrong
def _(noise, vectors, who, spread):
    """Stretches the recalled vector as well."""
    return (noise + vectors[who].unsqueeze(1)) * spread


@around.wrong
def _(noise, vectors, who, spread):
    """Forgets to stretch the noise."""
    return noise + vectors[who].unsqueeze(1)


@exercise(
    "fool-the-divergence",
    title="A cloud that fools the divergence",
    minutes=10,
    difficulty=2,
    prompt="""
The divergence looks at the mean and the variance of each channel, at nothing else. Show what that
misses. Write `cloud(n)` for an even n: a tensor `(n, 2)` whose divergence is below 0.01, although
*no* point lies within distance 1 of the origin. (In a true standard normal, 39 % would.)
""",
    hint="""
In each channel the mean must be 0 and the variance 1. Which numbers have mean 0 and mean square 1
and never come near 0? What happens if both channels use them?
""",
    meaning="Mean 0 and variance 1 do not make a bell. Between such clumps a decoder has never "
    "been, so a draw from the standard normal would land where nobody lives.",
)
def cloud(n):
    """Put half of the points at (1, 1), half at (-1, -1)."""
    return torch.tensor([[1.0, 1.0], [-1.0, -1.0]]).repeat(n // 2, 1)  # (n, 2)


@cloud.verify
def _(answer):
    points = answer(1000)
    same_shape(points, (1000, 2))
    points = torch.as_tensor(points, dtype=torch.float64)
    mean, variance = points.mean(dim=0), points.var(dim=0)
    divergence = 0.5 * (mean**2 + variance - variance.log() - 1).sum().item()
    if not divergence < 0.01:
        found = f"mean {mean[0]:.2f}, {mean[1]:.2f} and variance {variance[0]:.2f}"
        raise Wrong(f"the divergence is {divergence:.2f}: {found}, {variance[1]:.2f}.")
    near = int((points.norm(dim=1) < 1).sum())
    if near:
        raise Wrong(f"{near} of 1,000 points lie within distance 1 of the origin.")


@cloud.wrong
def _(n):
    """Is the honest normal, which has points near the origin."""
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(0))


@cloud.wrong
def _(n):
    """Keeps away from the origin, and forgets the mean."""
    return torch.ones(n, 2) + 0.1 * torch.randn(n, 2, generator=torch.Generator().manual_seed(0))


@exercise(
    "person-by-person",
    title="Person by person",
    minutes=10,
    difficulty=2,
    prompt="""
Write `likeness(made, meant)` for records `(B, T, F)` between 0 and 1, in pairs. Take each patient's
means over the months, p of `meant` and q of `made`; then p log(p/q) + (1 - p) log((1 - p)/(1 - q)),
summed over the F channels and averaged over the patients: one number. A mean p may be exactly 0 or
1; a mean q never is.
""",
    hint="""
0 times log 0 is 0, and `torch.xlogy(a, b)`, which is a log b, knows this. Write each of the two
summands as a difference of two such products.
""",
    meaning="0 if everybody is made as recalled on average, however their months are ordered.",
)
def likeness(made, meant):
    """Compare two coins for each patient and channel."""
    p, q = meant.mean(dim=1), made.mean(dim=1)  # (B, F)
    ones = torch.xlogy(p, p) - torch.xlogy(p, q)
    zeros = torch.xlogy(1 - p, 1 - p) - torch.xlogy(1 - p, 1 - q)
    return (ones + zeros).sum(dim=1).mean()


@likeness.verify
def _(answer):
    random = torch.Generator().manual_seed(0)
    made, meant = 0.1 + 0.8 * torch.rand(2, 4, 6, 3, generator=random)
    think = "The same months in another order have the same mean. What should a perfect copy cost?"
    close(answer(made.flip(1), made), 0.0, "months in reverse", atol=1e-5, think=think)
    think = "Patients are compared in pairs. What do you average first, months or patients?"
    dealt = made.flip(0)
    close(answer(dealt, made), likeness(dealt, made), "patients dealt out", think=think)
    think = "Which of the two is p? Sum over the channels, mean over the patients."
    close(answer(made, meant), likeness(made, meant), think=think)
    sure = torch.tensor([0.0, 1.0]).reshape(2, 1, 1).expand(2, 6, 3)
    think = "Is 0 times log 0 a number?"
    close(answer(made[:2], sure), likeness(made[:2], sure), "p of 0 and of 1", think=think)


@likeness.wrong
def _(made, meant):
    """Compares the crowds: the patients' order no longer matters."""
    return likeness(made.mean(dim=0, keepdim=True), meant.mean(dim=0, keepdim=True))


@likeness.wrong
def _(made, meant):
    """Forgets the entropy, so that a perfect copy does not cost 0."""
    p, q = meant.mean(dim=1), made.mean(dim=1)
    return -(torch.xlogy(p, q) + torch.xlogy(1 - p, 1 - q)).sum(dim=1).mean()


@likeness.wrong
def _(made, meant):
    """Trips over 0 times log 0."""
    p, q = meant.mean(dim=1), made.mean(dim=1)
    return (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum(dim=1).mean()


@exercise(
    "lost-at-each-visit",
    title="Who is lost at each visit?",
    minutes=10,
    difficulty=2,
    prompt="""
A full memory has `size` places. A batch of `batch` new vectors arrives, and `size` of the
`size + batch` vectors stay. Write `lost(size, batch)`: the pair of probabilities that one given
vector is lost, first if each vector can be kept once, then if `size` draws are made *with
replacement*. Exact, not simulated.
""",
    hint="""
Without replacement, `batch` of `size + batch` go, and each is as likely as the other. With
replacement, you are lost only if *every one* of the `size` draws misses you.
""",
    meaning="With replacement more than a third is lost at each visit however small the batch is, "
    "because (1 - 1/n) to the power n tends to 1/e = 0.368.",
)
def lost(size, batch):
    """Return the chance to be left out, and the chance that every draw misses."""
    n = size + batch
    return batch / n, (1 - 1 / n) ** size


@lost.verify
def _(answer):
    think = "One vector, one newcomer: either may stay."
    close(answer(1, 1), (0.5, 0.5), "one place, one newcomer", think=think)
    think = "Two draws from four: each draw misses you with probability 3/4."
    close(answer(2, 2), (0.5, 0.5625), "two places, two newcomers", think=think)
    close(answer(10_000, 256), lost(10_000, 256), "the published memory")


@lost.wrong
def _(size, batch):
    """Counts one draw instead of all."""
    return batch / (size + batch), 1 - 1 / (size + batch)


@lost.wrong
def _(size, batch):
    """Gives the chance to stay."""
    n = size + batch
    return size / n, 1 - (1 - 1 / n) ** size


@exercise(
    "read-a-memory",
    title="Read somebody's memory",
    minutes=15,
    difficulty=3,
    prompt="""
You found a checkpoint: remembered `vectors`, shape `(N, latent)`; a `decode` function that turns
them into embedded months `(N, width)`; the embedding `table` of a column, shape `(levels, size)`;
and `first`, the channel of `width` where that column begins. Write `levels(vectors, decode, table,
first)`: for each remembered patient the level of that column, as whole numbers `(N,)`.
""",
    hint="""
Decoding lands *near* a row of the table, not on it. Cut out the channels of the column; then which
row is nearest?
""",
    meaning="No name is stored, and yet each vector says a good deal about one person. Treat the "
    "file as you treat the records.",
)
def levels(vectors, decode, table, first):
    """Decode, cut the column's channels out, take the nearest row of its table."""
    part = decode(vectors)[:, first : first + table.shape[1]]  # (N, size)
    return torch.cdist(part, table).argmin(dim=1)  # (N,)


@levels.verify
def _(answer):
    table = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 0.9]])
    vectors = torch.tensor([[9.0, 0.1, 0.2], [9.0, 1.7, 0.1], [-9.0, 0.2, 0.6], [0.0, 0.0, 0.35]])
    expected = levels(vectors, lambda v: v, table, 1)
    think = "Is it the nearest row, and do the channels start at `first`?"
    close(answer(vectors, lambda v: v, table, 1), expected, "decoded as they are", think=think)
    doubled = levels(vectors, lambda v: 2 * v, table, 1)
    think = "Did you decode the vectors?"
    close(answer(vectors, lambda v: 2 * v, table, 1), doubled, "decoded by doubling", think=think)


@levels.wrong
def _(vectors, decode, table, first):
    """Takes the row with the largest product, which favours long rows."""
    return (decode(vectors)[:, first : first + table.shape[1]] @ table.T).argmax(dim=1)


@levels.wrong
def _(vectors, decode, table, first):
    """Forgets to decode."""
    return torch.cdist(vectors[:, first : first + table.shape[1]], table).argmin(dim=1)
