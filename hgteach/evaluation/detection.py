"""Can a classifier tell synthetic patients from real ones?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import Patients, scaled
from hgteach.evaluation.summaries import patient_summaries
from hgteach.schema import Schema

Table = pd.DataFrame | Patients
FOLDS, TREES = 3, 60
WINDOW, WINDOWS = 3, 4  # rows in a window, windows a patient


def detect_patients(real: Table, synthetic: Table, schema: Schema, *, seed: int = 0) -> float:
    """Return how well boosted trees tell the summaries of whole courses apart, as an AUC.

    0.5 is a coin and best; 1 tells every patient. Values below 0.5 are chance. The classifier is
    tested on patients that it was not trained on, in three folds; patients whose records are the
    same are in the same fold, so a copy that repeats real patients gains nothing by it.
    """
    groups = [Patients.of(table, schema) for table in (real, synthetic)]
    x = np.concatenate([patient_summaries(patients) for patients in groups])  # (P + Q, S)
    who = np.arange(len(x))
    return _auc(x, who, _labels(groups), _folds(x, seed), seed)


def detect_windows(real: Table, synthetic: Table, schema: Schema, *, seed: int = 0) -> float:
    """Return how well boosted trees tell short stretches of time apart, as an AUC of patients.

    Four stretches of three neighbouring rows are drawn from each patient; a patient's score is
    the mean of theirs. It sees what summaries do not: how columns go together within a month, and
    steps from month to month. Range and folds as in :func:`detect_patients`.

    Raises:
        NotMeasured: no patient has three rows.
    """
    random = np.random.default_rng(seed)
    groups = [Patients.of(table, schema) for table in (real, synthetic)]
    groups = [patients.take(patients.lengths >= WINDOW) for patients in groups]
    if not all(map(len, groups)):
        raise NotMeasured(f"No patient of one table has {WINDOW} rows.")
    x, who, before = [], [], 0
    for patients in groups:
        values = np.stack(
            [scaled(patients, c.name) if c.kind == "real" else patients[c.name].astype(float)
             for c in schema.columns], axis=2)  # (P, T, F)  # fmt: skip
        whom = np.repeat(np.arange(len(patients)), WINDOWS)  # (P * WINDOWS,)
        start = random.integers(0, patients.lengths[whom] - WINDOW + 1)
        cells = values[whom[:, None], start[:, None] + np.arange(WINDOW)]  # (windows, WINDOW, F)
        x.append(cells.reshape(len(cells), -1))  # (windows, WINDOW * F)
        who.append(before + whom)
        before += len(patients)
    whole = np.concatenate([patient_summaries(patients) for patients in groups])
    return _auc(np.concatenate(x), np.concatenate(who), _labels(groups), _folds(whole, seed), seed)


def _labels(groups: list[Patients]) -> np.ndarray:
    return np.repeat([0, 1], [len(patients) for patients in groups])  # (P + Q,)


def _folds(summaries: np.ndarray, seed: int) -> np.ndarray:
    """Return each patient's fold; patients with the same summaries share one."""
    _, same = np.unique(summaries, axis=0, return_inverse=True)
    return np.random.default_rng(seed).permutation(same.max() + 1)[same.ravel()] % FOLDS


def _auc(x: np.ndarray, who: np.ndarray, labels: np.ndarray, folds: np.ndarray, seed: int) -> float:
    """Return the mean AUC of the folds; row ``i`` of ``x`` belongs to patient ``who[i]``."""
    if min(np.bincount(labels, minlength=2)) < 2 * FOLDS:
        raise NotMeasured(f"A classifier needs at least {2 * FOLDS} patients of each kind.")
    areas = []
    for fold in range(FOLDS):
        test = folds[who] == fold
        if any(len(np.unique(labels[who][part])) < 2 for part in (test, ~test)):
            raise NotMeasured("Too few patients differ from each other to train and test on.")
        held = ~np.isnan(x[~test]).all(axis=0)  # the trees cannot read a column that is all empty
        trees = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=15, early_stopping=False, random_state=seed
        )
        trees.fit(x[~test][:, held], labels[who][~test])
        odds = trees.decision_function(x[test][:, held])  # log odds of each row
        tested, whose = np.unique(who[test], return_inverse=True)
        areas.append(roc_auc_score(labels[tested], np.bincount(whose, odds) / np.bincount(whose)))
    return float(np.mean(areas))


def _score(detect: Callable[..., float]) -> Callable[[Task], float]:
    def score(task: Task) -> float:
        found = detect(task.real, task.synthetic, task.real.schema, seed=task.seed)
        return max(found, 0.5)  # below a coin is chance, and no better than a coin

    return score


MEASURES = (
    Measure(
        "detection of patients",
        "realism",
        "How well boosted trees tell real from synthetic patients by the summaries of their "
        "courses, on patients that they were not trained on: area under the ROC curve.",
        0.5,
        1.0,
        0.5,
        "after Lopez-Paz & Oquab 2017, arXiv 1610.06545",
        _score(detect_patients),
        dear=True,
    ),
    Measure(
        "detection of stretches",
        "realism",
        "How well boosted trees tell real from synthetic stretches of three neighbouring rows, "
        "four a patient, of patients that they were not trained on: area under the ROC curve.",
        0.5,
        1.0,
        0.5,
        "after the discriminative score of Yoon et al. 2019 (TimeGAN)",
        _score(detect_windows),
        dear=True,
    ),
)
