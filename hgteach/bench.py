"""``hgteach bench``: run the benchmarks that lie beside the package in a checkout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from hgteach.errors import InputError

PARTS = ("epoch", "generate", "growth", "memory", "fidelity", "evaluate", "scale")
PAIRS = 3  # an odd number, so that the median is one of them
SEEDS = 5


def measure(part: str, quick: bool) -> Iterator[str]:
    """Yield the lines that report on one of ``PARTS``.

    Args:
        part: what to measure.
        quick: one epoch on half the patients instead of three on all; one seed instead of five;
            no table of 100,000 patients to judge, and one of 20,000 instead of 50,000 to learn
            from. (``python -m benchmarks.scale 1000000`` takes a million: half an hour, 6 GB.)

    Raises:
        InputError: this is an installed package without the repository around it.
    """
    root = Path(__file__).parent.parent
    if not (root / "benchmarks" / "speed.py").is_file():
        raise InputError(
            "The benchmarks are not part of the installed package. Run hgteach bench in a "
            "checkout of the repository, installed with: pip install -e ."
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    if part == "fidelity":
        from benchmarks.time_to_fidelity import time_to_fidelity

        return time_to_fidelity(seeds=1 if quick else SEEDS)
    if part == "evaluate":
        from benchmarks.evaluation import PROMISED, evaluation

        return evaluation((PROMISED,)) if quick else evaluation()
    if part == "scale":
        from benchmarks.scale import scale

        return scale(20_000) if quick else scale()
    from benchmarks import speed

    if part == "epoch":
        return speed.epoch_ratios(*((1, 0.5) if quick else (PAIRS, 1.0)))
    return {"generate": speed.generation, "growth": speed.growth, "memory": speed.memory}[part]()
