"""Do two columns go together as they should, over all rows?"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients, scaled
from hgteach.evaluation.summaries import channel_pairs, channels
from hgteach.schema import Schema


def correlations(
    table: pd.DataFrame | Patients, schema: Schema, *, published: bool = False
) -> pd.DataFrame:
    """Return Pearson's correlation of every two channels over all rows that hold both.

    By default the channels do not depend on the order of codes: numbers (amounts as logarithms)
    and a 0/1 channel a level. A channel that never changes has correlation 0 with every other.

    Args:
        table: labelled rows, or patients.
        schema: what the columns are.
        published: one channel a column, as the series does it: raw numbers and integer codes
            (Kuo, Health Gym AI, Implementation 27). The codes' order is arbitrary, so take care.

    Returns:
        A square table of numbers from −1 to 1, indexed by column and level, or by column alone.
    """
    values, names = channels(Patients.of(table, schema), published=published)
    found = pearson(values.reshape(len(names), -1))  # (C, P * T) -> (C, C)
    index = names.get_level_values("column") if published else names
    return pd.DataFrame(found, index, index)


def pearson(rows: np.ndarray) -> np.ndarray:
    """Correlate the rows of ``(C, N)``, each pair where both have a value; NaN is no value."""
    there = ~np.isnan(rows)
    complete = bool(there.all())
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    rows = rows if complete else np.where(there, rows, 0.0)
    rows = rows - rows.sum(axis=1, keepdims=True) / count
    if not complete:
        rows = np.where(there, rows, 0.0)
    spread = np.sqrt(np.einsum("cn,cn->c", rows, rows)[:, None] / count)
    rows *= np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-9)
    if complete:
        return rows @ rows.T / rows.shape[1]
    there = there.astype(float)
    pairs = np.maximum(there @ there.T, 1)
    mean = rows @ there.T / pairs  # [a, b]: mean of a where b has a value as well
    variance = np.maximum(rows**2 @ there.T / pairs - mean**2, 0)
    scale = np.sqrt(variance * variance.T)
    covariance = rows @ rows.T / pairs - mean * mean.T
    return np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 1e-9)


def associations(
    real: pd.DataFrame | Patients, synthetic: pd.DataFrame | Patients, schema: Schema
) -> pd.DataFrame:
    """Compare how strongly every two columns go together, whatever their kinds.

    Two numbers (amounts as logarithms): Pearson's correlation, from −1 to 1. A number and levels:
    the correlation ratio η, the square root of the share of variance that the levels explain,
    from 0 to 1. Two columns of levels: Cramér's V, corrected for bias (Bergsma 2013), from 0 to
    1. None depends on the order of codes. A column that never changes has 0 with every other.

    Returns:
        One row a pair: ``column a``, ``column b``, ``measure``, ``real``, ``synthetic``,
        ``difference`` (synthetic − real).
    """
    groups = [_columns(Patients.of(table, schema)) for table in (real, synthetic)]
    rows = []
    for a, b in combinations(schema.columns, 2):
        if a.kind == "real" and b.kind == "real":
            measure, names = "Pearson", (a.name, b.name)
        elif "real" in (a.kind, b.kind):
            first, second = (a, b) if a.kind == "real" else (b, a)
            measure, names = "correlation ratio", (first.name, second.name)
        else:
            measure, names = "Cramér's V", (a.name, b.name)
        strengths = [_STRENGTH[measure](*_both(*map(group.get, names))) for group in groups]
        rows.append((a.name, b.name, measure, *strengths, strengths[1] - strengths[0]))
    columns = ["column a", "column b", "measure", "real", "synthetic", "difference"]
    return pd.DataFrame(rows, columns=columns)


def _columns(patients: Patients) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return each column's rows, numbers scaled and levels as codes, and where there is a value."""
    found, present = {}, patients.present
    for column in patients.schema.columns:
        number = column.kind == "real"
        rows = (scaled(patients, column.name) if number else patients[column.name])[present]
        found[column.name] = rows, ~np.isnan(rows) if number else rows != EMPTY
    return found


def _both(a: tuple, b: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of two columns in which both have a value."""
    there = a[1] & b[1]
    return (a[0], b[0]) if there.all() else (a[0][there], b[0][there])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(pearson(np.stack([a, b]))[0, 1]) if len(a) else 0.0


def correlation_ratio(numbers: np.ndarray, codes: np.ndarray) -> float:
    """Return η, from 0 (the levels have equal means) to 1 (they say the number)."""
    apart = numbers - numbers.mean() if len(numbers) else numbers
    total = apart @ apart
    if total <= 1e-18 * len(numbers):
        return 0.0
    sizes, sums = np.bincount(codes), np.bincount(codes, weights=apart)
    return float(np.sqrt((sums**2 / np.maximum(sizes, 1)).sum() / total))


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """Return Cramér's V of two arrays of codes, with Bergsma's correction for bias, 0 to 1."""
    if not len(a):
        return 0.0
    width = int(b.max()) + 1
    counts = np.bincount(a.astype(int) * width + b, minlength=(int(a.max()) + 1) * width)
    counts = counts.reshape(-1, width)  # (levels of a, levels of b)
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    n, (r, k) = counts.sum(), counts.shape
    if n < 2 or min(r, k) < 2:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi2 = ((counts - expected) ** 2 / expected).sum() / n
    phi2 = max(0.0, phi2 - (r - 1) * (k - 1) / (n - 1))
    r, k = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(min(1.0, np.sqrt(phi2 / max(min(r, k) - 1, 1e-9))))


_STRENGTH = {
    "Pearson": _correlation,
    "correlation ratio": correlation_ratio,
    "Cramér's V": cramers_v,
}


def _strength(task: Task) -> float:
    _needs_two(task)
    return associations(task.real, task.synthetic, task.real.schema)["difference"].abs().mean()


def _direction(task: Task) -> float:
    _needs_two(task)
    tables = [correlations(p, p.schema) for p in (task.real, task.synthetic)]
    a, b = channel_pairs(tables[0].index)
    return np.abs(tables[0].to_numpy() - tables[1].to_numpy())[a, b].mean()


def _published(task: Task) -> float:
    _needs_two(task)
    tables = [correlations(p, p.schema, published=True) for p in (task.real, task.synthetic)]
    a, b = np.triu_indices(len(tables[0]), k=1)
    return np.abs(tables[0].to_numpy() - tables[1].to_numpy())[a, b].mean()


def _needs_two(task: Task) -> None:
    if len(task.real.schema.columns) < 2:
        raise NotMeasured("There is only one column, so there is no pair of columns.")


MEASURES = (
    Measure(
        "strength of association",
        "realism",
        "Mean over the pairs of columns of the difference in how strongly they go together: "
        "Pearson's correlation, the correlation ratio or Cramér's V.",
        0.0,
        2.0,
        0.0,
        "Bergsma 2013, doi 10.1016/j.jkss.2012.10.002 (Cramér's V); Fisher 1925 (ratio)",
        _strength,
    ),
    Measure(
        "correlations, level by level",
        "realism",
        "Mean over the pairs of different columns of the difference in Pearson's correlation, "
        "where every level is a column of its own: this sees which level goes with which.",
        0.0,
        2.0,
        0.0,
        "this course, after Kuo, Health Gym AI, Implementation 27",
        _direction,
    ),
    Measure(
        "correlations as published",
        "realism",
        "Mean difference in Pearson's correlation of raw numbers and integer codes. It depends on "
        "the arbitrary order of the codes, so it is here to compare with the series.",
        0.0,
        2.0,
        0.0,
        "Kuo, Health Gym AI, Implementation 27",
        _published,
    ),
)
