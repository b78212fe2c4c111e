"""The preprocessor for tables that outgrow one machine: partition by partition, on Dask.

Dask (https://dask.org, BSD licence) is an engine that runs a function on every partition of a
table, on as many machines as it was given. What fitting needs to know of a partition is small and
adds up, so the result is that of one machine, number for number: the same ranges and the same λ.
It needs the optional packages: pip install "hgteach[dask]".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hgteach.preprocess import Draw, Preprocessor, summarise
from hgteach.schema import Schema

if TYPE_CHECKING:
    import dask.array
    import dask.dataframe


def fit(table: dask.dataframe.DataFrame, schema: Schema) -> Preprocessor:
    """Learn the range and λ of every column of numbers, as :meth:`Preprocessor.fit` does.

    Two passes: the first counts rows, which decides the rows on which λ is found; the second
    brings what is known of each partition. ``table`` holds labels or codes.

    Raises:
        InputError: as of :meth:`Preprocessor.fit`.
    """
    import dask

    parts = table[schema.real].to_delayed()
    counts = dask.compute(*map(dask.delayed(len), parts))
    ends = np.cumsum(counts)
    draw = Draw(int(ends[-1]))
    drawn = map(draw.within, ends - counts, ends)
    found = dask.compute(*(
        dask.delayed(summarise)(part, schema, rows) for part, rows in zip(parts, drawn, strict=True)
    ))
    return Preprocessor(schema).fit_summaries(list(found), draw)


def transform(preprocessor: Preprocessor, table: dask.dataframe.DataFrame) -> dask.array.Array:
    """Return the matrix ``(rows, F)``, float32, in the partitions of ``table``, not computed yet.

    It can be stored (``dask.array.to_zarr``, ``to_npy_stack``) without ever being in one place.
    How many rows a partition has is counted first.
    """
    import dask
    from dask import array

    schema = preprocessor.schema
    parts = table[schema.names].to_delayed()
    counts = dask.compute(*map(dask.delayed(len), parts))
    return array.concatenate([
        array.from_delayed(
            dask.delayed(preprocessor.transform)(part), (rows, schema.width), np.float32
        )
        for part, rows in zip(parts, counts, strict=True)
    ])
