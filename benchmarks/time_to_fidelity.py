"""How good the classroom preset gets, in how many seconds, held against the goals.

The floor is what real patients score against other real ones. One pair of cohorts says little (its
mean of single columns lies anywhere from .025 to .048), so it is the mean over ``FLOORS`` pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter, process_time

import pandas as pd

from benchmarks.fidelity import EXAMPLE, GROUP, cohorts, fidelity
from hgteach.models import MODELS
from hgteach.training import train

SECONDS = 90
FLOORS = 10


def floor() -> dict[str, float]:
    """Return the mean of every figure over ``FLOORS`` pairs of real cohorts."""
    triples = (cohorts(seed) for seed in range(FLOORS))
    return pd.DataFrame([fidelity(a, c, b) for a, b, c in triples]).mean().to_dict()


def goals(floor: dict[str, float]) -> dict[str, float]:
    """Return the most that a figure may be, for the figures that have a goal."""
    return {
        "seconds": SECONDS,
        "marginal mean": 2.5 * floor["marginal mean"],
        "association": 2 * floor["association"],
        "transitions": 0.10,
        "patients who flip": 0,
        "groups lost": 0,
    }


def time_to_fidelity(seeds: int, models: tuple[str, ...] = MODELS) -> Iterator[str]:
    """Train every model from ``seeds`` seeds; yield a line a training, and how many met all."""
    real, held_out, _ = cohorts()
    least = floor()
    limits = goals(least)
    yield " " * 14 + "  ".join(("seconds", "of processor", *least))
    yield _line("floor", {"seconds": 0.0, "of processor": 0.0, **least})
    for model in models:
        passed = 0
        for seed in range(seeds):
            start, worked = perf_counter(), process_time()
            generator = train(model, real, EXAMPLE, preset="classroom", seed=seed, progress=False)
            seconds, worked = perf_counter() - start, process_time() - worked
            scores = fidelity(real, generator.generate(GROUP, seed), held_out)
            scores = {"seconds": seconds, "of processor": worked, **scores}
            missed = [name for name, limit in limits.items() if scores[name] > limit]
            passed += not missed
            verdict = f"misses: {', '.join(missed)}" if missed else "meets every goal"
            yield f"{_line(f'{model} seed {seed}', scores)}  {verdict}"
        yield f"{model}: {passed} of {seeds} seeds meet every goal in {SECONDS} s."


def _line(title: str, scores: dict[str, float]) -> str:
    return f"{title:14s}" + "  ".join(f"{value:{len(name)}.3g}" for name, value in scores.items())
