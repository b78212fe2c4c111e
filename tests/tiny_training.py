"""A cohort and settings so small that an epoch takes a moment."""

import pandas as pd

from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES, load_art_hiv
from hgteach.models.v1 import Architecture
from hgteach.training import GanSettings

EXAMPLE = ART_HIV.select(EXAMPLE_VARIABLES)
TINY = GanSettings(
    architecture=Architecture(noise_size=8, hidden_size=6, memory_size=20),
    epochs=2,
    batch_size=16,
    critic_steps=2,
    lengths=(3, 6),
)


def small_cohort(patients: int = 24, months: int = 6) -> pd.DataFrame:
    """Return the first months of the first patients; two batches of ``TINY`` an epoch."""
    table = load_art_hiv(patients)
    return table[table[ART_HIV.time] < months].reset_index(drop=True)
