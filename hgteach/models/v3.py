"""v3: diffusion. A one-dimensional U-Net learns to see the patient through the noise.

The equations are in ``diffusion.py``, the network is in ``unet.py``, and here is what it is asked.

Architecture: Kuo et al. 2023, NeurIPS workshop SyntheticData4ML, and the series' blog 006 and
posts 19 to 26. For its seven variables the published network has 7,373,334 parameters.

``NoiseDiffusion`` is the published form: every channel in [−1, 1], a network that guesses the
noise, and the series' loss. Where it differs from the published code:

- The code pads 60 months with zeros to 100, and masks the padding in the loss; yet it samples 100
  months, 40 of which it never learned. Here nothing is padded.
- The code throws away every patient with a number out of range, about a third of them. Here the
  number is moved to the edge.
- The code adds noise of variance β on the way back; equation (4) with η = 1 has DDPM's other
  choice, which is slightly smaller.

``PatientDiffusion`` is the mended form and the default. It guesses the patient: numbers by their
normal scores, levels by probabilities (see ``channels.py``). A static column has one noise and one
guess a patient, so it is constant by construction. Its schedule ends in noise alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from hgteach.models.channels import DiffusionChannels
from hgteach.models.diffusion import (
    Denoised,
    Schedule,
    cosine_alpha_bar,
    linear_alpha_bar,
    way_back,
)
from hgteach.models.unet import (
    PUBLISHED,
    DiffusionArchitecture,
    ResidualBlock,
    StepEmbedding,
    UNet,
)
from hgteach.schema import Schema

__all__ = [
    "PUBLISHED",
    "Diffusion",
    "DiffusionArchitecture",
    "NoiseDiffusion",
    "PatientDiffusion",
    "ResidualBlock",
    "StepEmbedding",
    "UNet",
    "diffusion",
]


class Diffusion(nn.Module):
    """What both forms share: how patients are made. Each form says how they are guessed."""

    channels: int

    def __init__(self, channels: int, architecture: DiffusionArchitecture) -> None:
        """Build schedule and network for ``channels``."""
        super().__init__()
        self.architecture, self.channels = architecture, channels
        self.schedule = Schedule(
            linear_alpha_bar(architecture.steps)
            if architecture.schedule == "linear"
            else cosine_alpha_bar(architecture.steps, architecture.noise_ratio)
        )
        self.unet = UNet(channels, architecture)

    def fit(self, x: Tensor) -> None:
        """Learn what can be learned without a network from records, ``(P, T, F)``."""

    def draw(self, patients: int, timesteps: int, random: torch.Generator) -> Tensor:
        """Draw noise, ``(patients, timesteps, channels)``."""
        return torch.randn(patients, timesteps, self.channels, generator=random)

    def chance(self, patients: int, timesteps: int, random: torch.Generator) -> list[Tensor]:
        """Draw what :meth:`losses` needs besides the patients: steps ``(B,)`` and noise.

        The steps of a batch are spread evenly over 1 … T, from a random start (Kingma et al.
        2021, arXiv 2107.00630), so that the loss depends less on luck.
        """
        place = (torch.rand(1, generator=random) + torch.arange(patients) / patients) % 1
        t = 1 + (place * self.schedule.steps).long().clamp(max=self.schedule.steps - 1)
        return [t, self.draw(patients, timesteps, random)]

    def encode(self, x: Tensor) -> Tensor:
        """Records ``(B, T, F)`` in [0, 1] → channels ``(B, T, channels)``."""
        raise NotImplementedError

    def decode(self, x_0: Tensor) -> Tensor:
        """Undo :meth:`encode`."""
        raise NotImplementedError

    def guess(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the network thinks x_0 and the noise are, both like ``x_t``."""
        raise NotImplementedError

    def losses(self, x_0: Tensor, *chance: Tensor) -> dict[str, Tensor]:
        """Return the parts of the loss of each patient, ``(B,)`` each, to be added up."""
        raise NotImplementedError

    def way_back(
        self,
        patients: int,
        timesteps: int,
        random: torch.Generator,
        count: int | None = None,
        eta: float | None = None,
    ) -> Iterator[Denoised]:
        """Walk from noise to patients; see ``diffusion.way_back``."""

        def draw() -> Tensor:
            return self.draw(patients, timesteps, random)

        count = self.architecture.sampling_steps if count is None else count
        eta = self.architecture.eta if eta is None else eta
        return way_back(self.schedule, self.guess, draw(), draw, count, eta)

    def sample(self, patients: int, timesteps: int, random: torch.Generator) -> Tensor:
        """Draw synthetic records ``(patients, timesteps, F)``."""
        for step in self.way_back(patients, timesteps, random):
            last = step.x_0
        return self.decode(last)


class NoiseDiffusion(Diffusion):
    """As published: all channels in [−1, 1], and the network guesses the noise."""

    RECONSTRUCTION_WEIGHT = 20.0

    def __init__(self, schema: Schema, architecture: DiffusionArchitecture) -> None:
        """Build the layers for the channels of ``schema``."""
        super().__init__(schema.width, architecture)

    def encode(self, x: Tensor) -> Tensor:
        """``[0, 1]`` → ``[−1, 1]``."""
        return 2 * x - 1

    def decode(self, x_0: Tensor) -> Tensor:
        """``[−1, 1]`` → ``[0, 1]``; what lies outside is moved to the edge."""
        return ((x_0 + 1) / 2).clamp(0, 1)

    def guess(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The network guesses the noise; equation (2) gives the patient."""
        noise = self.unet(x_t, t)
        return self.schedule.patient_from(x_t, t, noise), noise

    def chance(self, patients: int, timesteps: int, random: torch.Generator) -> list[Tensor]:
        """Draw steps one by one, noise, and the shares of the blend in :meth:`losses`."""
        t = torch.randint(1, self.schedule.steps + 1, (patients,), generator=random)
        noise = self.draw(patients, timesteps, random)
        return [t, noise, torch.rand(noise.shape, generator=random)]

    def losses(self, x_0: Tensor, t: Tensor, noise: Tensor, share: Tensor) -> dict[str, Tensor]:
        """The error of the noise, and 20 times the error of the patient made from it.

        As in the series, the patient is made from a blend of true and guessed noise.
        """
        x_t = self.schedule.noised(x_0, t, noise)
        guessed = self.unet(x_t, t)
        made = self.schedule.patient_from(x_t, t, torch.lerp(guessed, noise, share))
        return {
            "noise_loss": ((guessed - noise) ** 2).mean(dim=(1, 2)),
            "patient_loss": self.RECONSTRUCTION_WEIGHT * ((made - x_0) ** 2).mean(dim=(1, 2)),
        }


class PatientDiffusion(Diffusion):
    """Mended: the network guesses the patient, numbers as numbers and levels as probabilities."""

    HEAVIEST = 5.0  # what a patient without much noise weighs at most in the loss of levels

    def __init__(self, schema: Schema, architecture: DiffusionArchitecture) -> None:
        """Build the layers for the channels of ``schema``."""
        channels = DiffusionChannels(schema)
        super().__init__(channels.width, architecture)
        self.ready = channels
        nn.init.zeros_(self.unet.leave[-1].weight)  # begin by guessing nobody in particular
        nn.init.zeros_(self.unet.leave[-1].bias)

    def fit(self, x: Tensor) -> None:
        """Learn the distribution of every number."""
        self.ready.fit(x)

    def draw(self, patients: int, timesteps: int, random: torch.Generator) -> Tensor:
        """Draw noise, ``(patients, timesteps, channels)``; one a patient for a static column."""
        return self.ready.draw(patients, timesteps, random)

    def encode(self, x: Tensor) -> Tensor:
        """See ``channels.py``."""
        return self.ready.encode(x)

    def decode(self, x_0: Tensor) -> Tensor:
        """See ``channels.py``."""
        return self.ready.decode(x_0)

    def logits(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return guessed scores of numbers, and logits of levels, ``(B, T, channels)``.

        What single months say by themselves is written down; the network adds the rest.
        For a number, √ᾱ · x_t is the best line through (x_t, x_0) when scores are standard
        normal, and the network's part is as wide as the noise (Salimans and Ho 2022, "v",
        arXiv 2202.00512). For a static level it is Bayes' rule: noise makes level j
        exp(2 · √ᾱ · x_t,j / (1 − ᾱ)) times as likely.
        """
        patient, spread = self.schedule.shares(t)
        numbers, static = self.ready.numbers, self.ready.static
        out = self.unet(x_t, t)
        scores = patient * x_t[..., :numbers] + spread * out[..., :numbers]
        evidence = 2 * patient / (spread**2).clamp(min=0.02) * x_t[..., numbers:]
        levels = torch.where(static[numbers:], evidence, 0) + out[..., numbers:]
        both = torch.cat([scores, levels], dim=-1)
        return torch.where(static, both.mean(dim=1, keepdim=True), both)

    def guess(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Levels are expected values, between −1 and 1; equation (3) gives the noise."""
        logits = self.logits(x_t, t)
        levels = [2 * logits[..., span].softmax(dim=-1) - 1 for span in self.ready.levels]
        x_0 = torch.cat([logits[..., : self.ready.numbers], *levels], dim=-1)
        return x_0, self.schedule.noise_from(x_t, t, x_0)

    def losses(self, x_0: Tensor, t: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """Squared error of numbers, in units of the noise; cross-entropy of levels."""
        alpha_bar = self.schedule.alpha_bar[t]  # (B,)
        logits = self.logits(self.schedule.noised(x_0, t, noise), t)
        error = (logits - x_0)[..., : self.ready.numbers] ** 2
        surprise = [
            functional.cross_entropy(
                logits[..., span].transpose(1, 2), x_0[..., span].argmax(-1), reduction="none"
            ).mean(dim=1)
            for span in self.ready.levels
        ]
        weight = (1 / (1 - alpha_bar)).clamp(max=self.HEAVIEST)
        return {
            "number_loss": error.mean(dim=1).sum(dim=-1) / (1 - alpha_bar),
            "level_loss": weight * torch.stack(surprise).sum(dim=0),
        }


def diffusion(schema: Schema, architecture: DiffusionArchitecture) -> Diffusion:
    """Return an untrained v3 in the form that ``architecture`` asks for."""
    form = NoiseDiffusion if architecture.guesses_noise else PatientDiffusion
    return form(schema, architecture)
