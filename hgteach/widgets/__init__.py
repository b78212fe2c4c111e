"""Pictures that a learner steers, each a few lines over functions that have their own tests.

The frame is in ``explorer.py``; everything slow is worked out before the first move.
"""

from hgteach.widgets.browser import PatientBrowser, groups, patient_browser, step
from hgteach.widgets.explorer import NO_KERNEL, Drawn, Explorer, choice, slider
from hgteach.widgets.explorers import (
    attack_threshold,
    batch_shape,
    box_cox,
    correlation_types,
    latent_buffer,
    noisy_scores,
    snapshots,
)

__all__ = [
    "NO_KERNEL",
    "Drawn",
    "Explorer",
    "PatientBrowser",
    "attack_threshold",
    "batch_shape",
    "box_cox",
    "choice",
    "correlation_types",
    "groups",
    "latent_buffer",
    "noisy_scores",
    "patient_browser",
    "slider",
    "snapshots",
    "step",
]
