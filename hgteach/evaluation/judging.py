"""Take every measure of a synthetic cohort, and of the references that give it a meaning.

A bare score says little. So each one is also taken of other real patients (the *floor*: what
chance alone does) and of deliberately bad copies of the real ones (what failure looks like), and
the verdict says where between the two the score lies.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student_t
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from hgteach.errors import InputError
from hgteach.evaluation.copies import BAD_COPIES
from hgteach.evaluation.goals import goal_words
from hgteach.evaluation.matching import Cohorts
from hgteach.evaluation.measure import Family, Measure, Task

HOMES = (
    "marginals", "association", "dynamics", "trajectories", "diversity", "detection",
    "prediction", "survival", "policy", "effects",
    "distances", "membership", "attributes", "identity",
)  # fmt: skip
GROUPS = 8  # that are left out in turn for an interval
NEAR = 0.1  # of the way from the floor to the worst copy
# The copies that fail at what a family asks for; the others may do well there. A dear measure is
# taken of the first only.
FAILING: Mapping[Family, tuple[str, ...]] = {
    "realism": ("independent columns", "shuffled months"),
    "utility": ("independent columns", "shuffled months"),
    "safety": ("bootstrap of real patients",),
}
RULE = (
    "A verdict asks how far a score is from its best, towards the worst bad copy, and how far "
    "the floor and that copy are: independent columns or shuffled months for realism and use, "
    f"the bootstrap of real patients for safety. Near the floor: at most {NEAR:.0%} of "
    "the way from the floor to that copy, or an interval that reaches the floor. As bad as the "
    f"copy: no less than {1 - NEAR:.0%} of the way. Between: the rest. Undecided: the interval "
    "reaches both the floor and the copy. Where no such copy is clearly further from the best "
    "than the floor is, the measure does not see these failures, and the verdict says only near "
    "the floor, or worse than the floor."
)


def all_measures() -> tuple[Measure, ...]:
    """Return every measure, in the order in which a report shows them."""
    homes = (import_module(f"hgteach.evaluation.{home}") for home in HOMES)
    return tuple(measure for home in homes for measure in home.MEASURES)


def judge(
    cohorts: Cohorts,
    seed: int = 0,
    *,
    measures: Sequence[Measure] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Return one row a measure: its score, interval, floor, bad copies, verdict and definition.

    ``low`` and ``high`` are a 95 % interval by the grouped jackknife, in which an eighth of the
    patients is left out in turn (Efron & Tibshirani 1993, chapter 11). A bootstrap would not do:
    it repeats patients, and a repeated patient is what some measures look for. ``way`` is 0 at
    the floor and 1 at the worst bad copy. ``reason`` says why a score is missing.
    """
    task = Task(cohorts.real, cohorts.synthetic, cohorts.holdout, seed)
    random = task.random()
    size = len(cohorts.synthetic)
    copies = {
        name: replace(task, synthetic=copy(cohorts.real, random).sample(size, random))
        for name, copy in BAD_COPIES.items()
    }
    floors, parts = floor_tasks(cohorts, seed), _left_out(task, random)
    measures, rows = all_measures() if measures is None else measures, []
    goals = goal_words(cohorts.real)
    hidden = {} if progress else {"disable": True}
    # One thread: several would cost more than they gain on a busy machine, and sums would depend
    # on how many there are.
    with threadpool_limits(1), tqdm(total=len(measures), unit="measure", **hidden) as bar:
        # Measures of one module often share their work on a task, and remember the last one.
        for _, some in groupby(measures, key=lambda measure: measure.score.__module__):
            some = list(some)
            bar.set_description(some[0].name)
            rows += _together(some, task, floors, copies, parts)
            bar.update(len(some))
    for row in rows:
        row["definition"] = row["definition"].replace("{goals}", goals)
    columns = ["measure", "family", "score", "low", "high", "floor", *BAD_COPIES, "best",
               "lowest", "highest", "verdict", "way", "definition", "source", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _together(
    measures: list[Measure],
    task: Task,
    floors: list[Task],
    copies: Mapping[str, Task],
    parts: list[Task],
) -> list[dict[str, Any]]:
    """Return the rows of some measures, taking all of them of one task before the next."""
    rows = []
    for measure in measures:
        score, reason = _take(measure, task)
        row = {"measure": measure.name, "family": measure.family, "score": score}
        row |= {"reason": reason, "definition": measure.definition, "source": measure.source}
        rows.append(row | {key: getattr(measure, key) for key in ("best", "lowest", "highest")})
    taken = [(m, row) for m, row in zip(measures, rows, strict=True) if row["reason"] is None]
    for measure, row in taken:
        taken_of = (_take(measure, floor)[0] for floor in floors)
        row["floor"] = next((score for score in taken_of if not np.isnan(score)), np.nan)
    for name, copy in copies.items():
        for measure, row in taken:
            if not measure.dear or name == FAILING[measure.family][0]:
                row[name], _ = _take(measure, copy)
    cheap = [(m, row) for m, row in taken if not m.dear]
    scores = np.array([[_take(m, part)[0] for m, _ in cheap] for part in parts])  # (parts, cheap)
    for (measure, row), without in zip(cheap, scores.T, strict=bool(parts)):
        row["low"], row["high"] = _interval(measure, row["score"], without)
    for row in rows:
        row["verdict"], row["way"] = verdict(row)
    return rows


def floor_tasks(cohorts: Cohorts, seed: int = 0) -> list[Task]:
    """Return tasks with real patients in the place of the synthetic ones.

    A floor is the score of the first of them of which the measure can be taken: the second is for
    measures that need a holdout, and nobody may be the copy and the holdout at once.
    """
    real, size = cohorts.real, len(cohorts.synthetic)
    random = np.random.default_rng(seed)
    if cohorts.holdout is not None:
        copy, test = cohorts.holdout.halves(random)
        whole = cohorts.holdout.sample(size, random)
        return [Task(real, whole, None, seed), Task(real, copy.sample(size, random), test, seed)]
    if cohorts.spare is not None and 2 * len(cohorts.spare) >= len(real):
        other = cohorts.spare
    else:
        real, other = real.halves(random)
    return [Task(real, other.sample(size, random), None, seed)]


def floor_words(cohorts: Cohorts) -> str:
    """Say who the floor's patients are."""
    first, *more = floor_tasks(cohorts)
    size = f"{len(first.synthetic):,}"
    if more:
        return (
            f"The floor is the score of {size} patients of the holdout in the place of the "
            "synthetic ones. Where a measure needs a holdout itself, one half of it "
            f"({len(more[0].synthetic):,} patients) is the copy and the other half the holdout."
        )
    if len(first.real) == len(cohorts.real):
        return (
            f"The floor is the score of {size} other real patients in the place of the synthetic "
            "ones."
        )
    return (
        f"The floor is the score of one half of the real patients ({size} of them) held against "
        "the other half. Halves are smaller than the whole, so by chance alone this floor lies a "
        "little further from the best than it should. A holdout makes a better one."
    )


def verdict(row: Mapping[str, Any]) -> tuple[str, float]:
    """Return the verdict in words, and how far the score is from the floor to the worst copy."""
    if np.isnan(row["score"]):
        return "not measured", np.nan
    if np.isnan(row.get("floor", np.nan)):
        return "no floor to compare with", np.nan
    copies = [name for name in FAILING[row["family"]] if not np.isnan(row.get(name, np.nan))]
    away = {key: abs(row[key] - row["best"]) for key in ("score", "floor", *copies)}
    worst = max(copies, key=away.get, default="floor")
    # Neither is ever true of an interval that is missing.
    low, high = row.get("low", np.nan), row.get("high", np.nan)
    at_floor = low <= row["floor"] <= high
    if away[worst] <= (1 + NEAR) * away["floor"]:
        near = at_floor or away["score"] <= (1 + NEAR) * away["floor"]
        return "near the floor" if near else "worse than the floor", np.nan
    # On the other side of its best than the copy, a score is no worse than at its best.
    side = np.sign(row[worst] - row["best"])
    score, floor = (max(side * (row[key] - row["best"]), 0.0) for key in ("score", "floor"))
    way = (score - floor) / (away[worst] - floor)
    if at_floor and low <= row[worst] <= high:
        return f"undecided: the interval reaches the floor and {worst}", way
    if at_floor or way <= NEAR:
        return "near the floor", way
    if way >= 1 - NEAR:
        return f"as bad as {worst}", way
    return f"between: {way:.0%} of the way to {worst}", way


def _take(measure: Measure, task: Task) -> tuple[float, str | None]:
    """Return a score, or NaN and the reason why there is none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # odd columns are told by their NaN
            score = float(measure.score(task))
    except InputError as reason:
        return np.nan, str(reason)
    except Exception as error:  # one measure that meets an odd table must not cost the others
        return np.nan, f"It failed on these tables ({type(error).__name__}: {error})."
    if np.isfinite(score):
        return score, None
    return np.nan, "These tables leave it undefined, for instance because a column never changes."


def _left_out(task: Task, random: np.random.Generator) -> list[Task]:
    """Return the task without each group of real and synthetic patients in turn."""
    few = min(GROUPS, len(task.real), len(task.synthetic))
    if few < 2:
        return []
    real, synthetic = (
        random.permutation(np.arange(len(group)) % few) for group in (task.real, task.synthetic)
    )
    return [
        replace(task, real=task.real.take(real != k), synthetic=task.synthetic.take(synthetic != k))
        for k in range(few)
    ]


def _interval(measure: Measure, score: float, without: np.ndarray) -> tuple[float, float]:
    """Return a 95 % interval from the scores without each group, within the measure's range."""
    groups = len(without)
    reach = np.sqrt((groups - 1) * without.var()) * student_t.ppf(0.975, groups - 1)
    low, high = np.clip([score - reach, score + reach], measure.lowest, measure.highest)
    return low, high
