"""The cells of a labelled table as numbers, empty ones as NaN, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hgteach.columns import Column
from hgteach.dates import from_numbers, to_numbers, unit_of
from hgteach.errors import InputError
from hgteach.schema import Schema


class Rows:
    """The rows of a table in order, and whose they are."""

    def __init__(self, table: pd.DataFrame, schema: Schema) -> None:
        """Sort the rows by patient and time, and number them."""
        if table.empty:
            raise InputError("The table has no rows, so there is nothing to learn from.")
        keys = [schema.patient, schema.time]
        self.table = table.sort_values(keys, kind="stable", ignore_index=True)
        self.who, _ = pd.factorize(self.table[schema.patient])  # (rows,)
        self.lengths = np.bincount(self.who)  # (P,)
        self.starts = np.cumsum(self.lengths) - self.lengths  # (P,)
        self.position = np.arange(len(self.who)) - self.starts[self.who]  # (rows,)
        self.first = self.position == 0


def to_cells(table: pd.DataFrame, schema: Schema) -> dict[str, np.ndarray]:
    """Return every column as float64, NaN where it is empty: levels by code, dates by unit."""
    form, when = schema.time_date, table[schema.time]
    cells = {schema.time: to_numbers(when, unit_of(form)) if form else when.to_numpy(dtype=float)}
    for column in schema.columns:
        values = table[column.name]
        if column.date:
            cells[column.name] = to_numbers(values, unit_of(column.date))
        elif column.kind == "real":
            cells[column.name] = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            codes = schema.label(table[[column.name]])[column.name].cat.codes.to_numpy(dtype=float)
            cells[column.name] = np.where(codes < 0, np.nan, codes)
    return cells


def from_cells(values: np.ndarray, empty: np.ndarray, column: Column) -> Any:
    """Return a column of numbers as what it is in the table; empty cells are empty."""
    if column.date:
        return from_numbers(np.where(empty, np.nan, values), unit_of(column.date)).to_numpy()
    if column.kind != "real":
        codes = np.clip(np.rint(values), 0, len(column.levels) - 1).astype(int)
        codes = np.where(empty, -1, codes)
        return pd.Categorical.from_codes(codes, list(column.levels), ordered=column.ordered)
    if column.since:  # a sum may leave the limits
        values = np.clip(values, column.lower, column.upper) if (
            column.lower is not None or column.upper is not None) else values
    if not column.integer:
        return np.where(empty, np.nan, values)
    whole = np.rint(values).astype(np.int64)
    return pd.arrays.IntegerArray(whole, empty) if empty.any() else whole


def filled(
    values: np.ndarray, who: np.ndarray, fill: float, back: bool = False
) -> np.ndarray:
    """Fill NaN with the patient's value before, or after, or else with ``fill``."""
    if not np.isnan(values).any():
        return values
    groups = pd.Series(values).groupby(who)
    filled = groups.bfill() if back else groups.ffill()
    return filled.fillna(groups.bfill()).fillna(fill).to_numpy()


def median(values: np.ndarray) -> float:
    """Return a middle value that occurs, so that whole numbers stay whole; 0 if there is none."""
    there = np.sort(values[~np.isnan(values)])
    return float(there[len(there) // 2]) if len(there) else 0.0


def fill_of(column: Column, values: np.ndarray) -> float:
    """Return the median, or the most frequent level."""
    there = values[~np.isnan(values)]
    if not len(there):
        raise InputError(f"Column {column.name!r} has no values at all. Leave it out.")
    if column.kind == "real" or column.ordered:
        return median(there)
    return float(np.bincount(there.astype(int)).argmax())


def first_of(values: np.ndarray, rows: Rows) -> np.ndarray:
    """Return each patient's first value in all rows of the patient."""
    return values[rows.starts][rows.who]
