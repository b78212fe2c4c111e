"""Can a risk model be trained on the copy? Trained here, tested there, with boosted trees."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from hgteach.evaluation.goals import AHEAD, Goal, goals_of
from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import Patients, scaled
from hgteach.schema import Schema

LOOKS = 10  # at each patient, at most
SETTINGS = {"TRTR": ("real", "real"), "TSTR": ("synthetic", "real"), "TRTS": ("real", "synthetic")}


def prediction(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    schema: Schema,
    *,
    holdout: pd.DataFrame | Patients | None = None,
    ahead: int | None = None,
    seed: int = 0,
    resamples: int = 200,
) -> pd.DataFrame:
    """Train boosted trees on one cohort, foresee each goal ``ahead`` rows on in another.

    TRTR trains on real and tests on real patients: what the real data can teach. TSTR trains on
    synthetic and tests on real ones (Esteban et al. 2017, arXiv 1706.02633), TRTS the other way
    round. Trained and tested patients are always different people: real patients train and the
    holdout tests, or without a holdout one half of the real ones trains and the other tests.
    Without one, a copy that repeats real patients is flattered. All training groups are equally
    large.

    Args:
        real, synthetic, holdout: labelled tables or patients of one schema.
        schema: what the columns are.
        ahead: rows between what is known and what is foreseen; by default the goal's own (6 for
            HIV, 1 for a vasopressor), or half a record.
        seed: fixes the split, the trees and the resampling.
        resamples: bootstrap samples of tested patients behind each interval.

    Returns:
        One row a goal and setting: ``goal``, ``setting``, ``AUC`` (0 to 1; 0.5 is a coin, higher
        is better) with its 95 % interval ``low`` to ``high``, ``patients`` tested, and ``share``,
        how often they reach the goal. NaN where all tested outcomes are alike.

    Raises:
        NotMeasured: the records are too short, or nothing changes that could be foreseen.
    """
    real, synthetic = Patients.of(real, schema), Patients.of(synthetic, schema)
    random = np.random.default_rng(seed)
    if holdout is None:
        train, test = real.halves(random)
    else:
        train, test = real, Patients.of(holdout, schema)
    size = min(len(train), len(synthetic))
    train, synthetic = train.sample(size, random), synthetic.sample(size, random)
    shortest = min(cohort.timesteps for cohort in (train, test, synthetic))

    rows = []
    for goal in goals_of(real):
        rows_on = ahead or min(goal.ahead, shortest // 2)
        if not 0 < rows_on < shortest:
            raise NotMeasured(f"A record of {shortest} rows is too short to foresee anything.")
        known = {
            who: _known_and_later(cohort, goal, rows_on)
            for who, cohort in (("train", train), ("test", test), ("synthetic", synthetic))
        }
        for who, (_, truth, _) in known.items():
            if len(truth) == 0:
                raise NotMeasured(f"No {who} row says whether {goal.name} is reached later.")
        scores = {who: _trained(*known[who][:2], seed) for who in ("train", "synthetic")}
        for setting, (by, on) in SETTINGS.items():
            model = scores["train" if by == "real" else "synthetic"]
            x, truth, who = known["test" if on == "real" else "synthetic"]
            found = _auc_with_interval(truth, model(x), who, random, resamples)
            row = dict(zip(("AUC", "low", "high"), found, strict=True))
            share = truth.mean() if len(truth) else np.nan
            rows.append(
                {"goal": goal.name, "setting": setting, **row}
                | {"patients": len(np.unique(who)), "share": share}
            )
    return pd.DataFrame(rows)


def past(patients: Patients, ahead: int = AHEAD) -> np.ndarray:
    """Summarise each month and what came before it, ``(P, T, features)``.

    The month; of each number the value, its mean and spread so far, and the change over the last
    ``ahead`` rows; of each level its code and, where it may change, how long it has lasted.
    """
    months = np.broadcast_to(np.arange(patients.timesteps), patients.present.shape)  # (P, T)
    features = [months]
    for column in patients.schema.columns:
        if column.kind == "real":
            now = scaled(patients, column.name)  # (P, T)
            there = ~np.isnan(now)
            count = np.maximum(there.cumsum(1), 1)
            mean = np.where(there, now, 0).cumsum(1) / count
            square = np.where(there, now, 0) ** 2
            spread = np.sqrt(np.maximum(square.cumsum(1) / count - mean**2, 0))
            change = np.full(now.shape, np.nan)
            change[:, ahead:] = now[:, ahead:] - now[:, :-ahead]
            features += [now, mean, spread, change]
        else:
            codes = patients[column.name]
            features.append(codes)
            if not column.static:
                changed = np.diff(codes, axis=1, prepend=codes[:, :1]) != 0
                features.append(months - np.maximum.accumulate(np.where(changed, months, 0), 1))
    return np.stack(features, axis=-1, dtype=np.float32, casting="unsafe")  # (P, T, features)


def auc(truth: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return how often a reached goal scores above one not reached, ties counting half.

    Args:
        truth: 1 or 0, ``(N,)``.
        score: any number, higher for a likelier 1, ``(N,)``.
        weight: how often each row counts, ``(N,)``.

    Returns:
        0 to 1, or NaN where all truths are alike.
    """
    weight = np.ones(len(truth)) if weight is None else weight
    distinct, place = np.unique(score, return_inverse=True)
    yes, no = (np.bincount(place, weight * w, len(distinct)) for w in (truth, 1 - truth))
    pairs = yes.sum() * no.sum()
    return float((yes * (no.cumsum() - no / 2)).sum() / pairs) if pairs else float("nan")


def _known_and_later(
    patients: Patients, goal: Goal, ahead: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features ``(N, features)``, truths ``(N,)`` and patients ``(N,)``.

    Looks lie ``ahead`` rows apart, so that no outcome is foreseen twice, or further.
    """
    apart = max(ahead, -(-patients.timesteps // LOOKS))
    looks = np.arange(0, patients.timesteps - ahead, apart)  # (L,)
    later = goal.reached(patients)[:, looks + ahead]  # (P, L)
    who, look = np.nonzero(~np.isnan(later) & patients.present[:, looks])
    return past(patients, ahead)[:, looks][who, look], later[who, look], who


def _trained(
    x: np.ndarray, truth: np.ndarray, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from features to scores; a constant where there is nothing to learn."""
    if len(np.unique(truth)) < 2:
        return lambda other: np.zeros(len(other))
    trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=seed)
    known = ~np.isnan(x).all(axis=0)  # the trees refuse a column in which everything is missing
    with threadpool_limits(1):  # on busy cores, threads that wait for each other cost a minute
        trees.fit(x[:, known], truth)
    return lambda other: trees.predict_proba(other[:, known])[:, 1]


def _auc_with_interval(
    truth: np.ndarray,
    score: np.ndarray,
    who: np.ndarray,
    random: np.random.Generator,
    resamples: int,
) -> tuple[float, float, float]:
    """Return the AUC and its 95 % interval: patients are drawn again, not rows."""
    _, who = np.unique(who, return_inverse=True)
    people = who.max(initial=-1) + 1
    _, score = np.unique(score, return_inverse=True)
    draws = [
        auc(truth, score, np.bincount(random.integers(people, size=people), minlength=people)[who])
        for _ in range(resamples if people else 0)
    ]
    draws = np.array(draws)[~np.isnan(draws)] if draws else np.empty(0)
    low, high = np.quantile(draws, [0.025, 0.975]) if len(draws) else (np.nan, np.nan)
    return auc(truth, score), float(low), float(high)


@lru_cache(maxsize=1)
def _aucs(task: Task) -> pd.DataFrame:
    """Return AUCs, goals by settings; both scores below read them."""
    table = prediction(
        task.real,
        task.synthetic,
        task.real.schema,
        holdout=task.holdout,
        seed=task.seed,
        resamples=0,
    )
    table = table.set_index(["goal", "setting"])["AUC"].unstack().dropna()  # noqa: PD010
    if table.empty:
        raise NotMeasured("In one of the tables the outcomes to foresee are all alike.")
    return table


def _lost(task: Task) -> float:
    table = _aucs(task)
    return float((table["TRTR"] - table["TSTR"]).mean())


def _moved(task: Task) -> float:
    table = _aucs(task)
    return float((table["TRTR"] - table["TRTS"]).abs().mean())


MEASURES = (
    Measure(
        "prediction lost (TSTR)",
        "utility",
        "How much AUC is lost, foreseeing some rows ahead whether a goal ({goals}) is reached, in "
        "real patients, when boosted trees learn from synthetic instead of real ones.",
        lowest=-1.0,
        highest=1.0,
        best=0.0,
        source="Esteban, Hyland and Rätsch 2017, arXiv 1706.02633",
        score=_lost,
        dear=True,
    ),
    Measure(
        "prediction on the copy (TRTS)",
        "utility",
        "How far the AUC of trees trained on real patients moves, up or down, when they are "
        "tested on synthetic instead of real ones.",
        lowest=0.0,
        highest=1.0,
        best=0.0,
        source="Esteban, Hyland and Rätsch 2017, arXiv 1706.02633",
        score=_moved,
        dear=True,
    ),
)
