"""Training on a table that does not fit into memory: its patients stay on disk.

A Parquet file is read once, some thousand patients at a time. Each part is checked, and its cells
are written to a file of equally long records, one a patient: numbers as float64, levels as one
byte. A training reads its batches from there, and makes channels of them only then. That is a
fourth of what the channels would take, and bends no number before its range is known.

The file has no name (it is temporary in the strict sense), so nothing is left of it when the
process ends, in whatever way. It is read, not mapped into memory, so what it takes is not counted
as ours and the system may drop it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import reduce
from math import inf
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hgteach.cohorts.checking import check
from hgteach.cohorts.parts import read_in_parts
from hgteach.cohorts.reading import open_parquet
from hgteach.errors import InputError
from hgteach.preprocess import Draw, Preprocessor, cells, summarise
from hgteach.schema import Layout, Schema
from hgteach.sequences import count_timesteps
from hgteach.training.container import make_folder
from hgteach.training.ready import Ready

PATIENTS_AT_ONCE = 1_000  # turned into channels together
SAMPLE = 10_000  # patients of whom percentiles are taken


@contextmanager
def streamed(
    path: str | Path, schema: Schema, folder: str | Path, progress: bool = True
) -> Iterator[Ready]:
    """Prepare a Parquet file for training, with its patients on disk while the block runs.

    Args:
        path: rows lie patient by patient.
        schema: of a regular table: every patient has the same times and no cell is empty.
        folder: where there is room for the patients.
        progress: show a bar.

    Raises:
        InputError: the table does not fit the schema, is not regular, or there is no room.
    """
    if not schema.is_regular:
        raise InputError(
            f"{path} is too large to be read at once, and only a table in which all patients have "
            "the same times, and no cell is empty, can be read in parts. Take some of the patients."
        )
    with open_parquet(Path(path)) as file:
        rows = file.metadata.num_rows
    layout = _record(schema)
    room = shutil.disk_usage(make_folder(folder)).free
    if rows * layout.itemsize > room:
        raise InputError(
            f"The patients take {rows * layout.itemsize / 1e9:.1f} GB in {folder} while a training "
            f"runs, and {room / 1e9:.1f} GB are free. Choose another folder."
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        yield _spool(Path(path), schema, rows, file, progress)


def _record(schema: Schema) -> np.dtype:
    """Return how one row of one patient lies on disk."""
    longest = max((len(schema[name].levels) for name in schema.categorical), default=0)
    level = np.uint8 if longest <= 256 else np.uint16
    return np.dtype([("numbers", np.float64, (len(schema.real),)),
                     ("levels", level, (len(schema.categorical),))])


def _spool(path: Path, schema: Schema, rows: int, file: BinaryIO, progress: bool) -> Ready:
    """Read, check and write all parts, and fit the preprocessor on the way."""
    record, draw, digest = _record(schema), Draw(rows), hashlib.sha256()
    start, summaries, layouts, times, ends = 0, [], [], None, {}
    hidden = {} if progress else {"disable": True}
    with tqdm(total=rows, desc="reading", unit="row", unit_scale=True, **hidden) as bar:
        for raw in read_in_parts(path, schema.patient):
            layouts.append(Layout.of(raw, schema))
            table = check(raw, schema, source=str(path))
            grid = table[schema.time].iloc[: count_timesteps(table, schema)].tolist()
            if grid != (times := times or grid):
                raise InputError(
                    f"{path}: from row {start} on, patients have other values of {schema.time!r} "
                    "than before. Put everyone on one time grid first."
                )
            stop = start + len(table)
            summaries.append(summarise(table, schema, draw.within(start, stop)))
            part = np.empty(len(table), record)
            for place, name in enumerate(schema.real):
                part["numbers"][:, place] = x = cells(table, schema[name], schema)
                _note_ends(ends, name, x, start // len(times), len(times))
            for place, name in enumerate(schema.categorical):
                part["levels"][:, place] = cells(table, schema[name], schema)
            file.write(part.view(np.uint8))
            digest.update(part.view(np.uint8))
            start = stop
            bar.update(len(table))
    preprocessor = Preprocessor(schema).fit_summaries(summaries, draw)
    extreme = np.array(sorted({patient for _, patient in ends.values()}), dtype=int)
    return Ready(
        x=Records(file, rows // len(times), len(times), preprocessor, extreme),
        preprocessor=preprocessor,
        visits=None,
        times=times,
        layout=reduce(_both, layouts),
        provenance=f"the file {path.name}",
        data=digest.hexdigest(),
    )


def _note_ends(ends: dict, name: str, x: np.ndarray, first: int, timesteps: int) -> None:
    """Note which patient has the smallest and the largest number of a column so far."""
    for sign in (1, -1):
        row = int((sign * x).argmin())
        found = float(sign * x[row]), first + row // timesteps
        ends[name, sign] = min(ends.get((name, sign), (inf, 0)), found, key=lambda end: end[0])


def _both(one: Layout, other: Layout) -> Layout:
    """Return the layout of two parts: as many decimals as either needs."""
    shared = one.decimals.keys() & other.decimals.keys()
    return replace(one, decimals={k: max(one.decimals[k], other.decimals[k]) for k in shared})


class Records:
    """Patients on disk that are read like a tensor ``(P, T, F)``: ``x[rows, :length]``."""

    def __init__(self, file: BinaryIO, patients: int, timesteps: int, preprocessor: Preprocessor,
                 extreme: np.ndarray) -> None:
        """Read ``file``, which holds one record after another; ``extreme`` are for a sample."""
        self.file, self.preprocessor, self.extreme = file, preprocessor, extreme
        self.record = np.dtype((_record(preprocessor.schema), (timesteps,)))
        self.shape = (patients, timesteps, preprocessor.schema.width)
        self.device, self.change = torch.device("cpu"), None

    def __len__(self) -> int:
        """The number of patients."""
        return self.shape[0]

    def to(self, device: torch.device) -> Records:
        """Return the same patients; batches will be put on ``device``."""
        there = copy(self)
        there.device = device
        return there

    def through(self, change: Callable[[Tensor], Tensor]) -> Records:
        """Return the same patients; ``change`` is applied to every batch."""
        changed = copy(self)
        changed.change = change
        return changed

    def __getitem__(self, key: tuple[Tensor, slice]) -> Tensor:
        """Return the patients at some rows, and some of their timesteps, ``(B, L, F)``."""
        rows, months = key
        found = np.empty(len(rows), self.record)  # (B, T)
        for place, row in enumerate(rows.tolist()):
            self._read(row, found[place : place + 1])
        return self._channels(found[:, months])

    def parts(self, patients: int = PATIENTS_AT_ONCE) -> Iterator[Tensor]:
        """Yield all patients in turn, ``(B, T, F)``."""
        for first in range(0, len(self), patients):
            found = np.empty(min(patients, len(self) - first), self.record)  # (B, T)
            self._read(first, found)
            yield self._channels(found)

    def sample(self, patients: int = SAMPLE) -> Tensor:
        """Return some at random, and those who hold the smallest and largest numbers."""
        if patients >= len(self):
            return torch.cat(list(self.parts()))
        drawn = np.random.default_rng(0).choice(len(self), patients, replace=False)
        rows = torch.from_numpy(np.union1d(drawn, self.extreme))
        return torch.cat([self[some, :] for some in rows.split(PATIENTS_AT_ONCE)])

    def _read(self, first: int, found: np.ndarray) -> None:
        """Fill ``found`` with the records from patient ``first`` on."""
        self.file.seek(first * self.record.itemsize)
        self.file.readinto(found.view(np.uint8))

    def _channels(self, found: np.ndarray) -> Tensor:
        """Return records ``(B, L)`` as channels."""
        schema, rows = self.preprocessor.schema, found.reshape(-1)  # (B * L,)
        real, levels = schema.real, schema.categorical
        matrix = self.preprocessor.spread(
            lambda column: rows["numbers"][:, real.index(column.name)]
            if column.kind == "real"
            else rows["levels"][:, levels.index(column.name)].astype(np.intp),
            len(rows),
        )
        x = torch.from_numpy(matrix).view(*found.shape, schema.width).to(self.device)  # (B, L, F)
        return x if self.change is None else self.change(x)
