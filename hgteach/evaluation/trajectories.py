"""Does a patient's course over time look like a patient's course?"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from hgteach.evaluation.marginals import kolmogorov_smirnov
from hgteach.evaluation.measure import Measure, NotForThisTable, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients, scaled
from hgteach.evaluation.summaries import summary_table
from hgteach.schema import Schema

Table = pd.DataFrame | Patients
STATES = {
    "VL at least 1,000": ("VL", 1000.0, False),
    "VL below 50": ("VL", 50.0, True),
    "CD4 below 200": ("CD4", 200.0, True),
    "CD4 at least 500": ("CD4", 500.0, False),
}
"""Clinical states: column, threshold in its unit, below it or from it on. 1,000 copies/mL and 200
cells/µL are thresholds of the World Health Organization; below 50 is what many laboratories call
undetectable, and 500 is about the lower end of what is normal without HIV."""


def autocorrelations(real: Table, synthetic: Table, schema: Schema) -> pd.DataFrame:
    """Compare how much of a number's deviation is still there in the next row.

    Deviations are from the patient's own mean (amounts as logarithms); the products of
    neighbours are summed over all patients, and divided by the summed squares, each brought to
    its mean. From about −1 to 1.

    Returns:
        One row a changing column of numbers: ``column``, ``real``, ``synthetic``, ``difference``.

    Raises:
        NotMeasured: no number changes over time.
    """
    names = [c.name for c in schema.columns if c.kind == "real" and not c.static]
    if not names:
        raise NotMeasured("No column of numbers changes over time.")
    groups = Patients.of(real, schema), Patients.of(synthetic, schema)
    rows = []
    for name in names:
        one, other = (autocorrelation(scaled(patients, name)) for patients in groups)
        neither = np.isnan([one, other]).all()
        difference = np.nan if neither else np.nan_to_num(other) - np.nan_to_num(one)
        rows.append((name, one, other, difference))
    return pd.DataFrame(rows, columns=["column", "real", "synthetic", "difference"])


def autocorrelation(months: np.ndarray) -> float:
    """Return the correlation of ``(P, T)`` with the next row, around each patient's own mean.

    0 where nothing ever changes, NaN where no two neighbouring rows have a value.
    """
    there = ~np.isnan(months)
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    months = np.where(there, months, 0.0)
    months = np.where(there, months - months.sum(axis=1, keepdims=True) / count, 0.0)
    squares = (months**2).sum() / max(there.sum(), 1)
    products = (months[:, 1:] * months[:, :-1]).sum()
    pairs = (there[:, 1:] & there[:, :-1]).sum()
    if not pairs:
        return np.nan
    return float(products / pairs / squares) if squares > 1e-18 else 0.0


def transitions(table: Table, schema: Schema, name: str) -> pd.DataFrame:
    """Return the share of every pair of neighbouring rows: level now (rows), next (columns).

    All shares add up to 1; they are NaN where no two neighbouring rows have a value.
    """
    patients, levels = Patients.of(table, schema), list(schema[name].levels)
    codes = patients[name].astype(int)  # (P, T)
    now, then = codes[:, :-1], codes[:, 1:]
    known = (now != EMPTY) & (then != EMPTY)
    pairs = np.bincount((now * len(levels) + then)[known], minlength=len(levels) ** 2)
    shares = pairs.reshape(len(levels), -1) / (pairs.sum() or np.nan)  # (now, next)
    return pd.DataFrame(shares, pd.Index(levels, name="now"), pd.Index(levels, name="next"))


def switching(real: Table, synthetic: Table, schema: Schema) -> pd.DataFrame:
    """Compare how each changing column of levels goes from one row to the next.

    Returns:
        One row a column: ``column``; the shares of neighbouring rows that differ, ``real`` and
        ``synthetic``; and ``distance``, the total variation between the two tables of
        transitions, from 0 to 1.

    Raises:
        NotMeasured: no column of levels changes over time.
    """
    names = [c.name for c in schema.columns if c.kind != "real" and not c.static]
    if not names:
        raise NotMeasured("No column of levels changes over time.")
    groups, rows = (Patients.of(real, schema), Patients.of(synthetic, schema)), []
    for name in names:
        one, other = (transitions(patients, schema, name).to_numpy() for patients in groups)
        switches = [float(shares.sum() - np.trace(shares)) for shares in (one, other)]
        empty = [np.isnan(rate) for rate in switches]
        distance = float(np.abs(one - other).sum() / 2)
        rows.append((name, *switches, 1.0 if any(empty) and not all(empty) else distance))
    return pd.DataFrame(rows, columns=["column", "real", "synthetic", "distance"])


def clinical_states(real: Table, synthetic: Table, schema: Schema) -> pd.DataFrame:
    """Compare how much of their time patients spend above or below clinical thresholds.

    Returns:
        One row a state: ``state``; the mean shares of a patient's rows in it, ``real`` and
        ``synthetic``; and ``distance``, Kolmogorov–Smirnov between the patients' shares, 0 to 1.

    Raises:
        NotMeasured: there is neither a viral load (VL) nor a CD4 count.
    """
    states = {k: state for k, state in STATES.items() if state[0] in schema.real}
    if not states:
        raise NotForThisTable("a viral load (VL) or a CD4 count (CD4)")
    groups, rows = (Patients.of(real, schema), Patients.of(synthetic, schema)), []
    for label, (name, threshold, below) in states.items():
        shares = []
        for patients in groups:
            values = patients[name]  # (P, T); a comparison with NaN is false
            inside = values < threshold if below else values >= threshold
            count = (~np.isnan(values)).sum(axis=1)
            shares.append(inside.sum(axis=1)[count > 0] / count[count > 0])
        means = [float(share.mean()) if len(share) else np.nan for share in shares]
        rows.append((label, *means, kolmogorov_smirnov(*shares)))
    return pd.DataFrame(rows, columns=["state", "real", "synthetic", "distance"])


def patient_distributions(real: Table, synthetic: Table, schema: Schema) -> pd.DataFrame:
    """Compare how each summary of a patient's course is spread over the patients.

    Returns:
        One row a summary (see ``summaries.summary_table``): ``summary``, and ``distance``,
        Kolmogorov–Smirnov, from 0 to 1.
    """
    one, other = (summary_table(Patients.of(table, schema)) for table in (real, synthetic))
    found = [
        kolmogorov_smirnov(one[name].dropna().to_numpy(), other[name].dropna().to_numpy())
        for name in one
    ]
    return pd.DataFrame({"summary": one.columns, "distance": found})


def changing_statics(table: Table, schema: Schema) -> np.ndarray:
    """Return, for each patient, whether a column that cannot change does, ``(P,)``.

    Raises:
        NotMeasured: the schema says of no column that it cannot change.
    """
    patients = Patients.of(table, schema)
    if not schema.static:
        raise NotMeasured("The schema names no column that cannot change, such as sex.")
    flips = np.zeros(len(patients), dtype=bool)
    for name in schema.static:
        values = patients[name].astype(float)  # (P, T)
        there = patients.present & (values != EMPTY if schema[name].levels else ~np.isnan(values))
        highest = np.where(there, values, -np.inf).max(axis=1)
        lowest = np.where(there, values, np.inf).min(axis=1)
        flips |= highest > lowest + 1e-6 * np.maximum(1, np.abs(lowest))
    return flips


def impossible_combinations(real: Table, synthetic: Table, schema: Schema) -> pd.DataFrame:
    """List the pairs of levels that occur together in synthetic rows and in no real row.

    Each of the two levels does occur in the real rows. A pair that no real row holds need not be
    impossible: other real patients have some too, which is what the floor is for.

    Returns:
        ``column a``, ``level a``, ``column b``, ``level b``, ``share`` of synthetic rows; the
        most frequent first.
    """
    found, _ = _combinations(Patients.of(real, schema), Patients.of(synthetic, schema))
    names = ["column a", "level a", "column b", "level b", "share"]
    table = pd.DataFrame(found, columns=names).astype({"share": float})
    return table.sort_values("share", ascending=False, ignore_index=True)


def _combinations(real: Patients, synthetic: Patients) -> tuple[list[tuple], np.ndarray]:
    """Return the new pairs of levels, and which synthetic rows hold any of them."""
    schema = real.schema
    if len(schema.categorical) < 2:
        raise NotMeasured("There are fewer than two columns of levels to combine.")
    one, other = ({n: p[n][p.present].astype(int) for n in schema.categorical}
                  for p in (real, synthetic))  # fmt: skip
    rows, found = np.zeros(int(synthetic.lengths.sum()), dtype=bool), []
    for a, b in combinations(schema.categorical, 2):
        width = len(schema[b].levels) + 1  # the first of each is for EMPTY
        shape = len(schema[a].levels) + 1, width
        codes = [(p[a] + 1) * width + p[b] + 1 for p in (one, other)]
        counts = [np.bincount(code, minlength=shape[0] * width).reshape(shape) for code in codes]
        known = counts[0][1:, 1:]
        new = np.zeros(shape, dtype=bool)
        new[1:, 1:] = (counts[1][1:, 1:] > 0) & (known == 0)
        new[1:, 1:] &= known.any(axis=1)[:, None] & known.any(axis=0)
        rows |= new.ravel()[codes[1]]
        for i, j in np.argwhere(new):
            share = counts[1][i, j] / len(rows)
            found.append((a, schema[a].levels[i - 1], b, schema[b].levels[j - 1], share))
    return found, rows


def _mean(measured, column: str):
    def score(task: Task) -> float:
        return measured(task.real, task.synthetic, task.real.schema)[column].abs().mean()

    return score


def _flips(task: Task) -> float:
    return changing_statics(task.synthetic, task.synthetic.schema).mean()


def _impossible(task: Task) -> float:
    return _combinations(task.real, task.synthetic)[1].mean()


MEASURES = (
    Measure(
        "autocorrelation",
        "realism",
        "Mean over the numbers of the difference in how much of a deviation from the patient's "
        "own mean is still there in the next row.",
        0.0,
        2.0,
        0.0,
        "Box & Jenkins 1970",
        _mean(autocorrelations, "difference"),
    ),
    Measure(
        "switching",
        "realism",
        "Mean over the columns of levels of the total variation between the two tables of "
        "transitions from a row to the next.",
        0.0,
        1.0,
        0.0,
        "this course",
        _mean(switching, "distance"),
    ),
    Measure(
        "time in clinical states",
        "realism",
        "How differently patients' shares of time above or below four thresholds of viral load "
        "and CD4 are spread: mean Kolmogorov–Smirnov distance.",
        0.0,
        1.0,
        0.0,
        "thresholds: World Health Organization; see trajectories.STATES",
        _mean(clinical_states, "distance"),
    ),
    Measure(
        "courses of patients",
        "realism",
        "Mean Kolmogorov–Smirnov distance between the distributions over patients of what sums up "
        "a course: means, spreads, extremes, jumps, shares and switches.",
        0.0,
        1.0,
        0.0,
        "after the multi-sequence aggregate similarity of the Synthetic Data Vault (sdmetrics)",
        _mean(patient_distributions, "distance"),
    ),
    Measure(
        "changes of what cannot change",
        "realism",
        "Share of synthetic patients in whom a static column, such as sex, changes.",
        0.0,
        1.0,
        0.0,
        "this course",
        _flips,
    ),
    Measure(
        "unseen combinations",
        "realism",
        "Share of synthetic rows that hold two levels together which no real row does.",
        0.0,
        1.0,
        0.0,
        "this course",
        _impossible,
    ),
)
