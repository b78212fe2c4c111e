"""Patients as plain numbers: a row a patient, or a channel for each number and level."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hgteach.evaluation.patients import EMPTY, Patients, scaled


def patient_summaries(patients: Patients) -> np.ndarray:
    """Return ``(P, S)`` numbers: the columns of :func:`summary_table`."""
    return summary_table(patients).to_numpy()


def summary_table(patients: Patients) -> pd.DataFrame:
    """Return one row a patient, one named column a summary, NaN where there is nothing to sum up.

    A number (on the scale of ``scaled``) gives its mean, spread, extremes, ends, and the size and
    spread of its jumps from row to row; levels give their shares of the rows and the rate of
    switches. How long a patient was followed is not part of it.
    """
    schema, found = patients.schema, {}
    for name in schema.real:
        months = scaled(patients, name)  # (P, T)
        jumps = np.diff(months, axis=1)
        there = ~np.isnan(months)
        some = there.any(axis=1)
        first = there.argmax(axis=1)
        last = patients.timesteps - 1 - there[:, ::-1].argmax(axis=1)
        whom = np.arange(len(patients))
        found[f"{name}: mean"], found[f"{name}: spread"] = _mean_and_spread(months)
        found[f"{name}: lowest"] = np.where(some, np.where(there, months, np.inf).min(1), np.nan)
        found[f"{name}: highest"] = np.where(some, np.where(there, months, -np.inf).max(1), np.nan)
        found[f"{name}: first"], found[f"{name}: last"] = months[whom, first], months[whom, last]
        found[f"{name}: mean jump"] = _mean_and_spread(np.abs(jumps))[0]
        found[f"{name}: spread of jumps"] = _mean_and_spread(jumps)[1]
    for name in schema.categorical:
        codes, levels = patients[name], schema[name].levels  # (P, T)
        there = codes != EMPTY
        # Two levels have one share to tell, the second's: the first's would say it again.
        for code in range(int(len(levels) == 2), len(levels)):
            found[f"{name}: {levels[code]}"] = _share(codes == code, there)
        pairs = there[:, 1:] & there[:, :-1]
        found[f"{name}: switches"] = _share(pairs & (codes[:, 1:] != codes[:, :-1]), pairs)
    return pd.DataFrame(found)


def channels(
    patients: Patients, *, static: bool = True, published: bool = False
) -> tuple[np.ndarray, pd.MultiIndex]:
    """Return every column as numbers, ``(C, P, T)``, and the names of the ``C`` channels.

    A number has one channel, on the scale of ``scaled``. Levels have a channel of zeros and ones
    each (two levels: the second alone), so nothing depends on the order of their codes. Empty
    cells are NaN. A channel is named by its column and its level (``""`` for a number).

    Args:
        patients: whom to arrange.
        static: keep the columns that do not change within a patient.
        published: one channel a column, as the series does it: numbers in their unit, and levels
            as the integers of the published file.
    """
    schema, cells, names = patients.schema, [], []
    for column in schema.columns:
        if column.static and not static:
            continue
        values, name = patients[column.name], column.name  # (P, T)
        if column.kind == "real":
            cells.append(values if published else scaled(patients, name))
            names.append((name, ""))
            continue
        there = values != EMPTY
        if published:
            codes = np.asarray(column.codes or range(len(column.levels)), dtype=float)
            cells.append(np.where(there, codes[values], np.nan))
            names.append((name, ""))
            continue
        for code in range(int(len(column.levels) == 2), len(column.levels)):
            cells.append(np.where(there, values == code, np.nan))
            names.append((name, column.levels[code]))
    return np.stack(cells), pd.MultiIndex.from_tuples(names, names=["column", "level"])


def channel_pairs(names: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of all pairs of channels of different columns, each pair once."""
    column = names.get_level_values("column").to_numpy()
    return np.nonzero(np.triu(column[:, None] != column))


def _share(true: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Return each patient's share, ``(P,)``."""
    count = of.sum(axis=1)
    return np.divide(true.sum(axis=1), count, out=np.full(len(of), np.nan), where=count > 0)


def _mean_and_spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each patient's mean and standard deviation of the values that are there."""
    there = ~np.isnan(values)
    count = np.where(there.any(axis=1), there.sum(axis=1), np.nan)
    mean = np.where(there, values, 0).sum(axis=1) / count
    apart = np.where(there, values - mean[:, None], 0)
    return mean, np.sqrt((apart**2).sum(axis=1) / count)
