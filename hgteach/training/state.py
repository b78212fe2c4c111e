"""Everything that the next epoch depends on, as named tensors; and what an epoch leaves behind."""

from __future__ import annotations

from math import isfinite

import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hgteach.errors import InputError


def state_of(
    networks: dict[str, nn.Module], optimisers: dict[str, Optimizer], random: torch.Generator
) -> dict[str, Tensor]:
    """Return copies of all weights, of what each optimiser remembers, and of the random state."""
    state = {"random": random.get_state()}
    for name, network in networks.items():
        state |= {f"{name}.{k}": v for k, v in network.state_dict().items()}
    for name, optimiser in optimisers.items():
        for index, memory in optimiser.state_dict()["state"].items():
            state |= {f"{name}_adam.{index}.{k}": v for k, v in memory.items()}
    return {name: tensor.clone() for name, tensor in state.items()}


def restore_state(
    state: dict[str, Tensor],
    networks: dict[str, nn.Module],
    optimisers: dict[str, Optimizer],
    random: torch.Generator,
) -> None:
    """Go back to where :func:`state_of` was taken.

    Raises:
        RuntimeError, KeyError: the tensors are those of another model.
    """
    parts: dict[str, dict[str, Tensor]] = {f"{name}_adam": {} for name in optimisers}
    for name, tensor in state.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    for name, network in networks.items():
        network.load_state_dict(parts[name])
    for name, optimiser in optimisers.items():
        memory: dict[int, dict[str, Tensor]] = {}
        for key, tensor in parts[f"{name}_adam"].items():
            index, _, what = key.partition(".")
            memory.setdefault(int(index), {})[what] = tensor
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": memory, "param_groups": groups})
    random.set_state(state["random"])


def mean_losses(epoch: int, steps: list[dict[str, float]]) -> dict[str, float]:
    """Return an epoch's mean losses; a step need not have every loss.

    Raises:
        InputError: a loss is no longer a number.
    """
    row = {"epoch": epoch, **pd.DataFrame(steps).mean().to_dict()}
    if not all(isfinite(value) for value in row.values()):
        raise InputError(
            f"Training stopped in epoch {epoch}: a loss is no longer a number. "
            "Train again with a lower learning rate, or with another seed."
        )
    return row
