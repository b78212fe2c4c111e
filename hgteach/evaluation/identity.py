"""Identity disclosure as El Emam and colleagues estimate it, with their threshold of 0.09.

Somebody knows a real person's *quasi-identifiers* (sex, ethnicity, first regimen) and finds a
synthetic patient who matches. That names the person only as surely as few others match, and it
matters only if the match tells something new. The risk adds this up over the real patients.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from hgteach.evaluation.attributes import hits, last_values
from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients
from hgteach.schema import Schema

THRESHOLD = 0.09
BANDS = 5
RARE = 0.5  # a level is news if at most so many of the real patients have it
ENOUGH = 0.05  # something new is learnt if so large a share of the sensitive columns is


def quasi_identifiers(schema: Schema) -> list[str]:
    """Return the columns that outsiders might know: static ones, and levels (at the first row)."""
    return [c.name for c in schema.columns if c.static or c.kind != "real"]


def disclosure(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    schema: Schema,
    *,
    population: pd.DataFrame | Patients | None = None,
    known: Iterable[str] | None = None,
    discount: float = 1.0,
    seed: int = 0,
) -> pd.Series:
    """Estimate the risk that a real patient is identified and something new is learnt.

    With n real patients s out of a population of N, the risk is the larger of

        1/N * sum of (1/f_s) * discount * I_s * R_s      (from a person in the population)
        1/n * sum of (1/F_s) * discount * I_s * R_s      (from a patient in the sample)

    f_s and F_s: how many of the sample, and of the population, share the quasi-identifiers of s.
    I_s: a synthetic patient shares them. R_s: such a match teaches something new.

    Source: El Emam, Mosquera and Bass 2020, J. Med. Internet Res. 22(11), e23139, with the
    threshold 0.09. *The formula is written down from memory of that paper and was not checked
    against it.* These are our own choices:

    - quasi-identifiers: static columns, and every column of levels in the first row. Numbers are
      cut at the real quintiles;
    - population: the real patients themselves, unless more are given, which is cautious (both
      directions are then equal);
    - discount (the paper's lambda, for matches that fail and data that are wrong): 1, which is
      cautious;
    - R_s: among the sensitive columns (all that change, in the last row), at least a twentieth
      are learnt: the match has the true level and at most half of the real patients have it, or
      a number within a tenth of a standard deviation. Of several matches one is drawn.

    Args:
        real, synthetic: labelled tables or patients of one schema.
        schema: what the columns are.
        population: people among whom the attacker looks, the real patients included.
        known: other quasi-identifiers.
        discount: between 0 and 1.
        seed: fixes which of several matches is drawn.

    Returns:
        ``risk`` (0 to 1, lower is better), its two directions ``from population`` and ``from
        sample``, ``matched`` and ``learnt`` (the shares of real patients with I and with I * R),
        and ``unique`` (the share whom the quasi-identifiers tell from all other real patients).

    Raises:
        NotMeasured: no column can serve as a quasi-identifier, or none as a sensitive one.
    """
    real, synthetic = Patients.of(real, schema), Patients.of(synthetic, schema)
    people = real if population is None else Patients.of(population, schema)
    known = list(known or quasi_identifiers(schema))
    sensitive = [c.name for c in schema.columns if not c.static]
    if not known or not sensitive:
        raise NotMeasured("Identity needs columns to recognise people by, and columns to learn.")
    classes = _classes(known, real, synthetic, people)
    ours, theirs, all_of_them = classes
    size = max(map(np.max, classes)) + 1
    in_sample, in_population = (np.bincount(c, minlength=size)[ours] for c in (ours, all_of_them))
    matched = np.isin(ours, theirs)  # I_s
    random = np.random.default_rng(seed)
    learnt = _learnt(real, synthetic, ours, theirs, sensitive, random)  # I_s * R_s
    from_population = discount * (learnt / in_sample).sum() / len(people)
    # Somebody who is in the sample is in the population, even if the table given lacks them.
    from_sample = discount * (learnt / np.maximum(in_population, in_sample)).sum() / len(real)
    return pd.Series(
        {
            "risk": max(from_population, from_sample),
            "from population": from_population,
            "from sample": from_sample,
            "matched": matched.mean(),
            "learnt": learnt.mean(),
            "unique": (in_sample == 1).mean(),
        }
    )


def _classes(known: list[str], *cohorts: Patients) -> list[np.ndarray]:
    """Number the combinations of quasi-identifiers, ``(P,)`` for each cohort, real first."""
    columns = []
    for name in known:
        first = [cohort[name][:, 0] for cohort in cohorts]
        if cohorts[0].schema[name].kind == "real":
            edges = np.nanquantile(first[0], np.linspace(0, 1, BANDS + 1)[1:-1])
            first = [np.where(np.isnan(x), EMPTY, np.searchsorted(edges, x)) for x in first]
        columns.append(np.concatenate(first))
    _, numbers = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    ends = np.cumsum([len(cohort) for cohort in cohorts])[:-1]
    return np.split(numbers.ravel(), ends)


def _learnt(
    real: Patients,
    synthetic: Patients,
    ours: np.ndarray,
    theirs: np.ndarray,
    sensitive: list[str],
    random: np.random.Generator,
) -> np.ndarray:
    """Say which real patients have a match that teaches something new, ``(P,)``."""
    order = np.argsort(theirs, kind="stable")
    start, stop = (np.searchsorted(theirs[order], ours, side) for side in ("left", "right"))
    drawn = start + (random.random(len(real)) * (stop - start)).astype(int)
    match = order[np.minimum(drawn, len(order) - 1)]  # anybody where there is no match
    learnt = np.zeros(len(real))
    for name in sensitive:
        truth, guess = last_values(real, name), last_values(synthetic, name)[match]
        spread, news = 0.0, np.ones(len(real), dtype=bool)
        if real.schema[name].kind == "real":
            spread = np.nanstd(truth)
        else:
            share = np.bincount(truth + 1, minlength=2) / len(truth)  # the empty ones first
            news = share[truth + 1] <= RARE
        learnt += news & hits(truth, guess, spread)
    return (stop > start) & (learnt >= ENOUGH * len(sensitive))


def _risk(task: Task) -> float:
    return disclosure(task.real, task.synthetic, task.real.schema, seed=task.seed)["risk"]


MEASURES = (
    Measure(
        "identity disclosure risk", "safety",
        "Estimated chance that a real patient is recognised in the copy by what others may know "
        "(static columns and the first row's treatment), and that something new is learnt. "
        "The usual threshold is 0.09.",
        0, 1, 0, "after El Emam et al. 2020, e23139 (formula recalled, choices ours)", _risk,
    ),
)  # fmt: skip
