"""What a training needs of a table: its patients as channels, and the way back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from hgteach.errors import InputError
from hgteach.preprocess import Preprocessor
from hgteach.schema import Layout, Schema
from hgteach.sequences import to_sequences
from hgteach.visits import Visits


@dataclass
class Ready:
    """A table that is ready to train on: in memory, or on disk (``hgteach.streaming``).

    Attributes:
        x: ``(P, T, F)``, a tensor or ``hgteach.streaming.Records``.
        preprocessor: what made the channels; its schema is that of a regular table.
        visits: what made the table regular, if it was not.
        times: the values of the time column, one a row of each patient.
        layout: how the file wrote the table.
        provenance: a sentence on where the table came from.
        data: a fingerprint of the table.
    """

    x: Tensor
    preprocessor: Preprocessor
    visits: Visits | None
    times: list[Any]
    layout: Layout
    provenance: str
    data: str

    @classmethod
    def of(cls, table: pd.DataFrame, schema: Schema, layout: Layout | None = None) -> Ready:
        """Prepare a labelled table in memory."""
        table = _known_columns(table, schema)
        table = table.sort_values([schema.patient, schema.time], kind="stable", ignore_index=True)
        visits = Visits.fit(table, schema)
        regular = table if visits is None else visits.regular(table)
        seen = schema if visits is None else visits.regular_schema
        preprocessor = Preprocessor(seen)
        matrix = preprocessor.fit(regular).transform(regular)  # (P * T, F)
        x = torch.from_numpy(to_sequences(matrix, regular, seen))  # (P, T, F)
        # The table is read, not the matrix, whose last digits differ between processors.
        rows = pd.util.hash_pandas_object(table, index=False).to_numpy(np.uint64)
        return cls(
            x=x,
            preprocessor=preprocessor,
            visits=visits,
            times=regular[schema.time].iloc[: x.shape[1]].tolist(),
            layout=layout or Layout(tuple(table.columns), ()),
            provenance=table.attrs.get("provenance", "a table of unknown origin"),
            data=hashlib.sha256(rows.tobytes()).hexdigest(),
        )


def _known_columns(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the columns that ``schema`` names; check that it is clear who and when."""
    known = {schema.patient, schema.time, *schema.names}
    missing = sorted(known - set(table.columns))
    if missing:
        raise InputError(f"The table has no column {missing[0]!r}, which the schema names.")
    for name in (schema.patient, schema.time):
        if table[name].isna().any():
            row = int(table[name].isna().to_numpy().argmax())
            raise InputError(f"Column {name!r} is empty in row {row}. Fill it in or drop the row.")
    if len(table) == 1:
        raise InputError("One row is too little to learn from. Give two patients, or two times.")
    return table[[column for column in table.columns if column in known]]
