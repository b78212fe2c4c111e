"""The critic's own LSTM against PyTorch's: its value, its slope, and the slope of the penalty."""

import pytest
import torch
from torch import nn

from hgteach.models.lstm import final_memories

INPUTS, HIDDEN = 5, 7


@pytest.fixture
def case():
    torch.manual_seed(0)
    lstm = nn.LSTM(INPUTS, HIDDEN, bidirectional=True, batch_first=True)
    for weight in lstm.parameters():
        nn.init.normal_(weight, std=0.6)  # far from the flat middle of the sigmoids
    return lstm, torch.randn(4, 9, INPUTS), torch.randn(2 * HIDDEN)


def both_ways(final):
    return final.transpose(0, 1).flatten(1)  # (B, 2 * H)


def theirs(lstm, x):
    return both_ways(lstm(x)[1][0])


def ours(dtype):
    def run(lstm, x):
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            return both_ways(final_memories(lstm, x))

    return run


def plain_slopes(run, lstm, x, u):
    x = x.clone().requires_grad_()
    score = (torch.tanh(run(lstm, x)) @ u).sum()
    return torch.autograd.grad(score, [x, *lstm.parameters()])


def penalty_slopes(run, lstm, x, u):
    x = x.clone().requires_grad_()
    score = (torch.tanh(run(lstm, x)) @ u).sum()  # bent, so that u itself depends on the input
    (slope,) = torch.autograd.grad(score, x, create_graph=True)
    penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    return torch.autograd.grad(penalty, [x, *lstm.parameters()])


def farthest(found, expected):
    """The largest error of a tensor, relative to its own size."""
    return max(float((a - b).norm() / b.norm()) for a, b in zip(found, expected, strict=True))


def test_final_memories_are_those_of_pytorch(case):
    lstm, x, _ = case
    torch.testing.assert_close(final_memories(lstm, x), lstm(x)[1][0])


@pytest.mark.parametrize("slopes", [plain_slopes, penalty_slopes])
@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_slopes_are_those_of_the_double_backward(case, slopes, dtype, rounding):
    assert farthest(slopes(ours(dtype), *case), slopes(theirs, *case)) < rounding


def test_one_month_is_enough(case):
    lstm, x, u = case
    found = penalty_slopes(ours(torch.float32), lstm, x[:, :1], u)
    expected = penalty_slopes(theirs, lstm, x[:, :1], u)
    # With no earlier month, the recurrent weights have no slope at all.
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_the_slope_of_weights_cannot_be_differentiated_again_by_mistake(case):
    lstm, x, _ = case
    score = final_memories(lstm, x).sum()
    with pytest.raises(RuntimeError):
        torch.autograd.grad(score, list(lstm.parameters()), create_graph=True)
