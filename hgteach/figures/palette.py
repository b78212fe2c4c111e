"""The course's look: its colours, its style, and how a picture gets into a notebook."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from functools import wraps
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind eyes can tell apart.
REAL = "#0072B2"
"""Blue: always the data that a generator learns from."""
SYNTHETIC = "#E69F00"
"""Orange: always what a generator made."""
INK, PALE = "#333333", "#D9D9D9"

PLAIN_NUMBERS = "{x:,g}"
STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": "#999999",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.handlelength": 1.2,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


def in_style(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Make a drawing function use the house style, whatever the notebook has set."""

    @wraps(draw)
    def styled(*arguments: Any, **settings: Any) -> Any:
        with plt.rc_context(STYLE):
            return draw(*arguments, **settings)

    return styled


def subplots(rows: int = 1, columns: int = 1, **settings: Any) -> tuple[Figure, Any]:
    """Return a figure and its axes in the house style (arguments as ``plt.subplots``).

    The style stays on for what is drawn next, because matplotlib reads it again for titles and
    legends.
    """
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, **{"layout": "constrained"} | settings)


def png(figure: Figure) -> bytes:
    """Return the figure as a PNG image and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Display the figure once, with its description, and close it.

    JupyterLab drops the alternative text of an output picture, and so does nbconvert's default
    page. So the words travel twice: as the picture's metadata for the tools that read it, and
    as a line below that anyone, with or without a screen reader, can unfold.

    Args:
        figure: what to show.
        alt: one to three sentences that say what the picture shows, not only what it is.
    """
    words = " ".join(alt.split())
    picture = {"image/png": png(figure), "text/plain": f"[Picture: {words}]"}
    display(picture, raw=True, metadata={"image/png": {"alt": words}})
    unfolding = f"<details><summary>The picture in words</summary>{html.escape(words)}</details>"
    display({"text/html": unfolding, "text/plain": ""}, raw=True)


def source_name(table: pd.DataFrame) -> str:
    """Return what a legend calls this table, read off ``table.attrs["provenance"]``."""
    provenance = str(table.attrs.get("provenance", ""))
    if provenance.startswith("Synthetic"):  # what follows quotes the training data
        return "synthetic"
    if "simulated stand-in" in provenance.lower():
        return "simulated stand-in"
    return "Health Gym v2 (published)" if "Health Gym" in provenance else "training data"
