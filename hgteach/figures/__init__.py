"""The course's pictures: one look, two colours that always mean the same, and words for each.

No science lives here. Every function takes a table, draws it and returns the figure;
:func:`show` puts it into a notebook together with its description.
"""

from hgteach.figures.curves import training_history
from hgteach.figures.overlays import distributions
from hgteach.figures.palette import (
    INK,
    PALE,
    REAL,
    STYLE,
    SYNTHETIC,
    png,
    show,
    source_name,
    subplots,
)
from hgteach.figures.patients import describe_patient, one_patient, patient
from hgteach.figures.realism import courses, groups, matrices, transition_tables
from hgteach.figures.safety import closest_distances, guessed, recognised
from hgteach.figures.utility import (
    hazard_ratios,
    policy_heatmaps,
    predictions,
    treatment_effects,
    waiting_curves,
)

__all__ = [
    "INK",
    "PALE",
    "REAL",
    "STYLE",
    "SYNTHETIC",
    "closest_distances",
    "courses",
    "describe_patient",
    "distributions",
    "groups",
    "guessed",
    "hazard_ratios",
    "matrices",
    "one_patient",
    "patient",
    "png",
    "policy_heatmaps",
    "predictions",
    "recognised",
    "show",
    "source_name",
    "subplots",
    "training_history",
    "transition_tables",
    "treatment_effects",
    "waiting_curves",
]
