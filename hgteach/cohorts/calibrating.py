"""The parts that every calibration table is made of: a published figure, a simulated one, a band.

:mod:`hgteach.cohorts.calibration` (ART for HIV), ``sepsis_calibration`` and
``hypotension_calibration`` choose the figures; what they share is here. A cohort's module writes:

    rows = [*quartile_rows(table, QUARTILES), *share_rows(table, SCHEMA, SHARES), …]
    return as_table(rows)

and its command is ``run("python -m …", description, simulate, calibration_table, 2164)``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgteach.errors import InputError
from hgteach.schema import Schema

NEARLY_ONE = 0.999999  # keeps Fisher's z finite, as in the series
MEDIAN_BAND, QUARTILE_BAND, LEAST_BAND = 0.10, 0.20, 0.05
SHARE_BAND, CORRELATION_BAND = 0.03, 0.15


class Row(NamedTuple):
    """One line of the calibration table. ``tolerance=None``: only the sign has to agree."""

    statistic: str
    grade: str
    published: float
    simulated: float
    tolerance: float | None

    @property
    def inside(self) -> bool:
        """Whether the simulated figure lies in its band."""
        if self.tolerance is None:
            return bool(self.published * self.simulated > 0)
        return bool(abs(self.simulated - self.published) <= self.tolerance)


def as_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Lay rows out as ``statistic``, ``grade``, ``published``, ``simulated``, ``difference``,
    ``band`` (as text) and ``inside``."""
    return pd.DataFrame(
        {
            "statistic": [r.statistic for r in rows],
            "grade": [r.grade for r in rows],
            "published": [r.published for r in rows],
            "simulated": [r.simulated for r in rows],
            "difference": [r.simulated - r.published for r in rows],
            "band": ["same sign" if r.tolerance is None else f"± {r.tolerance:.4g}" for r in rows],
            "inside": [r.inside for r in rows],
        }
    )


def quartile_rows(
    table: pd.DataFrame, targets: Mapping[str, Sequence[float]], grade: str = "B"
) -> Iterator[Row]:
    """Hold quartiles against ``{column: (first quartile, median, third quartile)}``.

    A median may be off by 10 % and a quartile by 20 %, of its value or of the distance between
    the quartiles, whichever is less: ten per cent of a pH would allow anything. Five per cent of
    that distance are always allowed, because a median may be zero.
    """
    for column, wanted in targets.items():
        found = np.quantile(table[column].to_numpy(dtype=float), [0.25, 0.5, 0.75])
        spread = wanted[2] - wanted[0]
        bands = (QUARTILE_BAND, MEDIAN_BAND, QUARTILE_BAND)
        names = ("quartile 1", "median", "quartile 3")
        for name, target, simulated, band in zip(names, wanted, found, bands, strict=True):
            tolerance = max(band * min(abs(target), spread), LEAST_BAND * spread)
            yield Row(f"{column}: {name}", grade, target, float(simulated), tolerance)


def share_rows(
    table: pd.DataFrame, schema: Schema, targets: Mapping[str, Sequence[float]], grade: str = "B"
) -> Iterator[Row]:
    """Hold the shares of categories, in code order, against ``{column: (share, …)}``, ± .03."""
    for column, wanted in targets.items():
        for level, target in zip(schema[column].levels, wanted, strict=True):
            share = float(is_level(table, schema, column, level).mean())
            yield Row(f"P({column} = {level})", grade, target, share, SHARE_BAND)


def correlation_rows(
    scaled: Mapping[str, np.ndarray],
    targets: Mapping[tuple[str, str], float],
    grade: str = "B",
    band: float = CORRELATION_BAND,
) -> Iterator[Row]:
    """Hold Pearson's correlations over all rows against ``{(column, column): correlation}``.

    ``scaled`` gives each column on the scale that the cohort's module declares.
    """
    for (first, second), target in targets.items():
        with np.errstate(invalid="ignore", divide="ignore"):  # a column may be constant: NaN
            found = float(np.corrcoef(scaled[first], scaled[second])[0, 1])
        yield Row(f"static: {first} and {second}", grade, target, found, band)


def trend_agreement(x: np.ndarray, y: np.ndarray) -> float:
    """Return the mean sign of the product of two variables' slopes over the patients.

    1: the straight lines always slope the same way; -1: always opposite ways. Patients in whom a
    variable never changes are left out.

    Args:
        x, y: arrays ``(patients, steps)``.
    """
    moving = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)
    if not moving.any():
        return float("nan")
    return float(np.sign(detrend(x[moving])[0] * detrend(y[moving])[0]).mean())


def detrend(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split ``(patients, steps)`` into slopes ``(patients,)`` and residuals of a line."""
    step = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    centred = values - values.mean(axis=1, keepdims=True)
    slope = centred @ step / (step @ step)
    return slope, centred - slope[:, None] * step


def fisher_mean(correlation: np.ndarray) -> float:
    """Average correlations on the z scale. All patients are equally long, so no weights."""
    return float(np.tanh(np.arctanh(np.clip(correlation, -NEARLY_ONE, NEARLY_ONE)).mean()))


def refuse_other_layouts(table: pd.DataFrame, schema: Schema, steps: str = "steps") -> None:
    """Raise InputError unless the table is coded, complete and rectangular."""
    for name in [*schema.names, schema.patient]:
        if name not in table:
            raise InputError(f"The table has no column {name!r}, which the calibration needs.")
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(
                f"Column {name!r} holds labels. Give the table with integer codes, as published."
            )
        if table[name].isna().any():
            raise InputError(f"Column {name!r} holds missing values. Fill or drop them first.")
    lengths = table.groupby(schema.patient, sort=False).size()
    if table.empty or lengths.min() != lengths.max():
        raise InputError(f"Every patient needs the same number of {steps}, and at least one.")


def by_patient(values: pd.Series | np.ndarray, table: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Reshape a column to ``(patients, steps)``."""
    return np.asarray(values).reshape(table[schema.patient].nunique(), -1)


def is_level(table: pd.DataFrame, schema: Schema, column: str, level: str) -> np.ndarray:
    """Return, for each row, whether a column holds a level."""
    definition = schema[column]
    return (table[column] == definition.codes[definition.levels.index(level)]).to_numpy()


def run(
    program: str,
    description: str,
    simulate: Callable[[int, int], pd.DataFrame],
    calibrate: Callable[[pd.DataFrame], pd.DataFrame],
    patients: int,
    arguments: list[str] | None = None,
) -> int:
    """Print the table for one simulated cohort.

    Returns:
        0, or 1 if a figure lies outside its band, or 2 if the arguments were wrong.
    """
    parser = argparse.ArgumentParser(
        prog=program,
        description=f"{description} The bands are meant for {patients:,} patients; fewer patients "
        "scatter more.",
    )
    parser.add_argument("--patients", type=int, default=patients)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        table = calibrate(simulate(options.patients, options.seed))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    inside = int(table["inside"].sum())
    print(f"\n{inside} of {len(table)} figures lie inside their bands.")
    return 0 if inside == len(table) else 1
