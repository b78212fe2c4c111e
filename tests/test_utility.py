"""What a copy is good for: goals, prediction and the effects of treatments."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from utility_cohorts import cohort, halves, laboratory, ragged

from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES
from hgteach.cohorts.hypotension import HYPOTENSION
from hgteach.cohorts.sepsis import SEPSIS
from hgteach.evaluation import effects, policy, prediction, survival
from hgteach.evaluation.copies import BAD_COPIES, bootstrap, independent_columns, shuffled_months
from hgteach.evaluation.goals import RECOVERY, SUPPRESSION, goals_of
from hgteach.evaluation.measure import NotMeasured, Task
from hgteach.evaluation.patients import EMPTY
from hgteach.schema import Column, Schema

MEASURES = [m for module in (prediction, survival, policy, effects) for m in module.MEASURES]
EXAMPLE = ART_HIV.select(EXAMPLE_VARIABLES)
every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)


def copy_of(make, patients):
    return make(patients, np.random.default_rng(0))


# Every measure ------------------------------------------------------------------------------------


@every_measure
def test_a_measure_describes_itself_and_stays_in_its_range(measure):
    real, other = halves()
    assert measure.family == "utility"
    assert measure.lowest <= measure.best <= measure.highest
    assert measure.definition.endswith(".")
    assert measure.source
    for copy in (other, *(copy_of(make, real) for make in BAD_COPIES.values())):
        assert measure.lowest <= measure.score(Task(real, copy)) <= measure.highest


@every_measure
def test_other_real_patients_score_better_than_independent_columns(measure):
    real, other = halves()
    scores = [
        abs(measure.score(Task(real, copy)) - measure.best)
        for copy in (other, copy_of(independent_columns, real))
    ]
    assert scores[0] < scores[1]


@every_measure
def test_records_of_unequal_length_are_judged(measure):
    short, other = (ragged(group) for group in halves())
    assert np.isfinite(measure.score(Task(short, other, holdout=other)))


@every_measure
def test_the_seven_variables_of_the_series_are_enough(measure):
    real, other = (group.select(EXAMPLE.names) for group in halves())
    assert np.isfinite(measure.score(Task(real, other)))


@pytest.mark.parametrize("measure", [m for m in MEASURES if m.name.startswith(
    ("hazard", "same", "treatments"))], ids=lambda measure: measure.name)  # fmt: skip
def test_without_treatments_a_sentence_says_why(measure):
    real, other = (group.select(["VL", "CD4", "Gender"]) for group in halves())
    with pytest.raises(NotMeasured, match=r"treatment"):
        measure.score(Task(real, other))


# Goals --------------------------------------------------------------------------------------------


def test_goals_at_their_thresholds():
    schema = laboratory()
    one = cohort(schema, VL=[[999.9, 1000.0, np.nan]], CD4=[[499.9, 500.0, np.nan]])
    np.testing.assert_array_equal(SUPPRESSION.reached(one), [[1, 0, np.nan]])
    np.testing.assert_array_equal(RECOVERY.reached(one), [[0, 1, np.nan]])
    assert goals_of(one) == (SUPPRESSION, RECOVERY)


def test_in_intensive_care_the_goal_is_a_vasopressor_one_row_ahead():
    dose = cohort(SEPSIS.select(["MaxVaso", "Mech"]), MaxVaso=[[0, 0.009, 0.01, np.nan]],
                  Mech=[[0, 1, 1, 1]])  # fmt: skip
    classes = cohort(HYPOTENSION.select(["MAP", "vasopressors"]), MAP=[[60.0] * 4],
                     vasopressors=[[0, 0, 3, EMPTY]])  # fmt: skip
    for one in (dose, classes):
        (goal,) = goals_of(one)
        assert (goal.name, goal.ahead) == ("a vasopressor", 1)
        np.testing.assert_array_equal(goal.reached(one), [[0, 0, 1, np.nan]])
    assert goals_of(dose.select(["Mech"]))[0].name == "Mech is True"


def test_other_schemas_get_their_first_binary_column_or_a_median():
    fits = Column("fits", "binary", ("no", "yes"))
    arm = Column("arm", "binary", ("placebo", "drug"), static=True)
    weight = Column("weight", "real", unit="kg")
    both = Schema("trial", "who", "when", (arm, weight, fits))
    people = cohort(both, [3, 2], arm=[[0] * 3] * 2, weight=[[1, 2, 3]] * 2, fits=[[0, 1, 1]] * 2)
    (goal,) = goals_of(people)
    np.testing.assert_array_equal(goal.reached(people), [[0, 1, 1], [0, 1, np.nan]])
    (goal,) = goals_of(people.select(["arm", "weight"]))
    np.testing.assert_array_equal(goal.reached(people), [[0, 0, 1], [0, 0, np.nan]])
    with pytest.raises(NotMeasured):
        goals_of(people.select(["arm"]))


# Prediction ---------------------------------------------------------------------------------------


def test_auc_by_hand_and_beside_scikit_learn():
    assert prediction.auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert prediction.auc(np.array([0, 1]), np.array([5.0, 5.0])) == 0.5
    assert np.isnan(prediction.auc(np.array([1, 1]), np.array([0.1, 0.2])))
    random = np.random.default_rng(0)
    truth, score = random.integers(0, 2, 300), random.integers(0, 20, 300)
    weight = random.integers(0, 4, 300)
    expected = roc_auc_score(truth, score, sample_weight=weight)
    assert prediction.auc(truth, score, weight) == pytest.approx(expected)


def test_the_past_is_summed_up_without_the_future():
    schema = laboratory("Base Drug Combo")
    one = cohort(schema, VL=[[10, 1000, 10]], CD4=[[100, np.nan, 100]], Base_Drug_Combo=[[0, 0, 2]])
    features = prediction.past(one, ahead=1)[0].T
    month, *viral_load = features[:5]
    np.testing.assert_array_equal(month, [0, 1, 2])
    np.testing.assert_allclose(viral_load[0], [1, 3, 1])
    np.testing.assert_allclose(viral_load[1], [1, 2, 5 / 3], rtol=1e-6)
    np.testing.assert_allclose(viral_load[2], [0, 1, np.sqrt(8) / 3], rtol=1e-6)
    np.testing.assert_allclose(viral_load[3], [np.nan, 2, -2])
    np.testing.assert_allclose(features[6], [2, 2, 2])  # the mean CD4 skips the gap
    np.testing.assert_array_equal(features[-2:], [[0, 0, 2], [0, 1, 0]])
    later = cohort(schema, VL=[[10, 1000, 1]], CD4=[[100, np.nan, 1]], Base_Drug_Combo=[[0, 0, 5]])
    np.testing.assert_array_equal(prediction.past(later, ahead=1)[0, :2].T, features[:, :2])


def private_outcomes(patients: int, seed: int):
    """Return patients whose outcome is chance, but can be learnt by heart from their CD4."""
    random = np.random.default_rng(seed)
    level = np.where(random.random(patients) < 0.5, 10.0, 1e4)
    columns = {"VL": np.tile(level[:, None], 12), "CD4": np.tile(random.random((patients, 1)), 12)}
    columns["VL"][:, :6] = 500.0
    return cohort(laboratory(), **columns)


def test_who_is_tested_was_never_trained_on():
    real, holdout = private_outcomes(800, 0), private_outcomes(800, 1)
    for outsiders in (None, holdout):
        table = prediction.prediction(real, real, real.schema, holdout=outsiders, resamples=50)
        row = table[table["goal"] == "viral suppression"].set_index("setting")["AUC"]
        assert row["TRTR"] == pytest.approx(0.5, abs=0.1)
        # Without a holdout, a copy that holds the tested patients is flattered, as documented.
        assert row["TSTR"] > 0.6 if outsiders is None else row["TSTR"] < 0.6


def test_settings_name_who_was_trained_and_tested():
    real, other = halves()
    short = other.take(np.arange(300))
    table = prediction.prediction(real, short, ART_HIV, holdout=other, resamples=20)
    assert list(table["setting"]) == ["TRTR", "TSTR", "TRTS"] * 2
    assert list(table["patients"]) == [800, 800, 300] * 2
    assert (table["low"] <= table["AUC"]).all()
    assert (table["AUC"] <= table["high"]).all()
    assert table["share"][0] == table["share"][1] != table["share"][2]


def test_a_copy_in_which_nobody_is_suppressed_teaches_nothing():
    real, _ = halves()
    ill = real.with_values({"VL": np.full_like(real["VL"], 1e5)})
    table = prediction.prediction(real, ill, ART_HIV, resamples=10).set_index(["goal", "setting"])
    found = table.loc["viral suppression", "AUC"]
    assert found["TSTR"] == 0.5
    assert np.isnan(found["TRTS"])
    both = ill.with_values({"CD4": np.full_like(real["CD4"], 50.0)})
    with pytest.raises(NotMeasured, match="all alike"):
        prediction.MEASURES[0].score(Task(real, both))


def test_a_vasopressor_in_the_next_hour_is_foreseen_from_this_one():
    """It follows a fall of the pressure by one hour, so nobody can foresee it six hours ahead."""
    random = np.random.default_rng(0)
    low = random.random((400, 24)) < 0.3
    on = np.hstack([np.zeros((400, 1), dtype=bool), low[:, :-1]])
    people = cohort(HYPOTENSION.select(["MAP", "vasopressors"]), MAP=np.where(low, 55.0, 80.0),
                    vasopressors=2 * on)  # fmt: skip
    table = prediction.prediction(people, people, people.schema, resamples=10)
    assert (table["AUC"] > 0.95).all()
    table = prediction.prediction(people, people, people.schema, ahead=6, resamples=10)
    assert table.set_index("setting").loc["TRTR", "AUC"] == pytest.approx(0.5, abs=0.15)


def test_one_row_a_patient_is_too_short():
    one = cohort(laboratory(), VL=[[1.0]] * 4, CD4=[[1.0]] * 4)
    with pytest.raises(NotMeasured, match="too short"):
        prediction.prediction(one, one, one.schema)


def test_shuffled_months_lose_prediction_and_a_bootstrap_is_flattered():
    real, other = halves()
    lost = prediction.MEASURES[0].score
    shuffled = lost(Task(real, copy_of(shuffled_months, real)))
    repeated = lost(Task(real, copy_of(bootstrap, real)))
    assert repeated < 0.005 < shuffled
    assert abs(lost(Task(real, other))) < 0.02


# Effects ------------------------------------------------------------------------------------------


def test_the_third_agent_decides_and_the_backbone_stands_in():
    schema = ART_HIV.select(["VL", *effects.AGENT_COLUMNS])
    codes = {"Base_Drug_Combo": [[0, 3, 0, 0]], "Comp._INI": [[0, 3, 3, 3]],
             "Comp._NNRTI": [[2, 3, 2, 3]], "Extra_PI": [[5, 1, 5, EMPTY]]}  # fmt: skip
    one = cohort(schema, VL=[[1.0] * 4], **codes)
    code, names = effects.treatments(one)
    assert [names[c] for c in code[0, :3]] == ["DTG", "DRV", "RPV"]
    assert code[0, 3] == EMPTY
    code, names = effects.treatments(one.select(["VL", "Base Drug Combo"]))
    assert [names[c] for c in code[0, :2]] == ["FTC + TDF", "DRV + FTC + TDF"]


def test_a_drop_by_hand(monkeypatch):
    monkeypatch.setattr(effects, "FEWEST", 1)
    schema = ART_HIV.select(["VL", "Base Drug Combo", "Drug (M)"])
    fall, switched, early = [1e5, 1e4, 1e2, 1e2], [1e5, 1e3, 1e4, 1e1], [10, 10, 10, 10]
    people = cohort(
        schema,
        VL=[fall, switched, early, fall],
        Base_Drug_Combo=[[0] * 4, [0, 1, 1, 1], [0] * 4, [0] * 4],
        **{"Drug_(M)": [[1] * 4, [1] * 4, [1] * 4, [1, 1, 0, 1]]},
    )
    table = effects.viral_load_drops(people, schema, settled=2).set_index("treatment")
    # The second patient left backbone 0 too soon, the third was never viraemic, and of the last
    # the regimen was not recorded when it counted. On backbone 1: from 10^5 at the highest to 10^1.
    assert table["courses"].iloc[:3].tolist() == [1, 1, 0]
    assert table["drop"].iloc[0] == pytest.approx(3)
    assert table["drop"].iloc[1] == pytest.approx(4)
    assert np.isnan(table["drop"].iloc[2])


def test_standard_error_is_that_of_a_mean(monkeypatch):
    monkeypatch.setattr(effects, "FEWEST", 1)
    after = np.array([1e3, 1e2, 1e1])
    people = cohort(
        ART_HIV.select(["VL", "Base Drug Combo"]),
        VL=np.column_stack([np.full(3, 1e5), after]),
        Base_Drug_Combo=[[0, 0]] * 3,
    )
    row = effects.viral_load_drops(people, people.schema, settled=1).iloc[0]
    assert row["standard error"] == pytest.approx(1 / np.sqrt(3))


def test_rank_agreement_by_hand():
    truth = pd.Series({"a": 3.0, "b": 2.0, "c": 1.0})
    assert effects.rank_agreement(truth, truth * 7) == 1
    assert effects.rank_agreement(truth, -truth) == -1
    one_wrong, one_missing = pd.Series({"a": 2, "b": 3, "c": 1}), pd.Series({"a": 3, "c": 1})
    assert effects.rank_agreement(truth, one_wrong) == pytest.approx(1 / 3)
    assert effects.rank_agreement(truth, one_missing) == pytest.approx(1 / 3)
    with pytest.raises(NotMeasured):
        effects.rank_agreement(truth[:1], truth)


def test_effects_tell_the_truth_unless_treatments_are_dealt_out_anew():
    real, _ = halves()
    found = effects.viral_load_drops(real, ART_HIV).set_index("treatment")["drop"].dropna()
    truth = effects.true_drops(ART_HIV)[found.index]
    assert effects.rank_agreement(truth, found) > 0.5
    others = np.random.default_rng(0).permutation(len(real))
    given_to_others = real.with_values({"Comp. INI": real["Comp. INI"][others]})
    found = effects.viral_load_drops(given_to_others, ART_HIV).set_index("treatment")["drop"]
    assert effects.rank_agreement(truth, found) < 0.3


def test_the_truth_of_a_backbone_lies_between_its_regimens():
    truth = effects.true_drops(EXAMPLE)
    assert truth.index.tolist() == list(EXAMPLE["Base Drug Combo"].levels)
    assert truth.between(2.2, 3.6).all()
    assert truth["3TC + ABC"] == pytest.approx(3.35, abs=0.01)
