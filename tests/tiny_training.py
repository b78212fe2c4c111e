"""A cohort and settings so small that an epoch takes a moment."""

import pandas as pd

from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES, load_art_hiv
from hgteach.models.v1 import Architecture
from hgteach.models.v3 import DiffusionArchitecture
from hgteach.training import DiffusionSettings, GanSettings

EXAMPLE = ART_HIV.select(EXAMPLE_VARIABLES)
TINY = GanSettings(
    architecture=Architecture(noise_size=8, hidden_size=6, memory_size=20),
    epochs=2,
    batch_size=16,
    critic_steps=2,
    lengths=(3, 6),
)


TINY_DIFFUSION = DiffusionSettings(
    architecture=DiffusionArchitecture(
        hidden_size=32,
        levels=1,
        steps=20,
        schedule="cosine",
        guesses_noise=False,
        sampling_steps=5,
        eta=0.0,
    ),
    epochs=2,
    batch_size=16,
    averaging=0.9,
)


def tiny(model: str) -> GanSettings | DiffusionSettings:
    """Return the tiny settings that fit ``model``."""
    return TINY_DIFFUSION if model == "v3" else TINY


def small_cohort(patients: int = 24, months: int = 6) -> pd.DataFrame:
    """Return the first months of the first patients; two batches of ``TINY`` an epoch."""
    table = load_art_hiv(patients)
    return table[table[ART_HIV.time] < months].reset_index(drop=True)
