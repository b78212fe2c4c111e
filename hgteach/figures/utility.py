"""What a copy is good for: waiting curves, hazard ratios, predictions, policies and effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from hgteach.evaluation.policy import ACTION_COLUMNS
from hgteach.figures.palette import INK, PALE, REAL, SYNTHETIC, in_style, subplots
from hgteach.schema import Schema

COLOURS = {"real": REAL, "synthetic": SYNTHETIC}
Labels = tuple[str, str]
BOTH: Labels = ("real", "synthetic")


@in_style
def waiting_curves(
    curves: pd.DataFrame, labels: Labels = BOTH, *, step: str = "month"
) -> Figure:
    """Draw Kaplan–Meier curves with their 95 % bands, one panel a goal.

    Good: the two curves run together. Bad: they part, or one falls in jumps and the other does not.

    Args:
        curves: from ``survival.waiting_curves``.
        labels: what the legend calls the two cohorts.
        step: what a row of a patient is.
    """
    goals = curves["goal"].unique()
    figure, axes = subplots(1, len(goals), figsize=(4 * len(goals), 3), sharey=True, squeeze=False)
    for axis, goal in zip(axes.flat, goals, strict=True):
        for (cohort, colour), label in zip(COLOURS.items(), labels, strict=True):
            curve = curves[(curves["goal"] == goal) & (curves["cohort"] == cohort)]
            month = curve["month"]
            axis.fill_between(month, curve["low"], curve["high"], step="post", color=colour,
                              alpha=0.2, lw=0)
            people = f"{label}, {curve['at risk'].iloc[0]:,} patients"
            style = "-" if cohort == "real" else "--"
            axis.step(month, curve["waiting"], where="post", color=colour, ls=style, label=people)
        axis.set(title=f"Until {goal}", xlabel=f"{step}s since entry", ylim=(0, 1.02))
        axis.legend(loc="upper right")
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        axis.grid(axis="y")
    axes[0, 0].set_ylabel("still waiting")
    return figure


@in_style
def hazard_ratios(fits: pd.DataFrame, labels: Labels = BOTH) -> Figure:
    """Draw each hazard ratio of both cohorts with its 95 % interval, one panel a goal.

    Good: each orange interval covers its blue one. Bad: it lies elsewhere, or is missing.

    Args:
        fits: from ``survival.cox_agreement``.
        labels: what the legend calls the two cohorts.
    """
    goals = fits["goal"].unique()
    terms = fits["term"].unique()
    size = (2.2 + 3 * len(goals), 1.2 + 0.42 * len(terms))
    figure, axes = subplots(1, len(goals), figsize=size, sharey=True, squeeze=False)
    place = pd.Series(np.arange(len(terms))[::-1], terms)
    for axis, goal in zip(axes.flat, goals, strict=True):
        rows = fits[fits["goal"] == goal]
        for who, lift in (("real", 0.14), ("synthetic", -0.14)):
            middle, low, high = (
                np.exp(rows[f"{name} {who}"]) for name in ("log hazard ratio", "low", "high")
            )
            _with_intervals(axis, middle, low, high, rows["term"].map(place) + lift, who)
        axis.axvline(1, color=PALE, zorder=0)
        axis.set(xscale="log", title=f"Until {goal}", xlabel="hazard ratio (over 1: sooner)")
        axis.xaxis.set_major_locator(FixedLocator([0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4]))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
    axes[0, 0].set_yticks(place.to_numpy(), place.index)
    _legend(figure, axes[0, 0], labels)
    return figure


@in_style
def predictions(found: pd.DataFrame) -> Figure:
    """Draw the AUC of each setting with its 95 % interval, one panel a goal.

    Good: TSTR stands as far right as TRTR. Bad: it falls towards 0.5, where a coin would do.

    Args:
        found: from ``prediction.prediction``, possibly of several copies: a column ``copy`` then
            names them.
    """
    goals = found["goal"].unique()
    rows = found["copy"] + ": " + found["setting"] if "copy" in found else found["setting"]
    order = rows.unique()
    place = pd.Series(np.arange(len(order))[::-1], order)
    size = (1.6 + 3.2 * len(goals), 1.1 + 0.3 * len(order))
    figure, axes = subplots(1, len(goals), figsize=size, sharey=True, sharex=True, squeeze=False)
    for axis, goal in zip(axes.flat, goals, strict=True):
        here = found["goal"] == goal
        for who, letter in (("real", "R"), ("synthetic", "S")):
            some = found[here & (found["setting"].str[1] == letter)]  # trained on it
            height = rows[some.index].map(place)
            _with_intervals(axis, some["AUC"], some["low"], some["high"], height, who)
        axis.axvline(0.5, color=PALE, zorder=0)
        axis.set(title=goal, xlabel="AUC (0.5: a coin)")
        axis.grid(axis="x")
    axes[0, 0].set_yticks(place.to_numpy(), place.index)
    _legend(figure, axes[0, 0], ("trained on real", "trained on synthetic"))
    return figure


@in_style
def policy_heatmaps(shares: pd.DataFrame, schema: Schema, labels: Labels = BOTH) -> Figure:
    """Draw how often each regimen is recommended, NNRTI by backbone, one panel a cohort.

    Good: the same cells are dark. Bad: recommendations have moved. Two groups of real patients
    never look quite the same either: compare with that.

    Args:
        shares: from ``policy.recommendations``; each of its columns becomes a panel.
        schema: what the columns are.
        labels: the titles of the panels.
    """
    down, across = _axes_of(schema)
    figure, axes = subplots(1, 2, figsize=(9, 1.9 + 0.36 * len(down)), sharey=True)
    top = max(shares.to_numpy().max(), 0.01)
    for axis, name, title in zip(axes, shares, labels, strict=True):
        cells = shares[name].to_numpy()[: len(down) * len(across)].reshape(len(down), len(across))
        colour_map = "Blues" if name == "real" else "Oranges"
        axis.imshow(cells, cmap=colour_map, vmin=0, vmax=top, aspect="auto")
        for (row, column), share in np.ndenumerate(cells):
            ink = "white" if share > 0.6 * top else INK
            axis.text(column, row, f"{share:.0%}" if share else "·", ha="center", va="center",
                      color=ink, fontsize=9)
        axis.set_xticks(range(len(across)), across, rotation=35, ha="right")
        axis.set_yticks(range(len(down)), down)
        axis.set(title=f"Learned from {title}", xlabel="backbone" if len(down) > 1 else "")
        axis.spines[:].set_visible(False)
    if len(down) > 1:
        axes[0].set_ylabel("NNRTI")
    return figure


@in_style
def treatment_effects(
    found: pd.DataFrame, truth: pd.Series | None = None, labels: Labels = BOTH
) -> Figure:
    """Draw how far viral load falls under each treatment, in both cohorts.

    Good: both sets of points fall from top to bottom in the same order.

    Args:
        found: from ``effects.compare_effects``; treatments that nobody could estimate are left out.
        truth: what the simulated stand-in was made with, drawn as grey bars, if given.
        labels: what the legend calls the two cohorts.
    """
    found = found[found["drop real"].notna() | found["drop synthetic"].notna()]
    height = np.arange(len(found))[::-1]
    figure, axis = subplots(figsize=(5.6, 1.2 + 0.36 * len(found)))
    if truth is not None:
        axis.barh(height, truth.reindex(found.index), color=PALE, height=0.75, label="truth put in")
    for (who, lift), label in zip((("real", 0.16), ("synthetic", -0.16)), labels, strict=True):
        middle, margin = found[f"drop {who}"], 1.96 * found[f"standard error {who}"]
        _with_intervals(axis, middle, middle - margin, middle + margin, height + lift, who, label)
    axis.set_yticks(height, found.index)
    axis.set(xlabel="drop of viral load [log10 copies/mL]", xlim=(0, None))
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def _with_intervals(
    axis: Axes, middle: pd.Series, low: pd.Series, high: pd.Series, height: pd.Series, who: str,
    label: str | None = None,
) -> None:  # fmt: skip
    """Draw points with horizontal intervals: circles for real, squares for synthetic."""
    reach = np.clip([middle - low, high - middle], 0, None)
    axis.errorbar(middle, height, xerr=reach, fmt="o" if who == "real" else "s", ms=5,
                  color=COLOURS[who], lw=1.6, label=label or who)


def _legend(figure: Figure, axis: Axes, labels: Labels) -> None:
    """Put one legend above all panels; each colour is named once."""
    handles, names = axis.get_legend_handles_labels()
    first = [handles[names.index(who)] for who in COLOURS if who in names]
    figure.legend(first, labels[: len(first)], loc="outside upper center", ncols=2)


def _axes_of(schema: Schema) -> tuple[list[str], list[str]]:
    """Return the names of a heatmap's rows and columns; one row if there is one action column."""
    columns = [list(schema[name].levels) for name in ACTION_COLUMNS if name in schema.categorical]
    return columns if len(columns) == 2 else [["recommended"], columns[0]]
