"""Attribute inference: what can somebody who knows a little about a person learn from the copy?

The attacker knows a person's static columns and first months, looks for the most similar synthetic
patient, and believes that what happened to that one later happened to the person. Often this is
right for a harmless reason: the copy teaches medicine, as it should, and medicine holds for people
who are in no data set at all. So the same attack is made on the holdout as a *control*. Only what
it finds out about the training patients beyond that has leaked (Giomi et al. 2023, Anonymeter,
arXiv 2211.10459).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from hgteach.evaluation.distances import features, nearest, needs_holdout
from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import Patients, scaled
from hgteach.schema import Schema

KNOWN_MONTHS = 6
HIT = 0.1  # a guessed number is right if it is so many standard deviations away at most
RESAMPLES = 200


def infer(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    holdout: pd.DataFrame | Patients,
    schema: Schema,
    *,
    known: int = KNOWN_MONTHS,
    sensitive: Iterable[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Guess each sensitive column in the last month of training patients and of the holdout.

    Args:
        real, synthetic, holdout: labelled tables or patients of one schema.
        schema: what the columns are.
        known: first rows of a person that the attacker knows, sensitive columns included.
        sensitive: columns to guess; by default all that change.
        resamples: bootstrap samples of training patients and of the holdout behind the interval.
        seed: fixes the bootstrap.

    Returns:
        One row a sensitive column. ``training`` and ``control``: share of people of whom the
        guess is right (a number: at most a tenth of a standard deviation away, on the scale of
        ``scaled``). ``commonest``: the share that the control would have had if the attacker had
        guessed the commonest synthetic value (a number: the median) of everybody. ``advantage``:
        training less control, -1 to 1, with its 95 % interval ``low`` to ``high``; 0 if nothing
        leaks.

    Raises:
        NotMeasured: nothing changes, or nobody is followed beyond the known rows.
    """
    real, synthetic, holdout = (Patients.of(t, schema) for t in (real, synthetic, holdout))
    sensitive = list(sensitive or (c.name for c in schema.columns if not c.static))
    groups = {"training": _followed(real, known), "control": _followed(holdout, known)}
    synthetic = _followed(synthetic, known)
    if not sensitive or not all(map(len, (*groups.values(), synthetic))):
        raise NotMeasured(f"Nothing changes in anybody after the first {known} rows.")
    random, made = np.random.default_rng(seed), _known(synthetic, synthetic, known)
    twins = {
        name: nearest(_known(group, synthetic, known), made)[1][:, 0]
        for name, group in groups.items()
    }
    rows = {}
    for name in sensitive:
        values, spread = last_values(synthetic, name), 0.0
        if schema[name].kind == "real":
            spread, commonest = np.nanstd(values), np.nanmedian(values)
        else:
            commonest = np.bincount(values[values >= 0], minlength=1).argmax()
        right = {
            who: hits(last_values(group, name), values[twins[who]], spread)
            for who, group in groups.items()
        }
        drawn = [
            group[random.integers(len(group), size=(resamples, len(group)))].mean(axis=1)
            for group in right.values()
        ]
        low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
        training, control = (group.mean() for group in right.values())
        rows[name] = {
            "training": training,
            "control": control,
            "commonest": hits(last_values(groups["control"], name), commonest, spread).mean(),
            "advantage": training - control,
            "low": low,
            "high": high,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _followed(patients: Patients, known: int) -> Patients:
    """Keep those who have a row that the attacker does not know."""
    return patients.take(patients.lengths > known)


def _known(patients: Patients, like: Patients, known: int) -> np.ndarray:
    """Return what the attacker knows as vectors, ``(P, known * F)``."""
    return features(patients, like)[:, :known].reshape(len(patients), -1)


def last_values(patients: Patients, name: str) -> np.ndarray:
    """Return each patient's last value, a number on the scale of ``scaled``, ``(P,)``."""
    cells = scaled(patients, name) if patients.schema[name].kind == "real" else patients[name]
    return cells[np.arange(len(patients)), patients.lengths - 1]


def hits(truth: np.ndarray, guess: np.ndarray, spread: float) -> np.ndarray:
    """Say of whom the guess is right: a level, or a number to a tenth of its ``spread``.

    An unknown value is never guessed.
    """
    if truth.dtype.kind == "f":
        return np.abs(truth - guess) <= HIT * spread
    return (truth == guess) & (truth >= 0)


def _mean_advantage(task: Task) -> float:
    groups = task.real, task.synthetic, needs_holdout(task)
    return infer(*groups, task.real.schema, resamples=1, seed=task.seed)["advantage"].mean()


MEASURES = (
    Measure(
        "attribute inference, advantage", "safety",
        "An attacker knows a person's first six rows and reads the last row off the most "
        "similar synthetic patient: share of right guesses about training patients less that "
        "about the holdout, mean over all columns that change.",
        -1, 1, 0, "after Giomi et al. 2023, arXiv 2211.10459", _mean_advantage, dear=True,
    ),
)  # fmt: skip
