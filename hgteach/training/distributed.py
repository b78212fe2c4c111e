"""One training in several processes: ``torchrun --nproc-per-node 2 -m hgteach train …``.

Every process draws the same random numbers and so knows the whole batch. It then works on its own
patients only. What is computed for them is shared, so that each process has the loss of the whole
batch; its gradient covers its own patients, and the sum over the processes is the whole gradient.
One process or many: the training is the same, up to rounding.

Started without the launcher, there is one process, and every function here hands back what it
was given.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from hgteach.errors import InputError

PATIENCE = timedelta(minutes=5)  # how long to wait for a process that is silent but not gone


def join() -> torch.device:
    """Join the other processes of the launcher, if any; return the device to work on."""
    if dist.is_available() and dist.is_torchelastic_launched() and not dist.is_initialized():
        dist.init_process_group(timeout=PATIENCE)  # gloo for tensors on the CPU, NCCL for GPUs
        atexit.register(dist.destroy_process_group)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    torch.cuda.set_device(device)
    return device


def several() -> bool:
    """Whether other processes take part."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def is_first() -> bool:
    """Whether this is the process that writes files and shows the bar."""
    return not several() or dist.get_rank() == 0


def my_rows(rows: Tensor) -> Tensor:
    """Of the whole batch, ``(B, …)``, return the rows of this process's patients."""
    return rows[_share(len(rows))] if several() else rows


def all_rows(rows: Tensor, patients: int) -> Tensor:
    """Put the rows of all processes together, ``(patients, …)``; gradients flow to our own."""
    if not several():
        return rows
    share = _share(patients)
    whole = rows.new_zeros(patients, *rows.shape[1:])
    whole[share] = rows.detach()
    _sum(whole)  # every row is zero in all processes but one
    return torch.cat([whole[: share.start], rows, whole[share.stop :]])


def sum_gradients(weights: Iterable[Tensor]) -> None:
    """Give every process the gradient of the whole batch, in one message."""
    if several():
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        together = parameters_to_vector(gradients)
        _sum(together)
        vector_to_parameters(together, gradients)


def check_same_epoch(epochs: int) -> None:
    """Refuse to start if the processes have read different checkpoints.

    Raises:
        InputError: they have.
    """
    if several():
        each = torch.zeros(dist.get_world_size())
        each[dist.get_rank()] = epochs
        _sum(each)
        if (each != epochs).any():
            raise InputError(
                "The processes found different checkpoints. Give --out a folder on a disk that "
                "all hosts share."
            )


def _share(patients: int) -> slice:
    """Return this process's part of a batch; parts differ by one patient at most."""
    processes, rank = dist.get_world_size(), dist.get_rank()
    if patients < processes:
        raise InputError(
            f"A batch of {patients} patients is too small for {processes} processes. "
            "Start fewer of them."
        )
    return slice(patients * rank // processes, patients * (rank + 1) // processes)


def _sum(tensor: Tensor) -> None:
    """Add ``tensor`` up over all processes, in place."""
    try:
        dist.all_reduce(tensor)
    except RuntimeError as error:
        raise InputError(
            "Another process of this training stopped or fell silent, so this one stops too. "
            f"Go on from the last finished epoch with --resume. ({str(error).splitlines()[0]})"
        ) from None
