"""The network of v3: a U-Net over time, which looks at a patient month by month and as a whole.

On the way down the months are halved three times, on the way up they are doubled again, and what
was seen at the same height is added. Each block is told how much noise there is, by scaling and
shifting its channels (Perez et al. 2018, FiLM, arXiv 1709.07871).

Architecture: the series' blog 006 and posts 24 and 25.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from hgteach.models.diffusion import ScheduleName

GROUPS = 8  # of channels that are normalised together
STEP_SIZE = 128  # numbers that tell the network the step


@dataclass(frozen=True)
class DiffusionArchitecture:
    """The sizes of the network, which are the published ones, and the form of the diffusion.

    Attributes:
        hidden_size: the width of every layer; a multiple of ``GROUPS``.
        levels: how often the months are halved.
        steps: T, from patient to noise.
        schedule: ``linear`` as published, or ``cosine``; see ``diffusion.py``.
        noise_ratio: of the cosine schedule.
        guesses_noise: the published form; False for the mended one.
        sampling_steps: how many steps a new patient takes.
        eta: the share of fresh noise in each of them, from 0 to 1.
    """

    hidden_size: int = 256
    levels: int = 3
    steps: int = 500
    schedule: ScheduleName = "linear"
    noise_ratio: float = 1.0
    guesses_noise: bool = True
    sampling_steps: int = 500
    eta: float = 1.0


PUBLISHED = DiffusionArchitecture()


class StepEmbedding(nn.Module):
    """A step of noising → how to scale and shift the channels of one block (FiLM)."""

    def __init__(self, steps: int, width: int) -> None:
        """Tabulate sines and cosines of every step, (Vaswani et al. 2017), and build the layers."""
        super().__init__()
        rate = torch.exp(torch.arange(0, STEP_SIZE, 2) / STEP_SIZE * -torch.log(torch.tensor(1e4)))
        angle = torch.arange(steps + 1)[:, None] * rate  # (T + 1, STEP_SIZE / 2)
        table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # (T + 1, STEP_SIZE)
        self.register_buffer("table", table, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(STEP_SIZE, 2 * width), nn.SiLU(), nn.Linear(2 * width, 2 * width)
        )

    def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """``(B,)`` → scale and shift, ``(B, C, 1)`` each."""
        scale, shift = self.layers(self.table[t]).unsqueeze(-1).chunk(2, dim=1)
        return scale, shift


class ResidualBlock(nn.Module):
    """Two convolutions over time, added to what came in."""

    def __init__(self, width: int) -> None:
        """Build the layers for ``width`` channels."""
        super().__init__()
        self.norm_1, self.norm_2 = nn.GroupNorm(GROUPS, width), nn.GroupNorm(GROUPS, width)
        self.conv_1 = nn.Conv1d(width, width, kernel_size=3, padding=1)
        self.conv_2 = nn.Conv1d(width, width, kernel_size=3, padding=1)

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``(B, C, T)`` → ``(B, C, T)``; the step of noising decides which channels count."""
        y = functional.silu(self.norm_1(x) * (1 + scale) + shift)
        y = functional.silu(self.norm_2(self.conv_1(y)))
        return x + self.conv_2(y)


class UNet(nn.Module):
    """Noisy channels ``(B, T, F)`` and steps ``(B,)`` → guesses ``(B, T, F)``."""

    def __init__(self, channels: int, architecture: DiffusionArchitecture) -> None:
        """Build the layers for ``channels`` in and out."""
        super().__init__()
        width, levels = architecture.hidden_size, range(architecture.levels)
        self.shortest = 2**architecture.levels  # months that can be halved so often
        self.enter = nn.Sequential(
            nn.Linear(channels, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.step_down, self.step_middle, self.step_up = (
            nn.ModuleList(StepEmbedding(architecture.steps, width) for _ in each)
            for each in (levels, range(1), levels)
        )
        self.down = nn.ModuleList(ResidualBlock(width) for _ in levels)
        self.shrink = nn.ModuleList(nn.Conv1d(width, width, 4, stride=2, padding=1) for _ in levels)
        self.middle = nn.ModuleList([ResidualBlock(width), ResidualBlock(width)])
        self.grow = nn.ModuleList(
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1) for _ in levels
        )
        self.up = nn.ModuleList(ResidualBlock(width) for _ in levels)
        self.smooth = nn.Conv1d(width, width, kernel_size=3, padding=1)
        self.leave = nn.Sequential(
            nn.Linear(width, width), nn.SiLU(), nn.Linear(width, channels)
        )

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Look at ever coarser months, then put the details back."""
        timesteps = x_t.shape[1]
        x = self.enter(x_t).transpose(1, 2)  # (B, C, T)
        x = functional.pad(x, (0, max(0, self.shortest - timesteps)))
        seen = []
        for block, shrink, step in zip(self.down, self.shrink, self.step_down, strict=True):
            x = block(x, *step(t))
            seen.append(x)
            x = shrink(x)  # 60, 30, 15, 7 months
        for block in self.middle:
            x = block(x, *self.step_middle[0](t))
        for block, grow, step in zip(self.up, self.grow, self.step_up, strict=True):
            x, at_this_height = grow(x), seen.pop()
            x = functional.pad(x, (0, at_this_height.shape[2] - x.shape[2]))  # 14 → 15 months
            x = block(x + at_this_height, *step(t))
        x = self.smooth(x)[..., :timesteps]
        return self.leave(x.transpose(1, 2)).to(x_t)  # (B, T, F), float32 in any case
