"""What each column of a longitudinal table is: its kind, its levels, its unit, static or changing.

Every later room of the house reads the schema instead of guessing from the data. That is why the
same code serves antiretroviral therapy, a respiratory trial, or a CSV that nobody here has seen.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w

from hgteach.columns import EMBEDDING_SIZE, Column, Kind, level_text
from hgteach.dates import parse
from hgteach.errors import InputError
from hgteach.files import replacing
from hgteach.layout import Layout, without_codes

__all__ = ["EMBEDDING_SIZE", "Block", "Column", "Kind", "Layout", "Schema", "level_text",
           "without_codes"]

# The settings of the table, beside its name, and their types in a TOML file.
GUIDE = """\
# What each column of the table is. Edit it; 'hgteach data check FILE --schema THIS.toml' says
# whether the table fits. A column may have these settings; what is not there is false or empty.
#   kind = "real" (a number), "binary" (two levels) or "categorical" (more)
#   levels = ["low", "high"]   codes = [0, 1]: what the file holds for each of them, if not the text
#   static = true: never changes within a patient     integer = true: whole numbers only
#   missing = true: cells may be empty                empty = ["-9"]: values that mean an empty cell
#   ordered = true: levels from low to high           lower = 0, upper = 100: the possible range
#   date = "%Y-%m-%d": dates written so               since = "start": learned as distance from it
#   unit = "mg/dL", description = "one line"          for people, and for axes
# Above the columns: irregular = true (patients' rows differ in number or times), time_date,
# longest = 50 (rows of a patient to learn from), left_out = ["name"] (columns of the file).

"""
_TABLE = {
    "name": (str, "a text"),
    **dict.fromkeys(("patient", "time"), (str, "the name of a column")),
    "time_date": (str, "a format such as %Y-%m-%d"),
    "irregular": (bool, "true or false"),
    "longest": (int, "a whole number"),
    **dict.fromkeys(("left_out", "columns"), (list, "a list")),
}


@dataclass(frozen=True)
class Block:
    """Where one column lives in the matrix: channels ``start`` to ``stop``, stop excluded."""

    column: Column
    start: int
    stop: int

    @property
    def width(self) -> int:
        """The number of channels: 1 for a number, one per level otherwise."""
        return self.stop - self.start

    @property
    def span(self) -> slice:
        """The channels, ready for ``x[..., block.span]``."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Schema:
    """The columns of a longitudinal table, and which two say *who* and *when*.

    Attributes:
        name: a short name for messages.
        patient: the column that tells patients apart.
        time: the column that orders a patient's rows.
        columns: everything else, in file order.
        irregular: patients may have different numbers of rows, and rows at different times.
            Otherwise a table in which they do is refused.
        time_date: the time column holds dates in this format (``%Y-%m-%d``).
        longest: the most rows of one patient that are learned from; 0 leaves it to the table.
        left_out: columns that the file has and nobody is to learn from, such as names.
    """

    name: str
    patient: str
    time: str
    columns: tuple[Column, ...]
    irregular: bool = False
    time_date: str = ""
    longest: int = 0
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a schema with repeated or missing names."""
        names = [self.patient, self.time, *self.names, *self.left_out]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"The schema '{self.name}' names {repeated[0]!r} more than once.")
        if not self.columns:
            raise InputError(f"The schema '{self.name}' has no columns to model.")
        if self.longest < 0:
            raise InputError(f"The schema '{self.name}' needs a 'longest' of 1 or more rows.")
        dates = {c.name: bool(c.date) for c in self.columns if c.kind == "real" and not c.since}
        dates[self.time] = bool(self.time_date)
        for column in self.columns:
            if column.since and dates.get(column.since) is not bool(column.date):
                raise InputError(
                    f"Column {column.name!r} counts 'since' {column.since!r}. That must be the "
                    "time or another number (for a date: another date) that has no 'since' itself."
                )

    def __getitem__(self, name: str) -> Column:
        """Return the column called ``name``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(
            f"The schema '{self.name}' has no column {name!r}. It has: {', '.join(self.names)}."
        )

    @property
    def is_regular(self) -> bool:
        """Whether all patients have the same times, no cell is empty, and all is as learned."""
        return not (self.irregular or self.time_date or any(
            c.missing or c.ordered or c.date or c.since for c in self.columns
        ))

    @property
    def names(self) -> list[str]:
        """The names of all modelled columns, in file order."""
        return [column.name for column in self.columns]

    @property
    def real(self) -> list[str]:
        """The names of the columns that hold numbers."""
        return [column.name for column in self.columns if column.kind == "real"]

    @property
    def categorical(self) -> list[str]:
        """The names of the columns that hold levels, binary ones included."""
        return [column.name for column in self.columns if column.kind != "real"]

    @property
    def static(self) -> list[str]:
        """The names of the columns that cannot change within a patient."""
        return [column.name for column in self.columns if column.static]

    @property
    def blocks(self) -> list[Block]:
        """The layout of the matrix: numbers first, then one one-hot block a column.

        Numbers come first, as in the series, so that one slice holds them all.
        """
        ordered = [c for c in self.columns if c.kind == "real"]
        ordered += [c for c in self.columns if c.kind != "real"]
        blocks, start = [], 0
        for column in ordered:
            stop = start + max(1, len(column.levels))
            blocks.append(Block(column, start, stop))
            start = stop
        return blocks

    @property
    def width(self) -> int:
        """The number of channels of the matrix (22 for the series' seven-variable example)."""
        return self.blocks[-1].stop

    def select(self, names: Iterable[str]) -> Schema:
        """Return a schema of only these columns, in the order of this one."""
        wanted = set(names)
        for name in wanted:
            self[name]
        kept = (c for c in self.columns if c.name in wanted)
        known = {"", self.time, *wanted}
        columns = (c if c.since in known else replace(c, since="") for c in kept)
        return replace(self, columns=tuple(columns), left_out=())

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a copy of ``table`` in which codes have become labels, and texts dates.

        Every binary or categorical column becomes an ordered-by-code pandas categorical with all
        of its levels, seen or not. A column that already holds labels keeps them. A value that
        is neither becomes missing: check the table first (``hgteach.cohorts.checking``).
        """
        labelled = {}
        if self.time_date and self.time in table:
            when = table[self.time]
            numbers = pd.api.types.is_numeric_dtype(when)
            labelled[self.time] = when if numbers else parse(when, self.time_date)
        for column in self.columns:
            if column.name not in table:
                continue
            values = without_codes(table[column.name], column.empty)
            if column.kind == "real":
                if column.date and not pd.api.types.is_numeric_dtype(values):
                    labelled[column.name] = parse(values, column.date)
                elif column.empty:
                    labelled[column.name] = pd.to_numeric(values.astype(object), errors="coerce")
                continue
            if column.codes and pd.api.types.is_numeric_dtype(values):
                position = pd.Index(column.codes).get_indexer(values)
            else:
                # Texts are compared once a level, not once a row. Missing ones have code -1, which
                # reaches the -1 appended here.
                code, distinct = pd.factorize(values)
                level = pd.Index(column.levels).get_indexer([level_text(v) for v in distinct])
                position = np.append(level, -1)[code]
            labelled[column.name] = pd.Categorical.from_codes(
                position, list(column.levels), ordered=column.ordered
            )
        return table.assign(**labelled)

    @classmethod
    def infer(
        cls, table: pd.DataFrame, *, patient: str, time: str, name: str = "inferred"
    ) -> Schema:
        """Guess a schema from a table.

        A column of text, of booleans, or of at most two distinct whole numbers holds levels;
        any other column of numbers or dates is real, and *integer* when all of them are whole. A
        column whose value never changes within a patient is static. Row numbers are left out.

        Raises:
            InputError: a named column is missing, or a column cannot be modelled as it is: it
                names people, holds free text, or nothing at all.
        """
        from hgteach.inference import infer_table  # which needs Schema from here

        return infer_table(table, patient, time, name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, strings and numbers, with defaults left out."""
        defaults = asdict(Column("", "real"))
        columns = []
        for column in self.columns:
            entry = {k: v for k, v in asdict(column).items() if v != defaults[k]}
            entry |= {"name": column.name, "kind": column.kind}
            columns.append({k: list(v) if isinstance(v, tuple) else v for k, v in entry.items()})
        content = {"name": self.name, "patient": self.patient, "time": self.time}
        for key in ("time_date", "irregular", "longest"):
            if getattr(self, key):
                content[key] = getattr(self, key)
        if self.left_out:
            content["left_out"] = list(self.left_out)
        return {**content, "columns": columns}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Schema:
        """Build a schema from what :meth:`to_dict` returned.

        Raises:
            InputError: a key is missing, unknown, or of the wrong type.
        """
        try:
            content = {"name": "unnamed", **content}
            for key in ("patient", "time", "columns"):
                content[key]  # a missing one is told below
            for key, value in content.items():
                if key not in _TABLE:
                    raise InputError(
                        f"The schema has an unknown setting {key!r}. Use: {', '.join(_TABLE)}."
                    )
                kind, what = _TABLE[key]
                if type(value) is not kind and key != "columns":
                    raise InputError(f"The schema needs {what} as {key!r}, not {value!r}.")
            content["columns"] = tuple(Column.from_dict(entry) for entry in content["columns"])
            content["left_out"] = tuple(map(str, content.get("left_out", ())))
            return cls(**content)
        except KeyError as error:
            raise InputError(f"The schema lacks the entry {error.args[0]!r}.") from None
        except (TypeError, AttributeError) as error:
            raise InputError(f"The schema is not laid out as expected: {error}.") from None

    def to_toml(self, path: str | Path, *, replace_edited: bool = True) -> None:
        """Write the schema as a TOML file that a person can edit.

        Raises:
            InputError: the folder cannot be written to, or (unless ``replace_edited``) there is
                such a file, and it says something else.
        """
        text = GUIDE + tomli_w.dumps(self.to_dict())
        with replacing(path) as temporary:
            path = Path(path)
            if not replace_edited and path.exists() and path.read_bytes() != text.encode():
                raise InputError(f"{path} is there, and differs. Choose another name for this one.")
            temporary.write_bytes(text.encode())

    @classmethod
    def from_toml(cls, path: str | Path) -> Schema:
        """Read a schema from a TOML file.

        Raises:
            InputError: the file is missing, is not TOML, or is no schema.
        """
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"There is no schema file {path}.") from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"The schema file {path} cannot be read as TOML: {error}.") from None
        return cls.from_dict(content)
