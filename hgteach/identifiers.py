"""Recognise columns that say who somebody is, and free text: nobody should learn to make those."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
PHONE = re.compile(r"\+?(?=(?:\D*\d){7})[\d\s()./-]{7,20}")
PERSON = re.compile(r"[A-Z][\w'’.-]+,? [A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*)?")
HEADING = re.compile(
    r"(?i)(?:^|[_. ])(?:id|uid|guid|mrn|nhs|ssn|passport|e-?mail|phone|telephone|mobile|address"
    r"|post_?code|zip(?:_?code)?|(?:(?:sur|first|last|given|family|full|patient)[_. ]?)?name"
    r"|(?:patient|subject|person|record|case|encounter|hospital)[_. ]?(?:id|no|nr|num|number))$"
)
ROW_NUMBERS = ("", "index", "rownames", "row", "row.names", "X", "Unnamed: 0", "level_0")
FEW = 10  # different texts that are a set of levels however few patients there are
RARE = 3  # patients (or rows) that a level should have on average, if there are many


def is_row_number(values: pd.Series) -> bool:
    """Return whether a column only counts the rows of its file."""
    if str(values.name) not in ROW_NUMBERS or not pd.api.types.is_integer_dtype(values):
        return False
    number = values.to_numpy()
    return bool(number[0] in (0, 1) and (np.diff(number) == 1).all())


def why_not_texts(name: str, distinct: pd.Series, rows: int, people: int, static: bool) -> str:
    """Say why different texts cannot be levels; an empty answer if they can.

    Args:
        name: the heading.
        distinct: the different texts.
        rows: how many rows have one.
        people: how many patients have one.
        static: whether no patient has two.
    """
    many, count = people if static else rows, len(distinct)
    texts = distinct.astype(str)
    for pattern, what in ((EMAIL, "e-mail addresses"), (PHONE, "telephone numbers")):
        if texts.str.fullmatch(pattern).mean() > 0.8 and count > min(FEW, people / 2):
            return f"holds {what}"
    mostly_own = count > max(people / 2, 2)
    if mostly_own and static and texts.str.fullmatch(PERSON).mean() > 0.8:
        return "looks like the names of people"
    if mostly_own and HEADING.search(name):
        return "has the heading of an identifier, and nearly every patient has another value"
    if (texts.str.count(r"\s").median() >= 3 or texts.str.len().median() > 40) and (
        count > max(FEW, many / 5)
    ):
        return "looks like free text"
    if count > max(FEW, many / 2) or (count > 50 and many < RARE * count):
        return (
            f"has {count} different texts in {rows} rows, which looks like an identifier or free "
            "text"
        )
    return ""


def why_not_numbers(name: str, number: np.ndarray, people: int, static: bool) -> str:
    """Say why whole numbers look like an identifier; an empty answer if they do not."""
    count, many = len(np.unique(number)), people if static else len(number)
    if count < 0.95 * many or people < FEW:
        return ""
    if HEADING.search(name):
        return "has the heading of an identifier, and no number occurs twice"
    if static and np.median(number) >= 1e8:
        return "holds a long number that no two patients share, like a record or telephone number"
    return ""
