"""The last layer of every generator: any real numbers become something shaped like a record."""

import torch
from torch import Tensor, nn

from hgteach.schema import Schema


class RecordActivation(nn.Module):
    """Squash logits into the Preprocessor's channels.

    Numbers go through a sigmoid, so they lie in (0, 1). Each block of levels goes through a
    softmax, so it is a set of shares that sum to one.

    The series models sex and ethnicity as time series, so a patient's sex may change from one
    month to the next. Here the logits of a static column are averaged over the patient's months
    first. Every month then holds the same value by construction, and no weight is added.
    """

    def __init__(self, schema: Schema, constant_static: bool = True) -> None:
        """Read the channels off ``schema``; ``constant_static=False`` is the published way."""
        super().__init__()
        self.numbers = len(schema.real)
        self.levels = [block.span for block in schema.blocks if block.column.kind != "real"]
        static = torch.zeros(schema.width, dtype=torch.bool)
        for block in schema.blocks:
            static[block.span] = block.column.static and constant_static
        self.any_static = bool(static.any())
        self.register_buffer("static", static, persistent=False)  # (F,)

    def forward(self, logits: Tensor) -> Tensor:
        """``(B, T, F)`` logits → ``(B, T, F)`` channels in [0, 1]."""
        if self.any_static:
            over_time = logits.mean(dim=1, keepdim=True)  # (B, 1, F)
            logits = torch.where(self.static, over_time, logits)  # (B, T, F)
        shares = [logits[..., span].softmax(dim=-1) for span in self.levels]
        return torch.cat([logits[..., : self.numbers].sigmoid(), *shares], dim=-1)  # (B, T, F)
