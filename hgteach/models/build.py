"""From a model's name to its untrained networks."""

from typing import NamedTuple

from torch import nn

from hgteach.models.v1 import Architecture, Critic, RecurrentGenerator
from hgteach.models.v2 import PatientAutoencoder, RecurrentMemoryGenerator
from hgteach.models.v2_5 import TransformerMemoryGenerator
from hgteach.schema import Schema

GENERATORS = {
    "v1": RecurrentGenerator,
    "v2": RecurrentMemoryGenerator,
    "v2.5": TransformerMemoryGenerator,
}


class Networks(NamedTuple):
    """The players of the game; v1 has no autoencoder."""

    generator: nn.Module
    critic: Critic
    autoencoder: PatientAutoencoder | None


def build(model: str, schema: Schema, architecture: Architecture) -> Networks:
    """Return fresh networks of ``model`` for the channels of ``schema``."""
    generator = GENERATORS[model](schema, architecture)
    critic = Critic(schema, architecture)
    remembers = hasattr(generator, "memory")
    width = critic.embedding.width
    return Networks(
        generator, critic, PatientAutoencoder(width, architecture) if remembers else None
    )
