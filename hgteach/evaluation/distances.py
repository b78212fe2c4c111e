"""How near synthetic patients come to the patients that they were learnt from.

Distances alone prove nothing. A copy that lies far from everybody may still give its patients
away (``hgteach.evaluation.membership`` shows one), and two real patients may be near each other
by chance. So each distance here is held against the same distance to a *holdout*: real patients
whom the generator never saw. A small one is then a reason for alarm; a large one is no comfort.
See Yao et al. 2025, The DCR Delusion, arXiv 2505.01524.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients, scaled
from hgteach.schema import Schema

BLOCK = 4_000_000  # distances that are in memory at once
ROWS = 2_000  # of the real rows, as many at most look for their nearest synthetic one


def features(patients: Patients, like: Patients, timesteps: int | None = None) -> np.ndarray:
    """Return what distances are measured in, float32 ``(P, T, F)``.

    A number is taken as in ``scaled``, in standard deviations of ``like`` from its mean. Each
    level is a channel, so high that two rows with different levels are 1 apart. An empty cell is
    the mean, or no level.
    """
    timesteps = timesteps or patients.timesteps
    channels = []
    for column in patients.schema.columns:
        if column.kind == "real":
            known = scaled(like, column.name)
            spread = np.nanstd(known) or 1.0
            cells = np.nan_to_num((scaled(patients, column.name) - np.nanmean(known)) / spread)
            channels.append(cells[:, :, None])
        else:
            ladder = np.append(np.eye(len(column.levels)), [[0.0] * len(column.levels)], axis=0)
            assert EMPTY == -1  # so an empty cell picks the last rung, where all are 0
            channels.append(ladder[patients[column.name]] / np.sqrt(2))
    found = np.concatenate(channels, axis=2, dtype=np.float32)  # (P, T, F)
    return np.pad(found, ((0, 0), (0, timesteps - found.shape[1]), (0, 0)))


def courses(*cohorts: Patients, like: Patients) -> list[np.ndarray]:
    """Return each cohort's whole patients as vectors, ``(P, T * F)``.

    The distance of two patients is then the root mean square, over the months, of the distance of
    their rows.
    """
    timesteps = max(cohort.timesteps for cohort in cohorts)
    found = (features(cohort, like, timesteps) for cohort in cohorts)
    return [f.reshape(len(f), -1) / timesteps**0.5 for f in found]  # (P, T * F), still float32


def nearest(
    queries: np.ndarray, points: np.ndarray | None = None, neighbours: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances to, and positions of, the nearest points, ``(Q, neighbours)`` each.

    Without points, each query looks among the other queries. The search multiplies matrices in
    float32, which is twice as fast here as scikit-learn's in float64 but leaves a hair's breadth
    between equal vectors; so the distances of those found are then taken by subtraction.
    """
    others = queries if points is None else points
    half, positions = (others**2).sum(axis=1) / 2, []
    block = max(1, BLOCK // len(others))
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        apart = half - part @ others.T  # half the squared distance, less the query's own length
        if points is None:
            own = np.arange(len(part))
            apart[own, start + own] = np.inf
        if neighbours == 1:
            positions.append(apart.argmin(axis=1)[:, None])
        else:
            positions.append(np.argpartition(apart, neighbours - 1, axis=1)[:, :neighbours])
    where = np.concatenate(positions)  # (Q, neighbours)
    far = [np.linalg.norm(queries - others[column], axis=1) for column in where.T]
    far = np.stack(far, axis=1)
    order = far.argsort(axis=1, kind="stable")
    return np.take_along_axis(far, order, 1), np.take_along_axis(where, order, 1)


def closest(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    holdout: pd.DataFrame | Patients,
    schema: Schema,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how far each synthetic patient is from the nearest real and holdout patients.

    Equally many real and holdout patients are looked at, or the larger group would win by
    chance. Distances are those of ``courses``, in standard deviations.

    Returns:
        One row a synthetic patient: ``to real`` and ``to holdout`` (distance to the closest
        record, DCR, from 0 up), ``ratio to real`` and ``ratio to holdout`` (over the distance to
        the second nearest, NNDR, 0 to 1: near 0 means that one patient stands out as the source),
        and ``nearest real`` and ``nearest holdout``, who they are.
    """
    real, synthetic, holdout = (Patients.of(t, schema) for t in (real, synthetic, holdout))
    real, holdout = _equal(real, holdout, seed=seed)
    if len(real) < 2:
        raise NotMeasured("Distances need at least two real and two holdout patients.")
    made, *groups = courses(synthetic, real, holdout, like=real)
    found = {}
    for name, group in zip(("real", "holdout"), groups, strict=True):
        far, who = nearest(made, group, 2)
        found[f"to {name}"], found[f"nearest {name}"] = far[:, 0], who[:, 0]
        found[f"ratio to {name}"] = _ratio(far[:, 0], far[:, 1])
    return pd.DataFrame(found)


def closeness(closest: pd.DataFrame) -> pd.DataFrame:
    """Sum up what :func:`closest` found, with 95 % intervals.

    Two synthetic patients with the same nearest patient tell the same story, so the interval of
    the share counts stories (a cluster-robust normal interval), not patients.

    Returns:
        The rows ``closer to real`` (share of synthetic patients nearer to a training patient than
        to any of the holdout, ties half; 0.5 if nothing leaks, 1 at worst) and ``ratio lost``
        (median NNDR to the holdout less that to the training patients; 0 if nothing leaks, 1 at
        worst), with ``value``, ``low`` and ``high``; the ratio has no interval.
    """
    gap = closest["to holdout"] - closest["to real"]
    wins = (np.sign(gap) + 1) / 2
    whose = closest["nearest real"].where(gap > 0, -1 - closest["nearest holdout"])
    stories = (wins - wins.mean()).groupby(whose).sum()
    reach = 1.96 * np.sqrt((stories**2).sum()) / len(wins)
    lost = closest["ratio to holdout"].median() - closest["ratio to real"].median()
    share = wins.mean()
    rows = [(share, max(share - reach, 0.0), min(share + reach, 1.0)), (lost, np.nan, np.nan)]
    return pd.DataFrame(rows, ["closer to real", "ratio lost"], ["value", "low", "high"])


def closest_rows(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    schema: Schema,
    *,
    holdout: pd.DataFrame | Patients | None = None,
    rows: int = ROWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how far single real rows are from the nearest of all synthetic rows.

    This is the series' test of "membership": the smallest Euclidean distance in transformed
    space should be above 0 (Kuo et al. 2022; there 10,000 real rows). The name promises more than
    it holds: above 0 can still be much nearer than to a stranger. Hence, with a holdout, a second
    column: the same distances for rows of people whom the generator never saw.

    Returns:
        ``rows`` random rows, or all if there are fewer: the distances of ``real`` rows, and with
        a holdout those of as many ``holdout`` rows, in standard deviations.
    """
    real, synthetic = Patients.of(real, schema), Patients.of(synthetic, schema)
    asked, random, found = {"real": real}, np.random.default_rng(seed), {}
    if holdout is not None:
        asked["holdout"] = Patients.of(holdout, schema)
    rows = min(rows, *(int(group.lengths.sum()) for group in asked.values()))
    given = features(synthetic, real)[synthetic.present]  # (rows, F)
    for name, group in asked.items():
        points = features(group, real)[group.present]
        points = points[random.choice(len(points), rows, replace=False)]
        found[name] = nearest(points, given)[0][:, 0]
    return pd.DataFrame(found)


def exact_copies(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    schema: Schema,
    *,
    holdout: pd.DataFrame | Patients | None = None,
) -> pd.DataFrame:
    """Return the share of rows, and of whole patients, that are identical to a real one.

    Numbers are compared in float32. Two different real people share a row now and then: hence
    the same share for the holdout.

    Returns:
        Rows ``rows`` and ``patients``; columns ``synthetic`` and ``holdout`` (NaN without one).
    """
    found = {}
    known = _fingerprints(Patients.of(real, schema))
    for name, group in (("synthetic", synthetic), ("holdout", holdout)):
        if group is None:
            found[name] = [np.nan, np.nan]
            continue
        own = _fingerprints(Patients.of(group, schema))
        found[name] = [float(np.isin(a, b).mean()) for a, b in zip(own, known, strict=True)]
    return pd.DataFrame(found, ["rows", "patients"])


def adversarial_accuracy(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    holdout: pd.DataFrame | Patients,
    schema: Schema,
    *,
    seed: int = 0,
) -> pd.Series:
    """Return how well one nearest neighbour tells synthetic patients from real ones.

    Accuracy is 0.5 where the two are alike, near 1 where they lie apart, and near 0 where each
    synthetic patient sits on a real one. ``privacy loss`` is the accuracy against the holdout
    less that against the training patients: 0 if nothing leaks, above it otherwise. All three
    groups are cut to one size. Source: Yale et al. 2020, Neurocomputing 416, 244-255.
    """
    groups = (Patients.of(table, schema) for table in (real, synthetic, holdout))
    real, synthetic, holdout = _equal(*groups, seed=seed)
    if len(real) < 2:
        raise NotMeasured("Adversarial accuracy needs at least two patients of each kind.")
    made, *others = courses(synthetic, real, holdout, like=real)
    inside, found = nearest(made)[0], {}
    for name, group in zip(("real", "holdout"), others, strict=True):
        right = (nearest(made, group)[0] > inside).mean()
        right += (nearest(group, made)[0] > nearest(group)[0]).mean()
        found[name] = right / 2
    return pd.Series(found | {"privacy loss": found["holdout"] - found["real"]})


def needs_holdout(task: Task) -> Patients:
    """Return the holdout, or say why nothing can be measured without it."""
    if task.holdout is None:
        raise NotMeasured(
            "This needs a holdout: real patients whom the generator never saw, to compare with."
        )
    return task.holdout


def _equal(*groups: Patients, seed: int) -> list[Patients]:
    """Cut all groups to the size of the smallest, at random."""
    random, size = np.random.default_rng(seed), min(map(len, groups))
    return [group.sample(size, random) for group in groups]


def _ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return first over second; two of 0 are equally near."""
    return np.divide(first, second, out=np.ones_like(first), where=second > 0)


def _fingerprints(patients: Patients) -> tuple[np.ndarray, np.ndarray]:
    """Return one number for each row, and one for each patient, equal where all values are."""
    cells = pd.DataFrame(
        {name: patients[name].astype(np.float32).ravel() for name in patients.schema.names}
    )
    by_row = pd.util.hash_pandas_object(cells, index=False).to_numpy()
    by_row = by_row.reshape(patients.present.shape)  # (P, T)
    whole = pd.DataFrame(np.where(patients.present, by_row, 0))
    return by_row[patients.present], pd.util.hash_pandas_object(whole, index=False).to_numpy()


@lru_cache(maxsize=4)
def _closeness(task: Task) -> pd.DataFrame:
    found = closest(
        task.real, task.synthetic, needs_holdout(task), task.real.schema, seed=task.seed
    )
    return closeness(found)


def _privacy_loss(task: Task) -> float:
    groups = task.real, task.synthetic, needs_holdout(task)
    return adversarial_accuracy(*groups, task.real.schema, seed=task.seed)["privacy loss"]


def _copied_rows(task: Task) -> float:
    found = exact_copies(
        task.real, task.synthetic, task.real.schema, holdout=needs_holdout(task)
    ).loc["rows"]
    return found["synthetic"] - found["holdout"]


MEASURES = (
    Measure(
        "whole patients copied", "safety",
        "Share of synthetic patients whose whole course is, value for value, a real patient's.",
        0, 1, 0, "exact match",
        lambda task: exact_copies(task.real, task.synthetic, task.real.schema).loc[
            "patients", "synthetic"],
    ),
    Measure(
        "rows copied, above chance", "safety",
        "Share of synthetic rows that are identical to a real row, less that of the holdout's.",
        -1, 1, 0, "exact match", _copied_rows,
    ),
    Measure(
        "closer to training than to holdout", "safety",
        "Share of synthetic patients whose nearest real patient is one of those that the "
        "generator learnt from, and not of as many whom it never saw. It sees near copies of "
        "whole patients only: 0.5 does not prove that a copy is safe.",
        0, 1, 0.5, "distance to closest record with a holdout; critique: arXiv 2505.01524",
        lambda task: _closeness(task).loc["closer to real", "value"], dear=True,
    ),
    Measure(
        "neighbour ratio lost", "safety",
        "Median ratio of the distances to the nearest and the second nearest patient, among the "
        "holdout less among the training patients. High where one training patient stands out.",
        -1, 1, 0, "nearest-neighbour distance ratio with a holdout",
        lambda task: _closeness(task).loc["ratio lost", "value"], dear=True,
    ),
    Measure(
        "adversarial accuracy, privacy loss", "safety",
        "How much better a nearest neighbour tells synthetic patients from the holdout than from "
        "the training patients.",
        -1, 1, 0, "Yale et al. 2020, Neurocomputing 416", _privacy_loss, dear=True,
    ),
)  # fmt: skip
