"""Is everybody there? Levels, groups of people, and the range of courses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances
from threadpoolctl import threadpool_limits

from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import Patients
from hgteach.evaluation.summaries import channels, patient_summaries
from hgteach.schema import Schema

Table = pd.DataFrame | Patients
CLUSTERS, ROWS = 20, 10_000  # rows of each table that are clustered
NEIGHBOURS = 5
LEAST = 0.01  # a group of at least this share of the real patients counts as lost, if of them ...
LEFT = 0.1  # ... less than this part is left
LOWEST_LOG = -20.0  # where log(0) would be


def category_coverage(real: Table, synthetic: Table, schema: Schema) -> pd.DataFrame:
    """Count the levels of each column that occur in real rows, and those that synthetic rows have.

    Returns:
        One row a column of levels: ``column``, ``real``, ``kept``, ``missing`` (names).

    Raises:
        NotMeasured: no column has levels.
    """
    if not schema.categorical:
        raise NotMeasured("No column has levels.")
    groups, rows = (Patients.of(real, schema), Patients.of(synthetic, schema)), []
    for name in schema.categorical:
        levels = np.array(schema[name].levels)
        seen = [np.bincount(p[name].ravel() + 1, minlength=len(levels) + 1)[1:] > 0 for p in groups]
        rows.append((name, seen[0].sum(), (seen[0] & seen[1]).sum(),
                     ", ".join(levels[seen[0] & ~seen[1]])))  # fmt: skip
    return pd.DataFrame(rows, columns=["column", "real", "kept", "missing"])


def subgroups(real: Table, synthetic: Table, schema: Schema) -> pd.DataFrame:
    """Compare how many patients belong to each group by all static columns of levels together.

    A patient belongs where the first row says. A group is *lost* when it is at least 1 % of the
    real patients and its synthetic share is less than a tenth of its real one.

    Returns:
        One row a group that either table has, indexed by the static columns: ``real`` and
        ``synthetic`` shares, ``ratio`` (synthetic over real, 1 is best), ``lost``.

    Raises:
        NotMeasured: no static column has levels.
    """
    names = [name for name in schema.static if schema[name].levels]
    if not names:
        raise NotMeasured("No static column has levels, so there are no groups of patients.")
    shares = []
    for table in (real, synthetic):
        patients = Patients.of(table, schema)
        first = {n: pd.Categorical.from_codes(patients[n][:, 0], list(schema[n].levels))
                 for n in names}  # fmt: skip
        shares.append(pd.DataFrame(first).value_counts(normalize=True, sort=False))
    found = pd.concat(shares, axis=1, keys=["real", "synthetic"]).fillna(0.0)
    found = found[found.any(axis=1)].sort_index()
    found["ratio"] = found["synthetic"] / found["real"].where(found["real"] > 0)
    found["lost"] = (found["real"] >= LEAST) & (found["synthetic"] < LEFT * found["real"])
    return found


def log_cluster(
    real: Table,
    synthetic: Table,
    schema: Schema,
    *,
    clusters: int = CLUSTERS,
    rows: int = ROWS,
    seed: int = 0,
) -> float:
    """Return the log-cluster measure U_c, from −20 (cut off there) up to 0; lower is better.

    Rows of both tables are clustered together by k-means; in a cluster, the share of real rows
    should be as everywhere. U_c is the logarithm of the mean squared difference (Goncalves et al.
    2020, doi 10.1186/s12874-020-00977-1). Numbers (amounts as logarithms) and 0/1 channels a
    level are brought to equal spread. At most ``rows`` rows of each table are drawn.
    """
    random, drawn = np.random.default_rng(seed), []
    for table in (real, synthetic):
        patients = Patients.of(table, schema)
        values = channels(patients)[0][:, patients.present].T  # (rows, C)
        chosen = random.permutation(len(values))[:rows]
        drawn.append(values[chosen])
    both = np.concatenate(drawn)
    both = _standardised(both, both)
    count = min(clusters, len(np.unique(both[:: max(1, len(both) // 1000)], axis=0)))
    with threadpool_limits(1):  # so small a task is slower on more
        means = KMeans(count, n_init=1, max_iter=30, random_state=seed).fit(both)
    is_real = np.arange(len(both)) < len(drawn[0])
    size = np.bincount(means.labels_, minlength=count)
    share = np.bincount(means.labels_[is_real], minlength=count) / np.maximum(size, 1)
    imbalance = ((share - is_real.mean()) ** 2)[size > 0].mean()
    return float(max(np.log(max(imbalance, 1e-300)), LOWEST_LOG))


def density_coverage(
    real: Table, synthetic: Table, schema: Schema, *, neighbours: int = NEIGHBOURS
) -> dict[str, float]:
    """Return density and coverage of the patients' summaries (Naeem et al. 2020, arXiv 2002.09797).

    Around each real patient lies a ball that reaches to the fifth nearest real patient.
    *Coverage* is the share of balls with a synthetic patient in it, from 0 to 1: is everybody
    there? *Density* is the mean number of balls that a synthetic patient lies in, over 5: about 1
    where the synthetic lie as close as real ones, 0 for strange patients, above 1 for ones that
    are too typical.
    """
    groups = Patients.of(real, schema), Patients.of(synthetic, schema)
    one, other = map(patient_summaries, groups)  # (P, S), (Q, S)
    one, other = _standardised(one, one), _standardised(other, one)
    k = min(neighbours, len(one) - 1)
    if k < 1:
        raise NotMeasured("One real patient has no neighbours.")
    radius = np.partition(pairwise_distances(one), k, axis=1)[:, k]  # (P,); nearest: oneself
    inside = pairwise_distances(one, other) <= radius[:, None]  # (P, Q)
    return {
        "density": float(inside.sum() / (k * len(other))),
        "coverage": float(inside.any(axis=1).mean()),
    }


def _standardised(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Bring each column to the reference's mean 0 and spread 1; NaN becomes its mean."""
    count = np.maximum((~np.isnan(reference)).sum(axis=0), 1)
    mean = np.nansum(reference, axis=0) / count
    spread = np.sqrt(np.nansum((reference - mean) ** 2, axis=0) / count)
    return np.nan_to_num((values - mean) / np.where(spread > 1e-9, spread, 1.0))


def _categories(task: Task) -> float:
    table = category_coverage(task.real, task.synthetic, task.real.schema)
    return table["kept"].sum() / table["real"].sum()


def _groups(column: str):
    def score(task: Task) -> float:
        table = subgroups(task.real, task.synthetic, task.real.schema)
        if column == "lost":
            return table["lost"].sum() / max((table["real"] >= LEAST).sum(), 1)
        return (table["real"] - table["synthetic"]).abs().sum() / 2

    return score


def _cluster(task: Task) -> float:
    return log_cluster(task.real, task.synthetic, task.real.schema, seed=task.seed)


def _coverage(task: Task) -> float:
    return density_coverage(task.real, task.synthetic, task.real.schema)["coverage"]


MEASURES = (
    Measure(
        "levels kept",
        "realism",
        "Share of all levels that occur in real rows which occur in synthetic rows as well.",
        0.0,
        1.0,
        1.0,
        "CAT of Goncalves et al. 2020, doi 10.1186/s12874-020-00977-1",
        _categories,
    ),
    Measure(
        "patients in the wrong group",
        "realism",
        "Total variation between the shares of the groups by all static columns together: how "
        "many synthetic patients would have to change groups.",
        0.0,
        1.0,
        0.0,
        "this course, after Kuo, Health Gym AI, Implementation 18",
        _groups("wrong"),
    ),
    Measure(
        "groups lost",
        "realism",
        "Of the groups by all static columns together that are at least 1 % of the real patients, "
        "the share of which less than a tenth is left.",
        0.0,
        1.0,
        0.0,
        "this course, after Kuo, Health Gym AI, Implementation 18",
        _groups("lost"),
    ),
    Measure(
        "log-cluster",
        "realism",
        f"Rows of both tables are put into {CLUSTERS} clusters; logarithm of the mean squared "
        f"difference between a cluster's share of real rows and the overall one. {ROWS:,} rows a "
        "table are drawn.",
        LOWEST_LOG,
        0.0,
        LOWEST_LOG,
        "Goncalves et al. 2020, doi 10.1186/s12874-020-00977-1",
        _cluster,
        dear=True,
    ),
    Measure(
        "coverage of patients",
        "realism",
        "Share of real patients who have a synthetic one no further away than their fifth nearest "
        "real one, by the summaries of their courses.",
        0.0,
        1.0,
        1.0,
        "Naeem et al. 2020, arXiv 2002.09797",
        _coverage,
        dear=True,
    ),
)
