"""What a checked table holds, one line a column, and what an inferred schema left open."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import numpy as np
import pandas as pd

from hgteach.columns import Column
from hgteach.dates import date_formats, to_texts
from hgteach.inference import means_empty
from hgteach.schema import Schema
from hgteach.visits import Visits

FEW = 10  # distinct whole numbers that may as well be codes
MANY = 20  # levels that may as well be an identifier
FEW_PATIENTS = 50
MISSING_CODES = (-9, -99, -999, -9999, -1, 9, 99, 999, 9999)


def describe(table: pd.DataFrame, schema: Schema) -> str:
    """Return the size of a checked, labelled table, a line on each column, and on its visits."""
    patients, times = table[schema.patient].nunique(), table[schema.time]
    lengths = table[schema.patient].value_counts()
    least, most = lengths.min(), lengths.max()
    visits = f"{most}" if least == most else f"{least} to {most} (half have {lengths.median():g})"
    size = (
        f"{len(table):,} rows: {patients:,} patients ({schema.patient}), "
        f"{visits} visits each ({schema.time} {_range(times, schema.time_date)}).\n"
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
    told = [f"\n{sentence}" for sentence in _learned(table, schema)]
    return "\n".join([size, *lines, *told])


def _learned(table: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Say what is left out, and how what is irregular will be learned, one sentence each."""
    if schema.left_out:
        yield f"Left out: {', '.join(map(repr, schema.left_out))}."
    visits, time = Visits.fit(table, schema), repr(schema.time)
    if visits is None:
        return
    longest = table[schema.patient].value_counts().max()
    if f"{schema.time}: rows" not in visits.constants:
        yield (
            "Patients have different numbers of rows. How many is learned as one more number, "
            f"from 1 to {visits.longest}."
        )
    if longest > visits.longest:
        yield (
            f"The longest patient has {longest} rows. Only the first {visits.longest} of each "
            "are learned from; 'longest' in the schema changes that."
        )
    if not visits.times and schema.time not in visits.chained:
        yield (
            f"Patients have rows at different times. Learned are the first {time} of each patient "
            "and the gap since the row before."
        )
    for start, end in visits.chained.items():
        yield (
            f"{start!r} to {end!r} is an interval that begins where the one before ended. Its "
            f"length is learned, so {end!r} stays above {start!r} and nothing overlaps."
        )
    for column in schema.columns:
        if column.since and column.since not in visits.chained:
            yield f"{column.name!r} is learned as its distance from {column.since!r}."
    for name in visits.counters:
        yield f"{name!r} counts the patient's rows, and will do so in a copy."
    flags = sum(c.missing for c in schema.columns)
    if flags:
        yield (
            f"{flags} column{'s' * (flags > 1)} may be empty. Where is learned too; until it is "
            "taken out again, an empty cell holds the patient's value before or after."
        )


def doubts(table: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Yield what an inferred schema could have got wrong, one sentence each."""
    for column in schema.columns:
        yield from _doubts_of(table[column.name], column)
    dates = {c.name: c.date for c in schema.columns} | {schema.time: schema.time_date}
    for name, form in dates.items():
        if form and pd.api.types.is_datetime64_any_dtype(table[name]):
            texts = to_texts(pd.Series(table[name].dropna().unique()), form)
            if len(formats := date_formats(texts)) > 1:
                yield (
                    f"{name!r} was read as dates like {formats[0]}, but could be {formats[1]} too: "
                    f"is {texts.iloc[0]} in {table[name].dropna().dt.month_name().iloc[0]}?"
                )
    patients = table[schema.patient].nunique()
    if patients < FEW_PATIENTS:
        are = "patient is" if patients == 1 else "patients are"
        yield f"{patients} {are} few: a copy will hardly hold more than chance made of them."
    if schema.static:
        names = ", ".join(map(repr, schema.static))
        yield f"These never change within a patient and were taken as static: {names}."


def _doubts_of(values: pd.Series, column: Column) -> Iterator[str]:
    """Yield what could be wrong about one column."""
    name, distinct, present = repr(column.name), values.nunique(), values.dropna()
    if distinct == 1:
        yield f"{name} has one value only, so nothing can be learned from it."
    elif column.kind == "real" and column.integer and not column.date and distinct <= FEW:
        yield (
            f"{name} has {distinct} whole numbers and was taken as a number. Are they codes? Then "
            "make it categorical, with levels and codes."
        )
    elif column.codes:
        *others, last = column.levels
        count = {1: "two", 2: "three"}.get(len(others), len(others) + 1)
        yield (
            f"{name} was taken as {count} codes, {', '.join(others)} and {last}, not as a number."
        )
    if column.kind == "real" and not column.date and (code := _missing_code(present)) is not None:
        yield (
            f"{name} holds {code:g} {(present == code).sum()} times, far from all others. If it "
            f'stands for an empty cell, write empty = ["{code:g}"] and missing = true.'
        )
    if column.empty:
        yield f"{name}: {', '.join(map(repr, column.empty))} was taken as an empty cell."
    for level in column.levels:
        if not (means_empty(level) or level.lower() in ("999", "-9", "unk")):
            continue
        yield f"{name} has the level {level!r}. If that means empty, list it under empty instead."
    if values.isna().mean() > 0.9:
        yield f"{name} is empty in {values.isna().mean():.0%} of the rows. Is it worth learning?"
    if len(column.levels) > MANY:
        yield f"{name} has {len(column.levels)} levels. Is it a name or a date?"
    for position, level in enumerate(column.levels):
        others, plain = column.levels[position + 1 :], level.strip().lower()
        near = [other for other in others if other.strip().lower() == plain]  # F, f and "F "
        if not any(c.isdigit() for c in level):
            near = near or get_close_matches(level, others, n=1, cutoff=0.85)
        if near:
            yield f"{name} has the levels {level!r} and {near[0]!r}. Is one a slip?"


def _missing_code(present: pd.Series) -> float | None:
    """Return a number that looks like a code for an empty cell: usual as such, and far away."""
    number = np.unique(present.to_numpy(dtype=float))
    for code in MISSING_CODES:
        others = number[number != code]
        if code not in number or len(others) < 5:
            continue
        span = np.quantile(others, 0.99) - others[0]
        far = others[0] - code if code < others[0] else code - others[-1]
        alone = code < 0 <= others[0] or far > span
        if alone and far > 0:
            return float(code)
    return None


def _kind(column: Column) -> str:
    """Name the kind of a column, and whether its numbers are whole."""
    if column.date:
        return f"date, {column.date}"
    if column.ordered:
        return "ordered"
    return "real, whole" if column.integer else column.kind


def _content(values: pd.Series, column: Column) -> str:
    """Return the levels of a column, or the range of its numbers with their unit, and gaps."""
    empty = values.isna().mean()
    gaps = f"; empty in {empty:.1%} of rows" if empty else ""
    if column.kind == "real":
        return f"{_range(values, column.date)} {column.unit}".rstrip() + gaps
    shown = ", ".join(column.levels[:8])
    more = f", … ({len(column.levels)} levels)" if len(column.levels) > 8 else ""
    return shown + more + gaps


def _range(values: pd.Series, form: str) -> str:
    """Return the lowest and the highest of numbers or dates."""
    ends = values.agg(["min", "max"])
    if form:
        return " to ".join(to_texts(pd.to_datetime(ends), form))
    return " to ".join(f"{end:.10g}" if abs(end) < 1e6 else f"{end:g}" for end in ends)
