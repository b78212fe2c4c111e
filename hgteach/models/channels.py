"""Diffusion-ready channels: what a record must look like before noise is poured over it.

Noise is normal and equally strong in every channel. So each channel should be about as wide as the
noise, and as near to normal as it can be:

- A number becomes its normal score: the quantile of the standard normal distribution that it has
  among the training patients. The way back ends at their smallest and largest number, so nothing
  is out of range and nobody has to be thrown away.
- A block of levels, 0 or 1 a channel, becomes −1 or 1 (Chen et al. 2023, arXiv 2208.04202).
- Every number gets a block of two more channels: *as last month* or *new*. In these records a
  value is carried forward until the next measurement, and noise that is taken away never leaves
  two months exactly equal. The block says where they are.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor, nn

from hgteach.schema import Schema

KNOTS = 101  # points of each number's distribution that are kept: every percentile


class DiffusionChannels(nn.Module):
    """Records ``(B, T, F)`` in [0, 1] → channels ``(B, T, C)`` around 0, and back.

    ``C`` = F + 2 · numbers. ``levels`` lists the span of every block, the new ones last, and
    ``static``, ``(C,)``, marks the channels of columns that never change.
    """

    def __init__(self, schema: Schema) -> None:
        """Lay the channels out; :meth:`fit` learns the distributions."""
        super().__init__()
        self.numbers, self.record_width = len(schema.real), schema.width
        self.width = schema.width + 2 * self.numbers
        self.levels = [block.span for block in schema.blocks if block.column.kind != "real"]
        self.news = [slice(end - 2, end) for end in range(schema.width + 2, self.width + 1, 2)]
        self.levels += self.news
        static = torch.zeros(self.width, dtype=torch.bool)
        for block in schema.blocks:
            static[block.span] = block.column.static
        self.register_buffer("static", static, persistent=False)
        self.register_buffer("values", torch.zeros(self.numbers, KNOTS))  # percentiles of numbers
        self.register_buffer("scores", torch.zeros(KNOTS))  # those of the normal distribution

    def fit(self, x: Tensor) -> None:
        """Learn the distribution of every number from training records, ``(P, T, F)``."""
        share = np.linspace(0, 1, KNOTS)
        rows = x[..., : self.numbers].flatten(0, 1).cpu().numpy()  # (P * T, numbers)
        self.values.copy_(torch.from_numpy(np.quantile(rows, share, axis=0).T))
        rarest = 0.5 / len(rows)  # the share that the smallest of so many stands for
        self.scores.copy_(torch.from_numpy(ndtri(share.clip(rarest, 1 - rarest))))

    def encode(self, x: Tensor) -> Tensor:
        """Records ``(B, T, F)`` → channels ``(B, T, C)``."""
        numbers, levels = x[..., : self.numbers], x[..., self.numbers :]
        parts = [2 * levels - 1]
        scores = []
        for number, values in zip(numbers.unbind(-1), self.values, strict=True):
            # Where many are equal, the score is the middle one: from below, and from above.
            below = _interpolate(number, values, self.scores)
            above = -_interpolate(-number, -values.flip(0), -self.scores.flip(0))
            scores.append((below + above) / 2)
            new = torch.ones_like(number)  # the first month is always new
            new[:, 1:] = (number[:, 1:] != number[:, :-1]).to(x)
            parts.append(torch.stack([1 - 2 * new, 2 * new - 1], dim=-1))
        return torch.cat([*(score.unsqueeze(-1) for score in scores), *parts], dim=-1)

    def decode(self, x_0: Tensor) -> Tensor:
        """Channels ``(B, T, C)`` → records ``(B, T, F)``; levels become shares of one."""
        months = torch.arange(x_0.shape[1], device=x_0.device).expand(x_0.shape[:2])  # (B, T)
        numbers = []
        for score, values, news in zip(
            x_0[..., : self.numbers].unbind(-1), self.values, self.news, strict=True
        ):
            as_last, new = x_0[..., news].unbind(-1)
            measured = torch.where(new > as_last, months, 0).cummax(dim=1).values  # last time
            numbers.append(_interpolate(score, self.scores, values).gather(1, measured))
        levels = (x_0[..., self.numbers : self.record_width] + 1) / 2
        return torch.cat([*(number.unsqueeze(-1) for number in numbers), levels], dim=-1)

    def draw(self, patients: int, timesteps: int, random: torch.Generator) -> Tensor:
        """Draw noise ``(patients, timesteps, C)``; a static column has one a patient."""
        noise = torch.randn(patients, timesteps, self.width, generator=random)
        return torch.where(self.static.cpu(), noise[:, :1], noise)


def _interpolate(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Return the line through ``(knots, values)`` at ``x``, flat outside; knots may repeat."""
    right = torch.searchsorted(knots, x.contiguous()).clamp(1, len(knots) - 1)
    left = right - 1
    gap = (knots[right] - knots[left]).clamp(min=1e-9)
    return torch.lerp(values[left], values[right], ((x - knots[left]) / gap).clamp(0, 1))
