"""Does the copy still tell which regimen works better? In the simulated stand-in we know the truth.

The drop in viral load is estimated from the records alone, in the same way for every cohort. It is
an observation and not a trial: who gets which regimen, and who lapses, is not chance.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from hgteach.cohorts import regimens
from hgteach.evaluation.goals import SUPPRESSION
from hgteach.evaluation.measure import Measure, NotForThisTable, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients, log_number
from hgteach.schema import Schema

SETTLED = 6  # months on a regimen after which viral load has found its level
FEWEST = 20  # patients' courses behind a drop
AGENT_COLUMNS = regimens.COLUMNS[:4]
BACKBONE, RECORDED = AGENT_COLUMNS[0], "Drug (M)"


def treatments(patients: Patients) -> tuple[np.ndarray, list[str]]:
    """Return the code of each row's treatment, ``(P, T)``, and the names that the codes stand for.

    A treatment is the third agent, which decides the effect (``regimens.third_agent``); where the
    schema lacks a column for it, the backbone.

    Raises:
        NotMeasured: there is no backbone either, or no viral load.
    """
    schema = patients.schema
    if "VL" not in schema.real or BACKBONE not in schema.categorical:
        raise NotForThisTable(f"'VL' and a treatment in {BACKBONE!r}")
    if not set(AGENT_COLUMNS) <= set(schema.categorical):
        return patients[BACKBONE], list(schema[BACKBONE].levels)
    levels = [schema[name].levels for name in AGENT_COLUMNS]
    agents = [regimens.third_agent(regimens.Regimen(0, *drugs)) for drugs in product(*levels)]
    names = list(dict.fromkeys([*regimens.TREATMENT_EFFECTS, *agents]))  # a table may have others
    agent_of = np.array([names.index(agent) for agent in agents])
    codes = [patients[name] for name in AGENT_COLUMNS]
    missing = np.any([code == EMPTY for code in codes], axis=0)
    known = [np.where(missing, 0, code).astype(np.int64) for code in codes]
    place = np.ravel_multi_index(known, [len(of) for of in levels])
    return np.where(missing, EMPTY, agent_of[place]), names


def viral_load_drops(
    cohort: pd.DataFrame | Patients, schema: Schema, settled: int = SETTLED
) -> pd.DataFrame:
    """Estimate how far each treatment brings viral load down.

    A course begins with the record or with a switch of treatment. Of each course that lasts, in a
    patient in whom at least 1,000 copies/mL were seen until then, the drop is the highest log10
    viral load so far less the one ``settled`` months on. Months in which the regimen was not
    recorded are left out, where the schema says so: many of them are lapses.

    Returns:
        One row a treatment: ``treatment``, ``courses``, the mean ``drop`` in log10 copies/mL
        (larger is better) and its ``standard error``; NaN below 20 courses.
    """
    patients = Patients.of(cohort, schema)
    code, names = treatments(patients)
    vl = log_number(patients["VL"])  # (P, T)
    begins = np.ones(code.shape, dtype=bool)
    begins[:, 1:] = code[:, 1:] != code[:, :-1]
    who, start = np.nonzero(begins)
    end = np.append(np.where(who[1:] == who[:-1], start[1:], code.shape[1]), code.shape[1])
    lasts = start + settled < end[: len(start)]
    who, start = who[lasts], start[lasts]
    highest = np.fmax.accumulate(vl, axis=1)[who, start]
    drop, treatment = highest - vl[who, start + settled], code[who, start]
    kept = (highest >= np.log10(SUPPRESSION.threshold)) & ~np.isnan(drop) & (treatment != EMPTY)
    if RECORDED in schema.categorical:
        kept &= patients[RECORDED][who, start + settled] == 1
    drop, treatment = drop[kept], treatment[kept]
    count = np.bincount(treatment, minlength=len(names))
    enough = np.where(count >= FEWEST, count, np.nan)
    mean = np.bincount(treatment, drop, len(names)) / enough
    square = np.bincount(treatment, drop**2, len(names)) / enough
    error = np.sqrt(np.maximum(square - mean**2, 0) / np.maximum(enough - 1, 1))
    columns = {"treatment": names, "courses": count, "drop": mean, "standard error": error}
    return pd.DataFrame(columns)


def true_drops(schema: Schema) -> pd.Series:
    """Return the drops that the simulated stand-in was made with, by treatment.

    A backbone's is the mean of its regimens, weighted by how common they are. They hold for the
    stand-in only; nobody knows them for real patients.
    """
    agents = [regimens.third_agent(regimen) for regimen in regimens.REGIMENS]
    if set(AGENT_COLUMNS) <= set(schema.categorical):
        return pd.Series({name: e.drop for name, e in regimens.TREATMENT_EFFECTS.items()})
    backbones = np.array([regimen.backbone for regimen in regimens.REGIMENS])
    drops = np.array([regimens.TREATMENT_EFFECTS[agent].drop for agent in agents])
    chosen = {name: backbones == name for name in schema[BACKBONE].levels}
    share = regimens.SHARE
    return pd.Series({n: float(np.average(drops[k], weights=share[k])) for n, k in chosen.items()})


def rank_agreement(truth: pd.Series, found: pd.Series) -> float:
    """Return Kendall's tau-a: over all pairs of treatments in ``truth``, right minus wrong orders.

    1 is the same order, 0 none in common, -1 the opposite one. A pair that ``found`` does not
    tell apart, because a treatment is missing from it, is neither right nor wrong.

    Raises:
        NotMeasured: ``truth`` has fewer than two treatments.
    """
    truth = truth.dropna()
    if len(truth) < 2:
        raise NotMeasured("There are fewer than two treatments with enough courses to rank.")
    one, two = np.triu_indices(len(truth), k=1)
    truth, found = truth.to_numpy(), found.reindex(truth.index).to_numpy(float)
    order = np.sign(truth[one] - truth[two]) * np.sign(found[one] - found[two])
    return float(np.nan_to_num(order).mean())


def compare_effects(
    real: pd.DataFrame | Patients, synthetic: pd.DataFrame | Patients, schema: Schema
) -> pd.DataFrame:
    """Lay the drops found in both cohorts side by side, best first as the real one has it.

    Returns:
        Indexed by ``treatment``: the columns of :func:`viral_load_drops` with the endings " real"
        and " synthetic".
    """
    both = [viral_load_drops(c, schema).set_index("treatment") for c in (real, synthetic)]
    table = both[0].add_suffix(" real").join(both[1].add_suffix(" synthetic"))
    return table.sort_values("drop real", ascending=False)


def _ranked_alike(task: Task) -> float:
    table = compare_effects(task.real, task.synthetic, task.real.schema)
    return rank_agreement(table["drop real"], table["drop synthetic"])


MEASURES = (
    Measure(
        "treatments ranked alike",
        "utility",
        "Whether the copy puts the treatments into the same order, by how far viral load falls "
        "under each: Kendall's tau. A treatment that the copy lost, or never lets settle, counts "
        "as not ranked.",
        lowest=-1.0,
        highest=1.0,
        best=1.0,
        source="Kendall 1938, doi 10.1093/biomet/30.1-2.81; how the drop is estimated is ours",
        score=_ranked_alike,
    ),
)
