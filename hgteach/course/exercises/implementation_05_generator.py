"""Exercises of the notebook implementation/05-generator: memory, mirrors, levels and spread."""

import numpy as np
import torch
from torch.nn import functional

from hgteach.course.comparing import Wrong, close, same_shape
from hgteach.course.registry import exercise


@exercise(
    "lstm-weights",
    title="How heavy is a memory?",
    minutes=5,
    difficulty=1,
    prompt="""
Write `lstm_weights(inputs, hidden)`: the number of weights of *one* LSTM, one direction, as in
`lstm_step` above. Count the biases too.
""",
    hint="Four parts, each `hidden` wide. What does each of them read, and with how many biases?",
    meaning="v1's two LSTMs of 128 hold 264,192 of its generator's 316,438 weights: memory is "
    "what costs.",
)
def lstm_weights(inputs, hidden):
    """Four parts; each unit reads the input, the last output, and two biases."""
    return 4 * hidden * (inputs + hidden + 2)


@lstm_weights.verify
def _(answer):
    for inputs, hidden in ((8, 6), (1, 1), (128, 128)):
        real = torch.nn.LSTM(inputs, hidden)
        expected = sum(w.numel() for w in real.parameters())
        think = "Read `lstm_step` again: which four tensors does it take from the LSTM?"
        close(answer(inputs, hidden), expected, f"inputs {inputs}, hidden {hidden}", think=think)


@lstm_weights.wrong
def _(inputs, hidden):
    """Counts one bias."""
    return 4 * hidden * (inputs + hidden + 1)


@lstm_weights.wrong
def _(inputs, hidden):
    """Forgets that there are four parts."""
    return hidden * (inputs + hidden + 2)


@exercise(
    "mirror-correlation",
    title="Find the mirror in somebody's data",
    minutes=15,
    difficulty=2,
    prompt="""
`values`, of shape `(P, T)`, holds one column of P synthetic patients over T months. Write
`mirror_correlation(values)`: the mean correlation, across patients, of month t with its mirror
month T - 1 - t. Use each pair once, and no month with itself.
""",
    hint="`np.corrcoef(values.T)` is `(T, T)`. Which entries of it are pairs of mirror months, and "
    "which of these come twice?",
    meaning="Compare it with months equally far apart that are no mirrors: a bug in code that you "
    "never saw shows up in the data that it made.",
)
def mirror_correlation(values):
    """Average the first half of the opposite diagonal."""
    together = np.corrcoef(np.asarray(values).T)  # (T, T)
    half = len(together) // 2
    return np.fliplr(together).diagonal()[:half].mean()


@mirror_correlation.verify
def _(answer):
    random = np.random.default_rng(0)
    half = random.normal(size=(500, 3))
    think = "Here every month equals its mirror."
    close(answer(np.hstack([half, half[:, ::-1]])), 1.0, "a perfect mirror", think=think)
    odd = random.normal(size=(500, 5))
    think = "With five months, the third is its own mirror: leave it out."
    close(answer(odd), mirror_correlation(odd), "five unrelated months", think=think)
    think = "Here month 0 equals month 3, and its mirror is month 5."
    shifted = random.normal(size=(500, 6))
    shifted[:, 3:] = shifted[:, :3]
    close(answer(shifted), mirror_correlation(shifted), "a repeat, not a mirror", think=think)


@mirror_correlation.wrong
def _(values):
    """Counts the middle month, which is its own mirror."""
    return np.fliplr(np.corrcoef(values.T)).diagonal().mean()


@mirror_correlation.wrong
def _(values):
    """Correlates months of the same patient instead of patients in the same months."""
    return np.mean([np.corrcoef(row, row[::-1])[0, 1] for row in np.asarray(values)])


@exercise(
    "decode-by-drawing",
    title="Draw the level instead",
    minutes=10,
    difficulty=2,
    prompt="""
Instead of the likeliest level, *draw* one with the probabilities that the generator gave. Write
`draw_levels(p, u)` for `p` of shape `(B, levels)` and `u` of shape `(B,)`, uniform between 0 and
1: return the B level numbers. Level 0 if `u` is below `p[:, 0]`, level 1 if it is above that but
below `p[:, 0] + p[:, 1]`, and so on.
""",
    hint="`p.cumsum(dim=1)` gives the borders. How many borders lie at or below `u`?",
    meaning="Drawing keeps the shares of rare levels. Its price: drawn month by month, a regimen "
    "that is 90 % certain changes every few months. Neither decode mends an unsure generator.",
)
def draw_levels(p, u):
    """Count the borders that u has passed."""
    borders = p.cumsum(dim=1)[:, :-1]  # (B, levels - 1)
    return (borders <= u[:, None]).sum(dim=1)  # (B,)


@draw_levels.verify
def _(answer):
    p = torch.tensor([[0.6, 0.3, 0.1]]).repeat(4, 1)
    found = answer(p, torch.tensor([0.0, 0.59, 0.7, 0.95]))
    think = "The borders lie at 0.6 and 0.9."
    close(found, torch.tensor([0, 0, 1, 2]), "one set of probabilities", think=think)
    p = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    think = "A level of probability 0 must never be drawn."
    close(answer(p, torch.tensor([0.0, 0.99, 0.6])), torch.tensor([1, 0, 1]), "edges", think=think)
    many = answer(torch.tensor([[0.9, 0.1]]).repeat(1000, 1), torch.linspace(0, 0.999, 1000))
    if not 90 <= int(torch.as_tensor(many).sum()) <= 110:
        raise Wrong("of 1,000 draws at 10 %, about 100 should be of the rare level.")


@draw_levels.wrong
def _(p, u):
    """Is the likeliest level again."""
    return p.argmax(dim=1)


@draw_levels.wrong
def _(p, u):
    """Compares with the probabilities instead of the borders."""
    return (p[:, :-1] <= u[:, None]).sum(dim=1)


@exercise(
    "keep-the-spread",
    title="How wide must the first weights be?",
    minutes=15,
    difficulty=3,
    prompt=r"""
Weights drawn uniformly between $-b$ and $b$ have variance $b^2/3$. A layer has `n` independent
inputs with mean square 1; a leaky ReLU with the given `slope` left of zero follows. Write
`uniform_bound(n, slope)`: the $b$ for which the mean square after the ReLU is 1 again.
""",
    hint=r"""
Before the ReLU, the mean square is $n b^2 / 3$, half of it from positive numbers and half from
negative ones. The ReLU leaves one half as it is. What does it do to the *square* of the other?
""",
    meaning=r"This is `nn.init.kaiming_uniform_(weight, slope)`, that is $b = \sqrt{6 / ((1 + "
    r"s^2)\,n)}$: 2.4 times wider than the usual weights, in every layer.",
)
def uniform_bound(n, slope):
    """Solve n b² / 3 · (1 + slope²) / 2 = 1."""
    return (6 / ((1 + slope**2) * n)) ** 0.5


@uniform_bound.verify
def _(answer):
    think = "With slope 1 the ReLU does nothing, so n b² / 3 must be 1."
    close(answer(3, 1.0), 1.0, "no ReLU at all", think=think)
    think = "With slope 0 half of the mean square is lost."
    close(answer(6, 0.0), 1.0, "a plain ReLU", think=think)
    think = "The slope shrinks the number; what does that do to its square?"
    close(answer(128, 0.1), uniform_bound(128, 0.1), "v1's layer", think=think)


@uniform_bound.wrong
def _(n, slope):
    """PyTorch's usual bound."""
    return n**-0.5


@uniform_bound.wrong
def _(n, slope):
    """Forgets to square the slope."""
    return (6 / ((1 + slope) * n)) ** 0.5


@exercise(
    "generate-a-record",
    title="v1's generator, all of it",
    minutes=15,
    difficulty=3,
    prompt="""
Write `generate(noise, ahead, back, layers, numbers, levels)`: from `noise`, shape `(B, T, N)`, to
records, shape `(B, T, F)`. `ahead` and `back` are two `nn.LSTM` with `batch_first=True`, as in
section 2; `layers` is a list of three `nn.Linear`. The first `numbers` channels are numbers, then
follow blocks with as many levels as the list `levels` says, e.g. `[2, 4]`. (Constant columns are
left out here.)
""",
    hint="""
Three stages. Both directions, the second turned round twice, side by side: `(B, T, 2 * hidden)`.
Then the layers; `functional.leaky_relu(x, 0.1)` after two of them. `x.split([2, 4], dim=-1)` cuts
the channels of the levels into blocks.
""",
    meaning="With `noise` of 128 numbers a month and layers of 128, this is v1's generator as it "
    "was meant to be published.",
)
def generate(noise, ahead, back, layers, numbers, levels):
    """Let the months know of each other, mix, and squash into the shape of a record."""
    both = torch.cat([ahead(noise)[0], back(noise.flip(1))[0].flip(1)], dim=2)  # (B, T, 2 H)
    months = functional.leaky_relu(layers[0](both), 0.1)  # (B, T, H)
    logits = layers[2](functional.leaky_relu(layers[1](months), 0.1))  # (B, T, F)
    blocks = [part.softmax(dim=-1) for part in logits[..., numbers:].split(levels, dim=-1)]
    return torch.cat([logits[..., :numbers].sigmoid(), *blocks], dim=-1)  # (B, T, F)


@generate.verify
def _(answer):
    random = torch.Generator().manual_seed(0)
    ahead, back = torch.nn.LSTM(3, 4, batch_first=True), torch.nn.LSTM(3, 4, batch_first=True)
    layers = [torch.nn.Linear(8, 5), torch.nn.Linear(5, 5), torch.nn.Linear(5, 6)]
    with torch.no_grad():
        for weight in (w for part in (ahead, back, *layers) for w in part.parameters()):
            weight.copy_(torch.randn(weight.shape, generator=random))
        noise = torch.randn(2, 7, 3, generator=random)
        found = answer(noise, ahead, back, layers, 1, [2, 3])
        expected = generate(noise, ahead, back, layers, 1, [2, 3])
        mirrored = _not_turned_back(noise, ahead, back, layers, 1, [2, 3])
    same_shape(found, (2, 7, 6))
    found = torch.as_tensor(found)
    for block in (slice(1, 3), slice(3, 6)):
        if not torch.allclose(found[..., block].sum(dim=-1).float(), torch.ones(2, 7), atol=1e-4):
            width = block.stop - block.start
            raise Wrong(f"the shares of the block of {width} levels must add up to 1 every month.")
    if torch.allclose(found.float(), mirrored, atol=1e-5):
        raise Wrong("the backward run is not turned back: month t has taken its mirror's place.")
    close(found[..., 0], expected[..., 0], "the number", think="Is it a sigmoid of its raw logit?")
    think = "Is there a leaky ReLU after the first two layers, and none after the third?"
    close(found, expected, "the levels", think=think)


@generate.wrong
def _not_turned_back(noise, ahead, back, layers, numbers, levels):
    """Leaves the backward run as it comes, as published."""
    return generate(noise, ahead, lambda x: (back(x)[0].flip(1),), layers, numbers, levels)


@generate.wrong
def _(noise, ahead, back, layers, numbers, levels):
    """Takes one softmax over all levels."""
    return generate(noise, ahead, back, layers, numbers, [sum(levels)])


@generate.wrong
def _(noise, ahead, back, layers, numbers, levels):
    """Bends the logits as well."""
    last = torch.nn.Sequential(layers[2], torch.nn.LeakyReLU(0.1))
    return generate(noise, ahead, back, [*layers[:2], last], numbers, levels)
