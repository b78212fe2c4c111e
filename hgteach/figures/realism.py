"""Pictures for judging how real a synthetic cohort looks: pairs of columns, courses, groups."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hgteach.cohorts.catalogue import step_of
from hgteach.evaluation.patients import Patients
from hgteach.evaluation.trajectories import transitions
from hgteach.figures.palette import INK, PALE, PLAIN_NUMBERS, REAL, SYNTHETIC, in_style, subplots
from hgteach.schema import Schema

Table = pd.DataFrame | Patients
LABELS = ("real", "synthetic")


@in_style
def matrices(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    labels: tuple[str, str] = LABELS,
    difference: bool = True,
) -> Figure:
    """Draw two square tables of correlations and their difference, lower triangles.

    Red is −1, white 0, blue 1; grey means that there is no value. All panels share one scale.

    Args:
        real, synthetic: as ``association.correlations`` or ``dynamics.patient_dynamics`` give them.
        labels: what the titles call them.
        difference: draw ``synthetic - real`` as well.
    """
    names = [": ".join(filter(None, n)) if isinstance(n, tuple) else n for n in real.index]
    parts = {labels[0]: real.to_numpy(), labels[1]: synthetic.to_numpy()}
    if difference:
        parts[f"{labels[1]} − {labels[0]}"] = synthetic.to_numpy() - real.to_numpy()
    side = max(2.4, 0.2 * len(names))
    widest = 0.075 * max(map(len, names))
    size = len(parts) * side + widest + 0.9, side + widest + 0.5
    figure, axes = subplots(1, len(parts), figsize=size, sharey=True)
    colours = plt.get_cmap("RdBu").with_extremes(bad=PALE)
    for axis, (title, values) in zip(axes, parts.items(), strict=True):
        below = np.tril(np.ones(values.shape, dtype=bool), k=-1)
        image = axis.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=-1, vmax=1)
        covered = np.ma.masked_where(below, np.ones(values.shape))
        axis.imshow(covered, cmap="gray", vmin=0, vmax=1)  # white
        axis.set_title(title)
        axis.set_xticks(range(len(names) - 1), names[:-1], rotation=90)
        axis.set_yticks(range(1, len(names)), names[1:])
        axis.set(xlim=(-0.5, len(names) - 1.5), ylim=(len(names) - 0.5, 0.5))
        axis.tick_params(length=0, labelsize=8)
        axis.spines[:].set_visible(False)
    words = "correlation, or its difference" if difference else "correlation"
    figure.colorbar(image, ax=axes, shrink=0.8, label=words)
    return figure


@in_style
def transition_tables(
    real: Table,
    synthetic: Table,
    schema: Schema,
    column: str,
    *,
    labels: tuple[str, str] = LABELS,
) -> Figure:
    """Draw, for each level, to which level patients go in the next row when they leave it.

    On the diagonal stands the share that stays. Numbers are percent of the rows with that level;
    a level that nobody has is grey.
    """
    levels, step = schema[column].levels, step_of(schema)
    figure, axes = subplots(1, 2, figsize=(2 + 1.05 * len(levels), 1.3 + 0.52 * len(levels)),
                            sharey=True)  # fmt: skip
    for axis, table, label in zip(axes, (real, synthetic), labels, strict=True):
        shares = transitions(table, schema, column).to_numpy()
        leaving = shares.sum(axis=1, keepdims=True)
        next_month = np.divide(
            100 * shares, leaving, out=np.full_like(shares, np.nan), where=leaving > 0
        )
        colours = plt.get_cmap("Greys").with_extremes(bad=PALE)
        # The square root shows the few who switch beside the many who stay.
        axis.imshow(np.sqrt(np.ma.masked_invalid(next_month)), cmap=colours, vmin=0, vmax=12)
        for (now, then), percent in np.ndenumerate(next_month):
            if np.isfinite(percent):
                words = f"{percent:.0f}" if percent >= 9.95 or percent == 0 else f"{percent:.1f}"
                shade = "white" if percent > 45 else INK
                axis.text(then, now, words, ha="center", va="center", color=shade, fontsize=8)
        axis.set(title=label, xlabel=f"next {step}")
        axis.set_xticks(range(len(levels)), levels, rotation=45, ha="right")
        axis.set_yticks(range(len(levels)), levels)
        axis.tick_params(length=0)
    axes[0].set_ylabel(f"this {step}")
    later = f"{'an' if step == 'hour' else 'a'} {step} later"
    figure.suptitle(f"{column}: where patients are {later} [% of the row]", fontsize=10)
    return figure


@in_style
def courses(
    real: Table, synthetic: Table, schema: Schema, *, labels: tuple[str, str] = LABELS
) -> Figure:
    """Draw the median and the middle half of patients over time, one panel a changing number.

    Amounts that are never below 0 and vary more than a hundredfold have a logarithmic axis.
    """
    names = [
        column.name for column in schema.columns if column.kind == "real" and not column.static
    ]
    groups = Patients.of(real, schema), Patients.of(synthetic, schema)
    figure, axes = subplots(1, len(names), figsize=(3.4 * len(names), 2.9), squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        for patients, colour, label in zip(groups, (REAL, SYNTHETIC), labels, strict=True):
            months = np.arange(patients.timesteps)
            low, middle, high = np.nanquantile(patients[name], (0.25, 0.5, 0.75), axis=0)
            axis.plot(months, middle, color=colour, label=label)
            axis.fill_between(months, low, high, color=colour, alpha=0.2, linewidth=0)
        lower, upper = np.nanquantile(groups[0][name], (0.05, 0.95))
        _scale(axis, log=lower > 0 and upper > 100 * lower)
        axis.set(title=name, xlabel=step_of(schema), ylabel=schema[name].unit)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=2)
    return figure


def _scale(axis: Axes, log: bool) -> None:
    if log:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(PLAIN_NUMBERS)
        axis.minorticks_off()
    else:
        axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))


@in_style
def groups(table: pd.DataFrame, *, labels: tuple[str, str] = LABELS) -> Figure:
    """Draw the shares of patients in each group, from ``diversity.subgroups``."""
    names = [", ".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in table.index]
    place = np.arange(len(table))
    figure, axis = subplots(figsize=(6.5, 0.9 + 0.34 * len(table)))
    for k, (part, colour, label) in enumerate(
        zip(("real", "synthetic"), (REAL, SYNTHETIC), labels, strict=True)
    ):
        axis.barh(place + 0.4 * k - 0.2, 100 * table[part], 0.4, color=colour, label=label)
    for at, lost in zip(place, table["lost"], strict=True):
        if lost:
            axis.text(100 * table["real"].iloc[at], at, "  lost", va="center", color=INK)
    axis.set_yticks(place, names)
    axis.invert_yaxis()
    axis.set_xlabel("% of patients")
    axis.legend()
    return figure
