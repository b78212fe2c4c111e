"""One patient's course, month by month, as a picture and in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.errors import InputError
from hgteach.figures.palette import INK, PLAIN_NUMBERS, REAL, in_style, source_name, subplots
from hgteach.schema import Column, Schema

LEVEL_COLOURS = ("#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#999999")
"""For the levels of a categorical column; none of them is ``REAL`` or ``SYNTHETIC``."""
ABSENT = frozenset({"Not Applied", "False"})
"""Levels that mean "nothing was given"; drawn as empty space."""
CLINICAL_LINES: Mapping[str, Mapping[float, str]] = {
    "VL": {1000: "suppressed\nup to 1,000", 50: "undetectable\nbelow 50"},
    "CD4": {500: "about normal\nfrom 500", 200: "advanced HIV\nbelow 200"},
}
"""Lines that clinicians draw, in the column's unit. 1,000 and 200 are the World Health
Organization's; below 50 is what many laboratories call undetectable."""


@in_style
def patient(
    table: pd.DataFrame,
    patient_id: int,
    schema: Schema = ART_HIV,
    *,
    color: str = REAL,
    label: str | None = None,
) -> Figure:
    """Draw one patient's course: viral load, CD4 and the regimen, month by month.

    A filled point is a month in which the value was measured; a hollow one repeats the last
    measurement (the columns named ``... (M)`` say which; without them all points are filled, and
    nothing is said of measuring). Bands show what was given; where the regimen was not recorded in
    a month, the lowest lane is hollow.

    Args:
        table: labelled rows that contain the patient.
        patient_id: a value of the schema's patient column.
        schema: its ``VL`` and ``CD4`` are drawn as curves, its changing levels as bands.
        color: ``REAL``, or ``SYNTHETIC`` for a patient who was generated.
        label: what the title says about the table, by default by its provenance.

    Raises:
        InputError: the table has no such patient.
    """
    rows = one_patient(table, patient_id, schema)
    numbers = [c for c in schema.columns if c.name in CLINICAL_LINES and c.name in rows]
    lanes = [c for c in schema.columns if is_lane(c) and c.name in rows]
    heights = [1.0] * len(numbers) + [0.26 * (len(lanes) + 1)]
    # Fixed margins: a layout engine would double the time that a patient browser needs a move.
    margins = {"left": 0.165, "right": 0.86, "top": 0.95, "bottom": 0.075, "hspace": 0.12}
    figure, axes = subplots(
        len(heights),
        figsize=(8.5, 1.95 * sum(heights)),
        sharex=True,
        height_ratios=heights,
        squeeze=False,
        layout="none",
        gridspec_kw=margins,
    )
    months = rows[schema.time].to_numpy()
    for axis, column in zip(axes[:, 0], numbers, strict=False):
        _course(axis, column, months, rows, color)
    _regimen(axes[-1, 0], lanes, months, rows)
    axes[-1, 0].set(xlabel="month", xlim=(months[0] - 0.7, months[-1] + 0.7))
    for axis in axes.flat:
        axis.set_title("", y=1.02)  # a fixed height saves matplotlib the search for a free one
    axes[0, 0].set_title(f"Patient {patient_id} ({label or source_name(table)})", y=1.02)
    if any(column.endswith(" (M)") for column in rows):
        axes[0, 0].set_title(
            "●  measured   ○  carried forward", loc="right", y=1.02, fontsize=9, fontweight="normal"
        )
    return figure


def one_patient(table: pd.DataFrame, patient_id: int, schema: Schema = ART_HIV) -> pd.DataFrame:
    """Return one patient's rows, in order of time.

    Raises:
        InputError: the table has no such patient.
    """
    rows = table[table[schema.patient] == patient_id].sort_values(schema.time)
    if rows.empty:
        ids = table[schema.patient]
        raise InputError(
            f"There is no patient {patient_id}. Choose an identifier from {ids.min()} "
            f"to {ids.max()} that is in the column '{schema.patient}'."
        )
    return rows


def is_lane(column: Column) -> bool:
    """Tell whether a column is part of the regimen: it has levels, changes, and is no flag."""
    return column.kind != "real" and not column.static and not column.name.endswith("(M)")


def _measured(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Return, for each row, whether the value was measured then; all of them without a flag."""
    flag = f"{name} (M)"
    return (rows[flag] == "True").to_numpy() if flag in rows else np.ones(len(rows), dtype=bool)


def _course(axis: Axes, column: Column, months: np.ndarray, rows: pd.DataFrame, color: str) -> None:
    """Draw one laboratory value over time, with the lines that clinicians draw."""
    values, measured = rows[column.name].to_numpy(float), _measured(rows, column.name)
    if column.name == "VL":
        axis.set_yscale("log")
        axis.set_ylim(min(10, values.min() / 2), max(1e5, values.max() * 2))
        axis.yaxis.set_major_formatter(PLAIN_NUMBERS)
        axis.minorticks_off()
    else:
        axis.set_ylim(0, max(800, values.max() * 1.1))
    for (height, words), side in zip(
        CLINICAL_LINES[column.name].items(), ("bottom", "top"), strict=True
    ):
        axis.axhline(height, color="#888888", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axis.annotate(
            words,
            (1.01, height),
            xycoords=("axes fraction", "data"),
            fontsize=8,
            color="#555555",
            va=side,
            annotation_clip=False,
        )
    axis.plot(months, values, color=color, linewidth=1, alpha=0.5)
    for shown, face in ((measured, color), (~measured, "white")):
        axis.plot(
            months[shown],
            values[shown],
            "o",
            markersize=4,
            color=color,
            markerfacecolor=face,
            markeredgewidth=0.9,
        )
    axis.set_ylabel(f"{column.name}\n[{column.unit}]")


def _regimen(axis: Axes, lanes: list[Column], months: np.ndarray, rows: pd.DataFrame) -> None:
    """Draw one lane for each part of the regimen, and one that says when it was recorded."""
    for lane, column in enumerate(lanes):
        for start, stop, level in spells(rows[column.name], months):
            if level in ABSENT:
                continue
            colour = LEVEL_COLOURS[column.levels.index(level) % len(LEVEL_COLOURS)]
            axis.barh(
                lane,
                stop - start,
                0.8,
                left=start - 0.5,
                color=colour,
                alpha=0.55,
                edgecolor="white",
            )
            words, size = ("given" if level == "True" else level), 8
            if 0.7 * len(words) > stop - start:  # a letter is about 0.7 months wide
                words, size = words.replace(" + ", "\n+"), 6
            if 0.65 * max(map(len, words.split("\n"))) <= stop - start:
                axis.text(start - 0.2, lane, words, fontsize=size, va="center", color="black")
    names = [column.name for column in lanes]
    if "Drug (M)" in rows:
        recorded = _measured(rows, "Drug")
        for shown, face in ((recorded, INK), (~recorded, "white")):
            axis.plot(
                months[shown],
                np.full(shown.sum(), len(lanes)),
                "o",
                markersize=3.5,
                color=INK,
                markerfacecolor=face,
                markeredgewidth=0.8,
            )
        names.append("(recorded)")
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)


def spells(levels: pd.Series, months: np.ndarray) -> list[tuple[int, int, str]]:
    """Return the stretches of equal values as ``(first month, month after the last, level)``."""
    codes = levels.cat.codes.to_numpy()
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    stops = np.r_[starts[1:], len(codes)]
    return [
        (int(months[a]), int(months[b - 1]) + 1, str(levels.iloc[a]))
        for a, b in zip(starts, stops, strict=True)
    ]


def describe_patient(table: pd.DataFrame, patient_id: int, schema: Schema = ART_HIV) -> str:
    """Say in words what :func:`patient` draws, for its alternative text."""
    rows = one_patient(table, patient_id, schema)
    months = rows[schema.time].to_numpy()
    static = ", ".join(str(rows[c].iloc[0]) for c in schema.static if c in rows)
    words = [f"Patient {patient_id} ({static or 'no demographics'}), {len(rows)} months."]
    for name in CLINICAL_LINES:
        if name in rows:
            first, last = rows[name].iloc[[0, -1]]
            measured = f"; measured in {_measured(rows, name).sum()} months"
            words.append(
                f"{name} goes from {first:,.0f} to {last:,.0f} {schema[name].unit}, lowest "
                f"{rows[name].min():,.0f}, highest {rows[name].max():,.0f}"
                f"{measured if f'{name} (M)' in rows else ''}."
            )
    for column in (c for c in schema.columns if is_lane(c) and c.name in rows):
        given = [
            f"{'given' if level == 'True' else level} in months {start} to {stop - 1}"
            for start, stop, level in spells(rows[column.name], months)
            if level not in ABSENT
        ]
        words.append(f"{column.name}: {', '.join(given) or 'none'}.")
    return " ".join(words)
