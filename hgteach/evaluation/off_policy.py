"""What would a policy earn that nobody follows? Weighted importance sampling, and its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hgteach.evaluation.measure import NotMeasured
from hgteach.evaluation.patients import EMPTY, Patients
from hgteach.evaluation.policy import Decisions, Policy, PolicySettings, policies
from hgteach.schema import Schema

FEWEST_EFFECTIVE = 30  # patients below which a value is not to be trusted


def off_policy_values(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    test: pd.DataFrame | Patients,
    schema: Schema,
    settings: PolicySettings | None = None,
    *,
    horizon: int = 4,
    imitation: float = 0.2,
    seed: int = 0,
) -> pd.DataFrame:
    """Estimate what each policy would earn, from real patients whom neither has seen.

    Nobody follows the policy, so patients who happened to be treated as it would have are made
    to count for more: weighted importance sampling (Precup, Sutton and Singh 2000) over the first
    ``horizon`` decisions. A patient's weight is the product of (chance under the policy) / (share
    among the doctors in that state). The valued policy follows its best action, and now and then
    the doctors, or else hardly anybody would have a weight.

    Args:
        real, synthetic: what the policies are learned from.
        test: real patients to value them with.
        schema: what the columns are.
        settings: how to learn.
        horizon: decisions whose rewards are added up: 4 are a year.
        imitation: how often the valued policy does what doctors did, instead of its best.
        seed: fixes the clusters and the resampling.

    Returns:
        One row a policy ("doctors", "real", "synthetic"): the mean discounted ``value`` with its
        95 % bootstrap interval ``low`` to ``high``, ``effective patients`` (the squared sum of
        weights over the sum of squared weights) of how many ``patients``, and ``trust``: whether
        at least 30 are effective. Even then it leans on a model of the doctors that knows only
        the state, and is as confounded as the records are.
    """
    settings = settings or PolicySettings()
    real, synthetic, test = (Patients.of(t, schema) for t in (real, synthetic, test))
    states, *learned = policies(real, synthetic, settings, seed)
    decisions = Decisions.of(test, states, settings.every)
    doctors = Policy.learn(decisions, learned[0].taken.shape, settings)
    horizon = min(horizon, decisions.state.shape[1])
    first = decisions.known[:, :horizon].all(axis=1)
    state, action = decisions.state[first, :horizon], decisions.action[first, :horizon]  # (P, H)
    earned = (decisions.reward[first, :horizon] * settings.discount ** np.arange(horizon)).sum(1)
    if not len(state):
        raise NotMeasured(f"No patient has {horizon} decisions from the beginning.")
    done = doctors.behaviour[state, action]
    chances = np.full(len(state), 1 / len(state))
    draws = np.random.default_rng(seed).multinomial(len(state), chances, size=200)
    rows = []
    for name, policy in (("doctors", None), *zip(("real", "synthetic"), learned, strict=True)):
        chance = done
        if policy is not None:
            best = policy.recommended[state]
            follows = imitation * done + (1 - imitation) * (best == action)
            chance = np.where(best == EMPTY, done, follows)
        weight = (chance / done).prod(axis=1)  # (P,)
        total = max(weight.sum(), 1e-12)
        effective = total**2 / max((weight**2).sum(), 1e-12)
        again = draws * weight  # (R, P)
        values = again @ earned / np.maximum(again.sum(axis=1), 1e-12)
        interval = np.quantile(values, [0.025, 0.975])
        rows.append((name, weight @ earned / total, *interval, effective, len(weight)))
    columns = ["policy", "value", "low", "high", "effective patients", "patients"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(trust=table["effective patients"] >= FEWEST_EFFECTIVE)
