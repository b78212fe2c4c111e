"""Score one sound submission, with the draws that say how sure the score is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student_t
from threadpoolctl import threadpool_limits

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.datathon import rules as r
from hgteach.datathon.privacy import privacy_floor, refuse
from hgteach.datathon.rules import COHORT_SCHEMA as SCHEMA
from hgteach.errors import InputError
from hgteach.evaluation.judging import FAILING, all_measures, judge
from hgteach.evaluation.matching import Cohorts
from hgteach.evaluation.measure import Measure, Task
from hgteach.evaluation.patients import Patients
from hgteach.evaluation.prediction import auc

DRAWS = 400
JUDGED = (
    "single columns", "strength of association", "trends", "autocorrelation", "switching",
    "time in clinical states", "courses of patients", "patients in the wrong group",
    "coverage of patients", "detection of patients",
    "prediction lost (TSTR)", "prediction on the copy (TRTS)",
    "waiting curves apart (Kaplan–Meier)",
)  # fmt: skip
GROUPS = 8  # that are left out in turn for an interval
FAR = 10  # times as far from its best as the floor: at least this much earns nothing


@dataclass(frozen=True, eq=False)
class Secret:
    """What the organisers hold against a submission.

    Attributes:
        rules: the datathon's.
        training: the table given out.
        test: the months of all test patients that were given out.
        held: whole courses of the part of the test that counts now.
    """

    rules: r.Rules
    training: pd.DataFrame
    test: pd.DataFrame
    held: pd.DataFrame

    @cached_property
    def cohorts(self) -> tuple[Patients, Patients, Patients]:
        """Training, held and test patients in the columns of the cohort task."""
        groups = (self.training, self.held, self.test)
        return tuple(Patients.of(SCHEMA.label(table), SCHEMA) for table in groups)

    @cached_property
    def answers(self) -> pd.Series:
        """1 if suppressed in the month that is foreseen, 0 if not, indexed by patient."""
        then = self.held[self.held[ART_HIV.time] == self.rules.month]
        return (then.set_index(ART_HIV.patient)[r.GOAL.column] < r.GOAL.threshold).astype(int)

    @cached_property
    def too_good(self) -> float:
        """The AUC that no honest model has: two thirds of the way from a naive one to 1.

        The naive model ranks patients by their last known value, which is nearly as good as
        boosted trees: most of what is left is chance.
        """
        last = self.held[self.held[ART_HIV.time] == self.rules.known - 1]
        naive = last.set_index(ART_HIV.patient)[r.GOAL.column].loc[self.answers.index]
        return 1 - (1 - auc(self.answers.to_numpy(), -naive.to_numpy())) / 3


def score_prediction(probability: pd.Series, secret: Secret) -> dict[str, Any]:
    """Return the AUC, and the AUCs of resampled patients.

    All teams are resampled with the same patients, so that their differences can be compared.

    Raises:
        InputError: the answers seem to be copied.
    """
    truth = secret.answers.to_numpy()
    value = probability.loc[secret.answers.index].to_numpy()
    random, size = np.random.default_rng(0), len(truth)
    weights = (np.bincount(random.integers(size, size=size), minlength=size) for _ in range(DRAWS))
    draws = np.nan_to_num([auc(truth, value, weight) for weight in weights], nan=0.5)
    score = auc(truth, value)
    low, high = np.quantile(draws, [0.025, 0.975])
    if low > secret.too_good:
        raise InputError(
            f"The AUC is above {secret.too_good:.2f}, which no honest model reaches here: the "
            "outcome is partly chance. The labels seem to be copied; talk to the organisers."
        )
    return {"score": score, "low": low, "high": high, "draws": draws.round(5).tolist(), "said": ""}


def score_cohort(cohort: Patients, secret: Secret, seed: int = 0) -> dict[str, Any]:
    """Return points from 0 to 100: half for realism, half for utility.

    A measure gives its full share at the floor (other real patients do no better) and none at its
    worst bad copy, or ten times as far from its best as the floor, whichever is further. Half of
    the held patients are what the cohort is compared with; the other half make the floor.

    The interval is a grouped jackknife, as in ``hgteach.evaluate``. Each team's draws mix its
    parts with the same weights, and in each part the same held patients are left out: what these
    do to all teams alike cancels in a comparison.

    Raises:
        InputError: the cohort lies below the privacy floor.
    """
    training, held, test = secret.cohorts
    refuse(privacy_floor(training, cohort, held, test, seed))
    random = np.random.default_rng(seed)
    real, other = held.halves(random)
    measures = [measure for measure in all_measures() if measure.name in JUDGED]
    cohorts = Cohorts(real, cohort, other, None, (), {})
    table = judge(cohorts, seed, measures=measures, progress=False)
    rows = {row["measure"]: row for row in table.to_dict("records")}
    score = _points(rows, {name: row["score"] for name, row in rows.items()})
    fold, folds = (random.permutation(np.arange(len(g)) % GROUPS) for g in (real, cohort))
    with threadpool_limits(1):
        parts = [
            _points(rows, _scores(measures, Task(
                real.take(fold != k), cohort.take(folds != k), other, seed)))
            for k in range(GROUPS)
        ]  # fmt: skip
    parts = np.array(parts) - np.mean(parts)
    reach = np.sqrt((parts**2).mean() * (GROUPS - 1)) * student_t.ppf(0.975, GROUPS - 1)
    shared = np.random.default_rng(0)
    weights = shared.standard_normal((DRAWS, GROUPS))
    weights /= np.sqrt(shared.chisquare(GROUPS - 1, (DRAWS, 1)) / (GROUPS - 1))
    draws = score + weights @ parts * np.sqrt((GROUPS - 1) / GROUPS)
    real_like = rows["detection of patients"]["verdict"].startswith("near the floor")
    return {
        "score": score,
        "low": max(float(score - reach), 0.0),
        "high": min(float(score + reach), 100.0),
        "draws": draws.round(3).tolist(),
        "said": "Cannot be told from new patients of the simulation. Organisers: ask for the code "
        "before the prize; the simulator itself is no submission." if real_like else "",
    }


def _scores(measures: list[Measure], task: Task) -> dict[str, float]:
    """Take every measure; NaN where it cannot be taken."""
    found = {}
    for measure in measures:
        try:
            found[measure.name] = float(measure.score(task))
        except (InputError, ValueError, ArithmeticError):
            found[measure.name] = np.nan
    return found


def _points(rows: Mapping[str, Mapping[str, Any]], scores: Mapping[str, float]) -> float:
    """Return the points of some scores, given the floors and bad copies in ``rows``."""
    points: dict[str, list[float]] = {}
    for name, row in rows.items():
        best, floor = row["best"], abs(row["floor"] - row["best"])
        copies = [abs(row[copy] - best) for copy in FAILING[row["family"]]]
        reach = max(abs(row[end] - best) for end in ("lowest", "highest"))
        worst = min(np.nanmax([*copies, FAR * floor]), reach)
        way = (abs(scores[name] - best) - floor) / max(worst - floor, 1e-9)
        won = 0.0 if np.isnan(way) else float(np.clip(1 - way, 0, 1))
        points.setdefault(row["family"], []).append(won)
    return 100 * float(np.mean([np.mean(won) for won in points.values()]))
