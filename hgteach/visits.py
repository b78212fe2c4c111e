"""Irregular table ↔ regular table: what a person's file is like, and what a model can learn.

Every model here learns from tables in which all patients have the same times and no cell is
empty. Real tables are not like that. :class:`Visits` takes one apart into such a *regular* table
with more columns, and puts what a model makes together again:

====================  ==============================================================================
in the file           in the regular table
====================  ==============================================================================
an empty cell         ``x: empty`` says yes; the cell holds the patient's last value (or next one;
                      or, if there is none, the median, or the most frequent level)
unequal lengths       ``t: rows``, one number a patient; short patients repeat their last row
irregular times       ``t: first`` (static) and ``t: gap``, the time since the row before
a date                a number of days (or seconds): ``x: first`` (static) and the time since then
``since``             the distance from another column of the same row
a count of the rows   ``x: first``, if it varies
``ordered`` levels    0, 1, 2, …
====================  ==============================================================================

The first time and the gaps are apart because they differ in size: in one channel, a start in the
year 2019 would press all gaps of a few days together.

``restore(regular(table))`` is ``table`` again, unless patients have more rows than are learned
from (``longest``). Whatever does not vary costs no column. ``fit`` needs all patients; ``regular``
can be applied to some of them at a time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from hgteach.cells import (
    Rows,
    fill_of,
    filled,
    first_of,
    from_cells,
    median,
    to_cells,
)
from hgteach.columns import Column, decimals_of
from hgteach.dates import from_numbers, to_numbers, unit_of
from hgteach.derived import (
    chained_in,
    counters_in,
    empty_name,
    first_name,
    gap_name,
    regular_columns,
    rows_name,
)
from hgteach.errors import InputError
from hgteach.schema import Schema

LONG = 3  # times the 95th percentile of the lengths: longer patients are cut


@dataclass(frozen=True)
class Visits:
    """How a table became regular. :meth:`fit` makes one.

    Attributes:
        schema: the table as it is.
        regular_schema: the table that a model sees.
        longest: rows of each patient in the regular table.
        times: the times that all patients share, as numbers; empty if they do not.
        levels: the different gaps and lengths, if they are few.
        latest: the longest time after the first row that a patient was seen, for each column of
            times that is put together from gaps.
        fills: what an empty cell holds if the patient has no value at all, as a number, for each
            column of the regular table.
        constants: the columns of the regular table that do not vary, and so are left out.
        chained: the columns that start an interval where the row before ended its own, and the
            columns of those ends.
        counters: the columns that count a patient's rows.
        decimals: of the time and of each column with ``since``; sums are rounded to them.
    """

    schema: Schema
    regular_schema: Schema
    longest: int
    times: list[float]
    levels: dict[str, list[float]]
    latest: dict[str, float]
    fills: dict[str, float]
    constants: dict[str, float]
    chained: dict[str, str]
    counters: list[str]
    decimals: dict[str, int]

    @classmethod
    def fit(cls, table: pd.DataFrame, schema: Schema) -> Visits | None:
        """Learn how to take a labelled table apart; ``None`` if it is regular already.

        Raises:
            InputError: a patient has a time twice, or a column that may be empty always is.
        """
        if schema.is_regular:
            return None
        rows = Rows(table, schema)
        cells = to_cells(rows.table, schema)
        when = cells[schema.time]
        repeated = np.flatnonzero(~rows.first & (np.diff(when, prepend=np.nan) <= 0))
        if len(repeated):
            who = rows.table[schema.patient].iloc[repeated[0]]
            raise InputError(
                f"Patient {who} has two rows at the same {schema.time!r}. Keep one of them, or "
                "number the rows and give that number as the time."
            )
        cap = max(int(LONG * np.quantile(rows.lengths, 0.95)), 10)
        longest = int(min(rows.lengths.max(), schema.longest or cap))
        grid = when[rows.starts[rows.lengths.argmax()] :][: rows.lengths.max()]
        shared = bool((grid[rows.position] == when).all())
        fills = {c.name: fill_of(c, cells[c.name]) for c in schema.columns}
        chained = chained_in(schema, cells, rows)
        if shared:
            chained.pop(schema.time, None)
        sums = (schema.time, *(c.name for c in schema.columns if c.since))
        decimals = {name: decimals_of(cells[name]) for name in sums}
        times = grid[:longest].tolist() if shared else []
        counters = counters_in(schema, cells, rows, set(chained))
        bare = cls(
            schema, schema, longest, times, {}, {}, fills, {}, chained, counters, decimals
        )
        parts, latest = bare._apart(cells, rows), {}
        if not shared:
            chained = {schema.time: schema.time} | chained
        for name, end in chained.items():
            latest[name] = float((cells[end] - first_of(cells[name], rows)).max())
        columns, constants, levels = regular_columns(parts, schema, rows)
        regular = Schema(schema.name, schema.patient, schema.time, columns)
        return replace(
            bare, regular_schema=regular, levels=levels, latest=latest, constants=constants
        )

    @property
    def grid(self) -> list[Any]:
        """The times of the regular table: the shared ones, or the numbers of the rows."""
        times = self.times or range(self.longest)
        return [int(t) if float(t).is_integer() else t for t in times]

    def regular(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the regular table of a labelled one, or of some of its patients.

        Raises:
            InputError: a cell is empty in a column that was full when fitted, or a time is none
                of the shared ones.
        """
        rows = Rows(table, self.schema)
        cells = to_cells(rows.table, self.schema)
        if self.times:
            within = rows.position < self.longest
            expected = np.asarray(self.times)[rows.position[within]]
            if (cells[self.schema.time][within] != expected).any():
                raise InputError(
                    f"Column {self.schema.time!r} holds a time that was not there when fitted."
                )
        parts = self._apart(cells, rows)
        for name, low in self.constants.items():
            if (parts[name] != low).any():
                raise InputError(f"{name!r} was {low:g} everywhere when fitted, and is not here.")
        kept = np.minimum(np.arange(self.longest), rows.lengths[:, None] - 1)  # (P, T)
        kept = (rows.starts[:, None] + kept).reshape(-1)  # (P * T,)
        patients = rows.table[self.schema.patient].to_numpy()[rows.starts]
        out = {
            self.schema.patient: np.repeat(patients, self.longest),
            self.schema.time: np.tile(np.asarray(self.grid), len(patients)),
        }
        for column in self.regular_schema.columns:
            values = parts[column.name][kept]
            if column.kind == "real":
                out[column.name] = values.astype(np.int64) if column.integer else values
            else:
                if column.name in self.levels:
                    if not np.isin(values, self.levels[column.name]).all():
                        raise InputError(f"{column.name!r} has a value that was not there before.")
                    values = np.searchsorted(self.levels[column.name], values)
                out[column.name] = pd.Categorical.from_codes(
                    values.astype(int), list(column.levels)
                )
        regular = pd.DataFrame(out)
        regular.attrs = dict(table.attrs)
        return regular

    def restore(self, regular: pd.DataFrame) -> pd.DataFrame:
        """Put a regular table together again: labelled, in the columns of ``schema``."""
        schema, T = self.schema, self.longest
        cells = {name: np.full(len(regular), low) for name, low in self.constants.items()}
        for column in self.regular_schema.columns:
            values = regular[column.name]
            if column.kind == "real":
                cells[column.name] = values.to_numpy(dtype=float)
            elif column.name in self.levels:
                cells[column.name] = np.asarray(self.levels[column.name])[values.cat.codes]
            else:
                cells[column.name] = values.cat.codes.to_numpy(dtype=float)
        position = np.tile(np.arange(T), len(regular) // T)
        length = np.clip(np.rint(cells[rows_name(schema)]), 1, T).reshape(-1, T)[:, :1]  # (P, 1)
        kept = (position.reshape(-1, T) < length).reshape(-1)  # (P * T,)
        if self.times:
            cells[schema.time] = np.tile(self.times, len(regular) // T)
        elif schema.time not in self.chained:
            gap = np.where(position == 0, cells[first_name(schema.time)], cells[gap_name(schema)])
            cells[schema.time] = gap.reshape(-1, T).cumsum(axis=1).reshape(-1)
            since = cells[schema.time] - cells[first_name(schema.time)]
            kept &= since <= self.latest[schema.time] * (1 + 1e-9)
        for name, end in self.chained.items():
            start, length = cells[first_name(name)].reshape(-1, T), cells[end].reshape(-1, T)
            stop = start[:, :1] + length.cumsum(axis=1)  # (P, T)
            cells[name] = np.hstack([start[:, :1], stop[:, :-1]]).reshape(-1)
            since = cells[name] - cells[first_name(name)]
            kept &= since < self.latest[name]
            cells[end] = np.minimum(cells[end], np.maximum(self.latest[name] - since, 0))
        table = {schema.patient: regular[schema.patient].to_numpy()[kept]}
        cells[schema.time] = np.round(cells[schema.time], self.decimals[schema.time])
        table[schema.time] = self._times(cells[schema.time][kept])
        for name in self.counters:
            cells[name] = cells[first_name(name)] + position
        for column in self._bases_first():
            values = cells[column.name]
            if column.since:
                values = np.round(values + self._base(cells, column), self.decimals[column.name])
            elif column.date and not column.static:
                values = values + cells[first_name(column.name)]
            cells[column.name] = values
        for column in schema.columns:
            empty = cells.get(empty_name(column.name), np.zeros(len(regular)))[kept] > 0.5
            table[column.name] = from_cells(cells[column.name][kept], empty, column)
        restored = pd.DataFrame(table)
        restored.attrs = dict(regular.attrs)
        return restored

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, strings and numbers, ready for JSON."""
        content = {k: v for k, v in asdict(self).items() if not k.endswith("schema")}
        return {**content, "schema": self.schema.to_dict(),
                "regular_schema": self.regular_schema.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Visits:
        """Rebuild what :meth:`to_dict` returned."""
        schemas = {k: Schema.from_dict(content[k]) for k in ("schema", "regular_schema")}
        return cls(**{**content, **schemas})

    def _apart(self, cells: dict[str, np.ndarray], rows: Rows) -> dict[str, np.ndarray]:
        """Return the columns of the regular table, row for row, before padding."""
        schema, parts = self.schema, {}
        full, made = {schema.time: cells[schema.time]}, {}
        for column in self._bases_first():
            name, values = column.name, cells[column.name]
            empty = np.isnan(values)
            if column.missing:
                parts[empty_name(name)] = empty.astype(float)
            elif empty.any():
                raise InputError(f"Column {name!r} is empty in row {int(empty.argmax())}. Fill it "
                                 "in, or set missing = true for it in the schema.")
            key, base = name, 0.0
            if column.since:
                base, key = self._base(full, column), f"{name}: since"
            elif column.date and not column.static:
                base = first_of(filled(values, rows.who, self.fills[name]), rows)
                parts[first_name(name)], key = base, f"{name}: since"
            values = values - base
            made[name] = filled(values, rows.who, self._fill(key, values))
            full[name] = made[name] + base
        for name in (*self.chained, *self.counters):
            made.pop(name, None)
            parts[first_name(name)] = first_of(cells[name], rows)
        if not self.times and schema.time not in self.chained:
            when = cells[schema.time]
            parts[first_name(schema.time)] = first_of(when, rows)
            gap = np.where(rows.first, np.nan, np.diff(when, prepend=0))
            # The first row has no gap of its own. It takes the next, so that nothing stands out.
            parts[gap_name(schema)] = filled(
                gap, rows.who, self._fill(gap_name(schema), gap), back=True
            )
        parts[rows_name(schema)] = np.minimum(rows.lengths, self.longest)[rows.who].astype(float)
        order = {c.name: made[c.name] for c in schema.columns if c.name in made}
        return {**order, **parts}

    def _fill(self, name: str, values: np.ndarray) -> float:
        """Return what was there when fitted; that is now, if it is not there yet."""
        return self.fills.setdefault(name, median(values))

    def _bases_first(self) -> list[Column]:
        """Return the columns, those that others count from first."""
        return sorted(self.schema.columns, key=lambda column: bool(column.since))

    def _base(self, cells: dict[str, np.ndarray], column: Column) -> np.ndarray:
        """Return what a column counts from, in its own unit."""
        base = cells[column.since]
        form = self.schema.time_date if column.since == self.schema.time else (
            self.schema[column.since].date)
        if not form or unit_of(form) == unit_of(column.date):
            return base
        return to_numbers(from_numbers(base, unit_of(form)), unit_of(column.date))

    def _times(self, when: np.ndarray) -> Any:
        """Return times as the table had them: dates, whole numbers, or numbers."""
        if self.schema.time_date:
            return from_numbers(when, unit_of(self.schema.time_date)).to_numpy()
        return when.astype(np.int64) if self.decimals[self.schema.time] == 0 else when
