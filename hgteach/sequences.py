"""Matrix → sequences: one row a patient-month becomes ``(patients, timesteps, width)``.

The signatures that the rest of the house uses::

    x = to_sequences(matrix, table, schema)      # (P, T, F), a view: rows of `table` are checked
    matrix = from_sequences(x)                   # (P * T, F)
    lengths = curriculum_lengths(T)              # [10, 20, 30, 40, 50, 60] for T = 60
    loaders = curriculum_loaders(x, lengths, batch_size=256, generator=g)
    for batch in loaders[10]: ...                # (B, 10, F); every patient once an epoch

A reshape moves no number and asks no question. If the rows are not grouped by patient and ordered
in time, it still succeeds, and silently hands one person's months to another. So the rows are
checked first, at the cost of one comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TypeVar

import numpy as np
import pandas as pd
import torch

from hgteach.errors import InputError
from hgteach.schema import Schema

Array = TypeVar("Array", np.ndarray, torch.Tensor)


def to_sequences(matrix: Array, table: pd.DataFrame, schema: Schema) -> Array:
    """Cut a matrix into one sequence a patient.

    Args:
        matrix: ``(rows, F)``, NumPy or PyTorch.
        table: the table that the matrix was made from, row for row; only its patient and time
            columns are read.
        schema: names those two columns.

    Returns:
        ``(P, T, F)``, a view of ``matrix``: patients in the order of the table.

    Raises:
        InputError: rows are missing, out of order, or patients have different visits.
    """
    if len(matrix) != len(table):
        raise InputError(
            f"The matrix has {len(matrix)} rows and the table {len(table)}. "
            "Give the table that the matrix was made from."
        )
    timesteps = count_timesteps(table, schema)
    return matrix.reshape(-1, timesteps, matrix.shape[-1])  # (P, T, F)


def from_sequences(x: Array) -> Array:
    """Undo :func:`to_sequences`: ``(P, T, F)`` → ``(P * T, F)``."""
    return x.reshape(-1, x.shape[-1])  # (P * T, F)


def count_timesteps(table: pd.DataFrame, schema: Schema) -> int:
    """Return the number of rows a patient, T, after checking that a reshape would be right.

    Raises:
        InputError: the rows are not grouped by patient and ordered in time, or the patients do
            not all have the same times.
    """
    patient, time = schema.patient, schema.time
    for name in (patient, time):
        if name not in table:
            raise InputError(f"The table has no column {name!r}, which says who or when.")
    if table.empty:
        raise InputError("The table has no rows, so there is no patient to make a sequence of.")
    codes, people = pd.factorize(table[patient])  # numbered in order of first appearance
    rows = np.bincount(codes[codes >= 0], minlength=len(people))
    if (codes < 0).any():
        raise InputError(f"Row {int(np.argmin(codes))} has no {patient!r}. Fill it in or drop it.")
    if (rows != rows[0]).any():
        other = int(np.argmax(rows != rows[0]))
        raise InputError(
            f"Patient {people[0]} has {rows[0]} rows and patient {people[other]} has "
            f"{rows[other]}. Sequences must be equally long: trim or pad them first."
        )
    timesteps = int(rows[0])
    when = table[time].to_numpy().reshape(-1, timesteps)  # (P, T)
    grouped = (codes == np.repeat(np.arange(len(people)), timesteps)).all()
    if not grouped or (when[:, 1:] <= when[:, :-1]).any():
        raise InputError(
            f"The rows are not in order, so a reshape would mix patients or months. "
            f"Sort them first: table.sort_values([{patient!r}, {time!r}], ignore_index=True). "
            "If that does not help, a time appears twice for a patient."
        )
    if (when != when[0]).any():
        other = int(np.argmax((when != when[0]).any(axis=1)))
        raise InputError(
            f"Patients {people[0]} and {people[other]} have {timesteps} rows each, but not at the "
            f"same values of {time!r}. Put everyone on one time grid first."
        )
    return timesteps


def curriculum_lengths(timesteps: int) -> list[int]:
    """Return the sequence lengths to train on, short ones first, the full length last.

    Six equal steps as in the series (10, 20, … 60 for 60 months); fewer where a sequence is too
    short for six. No length is below 2, since one month has no dynamics to learn.
    """
    steps = {max(2, ceil(timesteps * k / 6)) for k in range(1, 7)}
    return sorted({min(length, timesteps) for length in steps})


class Batches:
    """Shuffled batches of the first ``length`` timesteps, every patient once an epoch.

    The series' loader drops an incomplete last batch: of 300 patients, 256 are used and a
    different 44 sit out each epoch. Here 300 patients become two batches of 150.
    """

    def __init__(
        self, x: torch.Tensor, length: int, batch_size: int, generator: torch.Generator | None
    ) -> None:
        """Read the first ``length`` timesteps of ``x``, ``(P, T, F)``, whenever they are due.

        ``x`` is a tensor, or ``hgteach.streaming.Records``, which holds patients on disk.
        """
        self.x, self.length = x, length
        self.count = ceil(len(x) / batch_size)
        self.generator = generator

    def __len__(self) -> int:
        """The number of batches."""
        return self.count

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield ``(B, L, F)``, in a new order each time; batch sizes differ by one at most."""
        order = torch.randperm(len(self.x), generator=self.generator)
        for rows in order.tensor_split(self.count):
            yield self.x[rows, : self.length]  # (B, L, F)


def curriculum_loaders(
    x: torch.Tensor,
    lengths: list[int],
    batch_size: int = 256,
    generator: torch.Generator | None = None,
) -> dict[int, Batches]:
    """Return one loader a length, all reading the same ``x``.

    Args:
        x: ``(P, T, F)``.
        lengths: the lengths to cut to, each from 1 to T; every cut starts at the first month.
        batch_size: the largest batch.
        generator: where the shuffling comes from, shared by all loaders; PyTorch's own if None.

    Raises:
        InputError: a length does not fit, or the batch size is below 1.
    """
    timesteps = x.shape[1]
    wrong = [length for length in lengths if not 1 <= length <= timesteps]
    if wrong or not lengths:
        raise InputError(
            f"Sequences have {timesteps} timesteps, so a length must be from 1 to {timesteps}; "
            f"got {wrong[0] if wrong else 'none at all'}."
        )
    if batch_size < 1:
        raise InputError(f"A batch needs at least one patient; got batch_size={batch_size}.")
    return {length: Batches(x, length, batch_size, generator) for length in lengths}
