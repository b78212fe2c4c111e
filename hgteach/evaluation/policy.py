"""Offline reinforcement learning: which treatment would be learned from these records?

A course of treatment becomes decisions: in a *state* (a cluster of laboratory values) an *action*
(a regimen) is followed by a *reward* (virus down, CD4 up) and by the next state. A policy is
learned from the records alone, so it may only recommend what doctors did often enough in that
state (batch-constrained Q-learning, Fujimoto et al. 2019, arXiv 1910.01708, here as tables).

Nothing here is advice about treatment: states leave out nearly all that a doctor knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import pandas as pd

from hgteach.evaluation.measure import Measure, NotForThisTable, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients, log_number
from hgteach.schema import Schema

ACTION_COLUMNS = ("Comp. NNRTI", "Base Drug Combo")
UNDETECTABLE = 50.0  # copies/mL


@dataclass(frozen=True)
class PolicySettings:
    """What the publications leave open. All of it is chosen here, none of it is published.

    Attributes:
        states: clusters of viral load and CD4. Enough to tell suppressed, failing and depleted
            patients apart; with many more, two groups of real patients no longer agree.
        every: months between decisions, about as often as people are seen.
        discount: what a reward is worth one decision later.
        threshold: an action may be recommended if doctors chose it at least this many times as
            often as their commonest action in the same state (1 allows only that one).
    """

    states: int = 8
    every: int = 3
    discount: float = 0.9
    threshold: float = 0.2


def reward(vl: np.ndarray, cd4: np.ndarray) -> np.ndarray:
    """Return the reward of a month: less virus and more CD4.

    -0.7 log10 VL + 0.6 log10 CD4 while the virus is detectable, and 5 + 0.6 log10 CD4 while it is
    not. The form is Parbhoo et al. 2017's, quoted from memory; base 10 and the limit of 50
    copies/mL are chosen here.
    """
    virus = np.where(vl < UNDETECTABLE, 5.0, -0.7 * log_number(vl))
    return np.where(np.isnan(vl), np.nan, virus) + 0.6 * log_number(cd4)


@dataclass(frozen=True)
class States:
    """Clusters of viral load and CD4, the same for every cohort that is compared.

    Attributes:
        centres: log10 VL and log10 CD4 of the clusters, by rising viral load, ``(S, 2)``.
        spread: what one unit of distance is for each of the two, ``(2,)``.
    """

    centres: np.ndarray
    spread: np.ndarray

    @classmethod
    def learn(cls, patients: Patients, states: int, seed: int) -> States:
        """Cluster the rows of these patients by k-means."""
        from sklearn.cluster import KMeans  # here, so that pictures of policies do not wait for it

        rows = _laboratory(patients).reshape(-1, 2)  # (P * T, 2)
        rows = rows[~np.isnan(rows).any(axis=1)]
        rows = np.random.default_rng(seed).permutation(rows)[:20_000]
        if not len(rows):
            raise NotMeasured("No row has both a viral load and a CD4 count.")
        spread = rows.std(axis=0)
        spread[spread < 1e-9] = 1.0  # a number that never changes tells no states apart
        states = min(states, len(np.unique(rows, axis=0)))
        centres = KMeans(states, n_init=1, random_state=seed).fit(rows / spread).cluster_centers_
        return cls(centres[centres[:, 0].argsort()] * spread, spread)

    def of(self, patients: Patients) -> np.ndarray:
        """Return the state of every row, ``(P, T)``, and ``EMPTY`` where a number is missing."""
        rows = _laboratory(patients) / self.spread  # (P, T, 2)
        centres = self.centres / self.spread
        # The square of the row itself is the same for all centres, so it is left out.
        nearest = ((centres**2).sum(axis=1) - 2 * rows @ centres.T).argmin(axis=-1)
        return np.where(np.isnan(rows).any(axis=-1), EMPTY, nearest)


def _laboratory(patients: Patients) -> np.ndarray:
    """Return log10 VL and log10 CD4, ``(P, T, 2)``."""
    return np.stack([log_number(patients["VL"]), log_number(patients["CD4"])], axis=-1)


@dataclass(frozen=True)
class Decisions:
    """What was done and what came of it, ``(P, D)`` each; ``known`` says where all is there."""

    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    later: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, patients: Patients, states: States, every: int) -> Decisions:
        """Look every so many months: this month's state and action, the mean reward until then."""
        count = (patients.timesteps - 1) // every
        if count < 1:
            raise NotMeasured(f"Records of {patients.timesteps} rows hold no two decisions.")
        now = np.arange(count) * every  # (D,)
        state, action = states.of(patients), actions(patients)
        monthly = reward(patients["VL"], patients["CD4"])[:, 1 : count * every + 1]
        earned = monthly.reshape(len(patients), count, every).mean(axis=-1)  # (P, D)
        later = state[:, now + every]
        known = (state[:, now] != EMPTY) & (action[:, now] != EMPTY) & (later != EMPTY)
        known &= ~np.isnan(earned)
        return cls(state[:, now], action[:, now], earned, later, known)


def action_names(schema: Schema) -> list[str]:
    """Return the actions: NNRTI by backbone (24), or whichever of the two columns there is.

    Raises:
        NotMeasured: VL, CD4 or both treatment columns are missing.
    """
    for name in ("VL", "CD4"):
        if name not in schema.real:
            raise NotForThisTable(f"the number {name!r}")
    columns = [schema[name] for name in ACTION_COLUMNS if name in schema.categorical]
    if not columns:
        raise NotForThisTable(f"treatments, {' or '.join(ACTION_COLUMNS)}, as actions")
    return [" × ".join(levels) for levels in product(*(column.levels for column in columns))]


def actions(patients: Patients) -> np.ndarray:
    """Return the code of the action of each row, in the order of ``action_names``, ``(P, T)``."""
    code, missing = np.int64(0), False
    for name in ACTION_COLUMNS:
        if name in patients.schema.categorical:
            code = code * len(patients.schema[name].levels) + patients[name]
            missing = missing | (patients[name] == EMPTY)
    return np.where(missing, EMPTY, code)


@dataclass(frozen=True)
class Policy:
    """What was learned from one cohort.

    Attributes:
        taken: how often each action was taken in each state, ``(S, A)``.
        value: the discounted reward to expect from it, NaN where not allowed, ``(S, A)``.
    """

    taken: np.ndarray
    value: np.ndarray

    @classmethod
    def learn(
        cls, decisions: Decisions, sizes: tuple[int, int], settings: PolicySettings
    ) -> Policy:
        """Count, then let values flow back until they stand still.

        The tables are the whole world as this cohort knows it, so Q-learning without chance is
        value iteration: Q(s, a) = mean reward + discount x mean over next states of the best
        *allowed* Q there.
        """
        states, options = sizes
        k = decisions.known
        pair = decisions.state[k] * options + decisions.action[k]  # (decisions,)
        taken = np.bincount(pair, minlength=states * options).reshape(states, options)
        total = np.bincount(pair, decisions.reward[k], states * options).reshape(states, options)
        moves = np.bincount(pair * states + decisions.later[k], minlength=states**2 * options)
        moves = moves.reshape(states, options, states)
        allowed = (taken > 0) & (taken >= settings.threshold * taken.max(axis=1, keepdims=True))
        times = np.maximum(taken, 1)
        mean, moves = total / times, moves / times[..., None]
        ending = ~allowed.any(axis=1)  # a state that is reached, but never decided in
        value = np.zeros_like(mean)
        for _ in range(2000):
            best = np.where(ending, 0.0, np.where(allowed, value, -np.inf).max(axis=1))
            before, value = value, mean + settings.discount * moves @ best
            if np.abs(value - before).max() < 1e-6:
                break
        return cls(taken, np.where(allowed, value, np.nan))

    @property
    def recommended(self) -> np.ndarray:
        """The best allowed action of each state, ``EMPTY`` where nothing is known, ``(S,)``."""
        best = np.where(np.isnan(self.value), -np.inf, self.value).argmax(axis=1)
        return np.where(self.taken.any(axis=1), best, EMPTY)

    @property
    def behaviour(self) -> np.ndarray:
        """The share of each action among a state's decisions, ``(S, A)``."""
        return self.taken / np.maximum(self.taken.sum(axis=1, keepdims=True), 1)


def policies(
    real: Patients, synthetic: Patients, settings: PolicySettings | None = None, seed: int = 0
) -> tuple[States, Policy, Policy]:
    """Learn one policy from each cohort; states are those of the real patients."""
    settings, options = settings or PolicySettings(), len(action_names(real.schema))
    states = States.learn(real, settings.states, seed)
    learned = [
        Policy.learn(
            Decisions.of(cohort, states, settings.every), (len(states.centres), options), settings
        )
        for cohort in (real, synthetic)
    ]
    return states, *learned


def compare_policies(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    schema: Schema,
    settings: PolicySettings | None = None,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Lay the two policies side by side, state by state.

    Returns:
        One row a state, by rising viral load: its centre's ``VL`` [copies/mL] and ``CD4``
        [cells/µL], the ``share`` of the real decisions made in it, and what is recommended after
        learning from ``real`` and from ``synthetic`` records ("none" where the copy never comes).

    Raises:
        NotMeasured: columns are missing, or the records are too short.
    """
    real, synthetic = Patients.of(real, schema), Patients.of(synthetic, schema)
    names = [*action_names(schema), "none"]  # EMPTY, -1, finds the last
    states, ours, theirs = policies(real, synthetic, settings, seed)
    found = dict(zip(("VL", "CD4"), 10**states.centres.T, strict=True))
    found["share"] = ours.taken.sum(axis=1) / ours.taken.sum()
    found["real"] = [names[action] for action in ours.recommended]
    found["synthetic"] = [names[action] for action in theirs.recommended]
    return pd.DataFrame(found).rename_axis("state")


def recommendations(compared: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return how often each action is recommended, weighted by real visits; columns add up to 1.

    Args:
        compared: from :func:`compare_policies`.
        schema: what the columns are.
    """
    shares = [compared.groupby(who)["share"].sum().rename(who) for who in ("real", "synthetic")]
    order = [*action_names(schema), "none"]
    return pd.concat(shares, axis=1).reindex(order, fill_value=0.0).fillna(0.0)


def policy_agreement(real: Policy, synthetic: Policy) -> float:
    """Return the share of real visits for which both policies recommend the same, 0 to 1.

    It is strict: where two regimens are nearly as good, chance decides, in two groups of real
    patients too. Read it beside its floor, and beside :func:`value_agreement`.
    """
    visits = real.taken.sum(axis=1)
    return float(visits[real.recommended == synthetic.recommended].sum() / visits.sum())


def value_agreement(real: Policy, synthetic: Policy) -> float:
    """Return how alike two policies value the regimens, -1 to 1: a weighted correlation.

    Each state's mean value is taken off first, so what is compared is how much better or worse
    than the others a regimen is taken to be in the same state. Pairs of state and action that
    both cohorts allow count as often as real doctors chose them.

    Raises:
        NotMeasured: no state has two regimens that both allow.
    """
    both = ~np.isnan(real.value) & ~np.isnan(synthetic.value)
    weight = np.where(both, real.taken, 0.0)  # (S, A)
    weight *= (both.sum(axis=1) > 1)[:, None]
    visits = np.maximum(weight.sum(axis=1, keepdims=True), 1)
    better = []
    for policy in (real, synthetic):
        value = np.where(both, policy.value, 0.0)
        better.append(value - (weight * value).sum(axis=1, keepdims=True) / visits)
    size = np.sqrt(np.prod([(weight * b**2).sum() for b in better]))
    if size < 1e-12:
        raise NotMeasured("The copy compares no two regimens that the real patients compare.")
    return float((weight * better[0] * better[1]).sum() / size)


@lru_cache(maxsize=1)
def _learned(task: Task) -> tuple[Policy, Policy]:
    return policies(task.real, task.synthetic, seed=task.seed)[1:]


SOURCE = (
    "batch-constrained Q-learning: Fujimoto et al. 2019, arXiv 1910.01708; comparing policies: "
    "Kuo et al. 2022, doi 10.1038/s41597-022-01784-7; states and settings are chosen here"
)
MEASURES = (
    Measure(
        "same treatment recommended",
        "utility",
        "The share of real visits for which a treatment policy learned from synthetic records "
        "recommends what one learned from real records does. Two groups of real patients agree "
        "on far fewer than all.",
        lowest=0.0,
        highest=1.0,
        best=1.0,
        source=SOURCE,
        score=lambda task: policy_agreement(*_learned(task)),
    ),
    Measure(
        "treatments valued alike",
        "utility",
        "Correlation between how much better than its alternatives each regimen is taken to be, "
        "state by state, after learning from synthetic and from real records.",
        lowest=-1.0,
        highest=1.0,
        best=1.0,
        source=SOURCE,
        score=lambda task: value_agreement(*_learned(task)),
    ),
)
