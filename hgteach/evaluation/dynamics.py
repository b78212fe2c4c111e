"""Do two columns move together within a patient: over years (trend), from month to month (cycle)?

Each patient's course is cut into a fitted straight line, the *trend*, and what is left, the
*cycle*. The series correlates both within each patient and averages over patients. That recipe
has two faults, which :func:`published_dynamics` keeps for the lesson and :func:`dynamics` mends.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from scipy.signal import detrend

from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import Patients
from hgteach.evaluation.summaries import channel_pairs, channels
from hgteach.schema import Schema

NEARLY_ONE = 0.999999  # the series cuts correlations here, because arctanh(1) is infinite
STILL = 1e-6  # a movement below this part of a channel's size is round-off, not a movement


def published_dynamics(
    table: pd.DataFrame | Patients, schema: Schema
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the series' dynamic correlations, (trend, cycle), with both of its faults.

    Raw numbers and integer codes are cut into line and rest; each part is correlated within every
    patient; the correlations are averaged over patients by Fisher's z. The faults: two straight
    lines always correlate at −1 or 1, so the trend is saturated; and a constant is recognised by
    a standard deviation of exactly 0, which round-off misses (sex "correlates" with ethnicity).

    Returns:
        Two square tables, columns by columns, of numbers from −1 to 1; NaN where no patient has a
        correlation.

    Raises:
        NotMeasured: patients differ in length, or a cell is empty.
    """
    values, names = channels(Patients.of(table, schema), published=True)  # (C, P, T)
    if np.isnan(values).any():
        raise NotMeasured(
            "The published recipe needs patients of equal length and no empty cell. Use "
            "`dynamics`, which does not."
        )
    cycle = detrend(values)
    index, found = names.get_level_values("column"), []
    for part in (values - cycle, cycle):
        spread = part.std(axis=2, keepdims=True)
        part = np.divide(
            part - part.mean(axis=2, keepdims=True),
            spread,
            out=np.full_like(part, np.nan),
            where=spread != 0,  # the second fault
        )
        part = part.transpose(1, 0, 2)  # (P, C, T)
        found.append(part @ part.transpose(0, 2, 1) / part.shape[2])  # (P, C, C)
    means = []
    for part in found:
        z = np.arctanh(np.clip(part, -NEARLY_ONE, NEARLY_ONE))  # Fisher's z; NaN stays NaN
        means.append(np.tanh(_mean(z, np.ones_like(z))))
        np.fill_diagonal(means[-1], 1.0)
    return tuple(pd.DataFrame(mean, index, index) for mean in means)


def patient_dynamics(
    table: pd.DataFrame | Patients, schema: Schema
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the mended dynamic correlations: (trend, cycle, patients).

    Channels are numbers (amounts as logarithms) and one 0/1 channel a level, so that no code's
    order matters. Static columns are left out; a channel that stands still in a patient, up to
    round-off, is left out for this patient.

    *Trend*: the agreement of slopes. Of the patients in whom both channels move, the share whose
    two lines run the same way, less the share whose lines run against each other; −1 to 1. (It is
    the mean of the ±1 that the published recipe finds before it squeezes them through Fisher's z.)
    *Cycle*: the correlation of the two rests within a patient, averaged over patients with weights
    of rows − 3; −1 to 1. Fisher's z has no place here either: where one level replaces another, a
    patient's correlation is exactly −1, and on the scale of z a few such patients drown the rest.

    Returns:
        Three square tables, indexed by column and level. ``patients`` counts those in whom both
        channels move; where there are none, the other two are NaN.

    Raises:
        NotMeasured: every column is static.
    """
    patients = Patients.of(table, schema)
    if all(column.static for column in patients.schema.columns):
        raise NotMeasured("The schema says of every column that it cannot change.")
    values, names = channels(patients, static=False)
    there = ~np.isnan(values)  # (C, P, T)
    count = np.maximum(there.sum(axis=2, keepdims=True), 1)
    still = STILL * np.nanmax(np.abs(values), axis=(1, 2), initial=0.0)[:, None]  # (C, 1)
    still = still * np.sqrt(count[:, :, 0])  # (C, P)
    time = _centred(np.broadcast_to(np.arange(values.shape[2], dtype=float), there.shape), there)
    values = _centred(values, there)
    extent = np.maximum(_dot(time, time), 1e-9)  # (C, P)
    slope = _dot(time, values) / extent
    moves = np.sqrt(_dot(values, values)) > still
    way = np.where(np.abs(slope) * np.sqrt(extent) > still, np.sign(slope), 0.0) * moves
    both = moves.astype(float) @ moves.T  # (C, C): patients
    trend = np.divide(way @ way.T, both, out=np.full_like(both, np.nan), where=both > 0)

    rest = values - slope[:, :, None] * time
    rest *= (np.sqrt(_dot(rest, rest)) > still)[:, :, None]
    rest, known = rest.transpose(1, 0, 2), there.transpose(1, 0, 2).astype(float)  # (P, C, T)
    squares = rest**2 @ known.transpose(0, 2, 1)  # (P, C, C): of a, where b has a value too
    length = np.sqrt(squares * squares.transpose(0, 2, 1))
    cycle = np.divide(
        rest @ rest.transpose(0, 2, 1), length, out=np.full_like(length, np.nan), where=length > 0
    )
    rows = known @ known.transpose(0, 2, 1)
    cycle = _mean(cycle, np.maximum(rows - 3, 0))
    return tuple(pd.DataFrame(part, names, names) for part in (trend, cycle, both))


def dynamics(
    real: pd.DataFrame | Patients, synthetic: pd.DataFrame | Patients, schema: Schema
) -> pd.DataFrame:
    """Compare the mended dynamic correlations of every two channels of different columns.

    Returns:
        One row a pair and part: ``part`` (trend or cycle), ``a`` and ``b`` (column and level),
        ``real``, ``synthetic``, ``difference`` (synthetic − real) and ``patients``, the number of
        real patients in whom both move. In a table where no patient moves both, a pair has 0.
        Rare pairs scatter much, so weigh by ``patients`` before taking a mean.

    Raises:
        NotMeasured: no two columns move in any real patient.
    """
    found = [_known(Patients.of(table, schema)) for table in (real, synthetic)]
    names, patients = found[0][0].index, found[0][2].to_numpy()
    a, b = channel_pairs(names)
    moving = patients[a, b] > 0
    a, b = a[moving], b[moving]
    if not len(a):
        raise NotMeasured("No two columns change over time in any real patient.")
    label = np.array([": ".join(filter(None, name)) for name in names])
    tables = []
    for part, number in (("trend", 0), ("cycle", 1)):
        one, other = (np.nan_to_num(f[number].to_numpy()[a, b]) for f in found)
        tables.append(
            pd.DataFrame(
                {"part": part, "a": label[a], "b": label[b], "real": one, "synthetic": other,
                 "difference": other - one, "patients": patients[a, b].astype(int)}
            )
        )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


_KNOWN: WeakKeyDictionary[Patients, tuple[pd.DataFrame, ...]] = WeakKeyDictionary()


def _known(patients: Patients) -> tuple[pd.DataFrame, ...]:
    """Return :func:`patient_dynamics`, which two scores ask for, worked out once."""
    if patients not in _KNOWN:
        _KNOWN[patients] = patient_dynamics(patients, patients.schema)
    return _KNOWN[patients]


def _centred(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the last axis around its mean over the cells that are there, 0 elsewhere."""
    count = np.maximum(there.sum(axis=-1, keepdims=True), 1)
    values = np.where(there, values, 0.0)
    return np.where(there, values - values.sum(axis=-1, keepdims=True) / count, 0.0)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("cpt,cpt->cp", a, b)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average ``(P, C, C)`` over patients; NaN is left out, and comes where nothing is left."""
    weights = np.where(np.isnan(values), 0, weights)
    total = weights.sum(axis=0)
    summed = (weights * np.nan_to_num(values)).sum(axis=0)
    return np.divide(summed, total, out=np.full_like(total, np.nan), where=total > 0)


def _score(part: str):
    def score(task: Task) -> float:
        table = dynamics(task.real, task.synthetic, task.real.schema)
        table = table[table["part"] == part]
        return np.average(table["difference"].abs(), weights=table["patients"])

    return score


_SOURCE = "mended after Kuo, Health Gym AI, Implementation 27"
MEASURES = (
    Measure(
        "trends",
        "realism",
        "Mean over pairs of different columns, weighted by the patients in whom both move, of the "
        "difference in how well their long-term slopes agree: the share of patients in whom they "
        "run the same way, less the share in whom they run against each other.",
        0.0,
        2.0,
        0.0,
        _SOURCE,
        _score("trend"),
    ),
    Measure(
        "cycles",
        "realism",
        "Mean over pairs of different columns, weighted in the same way, of the difference in the "
        "correlation of what is left of each patient's course without its straight line.",
        0.0,
        2.0,
        0.0,
        _SOURCE,
        _score("cycle"),
    ),
)
