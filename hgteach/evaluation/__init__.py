"""Judge a synthetic cohort: is it real, is it useful, is it safe? Tables in, tables out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from hgteach.evaluation.report import Report
    from hgteach.schema import Schema


def evaluate(
    real: pd.DataFrame | str | Path,
    synthetic: pd.DataFrame | str | Path,
    *,
    schema: Schema | None = None,
    holdout: pd.DataFrame | str | Path | None = None,
    patient: str | None = None,
    time: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Report:
    """Judge a synthetic table by every measure, each beside a floor and bad copies.

    Tables may hold codes or labels, and may differ in columns, lengths, levels and numbers of
    patients: they are judged on what they share, and ``Report.notes`` says what was left aside.
    Of larger tables 2,000 patients are drawn.

    Args:
        real: the rows that the generator learnt from, as a table or the path of its file.
        synthetic: the rows that it made.
        schema: what the columns are. Left out, it is inferred with ``patient`` and ``time``, or
            is that of ART for HIV, sepsis or hypotension if all columns of the real table are of
            that cohort.
        holdout: rows of real patients that the generator never saw. They make a better floor,
            and without them some measures of safety cannot be taken.
        patient, time: the columns that tell patients apart and order their rows.
        seed: fixes every draw.
        progress: show a bar.

    Returns:
        the scores and notes, ready to be written as a page or as JSON.

    Raises:
        InputError: the tables cannot be read, or have nothing in common.
    """
    # Imported here so that one part of this package does not bring all the others.
    from hgteach.evaluation.judging import floor_words, judge
    from hgteach.evaluation.matching import match
    from hgteach.evaluation.report import Report

    cohorts = match(
        real, synthetic, holdout, schema=schema, patient=patient, time=time, seed=seed
    )
    scores = judge(cohorts, seed, progress=progress)
    return Report(scores, [*cohorts.notes, floor_words(cohorts)], cohorts, seed)
