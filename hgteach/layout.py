"""How a file wrote its table, so that a synthetic copy can be written the same way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hgteach.columns import decimals_of, level_text
from hgteach.dates import to_texts

if TYPE_CHECKING:
    from hgteach.schema import Schema


@dataclass(frozen=True)
class Layout:
    """How a file wrote its table, so that a synthetic copy can be written the same way.

    Attributes:
        order: all headings, in file order.
        coded: the categorical columns that held integer codes instead of labels.
        dated: the columns of dates that held text.
        flags: the columns that held True and False themselves.
        blank: how the file wrote an empty cell.
        decimals: of the columns of numbers that have few.
    """

    order: tuple[str, ...]
    coded: tuple[str, ...]
    dated: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    blank: str = ""
    decimals: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pd.DataFrame, schema: Schema) -> Layout:
        """Read the layout off a table as it was before :meth:`Schema.label`."""
        kept = {schema.patient, schema.time, *schema.names}
        there = [c for c in schema.columns if c.name in table]
        numeric = pd.api.types.is_numeric_dtype
        dates = {c.name: c.date for c in there} | {schema.time: schema.time_date}
        return cls(
            order=tuple(c for c in table.columns if c in kept),
            coded=tuple(c.name for c in there if c.codes and numeric(table[c.name])),
            dated=tuple(
                name for name, form in dates.items()
                if form and not pd.api.types.is_datetime64_any_dtype(table[name])
            ),
            flags=tuple(c.name for c in there if c.kind != "real" and _is_flag(table[c.name])),
            blank=str(table.attrs.get("blank", "")),
            decimals={
                c.name: found
                for c in there
                if c.kind == "real" and not (c.integer or c.date) and numeric(table[c.name])
                and (found := decimals_of(table[c.name].to_numpy(float, na_value=np.nan), 12)) <= 12
            },
        )

    def restore(self, table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        """Return a labelled ``table`` in this layout: same order, codes where there were codes."""
        out = table[list(self.order)].copy()
        for name in self.coded:
            codes, position = np.asarray(schema[name].codes), out[name].cat.codes.to_numpy()
            nullable = "Int64" if codes.dtype.kind == "i" else "Float64"
            out[name] = _where(codes[position], position >= 0, nullable)
        for name, places in self.decimals.items():
            out[name] = out[name].round(places)
        for name in self.flags:
            out[name] = _where(out[name].eq("True").to_numpy(), out[name].notna(), "boolean")
        for name in self.dated:
            form = schema.time_date if name == schema.time else schema[name].date
            out[name] = to_texts(out[name], form)
        for column in schema.columns:
            if column.empty and out[column.name].isna().any():
                out[column.name] = _with_code(out[column.name], column.empty[0])
        return out


def without_codes(values: pd.Series, codes: tuple[str, ...]) -> pd.Series:
    """Return a column in which values that stand for an empty cell have become empty."""
    if not codes:
        return values
    position, distinct = pd.factorize(values)
    stands = np.isin([level_text(v) for v in distinct], codes)
    return values.mask(np.append(stands, False)[position])


def _where(values: np.ndarray, there: np.ndarray, nullable: str) -> Any:
    """Return ``values``, empty where they are not there; nullable only if some are not."""
    there = np.asarray(there)
    if there.all():
        return values
    array = pd.array(values, dtype=nullable)
    array[~there] = pd.NA
    return array


def _with_code(values: pd.Series, code: str) -> pd.Series:
    """Write empty cells as ``code``: a number among numbers, a text among texts."""
    number = pd.to_numeric(code, errors="coerce")
    if pd.api.types.is_numeric_dtype(values) and pd.notna(number):
        whole = float(number).is_integer() and pd.api.types.is_integer_dtype(values)
        return values.fillna(int(number)).astype("int64") if whole else values.fillna(number)
    texts = [code if pd.isna(v) else level_text(v) for v in values]
    return pd.Series(texts, index=values.index, dtype=object)


def _is_flag(values: pd.Series) -> bool:
    """Return whether a column holds True and False themselves, whatever lies between them."""
    objects = values.dtype == object
    return pd.api.types.is_bool_dtype(values) or (
        objects and pd.api.types.infer_dtype(values, skipna=True) == "boolean"
    )
