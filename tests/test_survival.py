"""Waiting for a goal: Kaplan–Meier by hand and beside two libraries, Cox by its definition."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from statsmodels.duration.survfunc import SurvfuncRight
from utility_cohorts import cohort, halves, laboratory

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.evaluation import survival
from hgteach.evaluation.copies import shuffled_months
from hgteach.evaluation.goals import SUPPRESSION
from hgteach.evaluation.measure import NotMeasured, Task

HIGH, LOW = 1e5, 10.0
BACKBONE = "Base Drug Combo"


def random_waits(patients: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(1, 30, patients), random.random(patients) < 0.6


# Waiting ------------------------------------------------------------------------------------------


def test_waiting_times_by_hand():
    viral_loads = [
        [HIGH, HIGH, LOW, HIGH],  # reached in month 2; the rebound does not count
        [HIGH, HIGH, HIGH, HIGH],  # watched for 3 months
        [LOW, HIGH, HIGH, HIGH],  # there already
        [HIGH, HIGH, LOW, LOW],  # watched for 1 month only
        [HIGH, np.nan, np.nan, LOW],
        [HIGH, LOW, LOW, LOW],  # seen once: nothing was waited for
        [np.nan, LOW, LOW, LOW],  # nobody knows how it began
    ]
    people = cohort(laboratory(), [4, 4, 4, 2, 4, 1, 4], VL=viral_loads, CD4=viral_loads)
    waits = survival.waiting_times(people, SUPPRESSION)
    assert waits["patient"].tolist() == [0, 1, 3, 4]
    assert waits["months"].tolist() == [2, 3, 1, 3]
    assert waits["reached"].tolist() == [True, False, False, True]


def test_kaplan_meier_by_hand():
    curve = survival.kaplan_meier([1, 2, 2, 3], [True, True, False, False], until=4)
    assert curve["month"].tolist() == [0, 1, 2, 3, 4]
    assert curve["at risk"].tolist() == [4, 4, 3, 1, 0]
    assert curve["reached"].tolist() == [0, 1, 1, 0, 0]
    np.testing.assert_allclose(curve["waiting"], [1, 3 / 4, 1 / 2, 1 / 2, np.nan])


def test_kaplan_meier_ends_at_zero_when_everybody_gets_there():
    curve = survival.kaplan_meier([1, 2], [True, True])
    np.testing.assert_allclose(curve[["waiting", "low", "high"]].iloc[-1], 0)


def test_kaplan_meier_is_that_of_statsmodels():
    months, reached = random_waits()
    ours = survival.kaplan_meier(months, reached).set_index("month")
    theirs = SurvfuncRight(months, reached.astype(int))
    np.testing.assert_allclose(ours.loc[theirs.surv_times, "waiting"], theirs.surv_prob)


def test_kaplan_meier_is_that_of_lifelines():
    lifelines = pytest.importorskip("lifelines", exc_type=ImportError)  # holds pandas below 3
    months, reached = random_waits()
    ours = survival.kaplan_meier(months, reached).set_index("month").iloc[1:-1]
    theirs = lifelines.KaplanMeierFitter().fit(months, reached)
    expected = theirs.survival_function_.loc[ours.index].to_numpy()[:, 0]
    np.testing.assert_allclose(ours["waiting"], expected)
    band = theirs.confidence_interval_survival_function_.loc[ours.index].to_numpy()
    np.testing.assert_allclose(ours[["low", "high"]], band, atol=1e-4)


def test_curve_distance_by_hand():
    months = np.tile([0, 1, 2, 3], 2)
    curves = pd.DataFrame({"goal": "cure", "cohort": ["real"] * 4 + ["synthetic"] * 4})
    curves["month"], curves["waiting"] = months, [1, 0.5, 0.5, 0.2, 1, 0.9, 0.7, np.nan]
    assert survival.curve_distance(curves)["cure"] == pytest.approx((0 + 0.4 + 0.2) / 3)


def test_a_copy_in_which_nobody_waits_has_no_curve():
    real, _ = halves()
    well = real.with_values(
        {"VL": np.full_like(real["VL"], LOW), "CD4": np.full_like(real["CD4"], 900.0)}
    )
    with pytest.raises(NotMeasured, match="nobody waits"):
        survival.MEASURES[0].score(Task(real, well))


def test_shuffled_months_reach_their_goals_too_soon():
    real, other = halves()
    apart = survival.MEASURES[0].score
    assert apart(Task(real, real)) == 0
    copy = shuffled_months(real, np.random.default_rng(0))
    assert apart(Task(real, other)) < 0.03 < 0.1 < apart(Task(real, copy))


# Cox ----------------------------------------------------------------------------------------------


def test_rows_are_cut_where_the_regimen_changes():
    people = cohort(
        laboratory(BACKBONE),
        VL=[[HIGH, HIGH, HIGH, LOW, LOW], [HIGH] * 5, [LOW] * 5],
        CD4=np.ones((3, 5)),
        Base_Drug_Combo=[[0, 0, 1, 2, 2], [3, 3, 3, 3, 0], [0, 1, 2, 3, 4]],
    )
    rows = survival.counting_rows(people, SUPPRESSION, [BACKBONE])
    assert rows.to_numpy().tolist() == [
        [0, 0, 2, False, 0],
        [0, 2, 3, True, 1],  # the switch in month 3 came after the fact
        [1, 0, 4, False, 3],
    ]


def log_partial_likelihood(rows: pd.DataFrame, exposed: np.ndarray, beta: float) -> float:
    """Cox's likelihood as the textbook has it, with Efron's correction for ties."""
    total = 0.0
    for time in np.unique(rows["stop"][rows["event"]]):
        risk = np.exp(beta * exposed[(rows["start"] < time) & (rows["stop"] >= time)])
        ending = exposed[(rows["stop"] == time) & rows["event"]]
        tied = np.arange(len(ending)) / len(ending)
        total += beta * ending.sum()
        total -= np.log(risk.sum() - tied * np.exp(beta * ending).sum()).sum()
    return total


def switchers(effect: float, patients: int = 600, seed: int = 0):
    """Return patients who switch between two backbones; the second one has the given log ratio."""
    random = np.random.default_rng(seed)
    backbone = (random.random((patients, 12)).cumsum(1) // 3 % 2).astype(int)
    pace = 0.05 * np.exp(effect * backbone)
    suppressed = np.zeros((patients, 12), dtype=bool)
    suppressed[:, 1:] = (random.random((patients, 12)) < pace)[:, :-1].cumsum(1) > 0
    viral_load = np.where(suppressed, LOW, HIGH)
    columns = {"VL": viral_load, "CD4": np.ones((patients, 12)), "Base_Drug_Combo": backbone}
    return cohort(laboratory(BACKBONE), **columns)


def test_cox_maximises_the_partial_likelihood_of_the_textbook():
    people = switchers(effect=0.8)
    (found,) = survival.cox(people, SUPPRESSION, {BACKBONE: [0, 1]}).to_dict("records")
    rows = survival.counting_rows(people, SUPPRESSION, [BACKBONE])
    exposed = rows[BACKBONE].to_numpy()
    best = minimize(lambda beta: -log_partial_likelihood(rows, exposed, beta[0]), [0.0]).x[0]
    assert found["log hazard ratio"] == pytest.approx(best, abs=1e-4)
    assert found["term"] == "Base Drug Combo: 3TC + ABC"
    assert found["low"] < 0.8 < found["high"]
    assert found["events"] == rows["event"][rows[BACKBONE] == 1].sum()


def test_cox_is_that_of_lifelines():
    lifelines = pytest.importorskip("lifelines", exc_type=ImportError)  # holds pandas below 3
    real, _ = halves()
    levels = survival.levels_with_events(real, SUPPRESSION, [BACKBONE, "Gender"])
    found = survival.cox(real, SUPPRESSION, levels)
    rows = survival.counting_rows(real, SUPPRESSION, list(levels))
    rows = rows[rows[BACKBONE].isin(levels[BACKBONE])]
    table = rows[["patient", "start", "stop", "event"]].copy()
    for term in found["term"]:
        name, level = term.split(": ")
        table[term] = (rows[name] == real.schema[name].levels.index(level)).astype(int)
    fit = lifelines.CoxTimeVaryingFitter().fit(
        table, id_col="patient", event_col="event", start_col="start", stop_col="stop"
    )
    np.testing.assert_allclose(found["log hazard ratio"], fit.params_, atol=1e-4)
    np.testing.assert_allclose(found["standard error"], fit.standard_errors_, atol=1e-4)


def test_levels_with_few_events_are_left_out():
    people = switchers(effect=0.0)
    few = people[BACKBONE].copy()
    few[:5] = 5
    people = people.with_values({BACKBONE: few})
    levels = survival.levels_with_events(people, SUPPRESSION, [BACKBONE])
    assert sorted(levels[BACKBONE]) == [0, 1]
    assert survival.levels_with_events(people, SUPPRESSION, [BACKBONE], 10_000)[BACKBONE] == []
    assert len(survival.cox(people, SUPPRESSION, {BACKBONE: [0, 1, 5]})) == 1
    assert len(survival.cox(people, SUPPRESSION, {BACKBONE: [5, 0, 1]})) == 0


def test_agreement_of_the_same_cohort_is_one_and_a_lost_group_counts_nothing():
    real, _ = halves()
    fits = survival.cox_agreement(real, real, ART_HIV)
    np.testing.assert_allclose(fits["overlap"], 1)
    assert {"viral suppression", "CD4 recovery"} == set(fits["goal"])
    copy = real.with_values({"Ethnic": np.full_like(real["Ethnic"], 3)})
    lost = survival.cox_agreement(real, copy, ART_HIV)
    assert (lost.loc[lost["term"].str.startswith("Ethnic"), "overlap"] == 0).all()
    assert (lost.loc[lost["term"].str.startswith("Base"), "overlap"] > 0.3).all()


def test_an_opposite_effect_does_not_overlap():
    schema = laboratory(BACKBONE)
    same = survival.cox_agreement(switchers(1.0), switchers(1.0, seed=1), schema)
    opposite = survival.cox_agreement(switchers(1.0), switchers(-1.0, seed=1), schema)
    assert opposite["overlap"].item() == 0 < 0.3 < same["overlap"].item()


def test_too_few_events_are_named():
    people = switchers(0.0, patients=30)
    with pytest.raises(NotMeasured, match="20 events each"):
        survival.cox_agreement(people, people, people.schema)
