"""Is each column, on its own, spread as it should be?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients
from hgteach.schema import Schema


def marginals(
    real: pd.DataFrame | Patients, synthetic: pd.DataFrame | Patients, schema: Schema
) -> pd.DataFrame:
    """Compare the spread of each column over all rows that hold a value.

    Numbers are compared by the Kolmogorov–Smirnov distance, the largest gap between the two
    cumulative distributions; levels by total variation, half the summed differences of shares.
    Both lie from 0 (the same) to 1 (nothing in common), and do not depend on the unit.

    Returns:
        One row a column: ``column``, ``measure``, ``distance`` (1 where one table holds no value,
        NaN where neither does), and the shares of rows without a value, ``missing in real`` and
        ``missing in synthetic``.
    """
    real, synthetic = Patients.of(real, schema), Patients.of(synthetic, schema)
    rows = []
    for column in schema.columns:
        groups, missing = zip(*(_values(p, column.name) for p in (real, synthetic)), strict=True)
        numbers = column.kind == "real"
        if numbers:
            distance = kolmogorov_smirnov(*groups)
        else:
            distance = _total_variation(*groups, len(column.levels))
        measure = "Kolmogorov–Smirnov" if numbers else "total variation"
        rows.append((column.name, measure, distance, *missing))
    names = ["column", "measure", "distance", "missing in real", "missing in synthetic"]
    return pd.DataFrame(rows, columns=names)


def _values(patients: Patients, name: str) -> tuple[np.ndarray, float]:
    """Return the values that are there, and the share of rows in which there is none."""
    cells = patients[name][patients.present]  # (rows,)
    there = cells != EMPTY if cells.dtype.kind == "i" else ~np.isnan(cells)
    return cells[there], float(1 - there.mean())


def kolmogorov_smirnov(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Return the largest gap between two cumulative distributions, from 0 to 1.

    As ``scipy.stats.ks_2samp``, without the p-value, which takes most of its time. 1 where only
    one of them has values, NaN where neither has.
    """
    if not len(real) or not len(synthetic):
        return 1.0 if len(real) or len(synthetic) else np.nan
    groups = [np.sort(values) for values in (real, synthetic)]
    both = np.concatenate(groups)
    shares = [values.searchsorted(both, side="right") / len(values) for values in groups]
    return float(np.abs(shares[0] - shares[1]).max())


def _total_variation(real: np.ndarray, synthetic: np.ndarray, levels: int) -> float:
    if not len(real) or not len(synthetic):
        return 1.0 if len(real) or len(synthetic) else np.nan
    p, q = (np.bincount(codes, minlength=levels) / len(codes) for codes in (real, synthetic))
    return float(np.abs(p - q).sum() / 2)


def _distance(task: Task) -> float:
    return marginals(task.real, task.synthetic, task.real.schema)["distance"].mean()


def _missing(task: Task) -> float:
    names = task.real.schema.names
    shares = np.array([[_values(p, n)[1] for n in names] for p in (task.real, task.synthetic)])
    if not shares.any():
        raise NotMeasured("Neither table has an empty cell.")
    return np.abs(shares[0] - shares[1]).mean()


MEASURES = (
    Measure(
        "single columns",
        "realism",
        "Mean over the columns of the distance between the real and the synthetic distribution: "
        "Kolmogorov–Smirnov for numbers, total variation for levels.",
        0.0,
        1.0,
        0.0,
        "Massey 1951 (Kolmogorov–Smirnov); Levin & Peres 2017, chapter 4 (total variation)",
        _distance,
    ),
    Measure(
        "empty cells",
        "realism",
        "Mean over the columns of the difference between the shares of rows without a value.",
        0.0,
        1.0,
        0.0,
        "this course",
        _missing,
    ),
)
