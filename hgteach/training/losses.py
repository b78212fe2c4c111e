"""The terms of the WGAN-GP game that the series plays, and two that help it in a classroom.

Sources: Arjovsky et al. 2017 (arXiv 1701.07875) for the critic's score as a distance; Gulrajani et
al. 2017 (arXiv 1704.00028) for the penalty; Kuo et al. 2022 for the correlation term; Deshpande et
al. 2018 (arXiv 1803.11188) for distances along random directions; Larsen et al. 2016 (arXiv
1512.09300) for a generator that must also read back.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


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


def correlations(x: Tensor, lengths: list[int]) -> dict[int, Tensor]:
    """Return the :func:`correlation` of all patients' first months, ``(F, F)``, for each length.

    Of patients on disk (``hgteach.streaming.Records``) the same, up to rounding, is added up in
    one pass: sums and products of every month.
    """
    if isinstance(x, Tensor):
        return {length: correlation(x[:, :length]) for length in lengths}
    sums = products = 0
    for part in x.parts():  # (B, T, F)
        part = part.double()
        sums = sums + part.sum(dim=0)  # (T, F)
        products = products + torch.einsum("btf,btg->tfg", part, part)  # (T, F, F)
    found = {}
    for length in lengths:
        rows = len(x) * length
        mean = sums[:length].sum(dim=0) / rows  # (F,)
        joint = products[:length].sum(dim=0) - rows * torch.outer(mean, mean)  # (F, F)
        size = joint.diagonal().clamp(min=0).sqrt().clamp(min=1e-6 * rows**0.5)  # (F,)
        found[length] = (joint / torch.outer(size, size)).float()
    return found


def correlation_loss(fake: Tensor, target: Tensor, random: torch.Generator) -> Tensor:
    """Return the mean distance between the correlations of ``fake`` and ``target``, ``(F, F)``.

    As in the series, both are first cut to a random magnitude: an entry counts only if the two
    differ below it, or in sign. Large correlations are so pushed less often than wrong signs.
    """
    found = correlation(fake)
    ceiling = torch.rand(target.shape, generator=random).to(target.device)
    return (found.clamp(-ceiling, ceiling) - target.clamp(-ceiling, ceiling)).abs().mean()


def distribution_loss(fake: Tensor, real: Tensor, random: torch.Generator) -> Tensor:
    """Return how far ``fake`` is from ``real``, both ``(B, T, F)``, in three plain respects.

    Compared are all months, each month's change from the last, and each patient's mean before and
    after a month drawn at random, early months more often, so that *when* counts as well. The
    distance is Wasserstein's, for which no critic is needed in one dimension: sort both groups and
    subtract. It is taken along every channel, and along as many random mixtures of channels, which
    see what belongs together; and summed.
    """
    timesteps = fake.shape[1]
    cut = int(timesteps ** torch.rand((), generator=random).item())  # 1 or more, below T
    rest = min(cut, timesteps - 1)  # one month is its own before and after
    compared = (
        lambda x: x.flatten(0, 1),  # months, (B * T, F)
        lambda x: x.diff(dim=1).flatten(0, 1),  # changes, (B * (T - 1), F)
        lambda x: torch.cat([x[:, :cut].mean(dim=1), x[:, rest:].mean(dim=1)], dim=1),  # (B, 2F)
    )
    return sum(_sliced_distance(view(fake), view(real), random) for view in compared)


def _sliced_distance(fake: Tensor, real: Tensor, random: torch.Generator) -> Tensor:
    """Compare ``(rows, F)`` with ``(rows, F)`` along ``2 * F`` directions."""
    if len(fake) == 0:  # one month has no change
        return fake.sum()
    channels = fake.shape[1]
    mixtures = torch.randn(channels, channels, generator=random)
    directions = torch.cat([torch.eye(channels), mixtures / mixtures.norm(dim=0)], dim=1)
    directions = directions.to(fake)  # (F, 2 * F)
    sorted_fake, sorted_real = ((x @ directions).sort(dim=0).values for x in (fake, real))
    return (sorted_fake - sorted_real).abs().mean(dim=0).sum()


def likeness_loss(fake: Tensor, real: Tensor) -> Tensor:
    """Return how unlike each patient in ``fake`` is to the one in ``real`` who was recalled.

    Both are ``(B, T, F)``, in pairs. Only means over a patient's months are compared, by their
    cross-entropy, which does not forgive a rare level that is never made. 0 if all agree.
    """
    made, meant = fake.mean(dim=1), real.mean(dim=1)  # (B, F)
    rounded = made.clamp(1e-4, 1 - 1e-4)
    entropy = functional.binary_cross_entropy(meant, meant, reduction="none")
    cross = functional.binary_cross_entropy(rounded, meant, reduction="none")
    return (cross - entropy).sum(dim=1).mean()
