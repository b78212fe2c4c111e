"""v2: v1 with a memory, so that fewer kinds of patients are forgotten.

v1 makes a patient from noise that is new every month; nothing in it says *who* this is. v2 adds an
autoencoder that sums each real patient up in a vector, and a memory of these vectors. To make a
patient, one of them is recalled and the monthly noise is scattered around it.

Architecture: Kuo et al. 2023, J. Biomed. Inform., and the series' blog 004 and posts 15 and 16.
The autoencoder has 56,722 parameters for the series' seven variables. It has no random step, so
despite its name in the series it is not a variational autoencoder; the memory does the work.

Where the default differs from the published code:

- The memory and its spread are part of the generator's state, so they are saved with it.
- The autoencoder reads the critic's embedding but sends no gradient there (the published one
  computes that gradient and throws it away).
- Noise is scattered around a remembered patient as the real patients' own months are around
  their mean: as widely, and as slowly from month to month (``persistence``). The published noise
  is new each month, and as wide as all months of all patients, which counts the differences
  between patients twice and drowns the one who was recalled (``spread_within=False``).
- In training, a patient is made around the memory of each real patient at hand and must resemble
  this one on average (``GanSettings.likeness_weight``). The published loss lets a generator ignore
  what it recalls.
- A full memory forgets the oldest vectors first, so one with as many places as there are patients
  holds each of them once. The published one draws its content anew with replacement, so that some
  patients are remembered several times and others lost.
- Patients are recalled in turn, in random order; the published code draws each time anew.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hgteach.models.v1 import Architecture, RecurrentGenerator, draw_noise
from hgteach.schema import Schema


class PatientAutoencoder(nn.Module):
    """Embedded months ``(B, T, width)`` → latent months ``(B, T, noise_size)`` and back."""

    def __init__(self, width: int, architecture: Architecture) -> None:
        """Build the layers for ``width`` channels of the critic's embedding."""
        super().__init__()
        hidden, latent = architecture.hidden_size, architecture.noise_size
        self.enter = nn.Linear(width, hidden)
        self.enter_again = nn.Linear(width, hidden)  # published: the sum of two linear layers
        self.middle = nn.ModuleList([nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)])
        self.encode = nn.Linear(hidden, latent)
        self.decode = nn.Linear(latent, width)

    def forward(self, months: Tensor) -> tuple[Tensor, Tensor]:
        """Return latents ``(B, T, noise_size)`` and the months read back ``(B, T, width)``."""
        x = torch.relu(self.enter(months) + self.enter_again(months))  # (B, T, hidden)
        for layer in self.middle:
            x = torch.relu(layer(x) + x)
        latent = self.encode(x)
        return latent, self.decode(latent)


def autoencoder_loss(
    months: Tensor, latent: Tensor, read_back: Tensor, divergence_weight: float = 1.0
) -> Tensor:
    """Return the squared error, plus how far the latents are from mean 0 and variance 1.

    The second term is the Kullback–Leibler divergence of a normal distribution with the batch's
    mean and variance from the standard one, summed over the latent's channels. With the published
    weight of 1 it outweighs the error so far that all channels come to hold the same one number.
    """
    rows = latent.flatten(0, 1)  # (B * T, noise_size)
    mean, variance = rows.mean(dim=0), rows.var(dim=0).clamp(min=1e-12)
    divergence = 0.5 * (mean**2 + variance - variance.log() - 1).sum()
    return functional.mse_loss(read_back, months) + divergence_weight * divergence


class PatientMemory(nn.Module):
    """Vectors of remembered patients, and how months scatter around them."""

    def __init__(self, architecture: Architecture) -> None:
        """Start empty; until something is remembered, noise passes unchanged."""
        super().__init__()
        size, latent = architecture.memory_size, architecture.noise_size
        self.register_buffer("patients", torch.zeros(size, latent))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))
        self.register_buffer("spread", torch.ones(latent))
        self.register_buffer("persistence", torch.zeros(latent))
        self.spread_within = architecture.spread_within

    def remember(self, latent: Tensor) -> Tensor:
        """Add the mean of each patient's months, ``(B, T, noise_size)``, and return the means."""
        months = latent.detach()  # (B, T, noise_size)
        vectors = months.mean(dim=1)  # (B, noise_size)
        kept = torch.cat([self.patients[: self.filled], vectors])
        kept = kept[-len(self.patients) :]  # the oldest are forgotten first
        self.patients[: len(kept)] = kept
        self.filled.fill_(len(kept))
        if self.spread_within:
            months = months - vectors.unsqueeze(1)
            early, late = months[:, :-1].flatten(0, 1), months[:, 1:].flatten(0, 1)
            likeness = (early * late).sum(dim=0) / (early.norm(dim=0) * late.norm(dim=0) + 1e-12)
            self.persistence.lerp_(likeness.clamp(0, 0.99), 0.5)
        # Running values: half the past, half this batch, as published for the spread.
        self.spread.lerp_(months.flatten(0, 1).std(dim=0, correction=0), 0.5)
        return vectors

    def around(
        self, noise: Tensor, random: torch.Generator, recalled: Tensor | None = None
    ) -> Tensor:
        """Scatter ``noise``, ``(B, T, noise_size)``, around patients, one each.

        They are ``recalled``, ``(B, noise_size)``, or else everybody in the memory in turn, in
        random order.
        """
        if recalled is None:
            if self.filled == 0:
                return noise
            filled = int(self.filled)
            turns = [torch.randperm(filled, generator=random) for _ in range(0, len(noise), filled)]
            recalled = self.patients[torch.cat(turns)[: len(noise)]]  # (B, noise_size)
        fresh = (1 - self.persistence**2).sqrt()  # keeps the variance at 1
        months = [noise[:, 0]]
        for draw in noise.unbind(dim=1)[1:]:
            months.append(self.persistence * months[-1] + fresh * draw)
        scatter = torch.stack(months, dim=1) * self.spread  # (B, T, noise_size)
        return scatter + recalled.unsqueeze(1)  # (B, T, noise_size)


class FromMemory:
    """What the generators of v2 and v2.5 share: their noise is scattered around patients."""

    architecture: Architecture
    memory: PatientMemory

    def noise(
        self,
        patients: int,
        timesteps: int,
        random: torch.Generator,
        recalled: Tensor | None = None,
    ) -> Tensor:
        """Draw ``(patients, timesteps, noise_size)`` around ``recalled`` or remembered patients."""
        fresh = draw_noise(self.architecture, patients, timesteps, random)
        return self.memory.around(fresh, random, recalled)


class RecurrentMemoryGenerator(FromMemory, RecurrentGenerator):
    """v1's generator, fed with noise around remembered patients."""

    def __init__(self, schema: Schema, architecture: Architecture) -> None:
        """Build v1's layers and an empty memory."""
        super().__init__(schema, architecture)
        self.memory = PatientMemory(architecture)
