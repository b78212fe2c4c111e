"""Exercises of the notebook implementation/14-u-net: lengths, a block, how far it sees."""

import torch

from hgteach.course.comparing import close
from hgteach.course.registry import exercise


@exercise(
    "way-down",
    title="The way down",
    minutes=4,
    difficulty=1,
    prompt="""
Write `way_down(months, levels)`: the list of lengths on the way down, the first one included, when
a convolution with window 4, stride 2 and padding 1 is applied `levels` times.
""",
    hint="How often does the window fit into 5 months with a zero at both ends? And into 4?",
    meaning="An odd month is lost on the way down, so it must be put back on the way up.",
)
def way_down(months, levels):
    """Halve, round down."""
    return [months // 2**level for level in range(levels + 1)]


@way_down.verify
def _(answer):
    close(answer(8, 2), [8, 4, 2], "8 months, twice", think="Is the first length in the list?")
    close(answer(60, 3), [60, 30, 15, 7], "60 months", think="What becomes of 15?")
    close(answer(100, 3), [100, 50, 25, 12], "100 months")


@way_down.wrong
def _(months, levels):
    """Rounds up."""
    return [-(-months // 2**level) for level in range(levels + 1)]


@exercise(
    "normalise-and-film",
    title="Normalise, then let the step speak",
    minutes=12,
    difficulty=2,
    prompt="""
Write `normalise_and_film(x, scale, shift)` for `x` of shape `(B, 16, T)` and `scale`, `shift` of
shape `(B, 16, 1)`. Cut the 16 channels into **8** groups of 2 neighbours; give each group of each
patient mean 0 and variance 1 over its channels and months; then multiply each channel by 1 + scale
and add its shift. Divide variances by the count of numbers, and add 0.00001 to them.
""",
    hint="""
`x.reshape(B, 8, 2 * T)` puts the numbers of one group side by side. Normalise, then reshape back.
""",
    meaning="All months of a patient share a group's mean and variance: they are not independent.",
)
def normalise_and_film(x, scale, shift):
    """Group, normalise, put back, scale and shift."""
    groups = x.reshape(len(x), 8, -1)  # (B, group, 2 * T)
    variance = groups.var(dim=2, keepdim=True, unbiased=False)
    groups = (groups - groups.mean(dim=2, keepdim=True)) / (variance + 1e-5).sqrt()
    return groups.reshape(x.shape) * (1 + scale) + shift  # (B, 16, T)


@normalise_and_film.verify
def _(answer):
    random = torch.Generator().manual_seed(0)
    x = 5 + 3 * torch.randn(3, 16, 6, generator=random)
    scale, shift = torch.randn(2, 3, 16, 1, generator=random)
    nothing = torch.zeros(3, 16, 1)
    expected = torch.nn.functional.group_norm(x, 8)
    think = "Over what are mean and variance taken: which channels, which months, which patients?"
    got = answer(x, nothing, nothing)
    close(got, expected, "scale and shift of 0", atol=1e-4, think=think)
    expected = expected * (1 + scale) + shift
    close(answer(x, scale, shift), expected, atol=1e-4, think="What does a scale of 0 mean?")


@normalise_and_film.wrong
def _(x, scale, shift):
    """Normalises each channel by itself."""
    return torch.nn.functional.group_norm(x, 16) * (1 + scale) + shift


@normalise_and_film.wrong
def _(x, scale, shift):
    """A scale of 0 silences the channel."""
    return torch.nn.functional.group_norm(x, 8) * scale + shift


@exercise(
    "months-seen",
    title="How many months does it see?",
    minutes=10,
    difficulty=3,
    prompt="""
Write `months_seen(layers)` for a list of convolutions `(window, stride)`, the first one first: how
many months at the entrance one number at the exit depends on (far from the ends).
""",
    hint="""
Keep two numbers: what is seen, and how many months wide one position is. A window adds window − 1
positions; a stride makes the positions *after* it wider.
""",
    meaning="Three halvings: 3, 3 and 4 a level, four windows of 3 below. That is 114 months, "
    "more than anyone's record has.",
)
def months_seen(layers):
    """Add window − 1 positions a layer, each as wide as the strides before it."""
    seen, wide = 1, 1
    for window, stride in layers:
        seen += (window - 1) * wide
        wide *= stride
    return seen


@months_seen.verify
def _(answer):
    close(answer([(3, 1)]), 3, "one window of 3")
    close(answer([(3, 1), (3, 1)]), 5, "two windows of 3", think="The windows overlap.")
    think = "A layer's own stride widens only the layers after it."
    close(answer([(4, 2), (3, 1)]), 8, "halve, then a window of 3", think=think)
    way_down = [(3, 1), (3, 1), (4, 2)] * 3 + [(3, 1)] * 4
    close(answer(way_down), 114, "the whole way down", think=think)


@months_seen.wrong
def _(layers):
    """Widens the layer by its own stride."""
    seen, wide = 1, 1
    for window, stride in layers:
        wide *= stride
        seen += (window - 1) * wide
    return seen
