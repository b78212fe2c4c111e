"""Scores: hidden values of a simulated cohort, of variance about 1, one row a patient.

A simulator builds scores from causes (``wander``, ``blend``), keeps them normal (``standard``,
``score``) and cuts them into classes (``levels``). Quartiles give them units afterwards
(:mod:`hgteach.cohorts.quartiles`). Arrays are ``(N, T)``: patients, steps.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from hgteach.cohorts.chance import normal


def wander(
    rng: np.random.Generator, size: tuple[int, int], lasting: float, memory: float
) -> np.ndarray:
    """Return scores ``(N, T)`` of variance 1 that differ between people and drift in time.

    Args:
        rng: the source of chance.
        size: patients and steps.
        lasting: the weight of what stays a person's own, 0 to 1.
        memory: of the rest, the autocorrelation from one step to the next.
    """
    drift = rng.standard_normal(size)
    for step in range(1, size[1]):
        drift[:, step] = memory * drift[:, step - 1] + np.sqrt(1 - memory**2) * drift[:, step]
    return lasting * normal(rng, size[0])[:, None] + np.sqrt(1 - lasting**2) * drift


def blend(own: np.ndarray, *parts: tuple[float, np.ndarray]) -> np.ndarray:
    """Add weighted causes to what is a variable's own, which keeps the rest of the variance."""
    weights = np.array([weight for weight, _ in parts])
    caused = sum(weight * cause for weight, cause in parts)
    return caused + np.sqrt(max(1 - weights @ weights, 0)) * own


def standard(values: np.ndarray) -> np.ndarray:
    """Return values less their mean, in standard deviations."""
    return (values - values.mean()) / (values.std() or 1)


def score(z: np.ndarray) -> np.ndarray:
    """Return the normal scores of the cohort's ranks: the same order, exactly the normal shape."""
    return ndtri(_ranks(z))


def levels(z: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Cut scores into ordered levels 0, 1, … of these shares, the lowest scores first."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.searchsorted(edges[:-1], _ranks(z), side="right")


def _ranks(z: np.ndarray) -> np.ndarray:
    """Return ranks, evenly spread over 0 to 1."""
    rank = np.empty(z.size)
    rank[np.argsort(z, axis=None, kind="stable")] = (np.arange(z.size) + 0.5) / z.size
    return rank.reshape(z.shape)
