"""The training loop of the GANs, on one screen: critic, critic, …, generator, and again."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from time import perf_counter

import pandas as pd
import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from hgteach.errors import InputError
from hgteach.models.v1 import Critic, RecurrentGenerator
from hgteach.sequences import curriculum_lengths, curriculum_loaders
from hgteach.training.losses import correlation, correlation_loss, gradient_penalty
from hgteach.training.presets import GanSettings


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
    with torch.no_grad():  # the generator only poses here; it is not learning
        fake = generator.sample(*real.shape[:2], random)  # (B, T, F)
    score_real, score_fake = critic(torch.cat([real, fake])).chunk(2)  # (B,) each
    gap = score_real.mean() - score_fake.mean()
    losses = {"score_gap": gap}
    loss = -gap
    if penalised:
        losses["penalty"] = gradient_penalty(critic, real, fake, random)
        loss = loss + settings.penalty_weight * settings.penalty_every * losses["penalty"]
    _descend(loss, optimiser)
    return {name: value.item() for name, value in losses.items()}


def generator_step(
    generator: RecurrentGenerator,
    critic: Critic,
    optimiser: Optimizer,
    size: tuple[int, int],
    target: Tensor,
    settings: GanSettings,
    random: torch.Generator,
) -> dict[str, float]:
    """Teach the generator to make ``size = (B, T)`` patients that the critic scores highly."""
    fake = generator.sample(*size, random)  # (B, T, F)
    score_fake = critic(fake)  # (B,)
    mismatch = correlation_loss(fake, target, random)
    loss = -score_fake.mean() + settings.correlation_weight * mismatch
    _descend(loss, optimiser)
    return {"generator_loss": loss.item(), "correlation_loss": mismatch.item()}


def _descend(loss: Tensor, optimiser: Optimizer) -> None:
    """Take one step downhill. Only this optimiser's own network moves."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


class GanTraining:
    """Two networks in training: their optimisers, the random state, and what happened so far.

    Iterate :meth:`epochs` to train; each turn is one finished epoch.
    """

    def __init__(
        self,
        generator: RecurrentGenerator,
        critic: Critic,
        x: Tensor,
        settings: GanSettings,
        random: torch.Generator,
    ) -> None:
        """Prepare to train on ``x``, ``(P, T, F)``."""
        self.generator, self.critic = generator, critic
        self.settings, self.random = settings, random
        rate, betas = settings.learning_rate, settings.betas
        self.generator_optimiser = Adam(generator.parameters(), rate, betas)
        self.critic_optimiser = Adam(critic.parameters(), rate, betas)
        lengths = list(settings.lengths) or curriculum_lengths(x.shape[1])
        self.loaders = curriculum_loaders(x, lengths, settings.batch_size, random)
        # The series compares every length with the correlations of full-length patients; here
        # each length has its own target, since early months differ from late ones.
        self.targets = {length: correlation(x[:, :length]) for length in lengths}
        self.history: list[dict[str, float]] = []

    def epochs(self, last: int) -> Iterator[dict[str, float]]:
        """Train until epoch ``last`` is finished; yield each epoch's mean losses.

        Raises:
            InputError: a loss is no longer a number.
        """
        settings = self.settings
        while len(self.history) < last:
            start = perf_counter()
            steps = pd.DataFrame(list(self._one_epoch()))  # a critic step lacks the other's losses
            row = {"epoch": len(self.history) + 1, **steps.mean().to_dict()}
            row["critic_loss"] = settings.penalty_weight * row["penalty"] - row["score_gap"]
            row["seconds"] = perf_counter() - start
            if not all(isfinite(value) for value in row.values()):
                raise InputError(
                    f"Training stopped in epoch {row['epoch']}: a loss is no longer a number. "
                    "Train again with a lower learning rate, or with another seed."
                )
            self.history.append(row)
            yield row

    def _one_epoch(self) -> Iterator[dict[str, float]]:
        """Show every patient once at every length, short lengths first."""
        settings, random = self.settings, self.random
        networks = self.generator, self.critic
        step = 0
        for length, batches in self.loaders.items():
            target = self.targets[length]
            for real in batches:  # (B, length, F)
                for _ in range(settings.critic_steps):
                    penalised = step % settings.penalty_every == 0
                    step += 1
                    yield critic_step(
                        *networks, self.critic_optimiser, real, settings, random, penalised
                    )
                yield generator_step(
                    *networks, self.generator_optimiser, real.shape[:2], target, settings, random
                )

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next epoch depends on, as copies."""
        state = {f"generator.{k}": v for k, v in self.generator.state_dict().items()}
        state |= {f"critic.{k}": v for k, v in self.critic.state_dict().items()}
        for name, optimiser in self._optimisers().items():
            for index, memory in optimiser.state_dict()["state"].items():
                state |= {f"{name}.{index}.{k}": v for k, v in memory.items()}
        state["random"] = self.random.get_state()
        return {name: tensor.clone() for name, tensor in state.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go back to where :meth:`state` was taken.

        Raises:
            RuntimeError, KeyError: the tensors are those of another model.
        """
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in state.items():
            part, _, rest = name.partition(".")
            parts.setdefault(part, {})[rest] = tensor
        self.generator.load_state_dict(parts["generator"])
        self.critic.load_state_dict(parts["critic"])
        for name, optimiser in self._optimisers().items():
            memory: dict[int, dict[str, Tensor]] = {}
            for key, tensor in parts[name].items():
                index, _, what = key.partition(".")
                memory.setdefault(int(index), {})[what] = tensor
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict({"state": memory, "param_groups": groups})
        self.random.set_state(state["random"])

    def _optimisers(self) -> dict[str, Optimizer]:
        return {"generator_adam": self.generator_optimiser, "critic_adam": self.critic_optimiser}
