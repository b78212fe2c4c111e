"""The published training step, written the way a textbook would, to measure the package against.

Networks, losses and random draws are those of the package, so both learn the same thing (a test
holds their weights against each other). What differs is how it is computed, as in the series:

- the LSTM is a Python loop over months, one direction after the other;
- the critic reads real, fake and in-between records in three separate passes;
- the fakes are not detached, so that a critic step also computes gradients of the generator;
- the gradient penalty is differentiated twice by autograd, through the loop over months;
- the autoencoder's gradients reach the critic's embedding, where they are thrown away.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam

from hgteach.models.build import Networks
from hgteach.models.v2 import autoencoder_loss
from hgteach.sequences import curriculum_lengths, curriculum_loaders
from hgteach.training.losses import correlation, correlation_loss
from hgteach.training.presets import GanSettings


class LoopedLSTM(nn.Module):
    """A bidirectional LSTM, month by month; takes over the weights of ``nn.LSTM``."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.hidden = lstm.hidden_size
        forwards, backwards = lstm.all_weights
        self.forwards, self.backwards = nn.ParameterList(forwards), nn.ParameterList(backwards)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """``(B, T, F)`` → ``(B, T, 2 * hidden)``, and the final memories as nn.LSTM has them."""
        out, final, cell = self._one_way(x, *self.forwards)
        back, back_final, back_cell = self._one_way(x.flip(1), *self.backwards)
        finals = torch.stack([final, back_final]), torch.stack([cell, back_cell])  # (2, B, hidden)
        return torch.cat([out, back.flip(1)], dim=2), finals

    def _one_way(self, x: Tensor, w_x: Tensor, w_h: Tensor, b_x: Tensor, b_h: Tensor):
        memory = cell = x.new_zeros(len(x), self.hidden)  # (B, hidden)
        memories = []
        for t in range(x.shape[1]):
            gates = nn.functional.linear(x[:, t], w_x, b_x)
            gates = gates + nn.functional.linear(memory, w_h, b_h)  # (B, 4 * hidden)
            enter, forget, new, leave = gates.chunk(4, dim=1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(new)
            memory = torch.sigmoid(leave) * torch.tanh(cell)
            memories.append(memory.unsqueeze(1))
        return torch.cat(memories, dim=1), memory, cell


class LoopedTraining(NamedTuple):
    """Networks and optimisers of a textbook training."""

    networks: Networks
    optimisers: dict[str, Adam]
    settings: GanSettings
    random: torch.Generator

    @classmethod
    def of(
        cls, networks: Networks, settings: GanSettings, random: torch.Generator
    ) -> LoopedTraining:
        """Loop over months instead of calling ``nn.LSTM``; the weights stay the same objects."""
        for network in (networks.generator, networks.critic):
            if hasattr(network, "lstm"):
                network.lstm = LoopedLSTM(network.lstm)
        optimisers = {
            name: Adam(network.parameters(), settings.learning_rate, settings.betas)
            for name, network in networks._asdict().items()
            if network is not None
        }
        return cls(networks, optimisers, settings, random)

    def epoch(self, x: Tensor) -> None:
        """Show every patient of ``x``, ``(P, T, F)``, once at every length of the series."""
        lengths = curriculum_lengths(x.shape[1])
        loaders = curriculum_loaders(x, lengths, self.settings.batch_size, self.random)
        for length, batches in loaders.items():
            target = correlation(x[:, :length])
            for real in batches:  # (B, length, F)
                self.batch(real, target)

    def batch(self, real: Tensor, target: Tensor) -> None:
        """Train on one batch ``(B, T, F)``: autoencoder, critic a few times, generator."""
        if self.networks.autoencoder is not None:
            self.memory_step(real)
        for _ in range(self.settings.critic_steps):
            self.critic_step(real)
        self.generator_step(real, target)

    def memory_step(self, real: Tensor) -> None:
        months = self.networks.critic.embedding(real)  # (B, T, width)
        latent, read_back = self.networks.autoencoder(months)
        loss = autoencoder_loss(months, latent, read_back, self.settings.divergence_weight)
        self._descend("autoencoder", loss)
        self.networks.generator.memory.remember(latent)

    def critic_step(self, real: Tensor) -> None:
        generator, critic, _ = self.networks
        fake = generator.sample(*real.shape[:2], self.random)  # (B, T, F)
        loss = critic(fake).mean() - critic(real).mean()
        share = torch.rand(len(real), 1, 1, generator=self.random)  # (B, 1, 1)
        between = share * real + (1 - share) * fake  # (B, T, F)
        scores = critic(between)
        (slope,) = torch.autograd.grad(
            scores, between, torch.ones_like(scores), create_graph=True, retain_graph=True
        )
        penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
        self._descend("critic", loss + self.settings.penalty_weight * penalty)

    def generator_step(self, real: Tensor, target: Tensor) -> None:
        generator, critic, _ = self.networks
        fake = generator.sample(*real.shape[:2], self.random)  # (B, T, F)
        loss = -critic(fake).mean()
        mismatch = correlation_loss(fake, target, self.random)
        self._descend("generator", loss + self.settings.correlation_weight * mismatch)

    def _descend(self, name: str, loss: Tensor) -> None:
        self.optimisers[name].zero_grad()
        loss.backward()
        self.optimisers[name].step()
