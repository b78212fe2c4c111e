"""Table ↔ matrix: numbers bent by Box–Cox and scaled to [0, 1], levels spread into one-hot blocks.

How one column of numbers is scaled is in ``scaling.py``; here is the table. What fitting needs to
know of a table adds up over its parts, so a table may be read piece by piece (``fit_parts``, and
``partitions.py`` for several machines).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import reduce
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from hgteach.errors import InputError
from hgteach.scaling import ROWS_FOR_POWER, Draw, Extent, Scale
from hgteach.schema import Column, Schema

__all__ = ["ROWS_FOR_POWER", "Draw", "Extent", "Preprocessor", "Scale", "Summary", "cells",
           "summarise"]

# Of one part of a table: each column of numbers' extent, and its numbers in the drawn rows.
Summary = dict[str, tuple[Extent, np.ndarray]]


class Preprocessor:
    """Fit on a labelled table, turn tables into matrices, and turn matrices back.

    Channels lie as in ``schema.blocks``: numbers first, then one block for each column of levels.
    """

    def __init__(self, schema: Schema) -> None:
        """Remember what the columns are; :meth:`fit` learns their ranges."""
        self.schema = schema
        self.scales: dict[str, Scale] = {}

    def fit(self, table: pd.DataFrame) -> Preprocessor:
        """Learn the range and λ of every column of numbers.

        Raises:
            InputError: a column is missing, empty, not of numbers, or not finite throughout.
        """
        return self.fit_parts([table], len(table))

    def fit_parts(self, parts: Iterable[pd.DataFrame], rows: int) -> Preprocessor:
        """Learn the same from a table in parts, one after another, of ``rows`` rows in all."""
        draw, start, summaries = Draw(rows), 0, []
        for part in parts:
            stop = start + len(part)
            summaries.append(summarise(part, self.schema, draw.within(start, stop)))
            start = stop
        if start != rows:
            raise InputError(f"The parts have {start:,} rows together, not {rows:,}.")
        return self.fit_summaries(summaries, draw)

    def fit_summaries(self, summaries: list[Summary], draw: Draw) -> Preprocessor:
        """Learn the same from the summaries of all parts, in the order of the table."""
        if not len(draw.rows):
            raise InputError("The table has no rows, so there is nothing to learn from.")
        for name in self.schema.real:
            extents, drawn = zip(*(summary[name] for summary in summaries), strict=True)
            extent = reduce(Extent.__add__, extents)
            self.scales[name] = Scale.of(extent, draw.ordered(list(drawn)), name)
        return self

    def transform(self, table: pd.DataFrame) -> np.ndarray:
        """Return a float32 matrix ``(rows, F)``, every entry in [0, 1].

        Numbers outside the fitted range (a held-out patient sicker than any in training) are
        moved to its edge. Levels may be given as labels or as the schema's codes.

        Raises:
            InputError: not fitted; a column is missing; a number is missing; a level is unknown.
        """
        return self.spread(lambda column: cells(table, column, self.schema), len(table))

    def spread(self, read: Callable[[Column], np.ndarray], rows: int) -> np.ndarray:
        """Return the matrix ``(rows, F)`` of the cells that ``read`` gives for each column."""
        self._require_fit()
        matrix = np.zeros((rows, self.schema.width), dtype=np.float32)
        each = np.arange(rows)
        for block in self.schema.blocks:
            values = read(block.column)
            if block.column.kind == "real":
                matrix[:, block.start] = self.scales[block.column.name].forward(values)
            else:
                matrix[each, block.start + values] = 1
        return matrix

    def inverse_transform(self, matrix: np.ndarray) -> pd.DataFrame:
        """Return the labelled table of a matrix ``(rows, F)``: columns in file order.

        A block of levels is read as its largest channel. Whole-number columns are rounded.

        Raises:
            InputError: not fitted; the width is wrong; an entry is not a finite number.
        """
        self._require_fit()
        matrix = np.asarray(matrix)
        if matrix.ndim != 2 or matrix.shape[1] != self.schema.width:
            raise InputError(
                f"Expected a matrix of shape (rows, {self.schema.width}), got {matrix.shape}."
            )
        if not np.isfinite(matrix).all():
            raise InputError(
                "The matrix holds a value that is not a finite number. "
                "A model that diverged in training makes such values: train it again."
            )
        columns: dict[str, Any] = {}
        for block in self.schema.blocks:
            column, part = block.column, matrix[:, block.span]
            if column.kind == "real":
                numbers = self.scales[column.name].inverse(part[:, 0])
                columns[column.name] = _whole(numbers) if column.integer else numbers
            else:
                columns[column.name] = pd.Categorical.from_codes(
                    part.argmax(axis=1), categories=list(column.levels)
                )
        return pd.DataFrame(columns)[self.schema.names]

    def to_dict(self) -> dict[str, Any]:
        """Return schema and scales as plain lists, strings and numbers, ready for JSON."""
        self._require_fit()
        scales = {name: asdict(scale) for name, scale in self.scales.items()}
        return {"schema": self.schema.to_dict(), "scales": scales}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Preprocessor:
        """Rebuild a fitted preprocessor from what :meth:`to_dict` returned.

        Raises:
            InputError: an entry is missing, unknown, or no finite number.
        """
        try:
            new = cls(Schema.from_dict(content["schema"]))
            for name in new.schema.real:
                scale = {key: float(value) for key, value in content["scales"][name].items()}
                new.scales[name] = Scale(**scale)
                if not all(map(isfinite, scale.values())):
                    raise ValueError(f"the scale of {name!r} is not finite")
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The preprocessor's state cannot be read: {error}.") from None
        return new

    def _require_fit(self) -> None:
        if len(self.scales) != len(self.schema.real):
            raise InputError("This preprocessor is not fitted yet. Call fit(table) first.")


def summarise(part: pd.DataFrame, schema: Schema, drawn: np.ndarray) -> Summary:
    """Return what fitting needs to know of a part of a table; ``drawn`` are rows of it.

    Raises:
        InputError: a column is missing, not of numbers, or not finite throughout.
    """
    columns = ((name, _numbers(part, name)) for name in schema.real)
    return {name: (Extent.of(x), x[drawn]) for name, x in columns}


def cells(table: pd.DataFrame, column: Column, schema: Schema) -> np.ndarray:
    """Return a column's numbers, float64, or the positions of its levels.

    Raises:
        InputError: the column is missing; a number is missing; a level is unknown.
    """
    if column.kind == "real":
        return _numbers(table, column.name)
    return _positions(table, column, schema)


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table:
        raise InputError(
            f"The table has no column {name!r}. It has: {', '.join(map(str, table.columns))}."
        )
    return table[name]


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column as float64, or say which row is not a number."""
    values = _column(table, name)
    try:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError(f"Column {name!r} holds something that is not a number.") from None
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise InputError(
            f"Column {name!r} has no finite number in row {int(wrong.argmax())} "
            f"({int(wrong.sum())} such rows). Fill them in or drop them first."
        )
    return numbers


def _positions(table: pd.DataFrame, column: Column, schema: Schema) -> np.ndarray:
    """Return the position of each row's level in ``column.levels``, or say which is unknown."""
    values = _column(table, column.name)
    known = isinstance(values.dtype, pd.CategoricalDtype)
    if not known or tuple(values.cat.categories) != column.levels:
        values = schema.label(table[[column.name]])[column.name]
    positions = values.cat.codes.to_numpy()
    unknown = positions < 0
    if unknown.any():
        row = int(unknown.argmax())
        raise InputError(
            f"Column {column.name!r} holds {table[column.name].iloc[row]!r} in row {row}, which is "
            f"none of its levels: {', '.join(column.levels)}."
        )
    return positions.astype(np.intp)


def _whole(numbers: np.ndarray) -> np.ndarray:
    """Round to whole numbers, as int64 where they fit (floats beyond 2^53 are whole anyway)."""
    rounded = np.rint(numbers)
    return rounded.astype(np.int64) if np.abs(rounded).max(initial=0) < 2**53 else rounded
