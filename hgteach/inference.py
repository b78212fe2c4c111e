"""Guessing what a column is from its values alone: the rules behind ``Schema.infer``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hgteach.errors import InputError
from hgteach.schema import Column, Kind, level_text


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
    if not rest:
        raise InputError("The table has no column besides patient and time: nothing to model.")
    if table[patient].isna().all():
        raise InputError(f"Column {patient!r} has no values, so there are no patients.")
    who, _ = pd.factorize(table[patient])
    columns, problems = [], []
    for name in rest:
        try:
            columns.append(infer_column(table[name], is_static(table[name], who)))
        except InputError as problem:
            problems.append(str(problem))
    if problems:
        raise InputError("\n".join(problems))
    return tuple(columns)


def is_static(values: pd.Series, who: np.ndarray) -> bool:
    """Return whether no patient, numbered by ``who`` from 0, ever has two different values."""
    plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "iufb"
    value = values.to_numpy() if plain else pd.factorize(values)[0]
    any_value = np.empty(who.max() + 1, dtype=value.dtype)
    any_value[who] = value  # which of a patient's values stays does not matter
    return bool((any_value[who] == value).all())


def infer_column(values: pd.Series, static: bool) -> Column:
    """Guess one column. Few distinct whole numbers are levels; other numbers are real."""
    name = str(values.name)
    present = values.dropna()
    if present.empty:
        raise InputError(f"Column {name!r} has no values at all. Drop it first.")
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric:
        number = present.to_numpy(dtype=float)
        whole = bool(np.all(np.isfinite(number)) and np.all(number == np.round(number)))
        distinct = pd.unique(number) if whole else ()
        if not 1 <= len(distinct) <= 2:
            return Column(name, "real", static=static, integer=whole)
        codes = tuple(sorted(int(v) for v in distinct))
        levels = tuple(str(v) for v in codes)
    else:
        codes = ()
        distinct = pd.Series(present.unique(), dtype=object)
        _refuse_almost_numbers(present, distinct)
        levels = tuple(sorted({level_text(v) for v in distinct}))
        if len(levels) > max(50, len(present) // 20) or len(levels) > max(10, len(present) // 2):
            raise InputError(
                f"Column {name!r} has {len(levels)} different texts in {len(present)} rows, which "
                "looks like an identifier or free text. Drop it, or group its values first."
            )
    kind: Kind = "binary" if len(levels) == 2 else "categorical"
    return Column(name, kind, levels=levels, codes=codes, static=static)


def _refuse_almost_numbers(present: pd.Series, distinct: pd.Series) -> None:
    """Refuse a column of many numbers and a few texts: those are slips, not a set of levels."""
    slips = distinct[pd.to_numeric(distinct, errors="coerce").isna()]
    if len(slips) and len(distinct) > max(20, 2 * len(slips)):
        place = present.index[(present == slips.iloc[0]).to_numpy()][0]
        raise InputError(
            f"Column {str(present.name)!r} holds numbers, but {str(slips.iloc[0])[:40]!r} on "
            f"{present.index.name or 'row'} {place}. Give it a number, or every row a label."
        )
