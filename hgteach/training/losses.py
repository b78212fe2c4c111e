"""The three terms of the WGAN-GP game that the series plays.

Sources: Arjovsky et al. 2017 (arXiv 1701.07875) for the critic's score as a distance; Gulrajani et
al. 2017 (arXiv 1704.00028) for the penalty; Kuo et al. 2022 for the correlation term.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor
) -> Tensor:
    """Return how far the critic's slope is from 1 between real and fake, squared and averaged.

    Args:
        critic: records ``(B, T, F)`` → scores ``(B,)``.
        real, fake: ``(B, T, F)``, in pairs.
        share: ``(B, 1, 1)``, where on the line between each pair the slope is taken: 0 at
            ``fake``, 1 at ``real``.

    Returns:
        A scalar, 0 or more; 0 when every slope is exactly 1. It should fall towards 0 in
        training. (The series' post 12 says towards 10, which is its weight, not its value.)
    """
    between = torch.lerp(fake, real, share).requires_grad_()  # (B, T, F)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    steepness = slope.flatten(1).norm(dim=1)  # (B,)
    return ((steepness - 1) ** 2).mean()


def correlation(records: Tensor) -> Tensor:
    """Return Pearson's correlation of all channels over all months: ``(B, T, F)`` → ``(F, F)``.

    A channel that never changes correlates 0 with everything.
    """
    rows = records.flatten(0, 1)  # (B * T, F)
    rows = rows - rows.mean(dim=0)
    length = rows.norm(dim=0)  # (F,)
    rows = rows / length.clamp(min=1e-6 * len(rows) ** 0.5)
    return rows.T @ rows  # (F, F)


def correlation_loss(fake: Tensor, target: Tensor, random: torch.Generator) -> Tensor:
    """Return the mean distance between the correlations of ``fake`` and ``target``, ``(F, F)``.

    As in the series, both are first cut to a random magnitude: an entry counts only if the two
    differ below it, or in sign. Large correlations are so pushed less often than wrong signs.
    """
    found = correlation(fake)
    ceiling = torch.rand(target.shape, generator=random).to(target.device)
    return (found.clamp(-ceiling, ceiling) - target.clamp(-ceiling, ceiling)).abs().mean()
