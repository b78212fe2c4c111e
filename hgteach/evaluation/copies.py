"""Deliberately bad copies: what failure looks like, so that a score has something beside it."""

from __future__ import annotations

import numpy as np

from hgteach.evaluation.patients import EMPTY, Patients, scaled


def independent_columns(patients: Patients, random: np.random.Generator) -> Patients:
    """Shuffle every column on its own over all rows: right marginals, and nothing else."""
    present, mixed = patients.present, {}
    for name, cells in patients.values.items():
        cells = cells.copy()
        cells[present] = random.permutation(cells[present])
        mixed[name] = cells  # (P, T)
    return patients.with_values(mixed)


def shuffled_months(patients: Patients, random: np.random.Generator) -> Patients:
    """Shuffle each patient's months: right patients, right rows, and no course of time."""
    draw = random.random((len(patients), patients.timesteps))
    draw[~patients.present] = 2.0  # empty cells stay at the end
    order = draw.argsort(axis=1)  # (P, T)
    return patients.with_values(
        {name: np.take_along_axis(cells, order, 1) for name, cells in patients.values.items()}
    )


def bootstrap(patients: Patients, random: np.random.Generator) -> Patients:
    """Draw real patients with replacement: perfectly real, and no protection at all."""
    return patients.take(random.integers(len(patients), size=len(patients)))


def patchwork(
    patients: Patients, random: np.random.Generator, piece: int = 8, shift: float = 0.1
) -> Patients:
    """Sew each patient together from pieces of real ones: far from everybody, and no protection.

    Every ``piece`` rows come from another real patient (static columns from the first), and each
    piece's numbers are moved by a random constant, ``shift`` standard deviations as a rule. A
    copy ends where the first of its sources ends.
    """
    count, months = len(patients), np.arange(patients.timesteps)
    source = random.integers(count, size=(count, months[-1] // piece + 1))
    lengths = patients.lengths[source].min(axis=1)
    beyond, values = months >= lengths[:, None], {}
    for column in patients.schema.columns:
        whose = source[:, :1] if column.static else source[:, months // piece]
        cells = patients[column.name][whose, months]  # (P, T)
        if column.kind == "real" and not column.static:
            on_scale = scaled(patients, column.name)
            moves = shift * np.nanstd(on_scale) * random.standard_normal(source.shape)
            moves = moves[:, months // piece]
            is_amount = column.lower is not None and column.lower >= 0  # so its scale is log10
            cells = cells * 10**moves if is_amount else cells + moves
        values[column.name] = np.where(beyond, np.nan if column.kind == "real" else EMPTY, cells)
    return Patients(patients.schema, values, lengths)


BAD_COPIES = {
    "independent columns": independent_columns,
    "shuffled months": shuffled_months,
    "bootstrap of real patients": bootstrap,
}
