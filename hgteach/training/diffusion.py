"""The training loop of v3: noise a batch, guess, step downhill. There is no opponent.

It has the interface of ``GanTraining``. ``my_rows`` and ``all_rows`` matter only when several
processes share each batch; see ``distributed.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam, Optimizer

from hgteach.models.lstm import multiplies_bfloat16
from hgteach.models.v3 import Diffusion
from hgteach.sequences import Batches
from hgteach.training.diffusion_presets import DiffusionSettings
from hgteach.training.distributed import all_rows, my_rows, sum_gradients
from hgteach.training.state import mean_losses, restore_state, state_of


class DiffusionTraining:
    """A network in training: its optimiser, the random state, and what happened so far.

    Iterate :meth:`epochs` to train; each turn is one finished epoch.
    """

    def __init__(
        self, network: Diffusion, x: Tensor, settings: DiffusionSettings, random: torch.Generator
    ) -> None:
        """Prepare to train on ``x``, ``(P, T, F)``, on the device where it lies.

        ``x`` may be ``hgteach.streaming.Records``; percentiles are then those of a sample.
        """
        self.network, self.settings, self.random = network, settings, random
        if isinstance(x, Tensor):
            network.fit(x.cpu())
            self.x_0 = network.encode(x.cpu()).to(x.device)  # (P, T, channels)
        else:  # patients on disk are encoded batch by batch
            network.fit(x.sample())
            self.x_0 = x.through(network.encode)
        network.to(x.device)
        self.average = deepcopy(network)  # what is saved and sampled from
        self.optimiser = Adam(network.parameters(), settings.learning_rate, settings.betas)
        self.batches = Batches(self.x_0, x.shape[1], settings.batch_size, random)
        self.history: list[dict[str, float]] = []

    def epochs(self, last: int) -> Iterator[dict[str, float]]:
        """Train until epoch ``last`` is finished; yield each epoch's mean losses.

        Raises:
            InputError: a loss is no longer a number.
        """
        while len(self.history) < last:
            start = perf_counter()
            steps = len(self.history) * len(self.batches)
            losses = []
            for step, x_0 in enumerate(self.batches, start=steps + 1):  # (B, T, channels)
                losses.append(self._step(x_0))
                self._follow(step)
            row = mean_losses(len(self.history) + 1, losses)
            row["seconds"] = perf_counter() - start
            self.history.append(row)
            yield row

    def _step(self, x_0: Tensor) -> dict[str, float]:
        """Noise ``(B, T, channels)``, guess, and take one step downhill."""
        chance = self.network.chance(*x_0.shape[:2], self.random)
        mine = [my_rows(draw).to(x_0.device) for draw in chance]
        with self._short_products(x_0.device.type):
            each = self.network.losses(my_rows(x_0), *mine)  # (B,) each
        losses = {name: all_rows(loss, len(x_0)).mean() for name, loss in each.items()}
        loss = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad()
        loss.backward()
        sum_gradients(self.network.parameters())
        clip_grad_norm_(self.network.parameters(), self.settings.largest_gradient)
        self.optimiser.step()
        return {"loss": loss.item(), **{name: part.item() for name, part in losses.items()}}

    def _short_products(self, device: str) -> torch.autocast:
        """Multiply matrices in bfloat16 within, if the settings and the processor allow it."""
        allowed = self.settings.bfloat16 and (device != "cpu" or multiplies_bfloat16())
        return torch.autocast(device, torch.bfloat16, enabled=allowed)

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """Move the average towards the network; in the first steps most of the way."""
        past = min(self.settings.averaging, step / (step + 9))
        mean, weights = list(self.average.parameters()), list(self.network.parameters())
        torch._foreach_lerp_(mean, weights, 1 - past)

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next epoch depends on, as copies."""
        return state_of(*self._parts(), self.random)

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go back to where :meth:`state` was taken.

        Raises:
            RuntimeError, KeyError: the tensors are those of another model.
        """
        restore_state(state, *self._parts(), self.random)

    def _parts(self) -> tuple[dict[str, nn.Module], dict[str, Optimizer]]:
        return {"network": self.network, "average": self.average}, {"network": self.optimiser}
