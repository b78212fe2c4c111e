"""What a checked table holds, one line a column, and what an inferred schema left open."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import pandas as pd

from hgteach.schema import Column, Schema

FEW = 10  # distinct whole numbers that may as well be codes
MANY = 20  # levels that may as well be an identifier


def describe(table: pd.DataFrame, schema: Schema) -> str:
    """Return the size of a checked, labelled table and a line on each of its columns."""
    patients, times = table[schema.patient].nunique(), table[schema.time]
    size = (
        f"{len(table):,} rows: {patients:,} patients ({schema.patient}), "
        f"{len(table) // patients} visits each ({schema.time} {times.min()} to {times.max()}).\n"
    )
    rows = [
        (c.name, _kind(c), "static" if c.static else "changing", _content(table[c.name], c))
        for c in schema.columns
    ]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([size, *lines])


def doubts(table: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Yield what an inferred schema could have got wrong, one sentence each."""
    for column in schema.columns:
        values, name = table[column.name], repr(column.name)
        distinct = values.nunique()
        if distinct == 1:
            yield f"{name} has one value only, so nothing can be learned from it."
        elif column.kind == "real" and column.integer and distinct <= FEW:
            yield f"{name} has {distinct} whole numbers and was taken as a number. Are they codes?"
        elif column.codes:
            low, high = column.levels
            yield f"{name} was taken as two codes, {low} and {high}, not as a number."
        if len(column.levels) > MANY:
            yield f"{name} has {len(column.levels)} levels. Is it a name or a date?"
        for position, level in enumerate(column.levels):
            near = get_close_matches(level, column.levels[position + 1 :], n=1, cutoff=0.85)
            if near and not any(c.isdigit() for c in level):
                yield f"{name} has the levels {level!r} and {near[0]!r}. Is one a slip?"
    if schema.static:
        names = ", ".join(map(repr, schema.static))
        yield f"These never change within a patient and were taken as static: {names}."


def _kind(column: Column) -> str:
    """Name the kind of a column, and whether its numbers are whole."""
    return "real, whole" if column.integer else column.kind


def _content(values: pd.Series, column: Column) -> str:
    """Return the levels of a column, or the range of its numbers with their unit."""
    if column.kind == "real":
        return f"{values.min():g} to {values.max():g} {column.unit}".rstrip()
    shown = ", ".join(column.levels[:8])
    return shown if len(column.levels) <= 8 else f"{shown}, … ({len(column.levels)} levels)"
