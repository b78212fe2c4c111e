"""How a training went, number by number."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from hgteach.figures.palette import INK, in_style, subplots


@in_style
def training_history(history: pd.DataFrame) -> Figure:
    """Draw each recorded number against the epoch, one small panel a column.

    Args:
        history: one row an epoch (or a step); the column ``epoch`` is the horizontal axis,
            or the index if there is none.
    """
    across = history["epoch"] if "epoch" in history else pd.Series(history.index)
    drawn = history.drop(columns="epoch", errors="ignore").select_dtypes("number")
    columns = min(3, drawn.shape[1])
    down = -(-drawn.shape[1] // columns)
    figure, axes = subplots(down, columns, figsize=(3.1 * columns, 2.1 * down), squeeze=False)
    for axis, name in zip(axes.flat, drawn, strict=False):
        axis.plot(across.to_numpy(), drawn[name].to_numpy(), color=INK, linewidth=1.3)
        axis.set_title(str(name).replace("_", " "))
        axis.grid(axis="y")
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
    for axis in axes.flat[drawn.shape[1] :]:
        axis.set_visible(False)
    return figure
