"""Tables that do not fit into memory, as files: read in parts, read a sample, written in parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as arrow_compute

from hgteach.cohorts.reading import (
    check_suffix,
    open_parquet,
    read_table,
    write_headings,
    write_rows,
)
from hgteach.errors import InputError
from hgteach.files import replacing

LARGE = 2_000_000  # rows; a Parquet file of more is not read whole if that can be avoided
ROWS_AT_ONCE = 200_000  # read and checked together


def is_large(path: str | Path) -> bool:
    """Whether a file should be streamed: Parquet, and of more than ``LARGE`` rows."""
    path = Path(path)
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return False
    with open_parquet(path) as file:
        return file.metadata.num_rows > LARGE


def read_in_parts(
    path: str | Path, patient: str, rows: int = ROWS_AT_ONCE
) -> Iterator[pd.DataFrame]:
    """Yield the table of a Parquet file in parts of about so many rows, no patient cut in two.

    Raises:
        InputError: the rows of a patient are not all together in the file.
    """
    path, rest, known, start = Path(path), None, [], 0
    with open_parquet(path) as file:
        if patient not in file.schema_arrow.names:
            raise InputError(f"{path} has no column {patient!r}.")
        try:
            for batch in file.iter_batches(rows):
                arrow = pa.Table.from_batches([batch])
                if rest is not None:
                    arrow = pa.concat_tables([rest, arrow]).unify_dictionaries()
                who = pd.factorize(arrow[patient].to_pandas(), use_na_sentinel=False)[0]
                cut = int(np.flatnonzero(np.diff(who, prepend=-1))[-1])  # where the last one begins
                rest = arrow[cut:]
                if cut:
                    yield _part(arrow[:cut], patient, start, known)
                    start += cut
        except pa.ArrowException:
            raise InputError(f"{path} is not a whole Parquet file. Get it again.") from None
    if rest is None:
        raise InputError(f"{path} has headings but no rows.")
    yield _part(rest, patient, start, known)
    if pd.Series(np.concatenate(known)).duplicated().any():
        raise InputError(
            f"{path}: the rows of a patient are not together, so the table cannot be read in "
            f"parts. Sort it by {patient!r} first."
        )


def _part(arrow: pa.Table, patient: str, start: int, known: list[np.ndarray]) -> pd.DataFrame:
    """Return rows as pandas has them, and remember in ``known`` who was seen, by number."""
    part = arrow.to_pandas(strings_to_categorical=True)
    part.index = pd.RangeIndex(start, start + len(part))
    who = part[patient]
    runs = who[who.ne(who.shift())]  # each patient once, unless the rows are not together
    known.append(pd.util.hash_pandas_object(runs, index=False).to_numpy())
    return part


def read_sample(
    path: str | Path, patient: str, most: int, random: np.random.Generator
) -> tuple[pd.DataFrame, int]:
    """Return all rows of at most so many patients of a Parquet file, and how many there are.

    Rows that name no patient are returned too. The rows may lie in any order.
    """
    path = Path(path)
    with open_parquet(path) as file:
        if patient not in file.schema_arrow.names:
            return read_table(path), 0  # the caller will say what it lacks
        ids = np.array([])
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[patient]):
            found = batch.column(0).to_pandas().dropna().to_numpy()
            ids = pd.unique(np.concatenate([ids, pd.unique(found)]) if len(ids) else found)
        total = len(ids)
        if total > most:
            ids = ids[np.sort(random.choice(total, most, replace=False))]
        chosen, kept = pa.array(ids), []
        for batch in file.iter_batches(ROWS_AT_ONCE):
            rows = pa.Table.from_batches([batch])
            who = rows[patient]
            if pa.types.is_dictionary(who.type):
                who = who.cast(who.type.value_type)
            wanted = arrow_compute.is_in(who, chosen.cast(who.type))
            kept.append(rows.filter(arrow_compute.or_(wanted, arrow_compute.is_null(who))))
    arrow = pa.concat_tables(kept).unify_dictionaries()
    return arrow.to_pandas(strings_to_categorical=True).reset_index(drop=True), total


def write_in_parts(parts: Iterable[pd.DataFrame], path: str | Path, blank: str = "") -> int:
    """Write tables one below the other as CSV or Parquet, and return the number of rows.

    Texts are plain in the Parquet file, so that parts need not have the same ones.

    Raises:
        InputError: the name ends in neither, or the folder cannot be written to.
    """
    path, rows = check_suffix(path), 0
    with replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            with temporary.open("wb") as file:
                for part in parts:
                    if not rows:
                        write_headings(part, file)
                    rows += len(part)
                    if not blank:
                        write_rows(part, file)
                        continue
                    part.to_csv(file, index=False, header=False, na_rep=blank, lineterminator="\n")
            return rows
        from pyarrow.parquet import ParquetWriter

        writer = None
        try:
            for part in parts:
                arrow = pa.Table.from_pandas(part, preserve_index=False)
                schema = writer.schema if writer else pa.schema(
                    [pa.field(f.name, _plain(f.type)) for f in arrow.schema]
                )
                writer = writer or ParquetWriter(temporary, schema)
                writer.write_table(arrow.cast(schema))
                rows += len(part)
        finally:
            if writer is not None:
                writer.close()
    return rows


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of a dictionary's values, and text for a column that is empty so far."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.string() if pa.types.is_null(kind) or pa.types.is_large_string(kind) else kind
