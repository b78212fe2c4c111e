"""What each column of a longitudinal table is: its kind, its levels, its unit, static or changing.

Every later room of the house reads the schema instead of guessing from the data. That is why the
same code serves antiretroviral therapy, a respiratory trial, or a CSV that nobody here has seen.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import tomli_w

from hgteach.errors import InputError
from hgteach.files import replacing

Kind = Literal["real", "binary", "categorical"]

# The series' policy for the critic's embedding: a number passes through, two levels get two
# dimensions, more levels get four.
EMBEDDING_SIZE: dict[Kind, int] = {"real": 1, "binary": 2, "categorical": 4}

# What each setting of a column may be in a TOML file, for code and for people.
_SETTINGS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("name", "kind", "unit", "description"), ((str,), "a text")),
    **dict.fromkeys(("static", "integer"), ((bool,), "true or false")),
    **dict.fromkeys(("lower", "upper"), ((int, float), "a number")),
    "levels": ((str,), "a list of texts"),
    "codes": ((int,), "a list of whole numbers"),
}


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes:
        name: the heading, as published.
        kind: ``real`` (a number), ``binary`` (two levels) or ``categorical`` (any other number
            of levels).
        levels: the labels of a binary or categorical column, in code order.
        codes: the integer that a published file holds for each level; empty where files hold
            the labels themselves.
        unit: for axes, e.g. ``copies/mL``.
        static: the value cannot change within a patient (sex, ethnicity).
        integer: the numbers are whole and must stay whole in a synthetic copy.
        lower, upper: the range that a number may take; ``None`` where there is no limit.
        description: one line for people.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()
    unit: str = ""
    static: bool = False
    integer: bool = False
    lower: float | None = None
    upper: float | None = None
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

    @property
    def axis_label(self) -> str:
        """The name with its unit, ready for an axis."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


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
    """

    name: str
    patient: str
    time: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        """Refuse a schema with repeated or missing names."""
        names = [self.patient, self.time, *self.names]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"The schema '{self.name}' names {repeated[0]!r} more than once.")
        if not self.columns:
            raise InputError(f"The schema '{self.name}' has no columns to model.")

    def __getitem__(self, name: str) -> Column:
        """Return the column called ``name``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(
            f"The schema '{self.name}' has no column {name!r}. It has: {', '.join(self.names)}."
        )

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
        wanted = list(names)
        for name in wanted:
            self[name]
        return replace(self, columns=tuple(c for c in self.columns if c.name in set(wanted)))

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a copy of ``table`` in which codes have become labels.

        Every binary or categorical column becomes an ordered-by-code pandas categorical with all
        of its levels, seen or not. A column that already holds labels keeps them. A value that
        is neither becomes missing: check the table first (``hgteach.cohorts.checking``).
        """
        labelled = {}
        for column in self.columns:
            if column.kind == "real" or column.name not in table:
                continue
            values = table[column.name]
            if column.codes and pd.api.types.is_numeric_dtype(values):
                position = pd.Index(column.codes).get_indexer(values)
            else:
                # Texts are compared once a level, not once a row. Missing ones have code -1, which
                # reaches the -1 appended here.
                code, distinct = pd.factorize(values)
                level = pd.Index(column.levels).get_indexer([level_text(v) for v in distinct])
                position = np.append(level, -1)[code]
            labelled[column.name] = pd.Categorical.from_codes(position, list(column.levels))
        return table.assign(**labelled)

    @classmethod
    def infer(
        cls, table: pd.DataFrame, *, patient: str, time: str, name: str = "inferred"
    ) -> Schema:
        """Guess a schema from a table.

        A column of text, of booleans, or of at most two distinct whole numbers holds levels;
        any other column of numbers is real, and *integer* when all of them are whole. A column
        whose value never changes within a patient is static.

        Raises:
            InputError: a named column is missing, or a column cannot be modelled as it is.
        """
        from hgteach.inference import infer_columns  # which needs Column from here

        return cls(name, patient, time, infer_columns(table, patient, time))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, strings and numbers, with defaults left out."""
        defaults = asdict(Column("", "real"))
        columns = []
        for column in self.columns:
            entry = {k: v for k, v in asdict(column).items() if v != defaults[k]}
            entry |= {"name": column.name, "kind": column.kind}
            columns.append({k: list(v) if isinstance(v, tuple) else v for k, v in entry.items()})
        return {"name": self.name, "patient": self.patient, "time": self.time, "columns": columns}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Schema:
        """Build a schema from what :meth:`to_dict` returned.

        Raises:
            InputError: a key is missing, unknown, or of the wrong type.
        """
        try:
            columns = []
            for role in ("patient", "time"):
                if not isinstance(content[role], str):
                    raise InputError(f"The schema needs the name of a column as {role!r}.")
            for entry in content["columns"]:
                where = f"The schema's column {entry.get('name', '?')!r}"
                for key, value in entry.items():
                    if key not in _SETTINGS:
                        raise InputError(
                            f"{where} has an unknown setting {key!r}. Use: {', '.join(_SETTINGS)}."
                        )
                    kind, name = _SETTINGS[key]
                    values = value if key in ("levels", "codes") else [value]
                    if not isinstance(values, list) or not all(type(v) in kind for v in values):
                        raise InputError(f"{where} needs {name} as {key!r}, not {value!r}.")
                columns.append(
                    Column(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()})
                )
            return cls(
                str(content.get("name", "unnamed")),
                content["patient"],
                content["time"],
                tuple(columns),
            )
        except KeyError as error:
            raise InputError(f"The schema lacks the entry {error.args[0]!r}.") from None
        except (TypeError, AttributeError) as error:
            raise InputError(f"The schema is not laid out as expected: {error}.") from None

    def to_toml(self, path: str | Path) -> None:
        """Write the schema as a TOML file that a person can edit."""
        with replacing(path) as temporary:
            temporary.write_text(tomli_w.dumps(self.to_dict()), encoding="utf-8")

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


@dataclass(frozen=True)
class Layout:
    """How a file wrote its table, so that a synthetic copy can be written the same way.

    Attributes:
        order: all headings, in file order.
        coded: the categorical columns that held integer codes instead of labels.
    """

    order: tuple[str, ...]
    coded: tuple[str, ...]

    @classmethod
    def of(cls, table: pd.DataFrame, schema: Schema) -> Layout:
        """Read the layout off a table as it was before :meth:`Schema.label`."""
        kept = {schema.patient, schema.time, *schema.names}
        coded = [
            c.name
            for c in schema.columns
            if c.codes and c.name in table and pd.api.types.is_numeric_dtype(table[c.name])
        ]
        return cls(tuple(c for c in table.columns if c in kept), tuple(coded))

    def restore(self, table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        """Return a labelled ``table`` in this layout: same order, codes where there were codes."""
        out = table[list(self.order)].copy()
        for name in self.coded:
            codes = np.asarray(schema[name].codes)
            out[name] = codes[out[name].cat.codes.to_numpy()]
        return out


def level_text(value: object) -> str:
    """Return the label of a raw value; a whole float reads as a whole number (``1.0`` → ``1``)."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
