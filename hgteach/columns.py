"""What one column of a longitudinal table is, as a person may write it down in a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hgteach.errors import InputError

Kind = Literal["real", "binary", "categorical"]

# The series' policy for the critic's embedding: a number passes through, two levels get two
# dimensions, more levels get four.
EMBEDDING_SIZE: dict[Kind, int] = {"real": 1, "binary": 2, "categorical": 4}

# What each setting of a column may be in a TOML file, for code and for people.
_SETTINGS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("name", "kind", "unit", "date", "since", "description"), ((str,), "a text")),
    **dict.fromkeys(("static", "integer", "missing", "ordered"), ((bool,), "true or false")),
    **dict.fromkeys(("lower", "upper"), ((int, float), "a number")),
    **dict.fromkeys(("levels", "empty"), ((str,), "a list of texts")),
    "codes": ((int, float), "a list of numbers"),
}
_LISTS = ("levels", "codes", "empty")


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes:
        name: the heading, as published.
        kind: ``real`` (a number), ``binary`` (two levels) or ``categorical`` (any other number
            of levels).
        levels: the labels of a binary or categorical column, in code order.
        codes: the number that a published file holds for each level; empty where files hold
            the labels themselves.
        unit: for axes, e.g. ``copies/mL``.
        static: the value cannot change within a patient (sex, ethnicity).
        integer: the numbers are whole and must stay whole in a synthetic copy.
        lower, upper: the range that a number may take; ``None`` where there is no limit.
        missing: cells may be empty. Which ones are is learned too.
        empty: values that stand for an empty cell, as the file writes them (``-9``, ``?``).
        ordered: the levels are listed from low to high. They are learned as 0, 1, 2, …, so that
            neighbours stay neighbours.
        date: a real column holds dates in this format (``%Y-%m-%d``), and is learned in days.
        since: a number or date that is learned as its distance from this column of the same row,
            so that it stays on the same side of it (the end of an interval, from its start).
        description: one line for people.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    codes: tuple[int | float, ...] = ()
    unit: str = ""
    static: bool = False
    integer: bool = False
    lower: float | None = None
    upper: float | None = None
    missing: bool = False
    empty: tuple[str, ...] = ()
    ordered: bool = False
    date: str = ""
    since: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse a column that contradicts itself."""
        if self.kind not in EMBEDDING_SIZE:
            raise InputError(
                f"Column '{self.name}' has kind '{self.kind}'. "
                "Use 'real', 'binary' or 'categorical'."
            )
        if self.kind == "real" and self.levels:
            raise InputError(f"Column '{self.name}' is real, so it cannot have levels.")
        if self.kind == "binary" and len(self.levels) != 2:
            raise InputError(
                f"Column '{self.name}' is binary and has {len(self.levels)} levels. "
                "List exactly two, or make it categorical."
            )
        if self.kind == "categorical" and not self.levels:
            raise InputError(f"Column '{self.name}' is categorical. List its levels.")
        if len(set(self.levels)) != len(self.levels):
            raise InputError(f"Column '{self.name}' lists a level twice.")
        if self.codes and (len(self.codes) != len(self.levels) or len(set(self.codes)) < len(
                self.codes)):
            raise InputError(f"Column '{self.name}' needs one distinct code for each level.")
        if self.kind == "real" and self.ordered:
            raise InputError(f"Column '{self.name}' is real: only levels can be 'ordered'.")
        if self.kind != "real" and (self.date or self.since):
            raise InputError(
                f"Column '{self.name}' has levels, so it cannot have 'date' or 'since'."
            )
        if self.date and (self.lower is not None or self.upper is not None):
            raise InputError(f"Column '{self.name}' holds dates, for which there are no limits.")

    @property
    def axis_label(self) -> str:
        """The name with its unit, ready for an axis."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Column:
        """Build a column from its settings.

        Raises:
            InputError: a setting is unknown or of the wrong type.
        """
        where = f"The schema's column {entry.get('name', '?')!r}"
        for key, value in entry.items():
            if key not in _SETTINGS:
                raise InputError(
                    f"{where} has an unknown setting {key!r}. Use: {', '.join(_SETTINGS)}."
                )
            kind, name = _SETTINGS[key]
            values = value if key in _LISTS else [value]
            if not isinstance(values, list) or not all(type(v) in kind for v in values):
                raise InputError(f"{where} needs {name} as {key!r}, not {value!r}.")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()})


def level_text(value: object) -> str:
    """Return the label of a raw value; a whole float reads as a whole number (``1.0`` → ``1``)."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def decimals_of(values: np.ndarray, most: int = 6) -> int:
    """Return how many decimals the numbers have; 15, which is all of them, if over ``most``."""
    values = values[~np.isnan(values)]
    return next((n for n in range(most + 1) if (values == np.round(values, n)).all()), 15)
