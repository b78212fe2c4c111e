"""One column of numbers bent by Box–Cox and scaled to [0, 1], as one formula.

Min–max after Box–Cox swallows any factor and any constant, so each number x may first be measured
from the smallest one, ``low``, in some ``unit``. With t = (x − low) / unit and scipy's
boxcox1p(t, λ) = ((1 + t)^λ − 1) / λ,

    scaled = boxcox1p(t(x), λ) / boxcox1p(t(high), λ)

is what Box–Cox of x + (unit − low) gives after min–max. Nothing cancels, so it holds in float32.
A test compares it with scikit-learn's PowerTransformer and MinMaxScaler.

Source: Box and Cox (1964), An analysis of transformations, J. R. Stat. Soc. B 26, 211–252.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import boxcox1p, inv_boxcox1p
from scipy.stats import boxcox_llf

from hgteach.errors import InputError

# λ is found on at most this many rows. It is the same to two decimals as on half a million.
ROWS_FOR_POWER = 50_000

# A column whose range is this many units wide is a mistake; soon float64 itself runs out.
LARGEST_RATIO = 1e100


@dataclass(frozen=True)
class Extent:
    """How far numbers reach; those of two parts of a column add up.

    Attributes:
        rows: how many there are.
        low, high: the smallest and the largest.
        positive: the smallest above 0, infinity if there is none.
    """

    rows: int
    low: float
    high: float
    positive: float

    @classmethod
    def of(cls, x: np.ndarray) -> Extent:
        """Measure the numbers ``x``."""
        low = float(x.min(initial=inf))
        positive = low if low > 0 else float(x.min(initial=inf, where=x > 0))
        return cls(len(x), low, float(x.max(initial=-inf)), positive)

    def __add__(self, other: Extent) -> Extent:
        """Return the extent of both parts together."""
        return Extent(self.rows + other.rows, min(self.low, other.low),
                      max(self.high, other.high), min(self.positive, other.positive))


class Draw:
    """The rows on which λ is found: all of a small table, ``ROWS_FOR_POWER`` of a large one.

    Which they are depends on the number of rows alone. So a table that is read in parts gives the
    same λ as the whole one.
    """

    def __init__(self, rows: int) -> None:
        """Draw from a table of so many rows."""
        self.rows = np.arange(rows)
        if rows > ROWS_FOR_POWER:
            # Drawn at random: every tenth row of 60 months a patient would be months 0, 10, 20, …
            self.rows = np.random.default_rng(0).choice(rows, ROWS_FOR_POWER, replace=False)
        self.order = np.argsort(self.rows)

    def within(self, start: int, stop: int) -> np.ndarray:
        """Return the drawn rows of the part from ``start`` to ``stop``, counted from its start."""
        ends = np.searchsorted(self.rows, [start, stop], sorter=self.order)
        return self.rows[self.order[slice(*ends)]] - start

    def ordered(self, parts: list[np.ndarray]) -> np.ndarray:
        """Put what all parts hold in these rows into the order of the draw."""
        drawn = np.empty(len(self.rows))
        drawn[self.order] = np.concatenate(parts)
        return drawn


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
        return cls.of(Extent.of(x), x[Draw(len(x)).rows], name)

    @classmethod
    def of(cls, extent: Extent, drawn: np.ndarray, name: str = "x") -> Scale:
        """Return what :meth:`fit` returns, from what it needs to know of the numbers.

        Args:
            extent: of all numbers.
            drawn: those in the rows of a :class:`Draw`, in its order.
            name: for messages.
        """
        low, high = extent.low, extent.high
        if low == high:
            return cls(low, high, 1.0, 1.0)
        unit = 1.0 if low < 0 else low or extent.positive
        if (high - low) / unit > LARGEST_RATIO:
            raise InputError(
                f"Column {name!r} goes from {low:g} to {high:g}, wider than any measurement. "
                "Look for a unit or a missing-value code that slipped in."
            )
        if low < 0:
            return cls(low, high, unit, 1.0)
        if extent.rows > ROWS_FOR_POWER:
            drawn = np.append(drawn, [low, high])
        return cls(low, high, unit, _most_likely_power(1 + (drawn - low) / unit))


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
