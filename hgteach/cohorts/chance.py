"""Chance for the simulators, spread evenly.

Plain draws would do, but shares would then scatter between seeds.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from hgteach.errors import InputError


def source(patients: int, seed: int) -> np.random.Generator:
    """Return the source of chance of a simulated cohort.

    Raises:
        InputError: ``patients`` or ``seed`` is out of range.
    """
    if patients < 1:
        raise InputError(f"Ask for at least one patient, not {patients}.")
    if seed < 0:
        raise InputError(f"The seed must be a whole number from 0 up, not {seed}.")
    return np.random.default_rng(seed)


def even(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return ``size`` numbers spread evenly over 0 to 1, in random order."""
    return rng.permutation((np.arange(size) + 0.5) / size)


def pick(rng: np.random.Generator, shares: np.ndarray, size: int) -> np.ndarray:
    """Return ``size`` indices into ``shares``, each as often as its share asks for."""
    return np.searchsorted(np.cumsum(shares) / shares.sum(), even(rng, size))


def normal(rng: np.random.Generator, size: int, skew: float = 0.0) -> np.ndarray:
    """Return evenly spread normal scores; ``skew`` lengthens the right (+) or left (-) tail."""
    score = ndtri(even(rng, size))
    return np.expm1(skew * score) / skew if skew else score


def happens(
    rng: np.random.Generator, probability: np.ndarray, along: np.ndarray | None = None
) -> np.ndarray:
    """Return to whom it happens: systematic sampling, as in a survey.

    Patients stand in a line, each as long as their probability. From a random start a mark falls
    at every whole unit; whoever stands on a mark is chosen. Everybody keeps their probability,
    yet the total is always within one of what is expected, and evenly spread over ``along``.
    """
    line = rng.permutation(len(probability))
    if along is not None:
        line = line[np.argsort(along[line], kind="stable")]
    marks = np.floor(rng.random() + np.cumsum(probability[line]))
    chosen = np.empty(len(probability), dtype=bool)
    chosen[line] = np.diff(marks, prepend=0) > 0
    return chosen
