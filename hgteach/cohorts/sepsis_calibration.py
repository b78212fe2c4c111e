"""Holding the simulated sepsis stand-in against what is published of the real patients.

    python -m hgteach.cohorts.sepsis_calibration [--patients 2164] [--seed 0]

prints every figure of :mod:`hgteach.cohorts.sepsis_published` beside the simulated one, with the
band that the stand-in has to stay in, and leaves with exit status 1 if one lies outside.

Scales. Correlations are Pearson's over all rows. The 17 columns that the authors logged enter as
log(x + 1), classes as their codes. Which scale the published figure used is not known. A trend
correlation here is the mean over patients of +1 (two variables' straight lines slope the same way)
and -1 (opposite ways); the published one may have been averaged otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from hgteach.cohorts import calibrating
from hgteach.cohorts import sepsis_published as published
from hgteach.cohorts.calibrating import Row
from hgteach.cohorts.sepsis import LOGGED, PATIENTS, SEPSIS
from hgteach.cohorts.sepsis_simulator import simulate_sepsis

MODE_BAND, KERNEL = 0.20, 6.0  # of the published mode; u/L
NO_VASOPRESSOR = 0.75  # at least: the published third quartile of MaxVaso is about 0


def calibration_table(table: pd.DataFrame) -> pd.DataFrame:
    """Compare a cohort in the published layout with the published summaries.

    Args:
        table: integer codes, all columns of ``SEPSIS``, sorted by patient and step, the same
            number of steps for everybody.

    Returns:
        One row a statistic, as :func:`hgteach.cohorts.calibrating.as_table` lays it out.

    Raises:
        InputError: a column is missing or holds labels, or the patients differ in length.
    """
    calibrating.refuse_other_layouts(table, SEPSIS)
    scaled = {
        name: np.log1p(table[name].to_numpy(dtype=float))
        if name in LOGGED
        else table[name].to_numpy(dtype=float)
        for name in SEPSIS.names
    }
    rows = [
        *calibrating.quartile_rows(table, published.QUARTILES),
        *_modes(table),
        Row("P(MaxVaso < 0.005)", "B", 1.0, float((table["MaxVaso"] < 0.005).mean()),
            1 - NO_VASOPRESSOR),
        *calibrating.share_rows(table, SEPSIS, published.SHARES),
        *calibrating.share_rows(table, SEPSIS, published.DECILES, grade="C"),
        *calibrating.correlation_rows(scaled, published.CORRELATIONS),
        *_trends(table),
    ]  # fmt: skip
    return calibrating.as_table(rows)


def _modes(table: pd.DataFrame) -> Iterator[Row]:
    """Where the smoothed density of a liver enzyme peaks, u/L."""
    grid = np.arange(0.0, 150.0, 0.5)
    for name, target in published.MODES.items():
        values = table[name].to_numpy()[::7, None]
        density = np.exp(-0.5 * ((values - grid) / KERNEL) ** 2).sum(axis=0)
        yield Row(f"{name}: mode", "B", target, float(grid[density.argmax()]), MODE_BAND * target)


def _trends(table: pd.DataFrame) -> Iterator[Row]:
    """In how many patients two variables rise and fall together."""
    for (first, second), target in published.TRENDS.items():
        x, y = (calibrating.by_patient(table[name], table, SEPSIS) for name in (first, second))
        agreement = calibrating.trend_agreement(x, y)
        name = f"trend: {first} and {second}"
        yield Row(name, "B", target, agreement, calibrating.CORRELATION_BAND)


def main(arguments: list[str] | None = None) -> int:
    """Print the table for one simulated cohort; return 1 if a figure lies outside its band."""
    return calibrating.run(
        "python -m hgteach.cohorts.sepsis_calibration",
        "Hold the simulated sepsis stand-in against the published summaries.",
        simulate_sepsis,
        calibration_table,
        PATIENTS,
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
