"""Dates that are written as text: which format they have, and as whole numbers of a unit.

Arithmetic is on whole numbers (days, minutes, seconds or microseconds since 1970, as fine as the
format is), so that nothing is rounded on the way there and back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y",
         "%d-%b-%Y", "%d%b%Y", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%d/%m/%y", "%m/%d/%y",
         "%d.%m.%y", "%d-%b-%y")  # fmt: skip
_CLOCKS = ("", " %H:%M:%S", "T%H:%M:%S", " %H:%M", "T%H:%M", "T%H:%M:%SZ", " %H:%M:%S.%f",
           "T%H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S+00:00",
           " %H:%M:%S+00:00")  # fmt: skip
_MONTHS = ("%Y-%m", "%m/%Y", "%b %Y", "%B %Y")  # the first of each
FORMATS = (*(day + clock for clock in _CLOCKS for day in _DAYS), *_MONTHS)
LIKELY = re.compile(r"\d{4}|\d[/.-]\d|\d[ -]?[A-Za-z]{3}")  # what every format leaves behind
PER_DAY = {"D": 1, "m": 1440, "s": 86_400, "us": 86_400_000_000}


def date_formats(texts: Iterable[str]) -> list[str]:
    """Return every format that all of the distinct ``texts`` have, the most usual one first.

    More than one means that the texts cannot tell days from months. Texts that the format would
    write differently (``1/2/2020``) still have it.
    """
    texts = pd.Series(list(texts), dtype=object)
    if texts.empty or not texts.map(lambda text: bool(LIKELY.search(text))).all():
        return []
    some = texts.iloc[:: max(1, len(texts) // 50)]
    return [f for f in FORMATS if _fits(some, f) and _fits(texts, f)]


def _fits(texts: pd.Series, form: str) -> bool:
    return bool(pd.to_datetime(texts, format=form, errors="coerce").notna().all())


def unit_of(form: str) -> str:
    """Return the unit that a format resolves: ``D``, ``m`` (minutes), ``s`` or ``us``."""
    return next((u for part, u in (("%f", "us"), ("%S", "s"), ("%M", "m")) if part in form), "D")


def format_of(when: pd.Series) -> str:
    """Return a format that is as fine as a column of timestamps."""
    stamps = when.dropna().to_numpy().astype("datetime64[us]")
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
        if (stamps == stamps.astype(f"datetime64[{unit_of(form)}]")).all():
            return form
    return "%Y-%m-%d %H:%M:%S.%f"


def parse(values: pd.Series, form: str) -> pd.Series:
    """Return texts as timestamps, empty where they do not have the format."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    return pd.to_datetime(values.astype(object), format=form, errors="coerce")


def to_numbers(when: pd.Series, unit: str) -> np.ndarray:
    """Return timestamps as whole units since 1970 in float64; NaN where there is none."""
    stamps = when.to_numpy().astype(f"datetime64[{unit}]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64))


def from_numbers(numbers: np.ndarray, unit: str) -> pd.Series:
    """Undo :func:`to_numbers`; numbers are rounded, NaN becomes NaT."""
    empty = np.isnan(numbers)
    stamps = np.rint(np.where(empty, 0, numbers)).astype(np.int64).astype(f"datetime64[{unit}]")
    stamps = stamps.astype("datetime64[us]")
    return pd.Series(np.where(empty, np.datetime64("NaT", "us"), stamps))


def to_texts(when: pd.Series, form: str) -> pd.Series:
    """Return timestamps as texts of the format, None where there is none."""
    position, distinct = pd.factorize(when)
    texts = pd.Index(distinct).strftime(form).to_numpy(dtype=object)
    return pd.Series(np.append(texts, None)[position], index=when.index, dtype=object)
