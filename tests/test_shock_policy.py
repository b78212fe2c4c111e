"""Decisions about shock: states and rewards by hand, and what policies do to simulated people."""

import numpy as np
import pytest

from hgteach.cohorts.hypotension import HYPOTENSION
from hgteach.cohorts.hypotension_simulator import simulate_hypotension
from hgteach.evaluation import shock_policy as shock


@pytest.fixture(scope="module")
def cohort():
    return simulate_hypotension(1500, seed=2)


def untreated(states: int) -> np.ndarray:
    return np.zeros(states, dtype=int)


def below_65(states: int, action: str) -> np.ndarray:
    """The rule: this action while MAP is below 65, whatever the lactate."""
    return np.where(np.arange(states) < 6, shock.ACTIONS.index(action), 0)


def test_states_have_the_names_that_they_deserve():
    plain, running = shock.state_names(False), shock.state_names(True)
    assert (len(plain), len(running)) == (10, 20)
    pressure, lactate = np.array([54.9, 55, 64.9, 65, 70, 120]), np.array([2.1, 2, 9, 1, 3, 2])
    named = [plain[s] for s in shock.states(pressure, lactate)]
    assert named == ["MAP < 55, lactate > 2", "MAP 55–60, lactate ≤ 2", "MAP 60–65, lactate > 2",
                     "MAP 65–70, lactate ≤ 2", "MAP ≥ 70, lactate > 2",
                     "MAP ≥ 70, lactate ≤ 2"]  # fmt: skip
    on = shock.states(pressure[:1], lactate[:1], np.array([True]))
    assert running[on[0]] == "MAP < 55, lactate > 2, on one"


def test_decisions_by_hand(cohort):
    found = shock.decisions(cohort, running=True)
    assert found.state.shape == found.reward.shape == (1500, 47)
    rows = cohort.iloc[:48]
    dose = np.searchsorted(HYPOTENSION["vasopressors"].codes, rows["vasopressors"])
    bolus = rows["fluid_boluses"].to_numpy() > 0
    assert (found.action[0] == (bolus + 2 * (dose > 0))[:-1]).all()
    earned = (rows["MAP"].to_numpy()[1:] >= 65) - 0.1 * bolus[:-1] - 0.05 * dose[:-1]
    assert np.allclose(found.reward[0], earned)
    assert (found.state[:, 1:] == found.later[:, :-1]).all()
    assert (found.state[0] % 2 == np.concatenate([[0], dose[:-2] > 0])).all()
    same = shock.decisions(HYPOTENSION.label(cohort), running=True)
    assert (same.state == found.state).all()


def test_following_a_policy_does_what_it_says():
    recommended = np.array([2, 1] + [0] * 7 + [-1])  # vasopressor, fluid, nothing, unknown
    answer = shock.follow(recommended, running=False)
    pressure, lactate = np.array([50, 50, 90, 90, 50.0]), np.array([1, 3, 1, 3, 1.0])
    fluid, dose = answer(None, None, pressure, lactate, np.array([0, 2, 2, 2, 3]), 0)
    assert fluid.tolist() == [0, 2, 0, 0, 0]
    assert dose.tolist() == [1, 0, 0, 0, 3]


def test_treating_low_pressure_helps_and_the_clinicians_lie_between():
    def loose(action):
        return shock.let_loose(shock.follow(below_65(10, action), running=False), 500)

    nothing, fluid, vasopressor = loose("nothing"), loose("fluid"), loose("vasopressor")
    clinicians = shock.let_loose(patients=500)
    assert nothing["vasopressor hours"] == nothing["litres"] == 0
    assert fluid["litres"] > 1 > fluid["vasopressor hours"]
    assert vasopressor["low hours"] < fluid["low hours"] < nothing["low hours"] - 4
    assert vasopressor["low hours"] < clinicians["low hours"] < nothing["low hours"] - 2


def test_what_the_state_leaves_out_decides_what_is_learned(cohort):
    """Deep shock, high lactate: confounding makes a vasopressor look useless, until the state
    tells who has one already."""
    worst = shock.state_names(False).index("MAP < 55, lactate > 2")
    plain = shock.learn(cohort, running=False)
    nothing, vasopressor = plain.value[worst, [0, 2]]
    assert vasopressor < nothing
    mild = shock.state_names(True).index("MAP 55–60, lactate ≤ 2, no vasopressor")
    finer = shock.learn(cohort, running=True)
    assert finer.value[mild, 2] > finer.value[mild, 0]
