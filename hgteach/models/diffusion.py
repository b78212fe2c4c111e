"""Diffusion: bury a patient in noise, step by step, and learn the way back.

There are ``T`` steps. Step 0 is the patient, ``x_0``; at step t a share ᾱ_t of the patient's
variance is left and the rest is noise ε from a standard normal distribution:

    x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε                                                   (1)

Who knows ε knows x_0, and the other way round, so a network may be taught to guess either:

    x_0 = (x_t − √(1 − ᾱ_t) · ε) / √ᾱ_t                                                 (2)
    ε   = (x_t − √ᾱ_t · x_0) / √(1 − ᾱ_t)                                               (3)

To make a patient, begin with noise alone and step from t to an earlier s, with both guesses and a
share η of fresh noise z:

    x_s = √ᾱ_s · x̂_0 + √(1 − ᾱ_s − σ²) · ε̂ + σ · z,                                     (4)
    σ²  = η² · (1 − ᾱ_s) / (1 − ᾱ_t) · (1 − ᾱ_t / ᾱ_s)

With η = 1 and every step taken, (4) is the sampler of Ho et al. 2020 (DDPM, arXiv 2006.11239);
with η = 0 it needs no fresh noise and may skip steps (Song et al. 2021, DDIM, arXiv 2010.02502).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

ScheduleName = Literal["linear", "cosine"]


def linear_alpha_bar(steps: int, first: float = 1e-4, last: float = 0.01) -> Tensor:
    """Return ᾱ_0 … ᾱ_T where each step adds a variance β from ``first`` to ``last``.

    With the series' 500 steps ᾱ_T is 0.08: at the last step √0.08 = 28 % of the patient still
    shows, although making one begins with pure noise.
    """
    beta = torch.linspace(first, last, steps, dtype=torch.float64)  # β_1 … β_T
    alpha = 1 - beta
    return torch.cat([alpha.new_ones(1), alpha.cumprod(dim=0)])  # (T + 1,)


def cosine_alpha_bar(steps: int, noise_ratio: float = 1.0) -> Tensor:
    """Return ᾱ_0 … ᾱ_T of a schedule that ends in noise alone, ᾱ_T = 0.

    √ᾱ_t is the cosine, and √(1 − ᾱ_t) the sine, of an angle that goes from 0 to a right angle
    (after Nichol and Dhariwal 2021, arXiv 2102.09672). Noise is then made ``noise_ratio`` times
    as strong at every step: neighbouring months resemble each other, so that a patient shows
    through noise that would bury any single month (Hoogeboom et al. 2023, arXiv 2301.11093).
    """
    angle = torch.linspace(0, torch.pi / 2, steps + 1, dtype=torch.float64)
    patient, noise = angle.cos(), noise_ratio * angle.sin()
    alpha_bar = patient**2 / (patient**2 + noise**2)
    alpha_bar[-1] = 0  # which the rounded cosine only nearly is
    return alpha_bar  # (T + 1,)


class Schedule(nn.Module):
    """ᾱ for every step, and the equations above."""

    def __init__(self, alpha_bar: Tensor) -> None:
        """Keep ``alpha_bar``, ``(T + 1,)``, from 1 downwards; see the two functions above."""
        super().__init__()
        self.steps = len(alpha_bar) - 1
        # Equation (1): how much of the patient, and how much noise, at every step.
        self.register_buffer("alpha_bar", alpha_bar.float(), persistent=False)
        self.register_buffer("patient_share", alpha_bar.sqrt().float(), persistent=False)
        self.register_buffer("noise_share", (1 - alpha_bar).sqrt().float(), persistent=False)

    def shares(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return √ᾱ_t and √(1 − ᾱ_t) for steps ``t``, ``(B,)``, as ``(B, 1, 1)``."""
        return self.patient_share[t][:, None, None], self.noise_share[t][:, None, None]

    def noised(self, x_0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Equation (1): ``(B, T, F)`` at steps ``t``, ``(B,)``."""
        patient, spread = self.shares(t)
        return patient * x_0 + spread * noise

    def patient_from(self, x_t: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Equation (2). Only where ᾱ_t > 0."""
        patient, spread = self.shares(t)
        return (x_t - spread * noise) / patient

    def noise_from(self, x_t: Tensor, t: Tensor, x_0: Tensor) -> Tensor:
        """Equation (3). Only where t > 0."""
        patient, spread = self.shares(t)
        return (x_t - patient * x_0) / spread

    def steps_back(self, count: int) -> list[int]:
        """Return ``count`` + 1 evenly spaced steps from T down to 0; all steps if fewer exist."""
        return torch.linspace(self.steps, 0, min(count, self.steps) + 1).round().long().tolist()

    def fresh_share(self, t: int, s: int, eta: float) -> Tensor:
        """Return σ of equation (4) for the step from ``t`` back to ``s``."""
        now, then = self.alpha_bar[t], self.alpha_bar[s]
        return eta * ((1 - then) / (1 - now) * (1 - now / then)).sqrt()


class Denoised(NamedTuple):
    """One step on the way back: where we are, and what the network thinks lies at the end."""

    t: int
    x_t: Tensor
    x_0: Tensor


def way_back(
    schedule: Schedule,
    guess: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    x: Tensor,
    draw: Callable[[], Tensor],
    count: int,
    eta: float,
) -> Iterator[Denoised]:
    """Walk from noise to patients by equation (4), and yield every step.

    Args:
        schedule: gives ᾱ.
        guess: ``x_t`` and ``t``, ``(B,)`` → guesses of x_0 and of the noise, like ``x_t``.
        x: noise to begin with, ``(B, T, F)``.
        draw: gives fresh noise like ``x``; called only if ``eta`` > 0.
        count: in how many steps, at most T.
        eta: 0 for no fresh noise, 1 for as much as DDPM's.
    """
    steps = schedule.steps_back(count)
    for t, s in pairwise(steps):
        x_0, noise = guess(x, torch.full((len(x),), t, device=x.device))
        yield Denoised(t, x, x_0)
        sigma = schedule.fresh_share(t, s, eta)
        kept = (1 - schedule.alpha_bar[s] - sigma**2).clamp(min=0).sqrt()
        x = schedule.patient_share[s] * x_0 + kept * noise
        if eta > 0:
            x = x + sigma * draw()
    yield Denoised(0, x, x)
