"""A longitudinal table as arrays of (patients, timesteps), which every measure reads.

Patients may have different numbers of rows: a shorter patient's last cells are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hgteach.errors import InputError
from hgteach.schema import Schema

EMPTY = -1  # the code of a level where there is no row, or no value


@dataclass(frozen=True, eq=False)
class Patients:
    """``P`` patients, each with at most ``T`` rows in the order of time.

    Attributes:
        schema: what the columns are.
        values: one array ``(P, T)`` a column. Numbers are float64 in the column's unit, NaN where
            there is none. Levels are int16 codes, from 0 in the order of ``Column.levels``, and
            ``EMPTY`` where there is none.
        lengths: rows of each patient, ``(P,)``.
    """

    schema: Schema
    values: Mapping[str, np.ndarray]
    lengths: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame | Patients, schema: Schema) -> Patients:
        """Arrange a labelled table; patients that are arranged already pass unchanged.

        Raises:
            InputError: a column is missing, or the table has no rows.
        """
        if isinstance(table, Patients):
            return table
        wanted = [schema.patient, schema.time, *schema.names]
        missing = [name for name in wanted if name not in table]
        if missing:
            raise InputError(f"The table has no column {missing[0]!r}, which the schema names.")
        if table.empty:
            raise InputError("The table has no rows, so there are no patients to judge.")
        table = schema.label(table[wanted]).sort_values(
            [schema.patient, schema.time], kind="stable", ignore_index=True
        )
        who, _ = pd.factorize(table[schema.patient])  # (rows,)
        lengths = np.bincount(who)  # (P,)
        first = np.cumsum(lengths) - lengths
        when = np.arange(len(table)) - first[who]  # (rows,)
        shape = len(lengths), lengths.max()
        values = {}
        for column in schema.columns:
            if column.kind == "real":
                cells = np.full(shape, np.nan)
                cells[who, when] = table[column.name].to_numpy(dtype=float, na_value=np.nan)
            else:
                cells = np.full(shape, EMPTY, dtype=np.int16)
                cells[who, when] = table[column.name].cat.codes
            values[column.name] = cells  # (P, T)
        return cls(schema, values, lengths)

    def __len__(self) -> int:
        """The number of patients."""
        return len(self.lengths)

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the column called ``name``, ``(P, T)``."""
        self.schema[name]  # a name that is not there gets its sentence
        return self.values[name]

    @property
    def timesteps(self) -> int:
        """The most rows that a patient has."""
        return next(iter(self.values.values())).shape[1]

    @property
    def present(self) -> np.ndarray:
        """Where there is a row, ``(P, T)``."""
        return np.arange(self.timesteps) < self.lengths[:, None]

    def take(self, rows: np.ndarray) -> Patients:
        """Return the patients at ``rows``: positions, which may repeat, or a mask ``(P,)``."""
        values = {name: cells[rows] for name, cells in self.values.items()}
        return Patients(self.schema, values, self.lengths[rows])

    def sample(self, patients: int, random: np.random.Generator) -> Patients:
        """Return ``patients`` of them at random, each once, or all if there are no more."""
        if patients >= len(self):
            return self
        return self.take(np.sort(random.choice(len(self), patients, replace=False)))

    def halves(self, random: np.random.Generator) -> tuple[Patients, Patients]:
        """Split the patients at random into two groups of equal size (one may be left over)."""
        order = random.permutation(len(self))
        half = len(self) // 2
        return self.take(order[:half]), self.take(order[half : 2 * half])

    def select(self, names: list[str]) -> Patients:
        """Return the same patients with only these columns."""
        schema = self.schema.select(names)
        return Patients(schema, {name: self.values[name] for name in schema.names}, self.lengths)

    def with_values(self, values: Mapping[str, np.ndarray]) -> Patients:
        """Return the same patients with some columns replaced, ``(P, T)`` each."""
        return replace(self, values={**self.values, **values})

    def table(self) -> pd.DataFrame:
        """Return labelled rows again; patients and times are numbered from 0."""
        present = self.present
        who, when = np.nonzero(present)
        columns = {self.schema.patient: who, self.schema.time: when}
        for column in self.schema.columns:
            cells = self.values[column.name][present]  # (rows,)
            if column.kind != "real":
                cells = pd.Categorical.from_codes(cells, list(column.levels))
            columns[column.name] = cells
        return pd.DataFrame(columns)


def log_number(values: np.ndarray, smallest: float = 1e-3) -> np.ndarray:
    """Return the decimal logarithm of amounts, cut off below at ``smallest``; NaN stays NaN."""
    return np.log10(np.maximum(values, smallest))


def scaled(patients: Patients, name: str) -> np.ndarray:
    """Return a column of numbers on the scale on which differences are judged, ``(P, T)``.

    That is the decimal logarithm where the schema says that no value is below 0 (an amount), and
    the number itself elsewhere.
    """
    lower = patients.schema[name].lower
    amount = lower is not None and lower >= 0
    return log_number(patients[name]) if amount else patients[name]
