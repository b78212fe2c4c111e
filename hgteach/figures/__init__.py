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

__all__ = [
    "INK",
    "PALE",
    "REAL",
    "STYLE",
    "SYNTHETIC",
    "describe_patient",
    "distributions",
    "one_patient",
    "patient",
    "png",
    "show",
    "source_name",
    "subplots",
    "training_history",
]
