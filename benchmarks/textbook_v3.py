"""The published training step of v3, the plain way, to measure the package against.

Network, loss and random draws are those of the package, so both learn the same thing where there
is nothing to pad (a test holds their weights against each other). What differs is how it is
computed, as in the series: 60 months are padded with zeros to 100, the padding is noised, sent
through the network and masked in the loss, and all products are in float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam

from hgteach.models.v3 import NoiseDiffusion
from hgteach.sequences import Batches
from hgteach.training.diffusion_presets import DiffusionSettings

PADDED = 100  # months


class PaddedTraining:
    """A published diffusion in training on padded patients."""

    def __init__(
        self,
        network: NoiseDiffusion,
        x: Tensor,
        settings: DiffusionSettings,
        random: torch.Generator,
        months: int = PADDED,
    ) -> None:
        """Prepare to train on ``x``, ``(P, T, F)``, padded to ``months``."""
        self.network, self.settings, self.random, self.months = network, settings, random, months
        self.optimiser = Adam(network.parameters(), settings.learning_rate, settings.betas)
        self.batches = Batches(x, x.shape[1], settings.batch_size, random)

    def epoch(self) -> None:
        """Show every patient once."""
        for x in self.batches:  # (B, T, F)
            self.step(2 * x - 1)

    def step(self, x_0: Tensor) -> None:
        """Pad, noise, guess, mask, and take one step downhill."""
        missing = self.months - x_0.shape[1]
        mask = functional.pad(torch.ones_like(x_0), (0, 0, 0, missing))
        x_0 = functional.pad(x_0, (0, 0, 0, missing))  # (B, months, F)
        t, noise, share = self.network.chance(len(x_0), self.months, self.random)
        alpha_bar = self.network.schedule.alpha_bar[t].view(-1, 1, 1)  # (B, 1, 1)
        x_t = alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * noise
        guessed = self.network.unet(x_t, t)
        blend = share * noise + (1 - share) * guessed
        made = (x_t - (1 - alpha_bar).sqrt() * blend) / alpha_bar.sqrt()
        noise_loss = (mask * (guessed - noise) ** 2).sum() / mask.sum()
        patient_loss = (mask * (made - x_0) ** 2).sum() / mask.sum()
        loss = noise_loss + self.network.RECONSTRUCTION_WEIGHT * patient_loss
        self.optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(self.network.parameters(), self.settings.largest_gradient)
        self.optimiser.step()
