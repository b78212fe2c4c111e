"""Levels → vectors that training can move: the look-up of the lesson, the soft one of the critic.

Numbers pass through; each column of levels gets a table of weights, one row a level. A look-up
*reads* the row of an integer code. A soft embedding *multiplies* a block of channels by the table.
On a one-hot block the two are equal, because one-hot times matrix picks a row. Only the soft one
also accepts what a generator makes: probabilities, which give a weighted mean of rows and let a
gradient flow back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hgteach.errors import InputError
from hgteach.schema import EMBEDDING_SIZE, Schema


class _Tables(nn.Module):
    """The weights both embeddings share, so that a ``state_dict`` of one fits the other."""

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.schema = schema
        self.numbers = len(schema.real)
        self.blocks = [block for block in schema.blocks if block.column.kind != "real"]
        self.tables = nn.ModuleList(
            nn.Embedding(block.width, EMBEDDING_SIZE[block.column.kind]) for block in self.blocks
        )
        self.width = self.numbers + sum(table.embedding_dim for table in self.tables)


class FeatureEmbedding(_Tables):
    """Look levels up by their code.

    The series' example (seven variables) has 72 weights and gives 18 channels.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Embed ``(B, T, columns)`` → ``(B, T, width)``.

        Args:
            x: numbers first, then one whole number (0, 1, …) for each column of levels, in the
                order of ``schema.blocks``; :func:`to_codes` makes it.

        Raises:
            InputError: a code has no row in its table. (The series clamps it to the last level,
                which turns a mistake in the data into a plausible patient.)
        """
        parts = [x[..., : self.numbers]]
        for position, (block, table) in enumerate(zip(self.blocks, self.tables, strict=True)):
            codes = x[..., self.numbers + position]  # (B, T)
            unknown = codes[(codes < 0) | (codes >= block.width) | (codes != codes.round())]
            if unknown.numel():
                raise InputError(
                    f"Column {block.column.name!r} has the code {unknown[0].item():g}, but its "
                    f"{block.width} levels have codes 0 to {block.width - 1}."
                )
            parts.append(table(codes.long()))  # (B, T, size)
        return torch.cat(parts, dim=-1)  # (B, T, width)


class SoftEmbedding(_Tables):
    """Multiply each block of channels by its table: all blocks at once, as one matrix."""

    def forward(self, x: Tensor) -> Tensor:
        """Embed ``(..., F)`` → ``(..., width)``; each block of ``x`` is one-hot or a softmax."""
        through = torch.eye(self.numbers, dtype=x.dtype, device=x.device)
        # Off the diagonal all is zero: no column leaks into another column's channels.
        weight = torch.block_diag(through, *(table.weight for table in self.tables))  # (F, width)
        return x @ weight  # (..., width)


def to_codes(x: Tensor, schema: Schema) -> Tensor:
    """Turn one-hot blocks into codes: ``(..., F)`` → ``(..., columns)``, numbers unchanged."""
    return torch.stack(
        [
            x[..., block.start]
            if block.column.kind == "real"
            else x[..., block.span].argmax(dim=-1).to(x.dtype)
            for block in schema.blocks
        ],
        dim=-1,
    )  # (..., columns)
