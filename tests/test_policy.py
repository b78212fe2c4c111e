"""Treatment policies: learned by hand in a tiny world, compared, and valued off policy."""

import numpy as np
import pytest
from utility_cohorts import cohort, halves, laboratory

from hgteach import figures
from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES
from hgteach.evaluation import effects, off_policy, policy, prediction, survival
from hgteach.evaluation.copies import independent_columns
from hgteach.evaluation.measure import NotMeasured
from hgteach.evaluation.patients import EMPTY
from hgteach.evaluation.policy import Decisions, Policy, PolicySettings, States

BACKBONE = "Base Drug Combo"
HIGH, LOW = 1e5, 10.0
WELL, ILL = 0, 1
REST, TREAT = 0, 1


def decisions(rows: list[tuple[int, int, float, int]]) -> Decisions:
    """Return decisions from (state, action, reward, next state), one a patient."""
    columns = [np.array(column)[:, None] for column in zip(*rows, strict=True)]
    return Decisions(*columns, known=np.ones((len(rows), 1), dtype=bool))


WORLD = [
    *[(WELL, REST, 1.0, WELL)] * 3,
    (WELL, REST, 1.0, ILL),
    *[(ILL, REST, 0.0, ILL)] * 9,
    *[(ILL, TREAT, -0.2, WELL)] * 3,
    (ILL, TREAT, -0.2, ILL),
]


# Learning -----------------------------------------------------------------------------------------


def test_reward_by_hand():
    found = policy.reward(np.array([1e4, 49.0, np.nan]), np.array([100.0, 1000.0, 10.0]))
    np.testing.assert_allclose(found, [-0.7 * 4 + 0.6 * 2, 5 + 0.6 * 3, np.nan])


def test_values_solve_the_equations_of_bellman():
    learned = Policy.learn(decisions(WORLD), (2, 2), PolicySettings(discount=0.5, threshold=0.2))
    # Treat when ill: W = 1 + .5 (.75 W + .25 I), I = -.2 + .5 (.75 W + .25 I).
    well, ill = np.linalg.solve([[1 - 0.375, -0.125], [-0.375, 1 - 0.125]], [1.0, -0.2])
    rest_when_ill = 0 + 0.5 * ill
    np.testing.assert_allclose(learned.value, [[well, np.nan], [rest_when_ill, ill]], atol=1e-5)
    assert learned.recommended.tolist() == [REST, TREAT]
    np.testing.assert_allclose(learned.behaviour, [[1, 0], [9 / 13, 4 / 13]])


def test_what_doctors_hardly_did_is_not_recommended():
    lucky = [*WORLD, (WELL, TREAT, 100.0, WELL)]
    strict, loose = (
        Policy.learn(decisions(lucky), (2, 2), PolicySettings(discount=0.5, threshold=threshold))
        for threshold in (0.5, 0.2)
    )
    assert strict.recommended.tolist() == [REST, REST]
    assert np.isnan(strict.value[WELL, TREAT])
    assert loose.recommended[WELL] == TREAT


def test_a_state_where_nobody_decided_gets_no_recommendation():
    learned = Policy.learn(decisions(WORLD), (3, 2), PolicySettings())
    assert learned.recommended[2] == EMPTY


def test_actions_cross_nnrti_with_backbone():
    names = policy.action_names(ART_HIV)
    assert len(names) == 24
    assert names[7] == "EFV × 3TC + ABC"
    seven = ART_HIV.select(EXAMPLE_VARIABLES)
    assert policy.action_names(seven) == list(seven[BACKBONE].levels)
    one = cohort(
        laboratory("Comp. NNRTI", BACKBONE), VL=[[1.0] * 3], CD4=[[1.0] * 3],
        **{"Comp._NNRTI": [[1, 1, EMPTY]], "Base_Drug_Combo": [[1, EMPTY, 0]]},
    )  # fmt: skip
    assert policy.actions(one).tolist() == [[7, EMPTY, EMPTY]]
    with pytest.raises(NotMeasured, match="'CD4'"):
        policy.action_names(ART_HIV.select(["VL", BACKBONE]))
    with pytest.raises(NotMeasured, match="as actions"):
        policy.action_names(laboratory("Gender"))


def test_decisions_by_hand():
    people = cohort(
        laboratory(BACKBONE), [5, 4],
        VL=[[HIGH, HIGH, LOW, LOW, LOW]] * 2, CD4=np.full((2, 5), 100.0),
        Base_Drug_Combo=[[0, 1, 2, 3, 4]] * 2,
    )  # fmt: skip
    states = States.learn(people, 2, seed=0)
    found = Decisions.of(people, states, every=2)
    assert found.state[0].tolist() == [1, 0]  # by rising viral load
    assert found.later[0].tolist() == [0, 0]
    assert found.action[0].tolist() == [0, 2]
    ill, well = -0.7 * 5 + 0.6 * 2, 5 + 0.6 * 2
    np.testing.assert_allclose(found.reward[0], [(ill + well) / 2, well])
    assert found.known.tolist() == [[True, True], [True, False]]
    with pytest.raises(NotMeasured, match="no two decisions"):
        Decisions.of(people, states, every=5)


# Comparing ----------------------------------------------------------------------------------------


def test_agreement_by_hand():
    settings = PolicySettings(discount=0.5)
    ours = Policy.learn(decisions(WORLD), (2, 2), settings)
    worse = [(s, a, r - 2 * (s == ILL and a == TREAT), n) for s, a, r, n in WORLD]
    theirs = Policy.learn(decisions(worse), (2, 2), settings)
    assert theirs.recommended.tolist() == [REST, REST]
    assert policy.policy_agreement(ours, theirs) == pytest.approx(4 / 17)
    assert policy.value_agreement(ours, ours) == pytest.approx(1)
    assert policy.value_agreement(ours, theirs) == pytest.approx(-1)  # one pair, the other order
    well = Policy.learn(decisions(WORLD[:4]), (2, 2), settings)
    with pytest.raises(NotMeasured, match="no two regimens"):
        policy.value_agreement(ours, well)


def test_tables_for_the_heatmaps_add_up():
    real, other = halves()
    compared = policy.compare_policies(real, other, ART_HIV)
    assert len(compared) == PolicySettings().states
    assert compared["VL"].is_monotonic_increasing
    assert compared["share"].sum() == pytest.approx(1)
    shares = policy.recommendations(compared, ART_HIV)
    np.testing.assert_allclose(shares.sum(), 1)
    assert list(shares.index) == [*policy.action_names(ART_HIV), "none"]


def test_independent_columns_value_treatments_like_nobody():
    real, other = halves()
    copies = [independent_columns(real, np.random.default_rng(seed)) for seed in range(6)]
    same, floor, *bad = (
        policy.value_agreement(*policy.policies(real, c)[1:]) for c in (real, other, *copies)
    )
    assert same == pytest.approx(1)
    assert np.mean(bad) < 0.3 < floor


# Valuing ------------------------------------------------------------------------------------------


def test_off_policy_value_by_hand():
    # Ten people, one decision. Backbone 0 leaves the virus high, backbone 1 suppresses it; four
    # took backbone 1, and the policy learned from them recommends it.
    took = np.array([1] * 4 + [0] * 6)
    after = np.where(took == 1, LOW, HIGH)
    people = cohort(
        laboratory(BACKBONE),
        VL=np.column_stack([np.full(10, HIGH), after]),
        CD4=np.full((10, 2), 100.0),
        Base_Drug_Combo=np.column_stack([took, took]),
    )
    settings = PolicySettings(states=2, every=1)
    table = off_policy.off_policy_values(
        people, people, people, people.schema, settings, imitation=0.0
    ).set_index("policy")
    ill, well = -0.7 * 5 + 0.6 * 2, 5 + 0.6 * 2
    assert table.loc["doctors", "value"] == pytest.approx((4 * well + 6 * ill) / 10)
    assert table.loc["doctors", "effective patients"] == 10
    assert table.loc["synthetic", "value"] == pytest.approx(well)
    assert table.loc["synthetic", "effective patients"] == pytest.approx(4)
    assert not table["trust"].any()


def test_longer_horizons_leave_fewer_effective_patients():
    real, other = halves()
    left, right = real.halves(np.random.default_rng(0))
    effective = []
    for horizon in (1, 4, 12):
        table = off_policy.off_policy_values(left, right, other, ART_HIV, horizon=horizon)
        effective.append(table.set_index("policy").loc["real", "effective patients"])
        assert (table["low"] <= table["high"]).all()
    assert effective[0] > effective[1] > effective[2]


# Pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [ART_HIV, ART_HIV.select(EXAMPLE_VARIABLES)])
def test_every_picture_draws_both_cohorts(schema):
    real, other = (group.take(np.arange(400)).select(schema.names) for group in halves())
    shares = policy.recommendations(policy.compare_policies(real, other, schema), schema)
    found = effects.compare_effects(real, other, schema)
    predicted = prediction.prediction(real, other, schema, resamples=10)
    for figure in (
        figures.waiting_curves(survival.waiting_curves(real, other, schema)),
        figures.hazard_ratios(survival.cox_agreement(real, other, schema)),
        figures.predictions(predicted),
        figures.policy_heatmaps(shares, schema),
        figures.treatment_effects(found, effects.true_drops(schema)),
    ):
        assert all(axis.has_data() for axis in figure.axes)
        assert figures.png(figure).startswith(b"\x89PNG")


def test_a_heatmap_shows_the_shares_it_was_given():
    real, _ = halves()
    shares = policy.recommendations(policy.compare_policies(real, real, ART_HIV), ART_HIV)
    figure = figures.policy_heatmaps(shares, ART_HIV)
    drawn = figure.axes[0].images[0].get_array()
    assert drawn.shape == (4, 6)
    assert drawn.sum() == pytest.approx(1)
    figures.png(figure)
