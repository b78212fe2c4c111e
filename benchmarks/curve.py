"""Draw how good each model is after how many seconds, classroom preset and published settings.

Run it in a checkout: ``OMP_NUM_THREADS=1 python -m benchmarks.curve`` (about twenty minutes). It
prints what it measures and writes ``docs/fidelity-against-seconds.png``. Seconds are those of one
processor core, which busy neighbours do not change much.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import matplotlib.pyplot as plt
import pandas as pd

from benchmarks.fidelity import EXAMPLE, GROUP, cohorts, fidelity
from hgteach.models import GANS, MODELS
from hgteach.training import train

EPOCHS = {"classroom": (1, 5, 10, 20, 40, 80), "published": (1, 2, 4)}
EPOCHS_V3 = (6, 30, 60, 120, 240, 480)  # classroom; a published epoch of v3 is one of 3,000
SHOWN = ("marginal mean", "association", "autocorrelation", "transitions")
PICTURE = Path(__file__).parent.parent / "docs" / "fidelity-against-seconds.png"


def measured(seed: int = 0) -> Iterator[dict[str, object]]:
    """Train each model in stages; yield its scores and the seconds of training so far."""
    real, held_out, _ = cohorts()
    cases = [(model, preset, stages) for preset, stages in EPOCHS.items() for model in GANS]
    for model, preset, stages in [*cases, ("v3", "classroom", EPOCHS_V3)]:
        seconds = 0.0
        with TemporaryDirectory() as folder:
            for stage in stages:
                start = process_time()
                generator = train(
                    model, real, EXAMPLE, preset=preset, epochs=stage, seed=seed, out=folder,
                    resume=stage > stages[0], progress=False,
                )
                seconds += process_time() - start
                scores = fidelity(real, generator.generate(GROUP, seed), held_out)
                yield {"model": model, "preset": preset, "epochs": stage,
                       "seconds": seconds, **scores}


def draw(found: pd.DataFrame, floor: dict[str, float]) -> plt.Figure:
    """Draw one panel a score; the floor is what two real groups reach."""
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(13, 3.4), layout="constrained")
    colours = dict(zip(MODELS, ("#D55E00", "#009E73", "#CC79A7", "#0072B2"), strict=True))
    for axis, name in zip(axes, SHOWN, strict=True):
        for (model, preset), rows in found.groupby(["model", "preset"], sort=False):
            line = "-" if preset == "classroom" else ":"
            axis.plot(rows["seconds"], rows[name], line, marker="o", markersize=4,
                      color=colours[model], label=f"{model}, {preset}")
        axis.axhline(floor[name], color="0.4", linewidth=1, linestyle="--", label="floor")
        axis.set(xscale="log", xlabel="training [s of one core]", title=name, ylim=(0, None))
        axis.xaxis.set_major_formatter("{x:g}")
    axes[0].set_ylabel("distance from real (0 is best)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    return figure


def main() -> None:
    """Measure, print, and write the picture."""
    real, held_out, other = cohorts()
    rows = []
    for row in measured():
        rows.append(row)
        print("  ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}"
                        for k, v in row.items()), flush=True)
    figure = draw(pd.DataFrame(rows), fidelity(real, other, held_out))
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
