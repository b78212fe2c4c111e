"""v1: two recurrent networks that play against each other (WGAN-GP).

The generator turns a line of noise, one vector a month, into a patient. The critic reads a
patient and gives one score: high for real, low for made up. Both read time in both directions.

Architecture: Kuo et al. 2022, Scientific Data, doi 10.1038/s41597-022-01784-7, in the series'
blog 003. For its seven variables the generator has 316,438 parameters and the critic 283,465.

Where the default differs from the published code:

- The published generator runs its second LSTM over reversed time and forgets to turn the outputs
  back, so month t meets month T - t. PyTorch's bidirectional LSTM keeps them aligned.
- Changes to how it starts and what it makes are fields of ``Architecture``: static columns are
  constant, the noise is normal, and the first weights keep its spread. ``PUBLISHED`` undoes them.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from hgteach.embedding import SoftEmbedding
from hgteach.models.activation import RecordActivation
from hgteach.models.lstm import final_memories
from hgteach.schema import Schema

SLOPE = 0.1  # of the leaky ReLU, left of zero


@dataclass(frozen=True)
class Architecture:
    """The sizes of the networks, which are the published ones, and how they start.

    Attributes:
        noise_size: numbers of noise a month.
        hidden_size: the width of every layer between input and output.
        constant_static: a static column holds one value a patient. Published: it may change
            from month to month.
        noise: ``normal`` has mean 0 and spread 1, as the series' post 07 describes. Its code draws
            ``uniform`` numbers from 0 to 1: mean 0.5, spread 0.29.
        spread_kept: the first weights keep the spread of what they are given (He et al. 2015,
            arXiv 1502.01852). With PyTorch's usual ones, as published, each layer shrinks it, so
            that all noise first makes the same patient.
        memory_size: how many patients v2 and v2.5 remember; 0 for all that they learn from.
        spread_within: see ``v2.py``.
        longest: how many months v2.5 can place.
        head_scaled: see ``v2_5.py``.
    """

    noise_size: int = 128
    hidden_size: int = 128
    constant_static: bool = True
    noise: Literal["normal", "uniform"] = "normal"
    spread_kept: bool = True
    memory_size: int = 10_000
    spread_within: bool = True
    longest: int = 100
    head_scaled: bool = True


PUBLISHED = Architecture(
    constant_static=False,
    noise="uniform",
    spread_kept=False,
    spread_within=False,
    head_scaled=False,
)


def draw_noise(
    architecture: Architecture, patients: int, timesteps: int, random: torch.Generator
) -> Tensor:
    """Draw ``(patients, timesteps, noise_size)`` as ``architecture.noise`` says."""
    draw = torch.randn if architecture.noise == "normal" else torch.rand
    return draw(patients, timesteps, architecture.noise_size, generator=random)


class RecurrentGenerator(nn.Module):
    """Noise ``(B, T, noise_size)`` → records ``(B, T, F)``."""

    def __init__(self, schema: Schema, architecture: Architecture) -> None:
        """Build the layers for the channels of ``schema``."""
        super().__init__()
        self.architecture = architecture
        hidden = architecture.hidden_size
        self.lstm = nn.LSTM(architecture.noise_size, hidden, bidirectional=True, batch_first=True)
        self.to_logits = nn.Sequential(
            nn.Linear(2 * hidden, hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, schema.width),
        )
        self.activation = RecordActivation(schema, architecture.constant_static)
        if architecture.spread_kept:
            for layer in self.to_logits:
                if isinstance(layer, nn.Linear):
                    nn.init.kaiming_normal_(layer.weight, SLOPE)
                    nn.init.zeros_(layer.bias)

    def forward(self, noise: Tensor) -> Tensor:
        """Every month sees the noise of every other month, past and future."""
        both_ways, _ = self.lstm(noise)  # (B, T, 2 * hidden)
        return self.activation(self.to_logits(both_ways))  # (B, T, F)

    def noise(self, patients: int, timesteps: int, random: torch.Generator) -> Tensor:
        """Draw ``(patients, timesteps, noise_size)``, fresh for every month."""
        return draw_noise(self.architecture, patients, timesteps, random)

    def sample(self, patients: int, timesteps: int, random: torch.Generator) -> Tensor:
        """Draw synthetic records ``(patients, timesteps, F)``."""
        return self(self.noise(patients, timesteps, random))


class Critic(nn.Module):
    """Records ``(B, T, F)`` → one score a patient, ``(B,)``; higher means more like real."""

    def __init__(self, schema: Schema, architecture: Architecture) -> None:
        """Build the layers for the channels of ``schema``."""
        super().__init__()
        hidden = architecture.hidden_size
        self.embedding = SoftEmbedding(schema)
        self.by_month = nn.Sequential(
            nn.Linear(self.embedding.width, hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(SLOPE),
        )
        self.lstm = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.to_score = nn.Linear(2 * hidden, 1)

    def forward(self, records: Tensor) -> Tensor:
        """Score whole patients: only the two final memories of the LSTM are read."""
        months = self.by_month(self.embedding(records))  # (B, T, hidden)
        _, (final, _) = self.lstm(months)  # (2, B, hidden)
        return self.score(final)

    def for_penalty(self, records: Tensor) -> Tensor:
        """Return the same scores in a form whose slope is quick to differentiate again."""
        months = self.by_month(self.embedding(records))  # (B, T, hidden)
        return self.score(final_memories(self.lstm, months))

    def score(self, final: Tensor) -> Tensor:
        """Weigh what both directions remember at their ends, ``(2, B, hidden)``."""
        both_ways = final.transpose(0, 1).flatten(1)  # (B, 2 * hidden)
        return self.to_score(both_ways).squeeze(1)  # (B,)
