"""The training loop of the GANs, on one screen: critic, critic, …, generator, and again.

``my_rows`` and ``all_rows`` matter only when several processes share each batch; see
``distributed.py``. Random numbers are drawn on the CPU, so that they do not depend on the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from hgteach.models.build import Networks
from hgteach.models.lstm import multiplies_bfloat16
from hgteach.models.v1 import Critic, RecurrentGenerator
from hgteach.models.v2 import PatientAutoencoder, RecurrentMemoryGenerator, autoencoder_loss
from hgteach.sequences import curriculum_lengths, curriculum_loaders
from hgteach.training.distributed import all_rows, my_rows, sum_gradients
from hgteach.training.losses import (
    correlation_loss,
    correlations,
    distribution_loss,
    gradient_penalty,
    likeness_loss,
)
from hgteach.training.presets import GanSettings
from hgteach.training.state import mean_losses, restore_state, state_of


def critic_step(
    generator: RecurrentGenerator,
    critic: Critic,
    optimiser: Optimizer,
    real: Tensor,
    settings: GanSettings,
    random: torch.Generator,
    penalised: bool = True,
) -> dict[str, float]:
    """Teach the critic to score ``real``, ``(B, T, F)``, above what the generator makes."""
    patients, device = len(real), real.device
    noise = my_rows(generator.noise(*real.shape[:2], random)).to(device)
    real = my_rows(real)
    with torch.no_grad(), short_products(settings, device):  # the generator only poses here
        fake = generator(noise).to(real)  # (B, T, F)
    with short_products(settings, device):
        scores = critic(torch.cat([real, fake])).to(real)  # (2 * B,)
    score_real, score_fake = scores.chunk(2)  # (B,) each
    gap = all_rows(score_real - score_fake, patients).mean()
    losses = {"score_gap": gap}
    loss = -gap
    if penalised:
        share = my_rows(torch.rand(patients, 1, 1, generator=random)).to(device)
        with short_products(settings, device):
            penalty = gradient_penalty(critic.for_penalty, real, fake, share)
        losses["penalty"] = all_rows(penalty.expand(len(real)), patients).mean()
        loss = loss + settings.penalty_weight * settings.penalty_every * losses["penalty"]
    _descend(loss, optimiser)
    return {name: value.item() for name, value in losses.items()}


def generator_step(
    generator: RecurrentGenerator,
    critic: Critic,
    optimiser: Optimizer,
    real: Tensor,
    target: Tensor,
    settings: GanSettings,
    random: torch.Generator,
    recalled: Tensor | None = None,
) -> dict[str, float]:
    """Teach the generator to make patients, ``(B, T, F)``, that the critic scores highly.

    Args:
        generator, critic, optimiser, settings, random: as in :func:`critic_step`.
        real: a batch ``(B, T, F)``, for the terms that compare batches.
        target: correlations of all patients, ``(F, F)``.
        recalled: what the autoencoder sees in the patients of ``real``, ``(B, noise_size)``.
    """
    patients, device = len(real), real.device
    paired = settings.likeness_weight > 0 and recalled is not None
    around = {"recalled": recalled} if paired else {}
    noise = my_rows(generator.noise(*real.shape[:2], random, **around)).to(device)
    with short_products(settings, device):
        fake = generator(noise).to(target)  # (B, T, F)
        score_fake = all_rows(critic(fake).to(target), patients)  # (B,)
    fake = all_rows(fake, patients)
    losses = {"correlation_loss": correlation_loss(fake, target, random)}
    loss = -score_fake.mean() + settings.correlation_weight * losses["correlation_loss"]
    if settings.distribution_weight:
        losses["distribution_loss"] = distribution_loss(fake, real, random)
        loss = loss + settings.distribution_weight * losses["distribution_loss"]
    if paired:
        losses["likeness_loss"] = likeness_loss(fake, real)
        loss = loss + settings.likeness_weight * losses["likeness_loss"]
    _descend(loss, optimiser)
    return {name: value.item() for name, value in {"generator_loss": loss, **losses}.items()}


def memory_step(
    generator: RecurrentMemoryGenerator,
    critic: Critic,
    autoencoder: PatientAutoencoder,
    optimiser: Optimizer,
    real: Tensor,
    settings: GanSettings,
) -> tuple[dict[str, float], Tensor]:
    """Teach the autoencoder to sum ``real``, ``(B, T, F)``, up, and remember what it saw.

    Returns:
        the losses, and one vector a patient, ``(B, noise_size)``.
    """
    with torch.no_grad():
        months = critic.embedding(real)  # (B, T, width)
    latent, read_back = (all_rows(x, len(real)) for x in autoencoder(my_rows(months)))
    loss = autoencoder_loss(months, latent, read_back, settings.divergence_weight)
    _descend(loss, optimiser)
    vectors = generator.memory.remember(latent.cpu())
    return {"autoencoder_loss": loss.item()}, vectors


def short_products(settings: GanSettings, device: torch.device) -> torch.autocast:
    """Multiply matrices in bfloat16 within, if the settings and the processor allow it."""
    allowed = settings.bfloat16 and (device.type != "cpu" or multiplies_bfloat16())
    return torch.autocast(device.type, torch.bfloat16, enabled=allowed)


def _descend(loss: Tensor, optimiser: Optimizer) -> None:
    """Take one step downhill. Only this optimiser's own network moves."""
    weights = optimiser.param_groups[0]["params"]
    optimiser.zero_grad()
    loss.backward(inputs=weights)
    sum_gradients(weights)
    optimiser.step()


class GanTraining:
    """Networks in training: their optimisers, the random state, and what happened so far.

    Iterate :meth:`epochs` to train; each turn is one finished epoch.
    """

    def __init__(
        self, networks: Networks, x: Tensor, settings: GanSettings, random: torch.Generator
    ) -> None:
        """Prepare to train on ``x``, ``(P, T, F)``, on the device where it lies."""
        self.networks, self.settings, self.random = networks, settings, random
        for network in self._present().values():
            network.to(x.device)
        if networks.autoencoder is not None:
            networks.generator.memory.cpu()  # noise is drawn around it
        self.average = deepcopy(networks.generator)  # what is saved and sampled from
        self.optimisers = {
            name: Adam(network.parameters(), settings.learning_rate, settings.betas)
            for name, network in self._present().items()
        }
        lengths = sorted({min(length, x.shape[1]) for length in settings.lengths})
        lengths = lengths or curriculum_lengths(x.shape[1])
        self.loaders = curriculum_loaders(x, lengths, settings.batch_size, random)
        # The series compares every length with the correlations of full-length patients; here
        # each length has its own target, since early months differ from late ones.
        self.targets = correlations(x, lengths)
        self.history: list[dict[str, float]] = []

    def epochs(self, last: int) -> Iterator[dict[str, float]]:
        """Train until epoch ``last`` is finished; yield each epoch's mean losses.

        Raises:
            InputError: a loss is no longer a number.
        """
        settings = self.settings
        while len(self.history) < last:
            start = perf_counter()
            row = mean_losses(len(self.history) + 1, list(self._one_epoch()))
            row["critic_loss"] = settings.penalty_weight * row["penalty"] - row["score_gap"]
            row["seconds"] = perf_counter() - start
            self.history.append(row)
            yield row

    def _one_epoch(self) -> Iterator[dict[str, float]]:
        """Show every patient once at every length, short lengths first."""
        settings, random, optimisers = self.settings, self.random, self.optimisers
        generator, critic, autoencoder = self.networks
        step = 0
        for length, batches in self.loaders.items():
            target = self.targets[length]
            for real in batches:  # (B, length, F)
                recalled = None
                if autoencoder is not None:
                    adam = optimisers["autoencoder"]
                    losses, recalled = memory_step(
                        generator, critic, autoencoder, adam, real, settings
                    )
                    yield losses
                for _ in range(settings.critic_steps):
                    penalised = step % settings.penalty_every == 0
                    step += 1
                    yield critic_step(
                        generator, critic, optimisers["critic"], real, settings, random, penalised
                    )
                adam = optimisers["generator"]
                yield generator_step(
                    generator, critic, adam, real, target, settings, random, recalled
                )
                self._follow(generator)

    @torch.no_grad()
    def _follow(self, generator: nn.Module) -> None:
        """Move the average a little towards the generator, which itself swings to and fro."""
        pairs = zip(self.average.parameters(), generator.parameters(), strict=True)
        for mean, weight in pairs:
            mean.lerp_(weight, 1 - self.settings.averaging)
        for mean, buffer in zip(self.average.buffers(), generator.buffers(), strict=True):
            mean.copy_(buffer)

    def _present(self) -> dict[str, nn.Module]:
        return {k: v for k, v in self.networks._asdict().items() if v is not None}

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next epoch depends on, as copies."""
        return state_of({**self._present(), "average": self.average}, self.optimisers, self.random)

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go back to where :meth:`state` was taken.

        Raises:
            RuntimeError, KeyError: the tensors are those of another model.
        """
        networks = {**self._present(), "average": self.average}
        restore_state(state, networks, self.optimisers, self.random)
