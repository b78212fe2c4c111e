"""Membership inference: can somebody tell from the copy who was in the training data?

That may be the secret itself: whoever is in a cohort of people with HIV has HIV. The attacker
holds the records of some candidates, half of them *members* (the generator learnt from them), half
*outsiders* (it never saw them), and gives each a score; a good score puts members first.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from hgteach.evaluation.distances import courses, features, nearest, needs_holdout
from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import Patients
from hgteach.schema import Schema

PIECE = 6  # months
NOISE = 0.05  # standard deviations added to every distance, so that no ratio is infinite
FALSE_POSITIVES = 0.01
FEWEST = 20  # outsiders, to say anything
RESAMPLES = 200


def attack(
    real: pd.DataFrame | Patients,
    synthetic: pd.DataFrame | Patients,
    holdout: pd.DataFrame | Patients,
    schema: Schema,
    *,
    piece: int = PIECE,
    seed: int = 0,
) -> pd.DataFrame:
    """Attack as many members as outsiders, in two ways.

    ``nearest patient``: the nearer a synthetic patient, the likelier a member. ``density ratio``:
    as in DOMIAS (van Breugel et al. 2023, arXiv 2302.12580), the likelier a member, the denser
    the synthetic patients lie about a candidate *in comparison with* other real ones. The density
    is read off the nearest neighbour and, since a whole course has too many dimensions to have a
    density, one piece of the course at a time: the score is the mean log ratio over the pieces.
    Half of the holdout are the outsiders, the other half the attacker's own reference.

    Args:
        real, synthetic, holdout: labelled tables or patients of one schema.
        schema: what the columns are.
        piece: rows in a piece.
        seed: fixes who is attacked.

    Returns:
        One row a candidate: ``member`` and the two scores, higher for a likelier member.

    Raises:
        NotMeasured: the holdout is too small.
    """
    real, synthetic, holdout = (Patients.of(t, schema) for t in (real, synthetic, holdout))
    random = np.random.default_rng(seed)
    outsiders, reference = holdout.halves(random)
    if len(outsiders) < FEWEST:
        raise NotMeasured(f"Membership needs a holdout of at least {2 * FEWEST} patients.")
    members = real.sample(len(outsiders), random)
    outsiders = outsiders.sample(len(members), random)
    # The attacker sees the published copy and must take its scale from there.
    groups = courses(members, outsiders, synthetic, reference, like=synthetic)
    candidates, made, known = np.concatenate(groups[:2]), groups[2], groups[3]
    width = features(synthetic.take(np.arange(1)), synthetic).shape[2]
    cut = range(0, candidates.shape[1], piece * width)
    ratios = [_log_ratio(*(g[:, at : at + piece * width] for g in (candidates, made, known)))
              for at in cut]
    return pd.DataFrame(
        {
            "member": np.arange(len(candidates)) < len(members),
            "nearest patient": -nearest(candidates, made)[0][:, 0],
            "density ratio": np.mean(ratios, axis=0),
        }
    )


def success(
    attacked: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Return how well each score of :func:`attack` finds the members.

    Returns:
        One row a score. ``AUC`` (0 to 1): how often a member is ranked above an outsider; 0.5 is
        guessing. ``TPR``: the share of members who are recognised by a rule that wrongly accuses
        at most 1 % of the outsiders; 0.01 is guessing. It matters more than the AUC: a few people
        who can be named with certainty are a breach, however average the rest (Carlini et al.
        2022, arXiv 2112.03570). ``… low`` and ``… high``: 95 % bootstrap intervals over members
        and outsiders. With fewer than 100 outsiders the rule accuses none of them.
    """
    random, rows = np.random.default_rng(seed), {}
    is_member = attacked["member"].to_numpy()
    for name in attacked.columns.drop("member"):
        score = attacked[name].to_numpy()
        groups = score[is_member], score[~is_member]
        drawn = [g[random.integers(len(g), size=(resamples, len(g)))] for g in groups]
        row = {}
        for label, measure in (("AUC", area), ("TPR", true_positives)):
            row[label] = measure(*(g[None] for g in groups))[0]
            row[f"{label} low"], row[f"{label} high"] = np.quantile(
                measure(*drawn), [0.025, 0.975]
            )
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def area(members: np.ndarray, outsiders: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve, row by row: ``(B, M)`` and ``(B, N)`` to ``(B,)``.

    It is the share of pairs in which the member has the higher score, ties half.
    """
    count = members.shape[1]
    ranks = rankdata(np.concatenate([members, outsiders], axis=1), axis=1)[:, :count]  # (B, M)
    return (ranks.mean(axis=1) - (count + 1) / 2) / outsiders.shape[1]


def true_positives(
    members: np.ndarray, outsiders: np.ndarray, false_positives: float = FALSE_POSITIVES
) -> np.ndarray:
    """Return the share of members above the score that at most so many outsiders exceed."""
    allowed = int(false_positives * outsiders.shape[1])
    threshold = np.sort(outsiders, axis=1)[:, -1 - allowed]  # (B,)
    return (members > threshold[:, None]).mean(axis=1)


def _log_ratio(candidates: np.ndarray, made: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the log of how much nearer the synthetic piece is than the reference's, ``(C,)``."""
    to_made, to_known = (nearest(candidates, group)[0][:, 0] for group in (made, known))
    return np.log((to_known + NOISE) / (to_made + NOISE))


@lru_cache(maxsize=4)
def _success(task: Task) -> pd.DataFrame:
    groups = task.real, task.synthetic, needs_holdout(task)
    found = attack(*groups, task.real.schema, seed=task.seed)
    return success(found, resamples=1, seed=task.seed)


MEASURES = (
    Measure(
        "membership by distance, AUC", "safety",
        "How often an attacker who trusts in small distances ranks somebody from the training "
        "data above somebody who was not in it.",
        0, 1, 0.5, "membership inference by distance",
        lambda task: _success(task).loc["nearest patient", "AUC"], dear=True,
    ),
    Measure(
        "membership by density, AUC", "safety",
        "How often an attacker who compares how densely synthetic and other real patients lie "
        "about a person, six rows at a time, ranks somebody from the training data above somebody "
        "who was not in it.",
        0, 1, 0.5, "after DOMIAS, van Breugel et al. 2023, arXiv 2302.12580",
        lambda task: _success(task).loc["density ratio", "AUC"], dear=True,
    ),
    Measure(
        "membership by density, found at 1 % false alarms", "safety",
        "Share of the training patients whom an attacker recognises by such densities while "
        "accusing at most 1 % of the outsiders. Guessing finds 0.01.",
        0, 1, 0.01, "Carlini et al. 2022, arXiv 2112.03570",
        lambda task: _success(task).loc["density ratio", "TPR"], dear=True,
    ),
)  # fmt: skip
