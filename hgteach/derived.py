"""The columns of a regular table: which there are, their names, and what follows anyway."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hgteach.cells import Rows, first_of
from hgteach.columns import Column
from hgteach.schema import Schema

EMPTY = ": empty"
FEW = 12  # different gaps, or lengths, that are learned as levels: so no other ones are made
OFTEN = 10  # patients (or rows) that such a level needs on average


def _column(column: Column) -> Column:
    """Return a column of the table as a model sees it."""
    if column.ordered:
        return Column(column.name, "real", static=column.static, integer=True)
    whole = column.integer or bool(column.date)
    limits = {"lower": None, "upper": None} if column.since else {}
    return replace(column, missing=False, empty=(), date="", since="", integer=whole, **limits)


def regular_columns(
    parts: dict[str, np.ndarray], schema: Schema, rows: Rows
) -> tuple[tuple[Column, ...], dict[str, float], dict[str, list[float]]]:
    """Return the columns of the regular table, those that do not vary, and the few values."""
    columns, constants, levels = [], {}, {}
    own = {column.name: column for column in schema.columns}
    for name, values in parts.items():
        if name in own:
            columns.append(_column(own[name]))
            continue
        distinct = np.unique(values)
        if len(distinct) == 1:
            constants[name] = float(distinct[0])
            continue
        if name.endswith(EMPTY):
            static = bool((values == first_of(values, rows)).all())
            columns.append(Column(name, "binary", ("no", "yes"), static=static))
            continue
        static, whole = name != gap_name(schema), bool((values == np.round(values)).all())
        often = OFTEN * len(distinct) <= len(rows.starts if static else values)
        if name in (gap_name(schema), rows_name(schema)) and len(distinct) <= FEW and often:
            levels[name] = distinct.tolist()
            texts, kind = tuple(f"{v:.12g}" for v in distinct), "categorical"
            kind = "binary" if len(texts) == 2 else kind
            columns.append(Column(name, kind, texts, static=static))
        else:
            columns.append(Column(name, "real", static=static, integer=whole))
    return tuple(columns), constants, levels


def chained_in(schema: Schema, cells: dict[str, np.ndarray], rows: Rows) -> dict[str, str]:
    """Return the columns that start where the row before ended, for every patient."""
    found = {}
    for column in schema.columns:
        start, later = column.since, ~rows.first
        if not start or column.date or column.missing or start in found or not later.any():
            continue
        if (cells[start][later] == np.roll(cells[column.name], 1)[later]).all():
            found[start] = column.name
    return found


def counters_in(
    schema: Schema, cells: dict[str, np.ndarray], rows: Rows, taken: set[str]
) -> list[str]:
    """Return the numbers that go up by one from each row of a patient to the next."""
    return [
        c.name for c in schema.columns
        if c.kind == "real" and not (c.static or c.date or c.since or c.name in taken)
        and (cells[c.name] == first_of(cells[c.name], rows) + rows.position).all()
    ]


def rows_name(schema: Schema) -> str:
    """Name the column of how many rows a patient has."""
    return f"{schema.time}: rows"


def gap_name(schema: Schema) -> str:
    """Name the column of the times since the row before."""
    return f"{schema.time}: gap"


def first_name(name: str) -> str:
    """Name the column of each patient's first value."""
    return f"{name}: first"


def empty_name(name: str) -> str:
    """Name the column that says where another one is empty."""
    return f"{name}{EMPTY}"
