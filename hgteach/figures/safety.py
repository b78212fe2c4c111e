"""What an attacker finds: distances to the nearest, recognised members, guessed secrets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hgteach.evaluation.membership import FALSE_POSITIVES
from hgteach.figures.palette import INK, PALE, REAL, SYNTHETIC, in_style, subplots

LINES = ("-", "--", ":", "-.")


@in_style
def closest_distances(found: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw how far synthetic patients are from the nearest training and holdout patient.

    Good: the two curves lie on each other. Bad: the blue one lies to the left.

    Args:
        found: what ``distances.closest`` returned, under a title each.
    """
    figure, axes = subplots(1, len(found), figsize=(3.2 * len(found), 2.9), sharey=True,
                            sharex=True, squeeze=False)
    for axis, (title, distances) in zip(axes.flat, found.items(), strict=True):
        for name, colour, style, width in (("real", REAL, "-", 4), ("holdout", INK, "--", 1.5)):
            label = "to a training patient" if name == "real" else "to a holdout patient"
            axis.ecdf(distances[f"to {name}"], color=colour, ls=style, lw=width, label=label)
        axis.set(title=title, xlabel="distance to the nearest\n[standard deviations]")
    axes[0, 0].set_ylabel("share of synthetic patients")
    furthest = max(d[["to real", "to holdout"]].max(axis=None) for d in found.values())
    axes[0, 0].set_xlim(-0.05 * furthest, 1.02 * furthest)  # leaves a curve at 0 to be seen
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=2)
    return figure


@in_style
def recognised(attacked: Mapping[str, pd.DataFrame], score: str = "density ratio") -> Figure:
    """Draw how many members an attack recognises for a given share of false alarms.

    The axes are logarithmic, because the few who can be named with certainty matter most. Good:
    the curve follows the grey line (guessing). Bad: it lies above, above all at the left.

    Args:
        attacked: what ``membership.attack`` returned, under a name each.
        score: which of its scores to draw.
    """
    figure, axis = subplots(figsize=(4.6, 3.4))
    lowest = min(1 / (~table["member"]).sum() for table in attacked.values())
    shades = (SYNTHETIC, INK, REAL, "#CC79A7")
    for k, (name, table) in enumerate(attacked.items()):
        member = table.sort_values(score, ascending=False)["member"]
        false, true = (~member).cumsum() / (~member).sum(), member.cumsum() / member.sum()
        axis.plot(false, true, color=shades[k % 4], ls=LINES[k % 4], lw=1.8, label=name,
                  drawstyle="steps-post")
    axis.plot([lowest, 1], [lowest, 1], color=PALE, lw=4, zorder=0, label="guessing")
    axis.axvline(FALSE_POSITIVES, color=PALE, lw=1, zorder=0)
    axis.set(xscale="log", yscale="log", xlim=(lowest, 1), ylim=(lowest, 1.1),
             xlabel="share of outsiders wrongly accused", ylabel="share of members recognised")
    axis.legend(loc="lower right")
    return figure


@in_style
def guessed(inferred: pd.DataFrame) -> Figure:
    """Draw what ``attributes.infer`` returned: one row a sensitive column.

    Good: the blue point lies on the open one. Bad: it lies to the right of it. How far both are
    from the grey mark is what the copy teaches about anybody.
    """
    place = np.arange(len(inferred))
    figure, axis = subplots(figsize=(5.6, 0.33 * len(inferred) + 1.4))
    axis.hlines(place, 100 * inferred["control"], 100 * inferred["training"], color=REAL, lw=2)
    axis.plot(100 * inferred["commonest"], place, "|", ms=13, mew=3, color="#AAAAAA",
              label="guessing the commonest value")
    axis.plot(100 * inferred["training"], place, "o", color=REAL, label="training patients")
    axis.plot(100 * inferred["control"], place, "o", mfc="white", mec=INK,
              label="holdout (control)")
    axis.set_yticks(place, inferred.index)
    axis.invert_yaxis()
    axis.set(xlabel="% guessed rightly", xlim=(0, 103))
    figure.legend(loc="outside upper center", ncols=3)
    return figure
