"""How the values of each column are spread, in one table or in two laid over each other."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.figures.palette import (
    PLAIN_NUMBERS,
    REAL,
    SYNTHETIC,
    in_style,
    source_name,
    subplots,
)
from hgteach.schema import Column, Schema


@in_style
def distributions(
    table: pd.DataFrame,
    synthetic: pd.DataFrame | None = None,
    schema: Schema = ART_HIV,
    *,
    labels: tuple[str, str] | None = None,
    sample: int = 10_000,
) -> Figure:
    """Draw how the values of each column are spread, one panel a column.

    A number gets a density curve, on a log axis where its values are positive and strongly
    skewed; levels get bars of their shares. Columns that a table lacks are left out.

    Args:
        table: labelled rows, drawn in blue.
        synthetic: rows to lay over them in orange, if any.
        schema: which columns to draw: narrow it with ``schema.select``.
        labels: what the legend calls the two; by default the first is named by its provenance.
        sample: density curves are drawn from at most this many rows.
    """
    tables = [table] if synthetic is None else [table, synthetic]
    names = labels or (source_name(table), "synthetic")
    drawn = [c for c in schema.columns if all(c.name in t for t in tables)]
    across = min(3, len(drawn))
    down = -(-len(drawn) // across)
    figure, axes = subplots(down, across, figsize=(3.1 * across, 2.3 * down + 0.3), squeeze=False)
    for axis, column in zip(axes.flat, drawn, strict=False):
        values = {n: t[column.name] for n, t in zip(names, tables, strict=False)}
        if column.kind == "real":
            _densities(axis, column, values, sample)
        else:
            _shares(axis, column, values)
        axis.set_title(column.name)
    for axis in axes.flat[len(drawn) :]:
        axis.set_visible(False)
    patches = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in (REAL, SYNTHETIC)]
    shown = names[: len(tables)]
    figure.legend(patches[: len(tables)], shown, loc="outside upper center", ncols=2)
    return figure


def _densities(axis: Axes, column: Column, values: Mapping[str, pd.Series], sample: int) -> None:
    """Draw one smoothed curve for each series of numbers."""
    drawn = [v.sample(min(sample, len(v)), random_state=0).to_numpy(float) for v in values.values()]
    log = bool(all(v.min() > 0 for v in drawn) and pd.Series(drawn[0]).skew() > 2)
    for numbers, colour in zip(drawn, (REAL, SYNTHETIC), strict=False):
        if np.ptp(numbers) == 0:
            axis.axvline(numbers[0], color=colour)
            continue
        sns.kdeplot(x=numbers, ax=axis, color=colour, fill=True, alpha=0.3, log_scale=log, cut=0)
    axis.set(xlabel=column.unit or column.name, ylabel="density", yticks=[])
    if log:
        axis.xaxis.set_major_locator(LogLocator(numticks=4))  # more would touch each other
        axis.xaxis.set_major_formatter(PLAIN_NUMBERS)
        axis.minorticks_off()


def _shares(axis: Axes, column: Column, values: Mapping[str, pd.Series]) -> None:
    """Draw, for each level, one bar a series: the share of rows that hold it."""
    height = 0.8 / len(values)
    place = np.arange(len(column.levels))
    for k, (series, colour) in enumerate(zip(values.values(), (REAL, SYNTHETIC), strict=False)):
        share = series.value_counts(normalize=True).reindex(list(column.levels), fill_value=0)
        axis.barh(place + (k + 0.5) * height - 0.4, 100 * share, height, color=colour)
    axis.set_yticks(place, column.levels)
    axis.invert_yaxis()
    axis.set(xlabel="% of rows", xlim=(0, 100))
