"""How close synthetic patients come to the simulated stand-in, in the eight figures of the goals.

Two tables in, one dict out; in every figure 0 is best, but for the two areas under the curve. The
floor is what two groups of different simulated patients score against each other: nobody can
expect less. Its "TSTR AUC" is what real patients teach about suppression, since its synthetic table
is real. These are quick measures for comparing training runs, not the course's evaluation.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.schema import Schema

EXAMPLE = ART_HIV.select(EXAMPLE_VARIABLES)
GROUP = 300  # patients in training, held out, and generated
SUPPRESSED = 1000  # copies/mL; the World Health Organization's threshold of viral suppression
AHEAD = 6  # months
SMALLEST = 1e-3  # numbers are cut here before the logarithm


def cohorts(seed: int = 0) -> list[pd.DataFrame]:
    """Return three tables of ``GROUP`` simulated patients: to train on, held out, for the floor."""
    raw = simulate_art_hiv(3 * GROUP, seed)
    table = EXAMPLE.label(raw[[EXAMPLE.patient, EXAMPLE.time, *EXAMPLE.names]])
    group = table[EXAMPLE.patient] // GROUP
    return [table[group == number].reset_index(drop=True) for number in range(3)]


def fidelity(
    real: pd.DataFrame, synthetic: pd.DataFrame, held_out: pd.DataFrame, schema: Schema = EXAMPLE
) -> dict[str, float]:
    """Return every figure. Tables are labelled, sorted by patient and time, equally long."""
    groups = partial(_groups, schema=schema)
    return {
        "marginal mean": float(np.mean(list(marginals(real, synthetic, schema).values()))),
        "association": _mean_distance(associations, real, synthetic, schema),
        "autocorrelation": _mean_distance(autocorrelations, real, synthetic, schema),
        "transitions": 0.5 * float(np.abs(transitions(real) - transitions(synthetic)).sum()),
        "patients who flip": float((groups(synthetic) != groups(synthetic)[:, :1]).any(1).mean()),
        "groups lost": groups_lost(real, synthetic, schema),
        "detector AUC": detector_auc(real, synthetic, schema),
        "TSTR AUC": suppression_auc(synthetic, held_out, schema),
    }


def marginals(real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """Return Kolmogorov–Smirnov for each number, total variation for each column of levels."""
    found = {n: float(ks_2samp(real[n], synthetic[n]).statistic) for n in schema.real}
    for name in schema.categorical:
        shares = [t[name].value_counts(normalize=True, sort=False) for t in (real, synthetic)]
        found[name] = 0.5 * float((shares[0] - shares[1]).abs().sum())
    return found


def associations(table: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return the correlations of log numbers and one-hot levels, each pair once."""
    columns = [_log(table[name]) for name in schema.real]
    columns += [table[n] == level for n in schema.categorical for level in schema[n].levels]
    rows = np.array(columns, dtype=float)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-9)
    return (rows @ rows.T)[np.triu_indices(len(rows), k=1)]


def autocorrelations(table: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return each log number's correlation with its next month, around the patient's own mean."""
    found = []
    for name in schema.real:
        months = _log(_by_patient(table[name], table, schema))  # (P, T)
        months = months - months.mean(axis=1, keepdims=True)
        found.append((months[:, 1:] * months[:, :-1]).sum() / max((months**2).sum(), 1e-9))
    return np.array(found)


def transitions(
    table: pd.DataFrame, schema: Schema = EXAMPLE, name: str = "Base Drug Combo"
) -> np.ndarray:
    """Return the share of each pair (regimen this month, regimen next month)."""
    levels = len(schema[name].levels)
    codes = _by_patient(table[name].cat.codes, table, schema)  # (P, T)
    pairs = codes[:, :-1].astype(int) * levels + codes[:, 1:]
    return np.bincount(pairs.ravel(), minlength=levels**2) / pairs.size


def groups_lost(real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema) -> int:
    """Count groups by sex and ethnicity over 1 % of which less than a tenth is left."""
    first = [_groups(table, schema)[:, 0] for table in (real, synthetic)]
    size = 1 + max(codes.max() for codes in first)
    before, after = (np.bincount(codes, minlength=size) / len(codes) for codes in first)
    return int(((before > 0.01) & (after < 0.1 * before)).sum())


def detector_auc(real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema) -> float:
    """Return how well boosted trees tell real patients from synthetic ones; 0.5 is a coin."""
    x = np.concatenate([_summaries(real, schema), _summaries(synthetic, schema)])
    truth = np.repeat([0, 1], [len(x) // 2, len(x) - len(x) // 2])
    guess = cross_val_predict(_trees(), x, truth, cv=5, method="predict_proba")[:, 1]
    return float(roc_auc_score(truth, guess))


def suppression_auc(train: pd.DataFrame, test: pd.DataFrame, schema: Schema) -> float:
    """Train on one table to foresee suppression ``AHEAD`` months on; return the AUC on another."""
    (x, truth), (x_test, truth_test) = (_suppression(table, schema) for table in (train, test))
    if truth.all() or not truth.any():
        return 0.5  # there is nothing to learn where all are alike
    return float(roc_auc_score(truth_test, _trees().fit(x, truth).predict_proba(x_test)[:, 1]))


def _suppression(table: pd.DataFrame, schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    columns = [_log(table[name]) for name in schema.real]
    columns += [table[name].cat.codes for name in schema.categorical]
    x = np.stack([_by_patient(np.asarray(c), table, schema) for c in columns], axis=-1)  # (P, T, F)
    suppressed = _by_patient(table["VL"], table, schema) < SUPPRESSED  # (P, T)
    return x[:, :-AHEAD].reshape(-1, x.shape[-1]), suppressed[:, AHEAD:].ravel()


def _summaries(table: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return one row a patient: levels, spreads and jumps of numbers, shares and changes."""
    columns = []
    for name in schema.real:
        months = _log(_by_patient(table[name], table, schema))  # (P, T)
        jumps = np.diff(months, axis=1)
        columns += [months.mean(1), months.std(1), months.min(1), months.max(1)]
        columns += [months[:, 0], months[:, -1], np.abs(jumps).mean(1), jumps.std(1)]
    for name in schema.categorical:
        codes = _by_patient(table[name].cat.codes, table, schema)  # (P, T)
        columns += [(codes == level).mean(1) for level in range(len(schema[name].levels))]
        columns.append((codes[:, 1:] != codes[:, :-1]).sum(1))
    return np.stack(columns, axis=1)


def _groups(table: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return a code of sex and ethnicity, ``(P, T)``."""
    ethnicities = len(schema["Ethnic"].levels)
    codes = table["Gender"].cat.codes.astype(int) * ethnicities + table["Ethnic"].cat.codes
    return _by_patient(codes, table, schema)


def _by_patient(values: pd.Series | np.ndarray, table: pd.DataFrame, schema: Schema) -> np.ndarray:
    return np.asarray(values).reshape(-1, table[schema.time].nunique())  # (P, T)


def _log(values: pd.Series | np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(np.asarray(values, dtype=float), SMALLEST))


def _mean_distance(measure, real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema) -> float:
    return float(np.abs(measure(real, schema) - measure(synthetic, schema)).mean())


def _trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=60, random_state=0)
