"""How good the classroom preset gets, and in how many seconds, held against the goals."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import pandas as pd

from benchmarks.fidelity import cohorts, fidelity
from hgteach.models import MODELS

SECONDS = 90
# The goal of issue-table figures, as the most that is allowed, given the floor's own figures.
GOALS = {
    "marginal mean": lambda floor: 2.5 * floor,
    "association": lambda floor: 2 * floor,
    "transitions": lambda floor: 0.10,
    "patients who flip": lambda floor: 0,
    "groups lost": lambda floor: 0,
}
