"""From three published quartiles to numbers that can be drawn.

A paper prints a median and two quartiles. A simulator needs a whole distribution. This module
bends the normal curve through the three points, smoothly, without leaving the bounds:

    >>> lactate = Quartiles(1.1, 1.6, 2.3, lower=0, upper=30)     # mmol/L
    >>> lactate.of([-0.6745, 0, 0.6745]).round(2)                 # standard normal scores
    array([1.1, 1.6, 2.3])

Why normal scores and not plain random numbers? Because a patient's scores may be *correlated*,
with each other and from hour to hour. Build a score of variance 1 any way you like (a weighted sum,
an autoregression), then let ``of`` give it the published shape. The order of the scores is kept,
so what was a high score is a high value.

What lies beyond the quartiles is not published. Here it is the normal curve's, on the chosen
scale: an assumption, to be said wherever the tails matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hgteach.errors import InputError

QUARTER = 0.6744897501960817  # the standard normal's third quartile
BEND = 0.25  # over how many scores around the median one slope turns into the other
_RISE = np.hypot(QUARTER, BEND) - BEND  # how far the bend has risen at a quartile


@dataclass(frozen=True)
class Quartiles:
    """A smooth rising curve from standard normal scores to values with these quartiles.

    Attributes:
        q25, median, q75: what is published; rising.
        lower, upper: bounds that no value reaches. With a lower one values are spread on a log
            scale above it, with both on a logit scale between them, with none on a plain scale.
            An upper bound needs a lower one.
    """

    q25: float
    median: float
    q75: float
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        """Refuse quartiles that no such curve passes through."""
        ends = [e for e in (self.lower, self.q25, self.median, self.q75, self.upper)
                if e is not None]  # fmt: skip
        if not np.isfinite(ends).all() or (np.diff(ends) <= 0).any():
            listed = ", ".join(f"{e:g}" for e in ends)
            raise InputError(f"Quartiles and bounds must rise: {listed}.")
        if self.upper is not None and self.lower is None:
            raise InputError("Quartiles with an upper bound need a lower one too.")
        if abs(self._bend) >= self._slope:
            raise InputError(
                f"One quartile lies much further from the median {self.median:g} than the other "
                f"({self.q25:g}, {self.q75:g}). Move the bounds, or the quartile, a little."
            )

    def of(self, z: ArrayLike) -> np.ndarray:
        """Return the values that belong to standard normal scores.

        Args:
            z: scores of any shape. For uniform numbers u give ``scipy.special.ndtri(u)``.
        """
        z = np.asarray(z, dtype=float)
        middle = self._scale(self.median)
        return self._unscale(middle + self._slope * z + self._bend * (np.hypot(z, BEND) - BEND))

    @property
    def _sides(self) -> tuple[float, float]:
        """How far the quartiles lie below and above the median, on the scale."""
        low, middle, high = (self._scale(q) for q in (self.q25, self.median, self.q75))
        return middle - low, high - middle

    @property
    def _slope(self) -> float:
        """The mean of the two slopes."""
        return sum(self._sides) / (2 * QUARTER)

    @property
    def _bend(self) -> float:
        """Half of what the slope gains from the left end to the right end."""
        below, above = self._sides
        return (above - below) / (2 * _RISE)

    def _scale(self, value: float) -> float:
        """Take a value to the scale on which the curve is drawn."""
        if self.lower is None:
            return value
        if self.upper is None:
            return float(np.log(value - self.lower))
        return float(np.log((value - self.lower) / (self.upper - value)))

    def _unscale(self, value: np.ndarray) -> np.ndarray:
        """Take values back from that scale."""
        if self.lower is None:
            return value
        if self.upper is None:
            return self.lower + np.exp(value)
        return self.lower + (self.upper - self.lower) / (1 + np.exp(-value))
