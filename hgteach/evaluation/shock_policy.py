"""Fluid or vasopressor? Decisions in the acute-hypotension cohort, and policies let loose.

Every hour is a decision: in a *state* (pressure, lactate, and whether a vasopressor runs already)
an *action* is followed by a *reward* and the state of the next hour. :class:`Policy` of
:mod:`hgteach.evaluation.policy` learns from that. And because the stand-in has a simulator, a
learned policy can be let loose on simulated people, which no record can tell us.

States, reward and prices are chosen here, none of it is published. Nothing here is advice about
treatment.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from hgteach.cohorts import hypotension_simulator as simulator
from hgteach.cohorts.hypotension import HYPOTENSION, LOW_HOURS, LOW_MAP
from hgteach.evaluation.patients import Patients
from hgteach.evaluation.policy import Decisions, Policy, PolicySettings

ACTIONS = ("nothing", "fluid", "vasopressor", "both")
MAP_EDGES = (55, 60, 65, 70)  # mmHg
HIGH_LACTATE = 2.0  # mmol/L
BOLUS_PRICE, DOSE_PRICE = 0.10, 0.05  # per bolus, per dose class and hour; a good hour earns 1
SETTINGS = PolicySettings(discount=0.8, threshold=0.02)


def states(
    pressure: np.ndarray, lactate: np.ndarray, running: np.ndarray | None = None
) -> np.ndarray:
    """Return the state of each hour, any shape.

    Args:
        pressure: MAP, mmHg.
        lactate: mmol/L.
        running: whether a vasopressor ran before this decision; ``None`` leaves it out.
    """
    state = np.searchsorted(MAP_EDGES, pressure, side="right") * 2 + (lactate > HIGH_LACTATE)
    return state if running is None else state * 2 + running


def state_names(running: bool) -> list[str]:
    """Return the names of the states, in their order."""
    between = [f"MAP {low}–{high}" for low, high in pairwise(MAP_EDGES)]
    pressures = [f"MAP < {MAP_EDGES[0]}", *between, f"MAP ≥ {MAP_EDGES[-1]}"]
    names = [f"{p}, lactate {side}" for p in pressures for side in ("≤ 2", "> 2")]
    return [f"{n}, {v}" for n in names for v in ("no vasopressor", "on one")] if running else names


def decisions(table: pd.DataFrame | Patients, *, running: bool) -> Decisions:
    """Return what was done each hour, and what came of it one hour later, ``(P, T - 1)`` each.

    The reward is 1 for a next hour with a MAP of 65 mmHg or more, less the price of treatment.

    Args:
        table: the cohort, with labels or codes.
        running: whether the state tells that a vasopressor ran in the hour before.
    """
    patients = Patients.of(table, HYPOTENSION)
    dose, bolus = patients["vasopressors"], patients["fluid_boluses"] > 0
    before = np.zeros_like(dose)
    before[:, 1:] = dose[:, :-1]
    state = states(patients["MAP"], patients["lactic_acid"], before > 0 if running else None)
    reward = 1.0 * (patients["MAP"][:, 1:] >= LOW_MAP)
    reward -= BOLUS_PRICE * bolus[:, :-1] + DOSE_PRICE * dose[:, :-1]
    action = bolus + 2 * (dose > 0)
    return Decisions(state[:, :-1], action[:, :-1], reward, state[:, 1:], reward < np.inf)


def learn(table: pd.DataFrame | Patients, *, running: bool) -> Policy:
    """Learn a policy from a cohort's records alone."""
    sizes = (len(state_names(running)), len(ACTIONS))
    return Policy.learn(decisions(table, running=running), sizes, SETTINGS)


def follow(recommended: np.ndarray, *, running: bool) -> simulator.Policy:
    """Return a treatment rule for the simulator that does what is recommended.

    A bolus is 500 mL. A vasopressor begins with the lowest dose class and goes up by one in every
    hour that is still low. A state without a recommendation is left untreated.
    """

    def answer(rng, people, pressure, lactate, dose, hour):
        action = recommended[states(pressure, lactate, dose > 0 if running else None)]
        action = np.maximum(action, 0)
        more = np.clip(dose + (pressure < LOW_MAP), 1, 3)
        return np.where(action % 2 == 1, 2, 0), np.where(action >= 2, more, 0)

    return answer


def let_loose(
    answer: simulator.Policy | None = None, patients: int = 1000, seed: int = 0
) -> pd.Series:
    """Let a treatment rule treat simulated people for 48 hours; ``None``: the clinicians' own.

    They are people who, left untreated, would have had seven low hours. (The cohort's own rule
    will not do: who meets it depends on how they were treated.) The same people for every rule.

    Returns:
        ``low hours`` (% of hours with a MAP below 65), ``vasopressor hours`` (%), ``litres`` (of
        boluses, per person), and ``reward`` per hour as :func:`decisions` counts it.
    """
    rng = np.random.default_rng(seed)
    people = simulator.People.draw(rng, 3 * patients)
    untreated = simulator.play(rng, people, follow(np.zeros(len(state_names(False)), int),
                                                   running=False))  # fmt: skip
    low = (untreated.map < LOW_MAP).sum(axis=1) >= LOW_HOURS
    course = simulator.play(rng, people.take(np.flatnonzero(low)[:patients]), answer)
    earned = (course.map[:, 1:] >= LOW_MAP) - DOSE_PRICE * course.dose[:, :-1]
    earned = earned - BOLUS_PRICE * (course.fluid[:, :-1] > 0)
    return pd.Series(
        {
            "low hours": 100 * (course.map < LOW_MAP).mean(),
            "vasopressor hours": 100 * (course.dose > 0).mean(),
            "litres": simulator.BOLUS_ML[course.fluid].sum(axis=1).mean() / 1000,
            "reward": earned.mean(),
        }
    )
