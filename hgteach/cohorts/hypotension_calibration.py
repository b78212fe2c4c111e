"""Holding the hypotension stand-in against what is published: one row a statistic.

    python -m hgteach.cohorts.hypotension_calibration [--patients 3910] [--seed 0]

Quartiles, shares of classes, rates of measurement, and all correlations that are published with a
size of .20 or more. Correlations are Pearson's over all patient-hours, of plain values and of
classes numbered 0, 1, 2 …, which is what the authors' code draws.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from hgteach.cohorts import calibrating
from hgteach.cohorts import hypotension_published as published
from hgteach.cohorts.calibrating import Row
from hgteach.cohorts.hypotension import HYPOTENSION, LOW_HOURS, LOW_MAP, PATIENTS


def calibration_table(table: pd.DataFrame) -> pd.DataFrame:
    """Compare a cohort in the published layout with the published summaries.

    Args:
        table: published codes, sorted by patient and hour, as many hours for everybody.

    Returns:
        One row a statistic, see :func:`hgteach.cohorts.calibrating.as_table`.

    Raises:
        InputError: a column is missing, holds labels or gaps, or the patients differ in length.
    """
    calibrating.refuse_other_layouts(table, HYPOTENSION, "hours")
    scaled = {
        name: np.searchsorted(HYPOTENSION[name].codes, table[name])
        if name in HYPOTENSION.categorical
        else table[name].to_numpy(dtype=float)
        for name in HYPOTENSION.names
    }
    return calibrating.as_table(
        [
            *calibrating.quartile_rows(table, published.QUARTILES),
            *calibrating.share_rows(table, HYPOTENSION, published.SHARES),
            *_measured(table),
            *calibrating.correlation_rows(scaled, published.CORRELATIONS),
            _inclusion(table),
        ]
    )


def _measured(table: pd.DataFrame) -> Iterator[Row]:
    """How often something was measured."""
    for name, target in published.MEASURED.items():
        yield Row(f"P({name})", "B", target, float(table[name].mean()), calibrating.SHARE_BAND)


def _inclusion(table: pd.DataFrame) -> Row:
    """Whether everybody meets the rule by which the real cohort was chosen."""
    low = calibrating.by_patient(table["MAP"], table, HYPOTENSION) <= LOW_MAP
    share = float((low.sum(axis=1) >= LOW_HOURS).mean())
    return Row(f"P({LOW_HOURS} hours of MAP ≤ {LOW_MAP})", "A", 1.0, share, 0.0)


def main(arguments: list[str] | None = None) -> int:
    """Print the table for one simulated cohort; return 1 if a figure lies outside its band."""
    from hgteach.cohorts.hypotension_simulator import simulate_hypotension

    return calibrating.run(
        "python -m hgteach.cohorts.hypotension_calibration",
        "Hold the simulated hypotension stand-in against the published summaries.",
        simulate_hypotension,
        calibration_table,
        PATIENTS,
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
