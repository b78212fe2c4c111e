"""How long until the goal? Kaplan–Meier curves, and Cox regression in which the regimen changes."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
import pandas as pd

from hgteach.cohorts.regimens import COLUMNS as TREATMENT
from hgteach.evaluation.goals import Goal, goals_of
from hgteach.evaluation.measure import Measure, NotForThisTable, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients
from hgteach.schema import Schema

FEWEST_EVENTS = 10  # behind a coefficient: the usual rule of thumb
ESTIMATES = ["log hazard ratio", "standard error", "low", "high"]


def waiting_times(patients: Patients, goal: Goal) -> pd.DataFrame:
    """Return how long each patient waits who has not reached the goal in the first row.

    Returns:
        One row a patient: ``patient`` (position), ``months`` until the first row in which the
        goal is reached, or until the last row, and ``reached``. False means right-censored: the
        goal was not reached while we looked. Rows without a value count as not reached.
    """
    reached = goal.reached(patients)  # (P, T)
    who = np.flatnonzero((reached[:, 0] == 0) & (patients.lengths > 1))
    yes = reached[who] == 1
    ever = yes.any(axis=1)
    months = np.where(ever, yes.argmax(axis=1), patients.lengths[who] - 1)
    return pd.DataFrame({"patient": who, "months": months, "reached": ever})


def kaplan_meier(months: np.ndarray, reached: np.ndarray, until: int | None = None) -> pd.DataFrame:
    """Estimate which share still waits after each month.

    Kaplan and Meier 1958: every month multiplies the curve by the share of those still watched
    who do not reach the goal in it. The interval is Greenwood's on the log(-log) scale.

    Args:
        months: whole months of waiting, ``(P,)``.
        reached: whether the wait ended with the goal, ``(P,)``.
        until: the last month of the curve, by default the longest wait.

    Returns:
        One row a month from 0: ``month``, ``at risk``, ``reached``, ``waiting`` (1 down to 0),
        and its 95 % interval ``low`` to ``high``. NaN from the month in which nobody is watched.
    """
    months, reached = np.asarray(months), np.asarray(reached, dtype=bool)
    until = int(months.max(initial=0)) if until is None else until
    size = max(until, int(months.max(initial=0))) + 1
    leaving = np.bincount(months, minlength=size)
    events = np.bincount(months[reached], minlength=size)
    at_risk = leaving[::-1].cumsum()[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        waiting = np.cumprod(1 - events / at_risk)  # 0 / 0 is NaN: nobody is watched any more
        spread = np.sqrt(np.cumsum(events / (at_risk * (at_risk - events)))) / np.log(waiting)
        low, high = (waiting ** np.exp(sign * 1.96 * spread) for sign in (-1, 1))
    flat = np.isin(waiting, (0.0, 1.0))
    low, high = np.where(flat, waiting, low), np.where(flat, waiting, high)
    columns = [np.arange(size), at_risk, events, waiting, low, high]
    names = ["month", "at risk", "reached", "waiting", "low", "high"]
    return pd.DataFrame(dict(zip(names, columns, strict=True))).iloc[: until + 1]


def waiting_curves(
    real: pd.DataFrame | Patients, synthetic: pd.DataFrame | Patients, schema: Schema
) -> pd.DataFrame:
    """Return Kaplan–Meier curves of both cohorts for every goal, in one table.

    Returns:
        The columns of :func:`kaplan_meier` after ``goal`` and ``cohort`` ("real", "synthetic").
    """
    cohorts = {"real": Patients.of(real, schema), "synthetic": Patients.of(synthetic, schema)}
    until = min(patients.timesteps for patients in cohorts.values()) - 1
    curves = []
    for goal in goals_of(cohorts["real"]):
        for cohort, patients in cohorts.items():
            waits = waiting_times(patients, goal)
            curve = kaplan_meier(waits["months"].to_numpy(), waits["reached"].to_numpy(), until)
            curves.append(curve.assign(goal=goal.name, cohort=cohort))
    table = pd.concat(curves, ignore_index=True)
    return table[["goal", "cohort", *table.columns.drop(["goal", "cohort"])]]


def curve_distance(curves: pd.DataFrame) -> pd.Series:
    """Return the mean absolute difference of the two curves of each goal: 0 the same, at most 1.

    It is the area between the curves divided by the months, over the months in which both
    cohorts still have somebody to watch; NaN where one of them has nobody who waits.
    """
    both = curves.pivot_table("waiting", ["goal", "month"], "cohort", dropna=False)
    apart = (both["real"] - both["synthetic"]).abs().dropna()
    return apart.groupby("goal").mean().reindex(both.index.unique("goal"))


def counting_rows(patients: Patients, goal: Goal, covariates: list[str]) -> pd.DataFrame:
    """Cut each wait where a covariate changes: rows (start, stop] of a counting process.

    What is recorded in month m is taken to act from m to m + 1, so nothing is explained by what
    came later. A patient without changes has one row.

    Returns:
        ``patient``, ``start``, ``stop``, ``event`` (only ever in a patient's last row), and the
        code of each covariate, as it stood from ``start`` on.
    """
    waits = waiting_times(patients, goal)
    who, end = waits["patient"].to_numpy(), waits["months"].to_numpy()
    codes = np.stack([patients[name][who] for name in covariates])  # (C, P, T)
    month = np.arange(patients.timesteps)
    begins = np.ones(codes.shape[1:], dtype=bool)
    begins[:, 1:] = (codes[:, :, 1:] != codes[:, :, :-1]).any(axis=0)
    row, start = np.nonzero(begins & (month < end[:, None]))
    last = np.append(row[1:] != row[:-1], True)[: len(row)]
    stop = np.where(last, end[row], np.roll(start, -1))
    rows = {"patient": who[row], "start": start, "stop": stop}
    rows["event"] = last & waits["reached"].to_numpy()[row]
    return pd.DataFrame(rows | dict(zip(covariates, codes[:, row, start], strict=True)))


def levels_with_events(
    patients: Patients, goal: Goal, covariates: list[str], fewest: int = FEWEST_EVENTS
) -> dict[str, list[int]]:
    """Return the codes of each covariate behind at least so many events, the commonest first."""
    rows = counting_rows(patients, goal, covariates)
    reached = rows[rows["event"]]
    counts = {n: reached.loc[reached[n] != EMPTY, n].value_counts() for n in covariates}
    return {name: count.index[count >= fewest].tolist() for name, count in counts.items()}


def cox(patients: Patients, goal: Goal, levels: dict[str, list[int]]) -> pd.DataFrame:
    """Estimate how each level changes the pace at which the goal is reached (Cox 1972).

    Ties are treated as Efron does. Levels with fewer than ``FEWEST_EVENTS`` events are left out,
    because nothing can be said about them.

    Args:
        patients: the cohort.
        goal: what they wait for.
        levels: for each covariate (a column of levels, which may change from month to month) the
            codes to compare, as from :func:`levels_with_events`. The first one is the reference;
            rows with any other code are left out.

    Returns:
        One row a level: ``term``, ``events``, ``log hazard ratio``, its ``standard error``, and
        the 95 % interval ``low`` to ``high``. Above 0: reached sooner than under the reference.
    """
    # Imported here: it takes a second, and most of the course does without.
    from statsmodels.duration.hazard_regression import PHReg

    rows = counting_rows(patients, goal, list(levels))
    present = levels_with_events(patients, goal, list(levels))
    kept = np.ones(len(rows), dtype=bool)
    terms, design = [], []
    for name, codes in levels.items():
        if not set(codes[:1]) & set(present[name]):
            continue  # without a reference there is nothing to compare with
        compared = sorted(set(codes[1:]) & set(present[name]))
        kept &= rows[name].isin([codes[0], *compared])
        for code in compared:
            exposed = rows[name] == code
            label = f"{name}: {patients.schema[name].levels[code]}"
            terms.append((label, int((exposed & rows["event"]).sum())))
            design.append(exposed)
    found = pd.DataFrame(terms, columns=["term", "events"])
    if not terms:
        return found.assign(**dict.fromkeys(ESTIMATES, np.nan))
    rows, design = rows[kept], np.stack(design, axis=1)[kept].astype(float)  # (rows, terms)
    # statsmodels takes rows as closed intervals, [start, stop]. Half a month later nobody stands
    # in the risk set twice, and since events fall on whole months nothing else changes.
    model = PHReg(
        rows["stop"].to_numpy(float),
        design,
        status=rows["event"].to_numpy(int),
        entry=rows["start"].to_numpy() + 0.5,
        ties="efron",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that did not settle shows in its standard error
        fit = model.fit(disp=0)
    margin = 1.96 * fit.bse
    numbers = [fit.params, fit.bse, fit.params - margin, fit.params + margin]
    return found.assign(**dict(zip(ESTIMATES, numbers, strict=True)))


def cox_agreement(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    schema: Schema,
    covariates: list[str] | None = None,
) -> pd.DataFrame:
    """Fit the same Cox model to both cohorts and lay the coefficients side by side.

    Args:
        real, synthetic: labelled tables or patients.
        schema: what the columns are.
        covariates: by default the first treatment column and the static columns of levels.

    Returns:
        One row a goal and level of the real fit: ``goal``, ``term``, the numbers of :func:`cox`
        for both (endings " real" and " synthetic"), and ``overlap``, the mean share of the two
        intervals that they have in common (Karr et al. 2006, doi 10.1198/000313006X124640): 1
        the same, 0 apart, and 0 where the copy lacks the events to estimate it.

    Raises:
        NotMeasured: the schema has no treatment, or the real patients have too few events.
    """
    real, synthetic = Patients.of(real, schema), Patients.of(synthetic, schema)
    if covariates is None:
        treatment = [name for name in TREATMENT if name in schema.names]
        if not treatment:
            raise NotForThisTable("a treatment column that the course knows")
        static = [name for name in schema.static if name in schema.categorical]
        covariates = [treatment[0], *static]
    tables = []
    for goal in goals_of(real):
        # The real patients need twice as many, or else a level would be called lost by chance.
        levels = levels_with_events(real, goal, covariates, 2 * FEWEST_EVENTS)
        fits = [cox(cohort, goal, levels) for cohort in (real, synthetic)]
        both = fits[0].merge(fits[1], on="term", how="left", suffixes=(" real", " synthetic"))
        tables.append(both.assign(goal=goal.name))
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        raise NotMeasured(
            f"The real patients have no two levels with {2 * FEWEST_EVENTS} events each."
        )
    common = table[["high real", "high synthetic"]].min(axis=1, skipna=False) - table[
        ["low real", "low synthetic"]
    ].max(axis=1, skipna=False)
    widths = [table[f"high {who}"] - table[f"low {who}"] for who in ("real", "synthetic")]
    overlap = sum(common.clip(lower=0) / width for width in widths) / 2
    table["overlap"] = overlap.fillna(0.0)
    return table[["goal", *table.columns.drop("goal")]]


@lru_cache(maxsize=1)
def _agreement(task: Task) -> pd.DataFrame:
    return cox_agreement(task.real, task.synthetic, task.real.schema)


def _curves_apart(task: Task) -> float:
    apart = curve_distance(waiting_curves(task.real, task.synthetic, task.real.schema)).dropna()
    if apart.empty:
        raise NotMeasured("In one of the tables nobody waits for a goal in the first row.")
    return float(apart.mean())


MEASURES = (
    Measure(
        "waiting curves apart (Kaplan–Meier)",
        "utility",
        "The mean gap between the two Kaplan–Meier curves: rows until a goal ({goals}), of those "
        "who have not reached it in their first row. Averaged over goals.",
        lowest=0.0,
        highest=1.0,
        best=0.0,
        source="Kaplan and Meier 1958; the gap is ours: the area between the curves over time",
        score=_curves_apart,
    ),
    Measure(
        "hazard ratios shared (Cox)",
        "utility",
        "One Cox model for both, with the regimen as it changes: how far the 95 % intervals of "
        "each coefficient overlap, on average. A regimen or a group that the copy lost counts 0.",
        lowest=0.0,
        highest=1.0,
        best=1.0,
        source="Cox 1972; overlap of intervals: Karr et al. 2006, doi 10.1198/000313006X124640",
        score=lambda task: float(_agreement(task)["overlap"].mean()),
    ),
)
