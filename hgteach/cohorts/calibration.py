"""Holding the simulated stand-in against what is published: one row a statistic.

    python -m hgteach.cohorts.calibration [--patients 8916] [--seed 0]

prints every figure of :mod:`hgteach.cohorts.published` beside the simulated one, with the band
that the stand-in has to stay in, and leaves with exit status 1 if one lies outside.

Scales. Correlations are Pearson's. Categories enter as their integer codes. VL, CD4 and Rel CD4
enter on a Box-Cox scale whose exponent is fitted to the table at hand by maximum likelihood.
It is not known which scale the series used; this is the likely one. How trends and cycles are
averaged follows the series (implementation post 27), and so inherits its flaw: two straight
lines always correlate by +1 or -1, so only the *sign* of a trend or cycle is compared here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import special, stats

from hgteach.cohorts import calibrating, published, regimens
from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.calibrating import Row, detrend, fisher_mean
from hgteach.errors import InputError

RELATIVE_BAND = {"mean": 0.20, "maximum": 0.20}  # of the published value; 0.10 for the others
LARGE = 0.10  # cells of conditional tables, trends and cycles count from here on


def calibration_table(table: pd.DataFrame) -> pd.DataFrame:
    """Compare a cohort in the published layout with the published summaries.

    Args:
        table: integer codes, the 15 published columns, sorted by patient and month, the same
            number of months for everybody.

    Returns:
        One row a statistic: ``statistic``, ``grade`` (A printed, B read off a figure, C worked
        out), ``published``, ``simulated``, ``difference``, ``band`` (as text) and ``inside``.

    Raises:
        InputError: a column is missing or holds labels, a laboratory value is not above zero, or
            the patients differ in length.
    """
    _refuse_other_layouts(table)
    rows = [
        *_summaries(table), *_shares(table), *_people(table), *_backbones(table),
        *_over_time(table), *_correlations(table),
    ]  # fmt: skip
    return calibrating.as_table(rows)


def trend_and_cycle(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the trend and the cycle correlation of two variables, averaged over patients.

    Each patient's values are split into a straight line over the months (trend) and what remains
    (cycle). A patient's trend correlation is +1 or -1: do the two lines slope the same way? The
    averages are taken on Fisher's z scale. Patients in whom a variable never changes are left
    out: they have neither trend nor cycle.

    Args:
        x, y: arrays ``(patients, months)``.

    Returns:
        Two numbers in -1 to 1; NaN where no patient is left.
    """
    moving = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)
    if not moving.any():
        return float("nan"), float("nan")
    slope_x, rest_x = detrend(x[moving])
    slope_y, rest_y = detrend(y[moving])
    cycle = (rest_x * rest_y).sum(axis=1)
    cycle /= np.sqrt((rest_x**2).sum(axis=1) * (rest_y**2).sum(axis=1))
    return fisher_mean(np.sign(slope_x * slope_y)), fisher_mean(cycle)


def _refuse_other_layouts(table: pd.DataFrame) -> None:
    """Raise InputError unless the table is coded, complete, rectangular and above zero."""
    calibrating.refuse_other_layouts(table, ART_HIV, "months")
    for name in ART_HIV.real:
        if not (table[name] > 0).all():
            raise InputError(f"Column {name!r} holds values that are not above zero.")


def _by_patient(values: pd.Series | np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """Reshape a column to ``(patients, months)``."""
    return calibrating.by_patient(values, table, ART_HIV)


def _is(table: pd.DataFrame, column: str, level: str) -> np.ndarray:
    """Return, for each row, whether a column holds a level."""
    return calibrating.is_level(table, ART_HIV, column, level)


def _share(event: np.ndarray, given: np.ndarray) -> float:
    """Return P(event | given); NaN where nobody is given."""
    return float(event[given].mean()) if given.any() else float("nan")


def _summaries(table: pd.DataFrame) -> Iterator[Row]:
    """Extremes, quartiles and means of the three numbers."""
    for column, targets in published.SUMMARIES.items():
        values = table[column].to_numpy()
        low, q1, median, q3, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
        simulated = {"minimum": low, "quartile 1": q1, "median": median,
                     "mean": values.mean(), "quartile 3": q3, "maximum": high}  # fmt: skip
        for statistic, target in targets.items():
            tolerance = RELATIVE_BAND.get(statistic, 0.10) * target
            yield Row(f"{column}: {statistic}", "A", target, simulated[statistic], tolerance)


def _shares(table: pd.DataFrame) -> Iterator[Row]:
    """How often each category occurs, and how often something was recorded."""
    for column, targets in published.SHARES.items():
        for level, target in zip(ART_HIV[column].levels, targets, strict=True):
            grade = "A" if column == "Extra pk-En" else "B"
            share = float(_is(table, column, level).mean())
            yield Row(f"P({column} = {level})", grade, target, share, 0.02)
    for column, target in published.RECORDED.items():
        yield Row(f"P({column})", "A", target, float(table[column].mean()), 0.01)


def _people(table: pd.DataFrame) -> Iterator[Row]:
    """Sex within ethnicity, ethnicity within sex, and who has months without a drug record."""
    for ethnic, target in published.FEMALE_GIVEN_ETHNIC.items():
        share = _share(_is(table, "Gender", "Female"), _is(table, "Ethnic", ethnic))
        yield Row(f"P(Female | {ethnic})", "B", target, share, 0.03)
    for gender, targets in published.ETHNIC_GIVEN_GENDER.items():
        for ethnic, target in zip(ART_HIV["Ethnic"].levels, targets, strict=True):
            share = _share(_is(table, "Ethnic", ethnic), _is(table, "Gender", gender))
            yield Row(f"P({ethnic} | {gender})", "B", target, share, 0.03)
    for recorded, target in published.OTHER_GIVEN_DRUG_RECORDED.items():
        share = _share(_is(table, "Ethnic", "Other"), _is(table, "Drug (M)", recorded))
        yield Row(f"P(Ethnic Other | Drug (M) {recorded})", "B", target, share, 0.05)


def _backbones(table: pd.DataFrame) -> Iterator[Row]:
    """Which backbone goes with which companion drug."""
    for (column, level), targets in published.BACKBONE_GIVEN.items():
        given = _is(table, column, level)
        for backbone, target in zip(ART_HIV["Base Drug Combo"].levels, targets, strict=True):
            if target > LARGE:
                share = _share(_is(table, "Base Drug Combo", backbone), given)
                yield Row(f"P({backbone} | {column} {level})", "B", target, share, 0.05)


def _over_time(table: pd.DataFrame) -> Iterator[Row]:
    """Changes of regimen, and the state in which patients enter."""
    regimen = table[regimens.COLUMNS].to_numpy()
    regimen = regimen.reshape(table[ART_HIV.patient].nunique(), -1, len(regimens.COLUMNS))
    changed = (regimen[:, 1:] != regimen[:, :-1]).any(axis=(1, 2)).mean()
    yield Row("P(regimen ever changes)", "A", published.EVER_CHANGE_REGIMEN, float(changed), 0.03)
    viraemic = (_by_patient(table["VL"], table)[:, 0] > 1000).mean()
    yield Row("P(VL > 1,000 in month 0)", "C", published.VIRAEMIC_AT_ENTRY, float(viraemic), 0.03)
    low = (_by_patient(table["CD4"], table)[:, 0] < 500).mean()
    yield Row("P(CD4 < 500 in month 0)", "C", published.LOW_CD4_AT_ENTRY, float(low), 0.03)


def _box_cox(values: np.ndarray) -> np.ndarray:
    """Transform with the exponent that fits best. Every seventh row is enough to find it."""
    _, exponent = stats.boxcox(values[::7])
    return special.boxcox(values, exponent)


def _correlations(table: pd.DataFrame) -> Iterator[Row]:
    """Static correlations within .10; signs of trends and cycles where they exceed .10."""
    scaled = {
        name: _box_cox(table[name].to_numpy())
        if name in ART_HIV.real
        else table[name].to_numpy(dtype=float)
        for name in ART_HIV.names
    }
    for pair in published.CORRELATIONS:
        x, y = scaled[pair.first], scaled[pair.second]
        name = f"{pair.first} and {pair.second}"
        with np.errstate(invalid="ignore", divide="ignore"):  # a column may be constant: NaN
            static = float(np.corrcoef(x, y)[0, 1])
        yield Row(f"static: {name}", "B", pair.static, static, 0.10)
        if max(abs(pair.trend), abs(pair.cycle)) <= LARGE:
            continue
        trend, cycle = trend_and_cycle(_by_patient(x, table), _by_patient(y, table))
        if abs(pair.trend) > LARGE:
            yield Row(f"trend: {name}", "B", pair.trend, trend, None)
        if abs(pair.cycle) > LARGE:
            yield Row(f"cycle: {name}", "B", pair.cycle, cycle, None)


def main(arguments: list[str] | None = None) -> int:
    """Print the table for one simulated cohort; return 1 if a figure lies outside its band."""
    from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv

    return calibrating.run(
        "python -m hgteach.cohorts.calibration",
        "Hold the simulated ART-HIV stand-in against the published summaries.",
        simulate_art_hiv,
        calibration_table,
        8916,
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
