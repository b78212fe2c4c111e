"""The outcome of an evaluation: scores and notes, as a page for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from hgteach import __version__
from hgteach.cohorts.catalogue import step_of
from hgteach.evaluation.copies import BAD_COPIES
from hgteach.evaluation.judging import RULE
from hgteach.evaluation.matching import Cohorts
from hgteach.evaluation.measure import Task
from hgteach.evaluation.page import page
from hgteach.files import replacing


@dataclass(frozen=True, eq=False)
class Report:
    """What :func:`hgteach.evaluate` found.

    Attributes:
        scores: one row a measure, as ``hgteach.evaluation.judging.judge`` describes it.
        notes: what was left aside, drawn or assumed, one sentence each.
        cohorts: the patients that were compared.
        seed: what fixed every draw.
    """

    scores: pd.DataFrame
    notes: list[str]
    cohorts: Cohorts = field(repr=False)
    seed: int

    def to_html(self, path: str | Path, *, progress: bool = True) -> None:
        """Write one page that holds its pictures and needs no network; it takes some seconds.

        Raises:
            InputError: the folder is not there or cannot be written to.
        """
        # The one step against the house order: a report is where scores and pictures meet.
        from hgteach.figures.summary import SHOWN, pictures

        groups = self.cohorts
        task = Task(groups.real, groups.synthetic, groups.holdout, self.seed)
        hidden = {} if progress else {"disable": True}
        drawn = tqdm(pictures(task), "pictures", total=len(SHOWN), unit="picture", **hidden)
        with threadpool_limits(1):  # as in judging
            text = page(self.to_dict(), drawn)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def to_json(self, path: str | Path) -> None:
        """Write every score with its references, and the notes, as JSON (no score is ``null``).

        Raises:
            InputError: the folder is not there or cannot be written to.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        with replacing(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def to_dict(self) -> dict[str, Any]:
        """Return what both files say, in plain lists, texts and numbers."""
        scores = self.scores.astype(object).where(self.scores.notna(), None).to_dict("records")
        for row in scores:
            row["bad_copies"] = {name: row.pop(name) for name in BAD_COPIES}
        groups = {role: getattr(self.cohorts, role) for role in self.cohorts.sources}
        return {
            "hgteach": __version__,
            "seed": self.seed,
            "tables": {
                role: {
                    "patients": len(group),
                    "rows": int(group.lengths.sum()),
                    "source": self.cohorts.sources[role],
                }
                for role, group in groups.items()
            },
            "timesteps": self.cohorts.real.timesteps,
            "step": step_of(self.cohorts.real.schema),
            "columns": self.cohorts.real.schema.names,
            "notes": self.notes,
            "rule": RULE,
            "scores": scores,
        }
