"""From a model's name to its untrained networks."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from hgteach.models.v1 import Architecture, Critic, RecurrentGenerator
from hgteach.models.v2 import PatientAutoencoder, RecurrentMemoryGenerator
from hgteach.models.v2_5 import TransformerMemoryGenerator
from hgteach.models.v3 import DiffusionArchitecture, diffusion
from hgteach.schema import Schema

GENERATORS: dict[str, Callable[..., nn.Module]] = {
    "v1": RecurrentGenerator,
    "v2": RecurrentMemoryGenerator,
    "v2.5": TransformerMemoryGenerator,
    "v3": diffusion,
}


def architecture_of(model: str) -> type[Architecture] | type[DiffusionArchitecture]:
    """Return the class that describes the sizes of ``model``."""
    return DiffusionArchitecture if model == "v3" else Architecture


class Networks(NamedTuple):
    """The players of a GAN's game; v1 has no autoencoder."""

    generator: nn.Module
    critic: Critic
    autoencoder: PatientAutoencoder | None


def build(model: str, schema: Schema, architecture: Architecture) -> Networks:
    """Return fresh networks of a GAN, ``model``, for the channels of ``schema``."""
    generator = GENERATORS[model](schema, architecture)
    critic = Critic(schema, architecture)
    remembers = hasattr(generator, "memory")
    width = critic.embedding.width
    return Networks(
        generator, critic, PatientAutoencoder(width, architecture) if remembers else None
    )
