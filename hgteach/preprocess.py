"""Table ↔ matrix: numbers bent by Box–Cox and scaled to [0, 1], levels spread into one-hot blocks.

Box–Cox followed by min–max is one formula here, not two steps. Min–max swallows any factor and
any constant, so each number x may first be measured from the smallest one, ``low``, in some
``unit``. With t = (x − low) / unit and scipy's boxcox1p(t, λ) = ((1 + t)^λ − 1) / λ,

    scaled = boxcox1p(t(x), λ) / boxcox1p(t(high), λ)

is what Box–Cox of x + (unit − low) gives after min–max. Nothing cancels, so it holds in float32.
A test compares it with scikit-learn's PowerTransformer and MinMaxScaler.

Source: Box and Cox (1964), An analysis of transformations, J. R. Stat. Soc. B 26, 211–252.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite, log
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import boxcox1p, inv_boxcox1p
from scipy.stats import boxcox_llf

from hgteach.errors import InputError
from hgteach.schema import Column, Schema

# λ is found on at most this many rows. It is the same to two decimals as on half a million.
ROWS_FOR_POWER = 50_000

# A column whose range is this many units wide is a mistake; soon float64 itself runs out.
LARGEST_RATIO = 1e100


@dataclass(frozen=True)
class Scale:
    """How one column of numbers becomes a channel in [0, 1].

    Attributes:
        low, high: the fitted range. It lies within the schema's limits if the table passed its
            check. Values outside it, on the way in or out, are moved to its edge: the model has
            seen nothing beyond, so it can neither be shown nor make a larger number.
        unit: what ``low`` counts as before bending: ``low`` itself where all numbers are
            positive; the smallest positive number where there are zeros; 1 otherwise.
        power: λ. At 0 the bend is the logarithm, at 1 there is none.
    """

    low: float
    high: float
    unit: float
    power: float

    @property
    def top(self) -> float:
        """Where ``high`` lands before it is scaled to 1."""
        return float(boxcox1p((self.high - self.low) / self.unit, self.power))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Numbers → [0, 1]; all 0 for a column that was constant when fitted."""
        t = (np.clip(x, self.low, self.high) - self.low) / self.unit
        return np.clip(boxcox1p(t, self.power) / (self.top or 1.0), 0, 1)

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """[0, 1] → numbers within the fitted range; 0 gives exactly ``low``."""
        bent = np.clip(scaled.astype(np.float64), 0, 1) * self.top
        return np.clip(self.low + self.unit * inv_boxcox1p(bent, self.power), self.low, self.high)

    @classmethod
    def fit(cls, x: np.ndarray, name: str = "x") -> Scale:
        """Fit range and λ to finite numbers; ``name`` is for messages.

        Box–Cox needs positive numbers. A column with zeros is lifted by its smallest positive
        number (the series adds 0.001 everywhere, which would drown a column of micrograms). A
        column with negative numbers keeps its shape, λ = 1.
        """
        low, high = float(x.min()), float(x.max())
        if low == high:
            return cls(low, high, 1.0, 1.0)
        unit = 1.0 if low < 0 else low or float(x[x > 0].min())
        if (high - low) / unit > LARGEST_RATIO:
            raise InputError(
                f"Column {name!r} goes from {low:g} to {high:g}, wider than any measurement. "
                "Look for a unit or a missing-value code that slipped in."
            )
        if low < 0:
            return cls(low, high, unit, 1.0)
        if len(x) > ROWS_FOR_POWER:
            # Drawn at random: every tenth row of 60 months a patient would be months 0, 10, 20, …
            x = np.random.default_rng(0).choice(x, ROWS_FOR_POWER, replace=False)
            x = np.append(x, [low, high])
        return cls(low, high, unit, _most_likely_power(1 + (x - low) / unit))


def _most_likely_power(x: np.ndarray) -> float:
    """Return the λ that makes ``x``, from 1 upwards, look most like a normal distribution.

    λ stays where float32 can carry it. A strongly negative λ presses all large numbers against 1
    until they become the same float32; a large one presses the small ones against 0. The bounds
    keep the round trip within 1e-4 of each number: for λ = −k and a range of L log units its
    error is 3e-8·(exp(kL) − 1)/k, which is at most 3e-5 if exp(kL) ≤ 1000/L.
    """
    span = log(x.max())
    if span == 0:  # the numbers differ by less than float64 can tell from 1
        return 1.0
    lowest = -min(1.0, max(0.0, log(1000 / span) / span))
    highest = min(2.0, 60 / span)
    found = minimize_scalar(
        lambda power: -boxcox_llf(power, x), bounds=(lowest, highest), method="bounded"
    )
    return float(found.x)


class Preprocessor:
    """Fit on a labelled table, turn tables into matrices, and turn matrices back.

    Channels lie as in ``schema.blocks``: numbers first, then one block for each column of levels.
    """

    def __init__(self, schema: Schema) -> None:
        """Remember what the columns are; :meth:`fit` learns their ranges."""
        self.schema = schema
        self.scales: dict[str, Scale] = {}

    def fit(self, table: pd.DataFrame) -> Preprocessor:
        """Learn the range and λ of every column of numbers.

        Raises:
            InputError: a column is missing, empty, not of numbers, or not finite throughout.
        """
        if table.empty:
            raise InputError("The table has no rows, so there is nothing to learn from.")
        self.scales = {name: Scale.fit(_numbers(table, name), name) for name in self.schema.real}
        return self

    def transform(self, table: pd.DataFrame) -> np.ndarray:
        """Return a float32 matrix ``(rows, F)``, every entry in [0, 1].

        Numbers outside the fitted range (a held-out patient sicker than any in training) are
        moved to its edge. Levels may be given as labels or as the schema's codes.

        Raises:
            InputError: not fitted; a column is missing; a number is missing; a level is unknown.
        """
        self._require_fit()
        matrix = np.zeros((len(table), self.schema.width), dtype=np.float32)
        rows = np.arange(len(table))
        for block in self.schema.blocks:
            name = block.column.name
            if block.column.kind == "real":
                matrix[:, block.start] = self.scales[name].forward(_numbers(table, name))
            else:
                matrix[rows, block.start + _positions(table, block.column, self.schema)] = 1
        return matrix

    def inverse_transform(self, matrix: np.ndarray) -> pd.DataFrame:
        """Return the labelled table of a matrix ``(rows, F)``: columns in file order.

        A block of levels is read as its largest channel. Whole-number columns are rounded.

        Raises:
            InputError: not fitted; the width is wrong; an entry is not a finite number.
        """
        self._require_fit()
        matrix = np.asarray(matrix)
        if matrix.ndim != 2 or matrix.shape[1] != self.schema.width:
            raise InputError(
                f"Expected a matrix of shape (rows, {self.schema.width}), got {matrix.shape}."
            )
        if not np.isfinite(matrix).all():
            raise InputError(
                "The matrix holds a value that is not a finite number. "
                "A model that diverged in training makes such values: train it again."
            )
        columns: dict[str, Any] = {}
        for block in self.schema.blocks:
            column, part = block.column, matrix[:, block.span]
            if column.kind == "real":
                numbers = self.scales[column.name].inverse(part[:, 0])
                columns[column.name] = _whole(numbers) if column.integer else numbers
            else:
                columns[column.name] = pd.Categorical.from_codes(
                    part.argmax(axis=1), categories=list(column.levels)
                )
        return pd.DataFrame(columns)[self.schema.names]

    def to_dict(self) -> dict[str, Any]:
        """Return schema and scales as plain lists, strings and numbers, ready for JSON."""
        self._require_fit()
        scales = {name: asdict(scale) for name, scale in self.scales.items()}
        return {"schema": self.schema.to_dict(), "scales": scales}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Preprocessor:
        """Rebuild a fitted preprocessor from what :meth:`to_dict` returned.

        Raises:
            InputError: an entry is missing, unknown, or no finite number.
        """
        try:
            new = cls(Schema.from_dict(content["schema"]))
            for name in new.schema.real:
                scale = {key: float(value) for key, value in content["scales"][name].items()}
                new.scales[name] = Scale(**scale)
                if not all(map(isfinite, scale.values())):
                    raise ValueError(f"the scale of {name!r} is not finite")
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The preprocessor's state cannot be read: {error}.") from None
        return new

    def _require_fit(self) -> None:
        if len(self.scales) != len(self.schema.real):
            raise InputError("This preprocessor is not fitted yet. Call fit(table) first.")


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table:
        raise InputError(
            f"The table has no column {name!r}. It has: {', '.join(map(str, table.columns))}."
        )
    return table[name]


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column as float64, or say which row is not a number."""
    values = _column(table, name)
    try:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError(f"Column {name!r} holds something that is not a number.") from None
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise InputError(
            f"Column {name!r} has no finite number in row {int(wrong.argmax())} "
            f"({int(wrong.sum())} such rows). Fill them in or drop them first."
        )
    return numbers


def _positions(table: pd.DataFrame, column: Column, schema: Schema) -> np.ndarray:
    """Return the position of each row's level in ``column.levels``, or say which is unknown."""
    values = _column(table, column.name)
    known = isinstance(values.dtype, pd.CategoricalDtype)
    if not known or tuple(values.cat.categories) != column.levels:
        values = schema.label(table[[column.name]])[column.name]
    positions = values.cat.codes.to_numpy()
    unknown = positions < 0
    if unknown.any():
        row = int(unknown.argmax())
        raise InputError(
            f"Column {column.name!r} holds {table[column.name].iloc[row]!r} in row {row}, which is "
            f"none of its levels: {', '.join(column.levels)}."
        )
    return positions.astype(np.intp)


def _whole(numbers: np.ndarray) -> np.ndarray:
    """Round to whole numbers, as int64 where they fit (floats beyond 2^53 are whole anyway)."""
    rounded = np.rint(numbers)
    return rounded.astype(np.int64) if np.abs(rounded).max(initial=0) < 2**53 else rounded
