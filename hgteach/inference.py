"""Guessing what a column is from its values alone: the rules behind ``Schema.infer``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from hgteach.columns import Column, Kind, level_text
from hgteach.dates import FORMATS, date_formats, format_of, parse
from hgteach.errors import InputError
from hgteach.identifiers import is_row_number, why_not_numbers, why_not_texts
from hgteach.schema import Schema

FEW_STEPS = 5  # different numbers, not all whole, that are grades: 0, 0.5, 1
MANY = 20  # different texts like 1,5 that are numbers with a decimal comma, not levels
COMMA = r"[+-]?\d+(,\d+)*(\.\d+)?"
# What stands for an empty cell, in small letters, where it is alone among numbers or dates.
EMPTY_TEXTS = ("", "?", ".", "-", "--", "*", "na", "n.a.", "n/a", "nan", "<na>", "nat", "none",
               "null", "nil", "nd", "missing", "unknown", "#div/0!", "#value!")  # fmt: skip


def infer_table(table: pd.DataFrame, patient: str, time: str, name: str = "inferred") -> Schema:
    """Guess the columns, how the visits lie, and which columns only number the rows.

    Raises:
        InputError: with a line for each column that is missing or cannot be modelled as it is.
    """
    rows = [c for c in table.columns if c not in (patient, time) and is_row_number(table[c])]
    table = table.drop(columns=rows)
    columns = infer_columns(table, patient, time)
    form = time_date(table[time])
    when = pd.to_numeric(as_plain(table[time]), errors="coerce")
    when = parse(table[time], form) if form else when
    ordered = pd.DataFrame({"who": pd.factorize(table[patient])[0], "when": when}, table.index)
    ordered = ordered[ordered["who"] >= 0].sort_values(["who", "when"], kind="stable")
    columns = tuple(_since(column, columns, table, ordered, time, form) for column in columns)
    return Schema(name, patient, time, columns, irregular=_is_irregular(ordered, bool(form)),
                  time_date=form, left_out=tuple(map(str, rows)))


def infer_columns(table: pd.DataFrame, patient: str, time: str) -> tuple[Column, ...]:
    """Guess every column besides patient and time.

    Raises:
        InputError: with a line for each column that is missing or cannot be modelled as it is.
    """
    for role, name in (("patient", patient), ("time", time)):
        if name not in table:
            raise InputError(
                f"There is no column {name!r} to use as the {role}. "
                f"The table has: {', '.join(map(str, table.columns))}."
            )
    rest = [c for c in table.columns if c not in (patient, time)]
    if not rest and patient != time:
        raise InputError("The table has no column besides patient and time: nothing to model.")
    if table[patient].isna().all():
        raise InputError(f"Column {patient!r} has no values, so there are no patients.")
    who, _ = pd.factorize(table[patient])
    columns, problems = [], []
    for name in rest:
        try:
            columns.append(infer_column(table[name], who))
        except InputError as problem:
            problems.append(str(problem))
    if problems:
        raise InputError("\n".join(problems))
    return tuple(columns)


def is_static(values: pd.Series, who: np.ndarray) -> bool:
    """Return whether no patient, numbered by ``who`` from 0, ever has two different values."""
    plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "iufb"
    value = values.to_numpy() if plain else pd.factorize(values)[0]
    there = (values.notna().to_numpy()) & (who >= 0)
    value, who = value[there], who[there]
    any_value = np.empty(who.max(initial=0) + 1, dtype=value.dtype)
    any_value[who] = value  # which of a patient's values stays does not matter
    return bool((any_value[who] == value).all())


def side_by_side(headings: Iterable[str]) -> list[str]:
    """Return headings that differ in a number only, as ``bp_1`` and ``bp_2`` do."""
    alike: dict[str, list[str]] = {}
    for heading in map(str, headings):
        if re.search(r"\d", heading):
            alike.setdefault(re.sub(r"\d+", "#", heading), []).append(heading)
    return next((found for found in alike.values() if len(found) > 1), [])


def means_empty(value: object) -> bool:
    """Return whether a text usually stands for an empty cell."""
    return isinstance(value, str) and value.strip().lower() in EMPTY_TEXTS


def as_plain(values: pd.Series) -> pd.Series:
    """Return objects that are all numbers as numbers, whatever lies between them."""
    if values.dtype != object:
        return values
    kinds = {type(v) for v in values.dropna().unique()}
    if kinds and all(issubclass(k, int | float | np.number) and k is not bool for k in kinds):
        return pd.to_numeric(values)
    return values


def infer_column(values: pd.Series, who: np.ndarray) -> Column:
    """Guess one column. Few distinct whole numbers are levels; other numbers are real."""
    name, values = str(values.name), as_plain(values)
    present = values.dropna()
    if present.empty:
        raise InputError(f"Column {name!r} has no values at all. {_leave_out(name)}")
    shared = {"static": is_static(values, who), "missing": len(present) < len(values)}
    people = len(np.unique(who[values.notna().to_numpy()]))
    if pd.api.types.is_datetime64_any_dtype(values):
        if values.dt.tz is not None:
            raise InputError(f"Column {name!r} has a time zone. Make all times local first.")
        return Column(name, "real", integer=True, date=format_of(values), **shared)
    if pd.api.types.is_timedelta64_dtype(values):
        raise InputError(f"Column {name!r} holds durations. Give them as numbers, such as days.")
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _number(name, present, shared, people)
    distinct = pd.Series(present.unique(), dtype=object)
    # A column of True and False holds objects that are no texts.
    empty = tuple(v for v in distinct if means_empty(v))
    others = distinct[~distinct.isin(empty)]
    if empty and len(others) and pd.to_numeric(others, errors="coerce").notna().all():
        number = pd.to_numeric(present[~present.isin(empty)].astype(object))
        found = _number(name, number, shared, people)
        return replace(found, empty=empty, missing=True)
    dates = date_formats(others) if others.map(type).eq(str).all() else []
    if dates:
        shared["missing"] |= bool(empty)
        return Column(name, "real", integer=True, date=dates[0], empty=empty, **shared)
    _refuse_almost_numbers(present, distinct)
    ordered = isinstance(values.dtype, pd.CategoricalDtype) and values.cat.ordered
    levels = tuple(level_text(v) for v in values.cat.categories) if ordered else tuple(
        sorted({level_text(v) for v in distinct})
    )
    reason = why_not_texts(name, distinct, len(present), people, shared["static"])
    if (reason or len(others) > MANY) and others.astype(str).str.fullmatch(COMMA).all():
        raise InputError(
            f"Column {name!r} holds numbers with commas, such as {others.iloc[0]!r}. Write them "
            "with a decimal point, and with nothing between thousands."
        )
    if reason:
        _refuse_other_writings(present, others)
        raise InputError(f"Column {name!r} {reason}. {_leave_out(name)}")
    kind: Kind = "binary" if len(levels) == 2 else "categorical"
    return Column(name, kind, levels=levels, ordered=bool(ordered), **shared)


def _number(name: str, present: pd.Series, shared: dict[str, bool], people: int) -> Column:
    """Guess a column of numbers from those that are there."""
    number = present.to_numpy(dtype=float)
    whole = bool(np.all(np.isfinite(number)) and np.all(number == np.round(number)))
    distinct = np.unique(number)
    if not whole and len(distinct) <= FEW_STEPS and len(number) >= 20 * len(distinct):
        codes = tuple(distinct.tolist())
        levels = tuple(level_text(v) for v in codes)
        return Column(name, "binary" if len(levels) == 2 else "categorical", levels, codes,
                      **shared)
    if not whole or len(distinct) > 2:
        reason = why_not_numbers(name, number, people, shared["static"]) if whole else ""
        if reason:
            raise InputError(f"Column {name!r} {reason}. {_leave_out(name)}")
        return Column(name, "real", integer=whole, **shared)
    codes = tuple(sorted(int(v) for v in distinct))
    levels = tuple(str(v) for v in codes)
    kind: Kind = "binary" if len(levels) == 2 else "categorical"
    return Column(name, kind, levels=levels, codes=codes, **shared)


def time_date(values: pd.Series) -> str:
    """Return the format of a time column of dates; empty for numbers.

    Raises:
        InputError: it holds neither.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        if values.dt.tz is not None:
            raise InputError(f"Column {values.name!r} has a time zone. Make all times local first.")
        return format_of(values)
    if pd.api.types.is_numeric_dtype(as_plain(values)):
        return ""
    distinct = pd.Series(values.dropna().unique(), dtype=object)
    if pd.to_numeric(distinct, errors="coerce").notna().all():
        return ""
    found = date_formats(distinct.astype(str))
    if found:
        return found[0]
    strange = pd.to_numeric(distinct, errors="coerce").isna()  # which are no numbers, or no dates
    if strange.mean() > 0.5:
        strange = parse(distinct, (*date_formats(distinct.iloc[:1].astype(str)), FORMATS[0])[0])
        strange = strange.isna()
    odd = distinct[strange].iloc[0]
    row = values.index[(values.astype(object) == odd).to_numpy()][0]
    raise InputError(
        f"Column {values.name!r} holds text where a number or a date belongs: {str(odd)[:40]!r} "
        f"on {values.index.name or 'row'} {row}. Number the visits, for instance 0, 1, 2, or "
        "write every date in one format such as 2020-01-31."
    )


def _is_irregular(ordered: pd.DataFrame, dates: bool) -> bool:
    """Return whether the patients do not all have the same, evenly spaced, whole times."""
    rows = ordered["who"].value_counts().to_numpy()
    if ordered["when"].isna().any() or (rows != rows[0]).any():
        return True
    when = ordered["when"].to_numpy().reshape(len(rows), -1)  # (P, T)
    steps = np.diff(when[0])
    if (when != when[0]).any() or (len(steps) and (steps != steps[0]).any()):
        return True
    return not dates and bool((when[0] != np.round(when[0])).any())


def _since(
    column: Column,
    columns: tuple[Column, ...],
    table: pd.DataFrame,
    ordered: pd.DataFrame,
    time: str,
    form: str,
) -> Column:
    """Find what a column counts from: the start of its interval, or the date of the visit."""
    if column.kind != "real" or column.static:
        return column
    if column.date:
        return replace(column, since=time) if form else column
    if column.missing:
        return column
    starts = [c.name for c in columns
              if c.kind == "real" and not (c.static or c.date or c.missing) and c != column]
    who, stop = ordered["who"].to_numpy(), table.loc[ordered.index, column.name].to_numpy()
    follows = who[1:] == who[:-1]
    for start in [*([] if form else [time]), *starts]:
        begin = pd.to_numeric(table.loc[ordered.index, start]).to_numpy()
        if follows.any() and (begin < stop).all() and (begin[1:] == stop[:-1])[follows].all():
            return replace(column, since=start)
    return column


def _refuse_almost_numbers(present: pd.Series, distinct: pd.Series) -> None:
    """Refuse a column of many numbers and a few texts: those are slips, not a set of levels."""
    slips = distinct[pd.to_numeric(distinct, errors="coerce").isna()]
    if slips.astype(str).str.fullmatch(r"[A-Z]\d+(\.\d+)?").all():  # as in ICD: 250.1, V57, E909
        return
    if len(slips) and len(distinct) > max(20, 2 * len(slips)):
        place = present.index[(present == slips.iloc[0]).to_numpy()][0]
        raise InputError(
            f"Column {str(present.name)!r} holds numbers, but {str(slips.iloc[0])[:40]!r} on "
            f"{present.index.name or 'row'} {place}. Give it a number, leave the cell empty, or "
            "give every row a label."
        )


def _refuse_other_writings(present: pd.Series, distinct: pd.Series) -> None:
    """Refuse texts that are dates, most of them in one format, or numbers with a unit."""
    name, some = repr(str(present.name)), distinct.astype(str).iloc[:20]
    formats = Counter(form for text in some for form in date_formats([text]))
    form, count = max(formats.items(), key=lambda item: item[1], default=("", 0))
    if count > len(some) / 3:
        strange = parse(present, form).isna()
        raise InputError(
            f"Column {name} holds dates like {form}, but {str(present[strange].iloc[0])[:40]!r} on "
            f"{present.index.name or 'row'} {strange.idxmax()}. Write all in one format, such as "
            "2020-01-31."
        )
    unit = distinct.astype(str).str.extract(r"^[<>]? ?[+-]?\d[\d.,]* ?([^\d@]{1,12}\d?)$")[0]
    if unit.notna().mean() > 0.8 and unit.nunique() <= 3:
        raise InputError(
            f"Column {name} holds numbers with something beside them, such as "
            f"{str(distinct.iloc[0])[:40]!r}. Keep the numbers; a unit can go into the schema."
        )


def _leave_out(name: str) -> str:
    return f"Leave it out, with --leave-out {name!r} or by naming all the others with --columns."
