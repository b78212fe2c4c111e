"""v2.5: v2 with a transformer in the generator's place, which sees all months at once.

An LSTM carries the past along step by step. In an encoder-only transformer every month looks at
every other month directly and weighs what it sees.

Architecture: Kuo et al. 2023, J. Biomed. Inform., and the series' blog 005 and post 17. The
generator has 231,318 parameters for the series' seven variables. There is no feed-forward layer
after the attention, and no dropout.

Where the default differs from the published code:

- Attention is divided by the root of a head's own width, 16, as in Vaswani et al. 2017 (arXiv
  1706.03762). The published code divides by the root of all heads' width together, 128, which
  flattens the weights (``head_scaled=False``).
- Sequences may be longer than 100 months.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hgteach.models.activation import RecordActivation
from hgteach.models.v1 import Architecture
from hgteach.models.v2 import FromMemory, PatientMemory
from hgteach.schema import Schema

HEADS = 8
LAYERS = 3


class Attention(nn.Module):
    """Every month gathers from every month; then add and normalise."""

    def __init__(self, width: int, head_scaled: bool) -> None:
        """Build the four projections of ``width`` channels."""
        super().__init__()
        self.scale = (width // HEADS if head_scaled else width) ** -0.5
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, C)`` → ``(B, T, C)``."""
        heads = [
            layer(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)  # (B, HEADS, T, C / HEADS)
            for layer in (self.query, self.key, self.value)
        ]
        with torch.autocast(x.device.type, enabled=False):  # its bfloat16 form is slow on a CPU
            heads = [head.to(self.norm.weight.dtype) for head in heads]
            seen = functional.scaled_dot_product_attention(*heads, scale=self.scale)
        seen = seen.transpose(1, 2).flatten(2)  # (B, T, C)
        return self.norm(x + self.out(seen))


class TransformerMemoryGenerator(FromMemory, nn.Module):
    """Noise around remembered patients ``(B, T, noise_size)`` → records ``(B, T, F)``."""

    def __init__(self, schema: Schema, architecture: Architecture) -> None:
        """Build the layers; the noise is as wide as they are."""
        super().__init__()
        self.architecture = architecture
        width = architecture.noise_size
        self.memory = PatientMemory(architecture)
        self.position = nn.Embedding(architecture.longest, width)
        self.layers = nn.Sequential(
            *(Attention(width, architecture.head_scaled) for _ in range(LAYERS))
        )
        self.last = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.to_logits = nn.Linear(width, schema.width)
        if architecture.spread_kept:
            # Small, so that at first a month's place does not outweigh what happens in it, and a
            # place that training never reaches stays harmless.
            nn.init.normal_(self.position.weight, std=0.02)
            nn.init.kaiming_normal_(self.to_logits.weight)
            nn.init.zeros_(self.to_logits.bias)
        self.activation = RecordActivation(schema, architecture.constant_static)

    def forward(self, noise: Tensor) -> Tensor:
        """Tell each month its place, let the months look at one another, read out."""
        months = torch.arange(noise.shape[1], device=noise.device)
        x = self.layers(noise + self.position(months))  # (B, T, noise_size)
        x = torch.relu(self.norm(x + self.last(x)))
        return self.activation(self.to_logits(x))  # (B, T, F)

    def sample(self, patients: int, timesteps: int, random: torch.Generator) -> Tensor:
        """Draw synthetic records ``(patients, timesteps, F)``."""
        return self(self.noise(patients, timesteps, random))
