"""Seconds and bytes: an epoch against the textbook's, generation, growth, and memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import pandas as pd
import torch
from torch import Tensor

from benchmarks.fidelity import EXAMPLE, GROUP, cohorts
from benchmarks.textbook import LoopedTraining
from benchmarks.textbook_v3 import PaddedTraining
from hgteach.models import GANS, MODELS
from hgteach.models.build import GENERATORS, Networks, build
from hgteach.models.lstm import multiplies_bfloat16
from hgteach.preprocess import Preprocessor
from hgteach.schema import Layout
from hgteach.sequences import to_sequences
from hgteach.training.diffusion import DiffusionTraining
from hgteach.training.diffusion_presets import DiffusionSettings
from hgteach.training.gan import GanTraining
from hgteach.training.generator import Generator, seeded
from hgteach.training.presets import GanSettings, settings_for

Settings = GanSettings | DiffusionSettings

ROOT = Path(__file__).parent.parent
WHOLE_COHORT = 8916
ENOUGH = 2000  # patients generated in one timed call
ENOUGH_IN_STEPS = 200  # of v3, which makes them in many steps


def epoch_ratios(pairs: int, share: float) -> Iterator[str]:
    """Time an epoch at the published settings, textbook and package in turn.

    ``share`` of the patients are used, and the seconds scaled up to all ``GROUP`` of them. The
    package is also timed with products in bfloat16, where the processor is made for it.
    """
    x = _matrix(cohorts()[0])[: round(share * GROUP)]  # (P, T, F)
    for model in MODELS:
        settings = replace(settings_for(model, "published"), bfloat16=False)
        runs = {"textbook": (_textbook_epoch, settings), "float32": (_package_epoch, settings)}
        if multiplies_bfloat16():
            runs["bfloat16"] = (_package_epoch, replace(settings, bfloat16=True))
        times = [
            {name: _timed(epoch(model, x, case)) for name, (epoch, case) in runs.items()}
            for _ in range(pairs)
        ]
        for name in list(runs)[1:]:
            wall, cpu = (median(row[name][i] for row in times) / share for i in (0, 1))
            ratio, cpu_ratio = (
                median(row["textbook"][i] / row[name][i] for row in times) for i in (0, 1)
            )
            yield (
                f"{model:5s} {name:8s} epoch {wall:6.1f} s, {ratio:.2f} x as fast as the textbook"
                f" (processor time {cpu:6.1f} s, {cpu_ratio:.2f} x)"
            )


def _package_epoch(model: str, x: Tensor, settings: Settings) -> Callable[[], object]:
    if isinstance(settings, DiffusionSettings):
        training = DiffusionTraining(_diffusion(settings), x, settings, seeded(0))
    else:
        training = start(model, x, settings)
    return lambda: next(training.epochs(1))


def _textbook_epoch(model: str, x: Tensor, settings: Settings) -> Callable[[], None]:
    if isinstance(settings, DiffusionSettings):
        return PaddedTraining(_diffusion(settings), x, settings, seeded(0)).epoch
    training = LoopedTraining.of(fresh(model, settings), settings, seeded(0))
    return lambda: training.epoch(x)


def _diffusion(settings: DiffusionSettings) -> torch.nn.Module:
    torch.manual_seed(0)
    return GENERATORS["v3"](EXAMPLE, settings.architecture)


def generation() -> Iterator[str]:
    """Time ``Generator.generate`` from noise to labelled table, at both presets' sizes.

    v3 at its published setting takes 500 steps a patient and is left out.
    """
    table = cohorts()[0]
    cases = [(model, preset) for model in GANS for preset in ("classroom", "published")]
    for model, preset in [*cases, ("v3", "classroom")]:
        generator = untrained(model, preset, table)
        patients = ENOUGH_IN_STEPS if model == "v3" else ENOUGH
        seconds = median(_timed(lambda: generator.generate(patients))[0] for _ in range(3))  # noqa: B023
        yield f"{model:5s} {preset:9s} {patients / seconds:8,.0f} patients x 60 months a second"


def growth() -> Iterator[str]:
    """Time the classroom preset at half, once and twice the patients, and at twice the months.

    The best of three epochs, in processor time, which suffers less from busy neighbours.
    """
    x = _matrix(cohorts()[0])  # (P, T, F)
    for model in GANS:
        settings = replace(settings_for(model, "classroom"), lengths=(30,))
        longer = replace(settings, lengths=(60,))
        cases = [(x[:150], settings), (x, settings), (torch.cat([x, x]), settings), (x, longer)]
        times = []
        for patients, case in cases:
            epochs = start(model, patients, case).epochs(4)
            next(epochs)  # the first one warms up
            times.append(min(_timed(lambda: next(epochs))[1] for _ in range(3)))  # noqa: B023
        half, once, twice, long = times
        yield (
            f"{model:5s} twice the patients: {once / half:.2f} and again {twice / once:.2f} x the "
            f"time; twice the months: {long / once:.2f} x"
        )


def memory() -> Iterator[str]:
    """Measure the largest memory of a process that trains on, and generates, the whole cohort."""
    for model in GANS:
        command = [sys.executable, "-m", "benchmarks.speed", model]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        yield f"{model:5s} {WHOLE_COHORT:,} patients: {float(done.stdout):.2f} GB at most"


def _largest_memory(model: str) -> float:
    """Return gigabytes. Three full batches at full length stand for the epoch: each is alike."""
    from hgteach.cohorts.art_hiv import load_art_hiv

    table = load_art_hiv(WHOLE_COHORT)
    x = _matrix(table)  # (P, T, F)
    settings = replace(settings_for(model, "published"), lengths=(60,), critic_steps=1)
    next(start(model, x[: 3 * settings.batch_size], settings).epochs(1))
    untrained(model, "published", table).generate(len(x))
    unit = 1e9 if sys.platform == "darwin" else 1e6  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def start(model: str, x: Tensor, settings: GanSettings, seed: int = 0) -> GanTraining:
    """Return a fresh training of ``model`` on ``x``, ``(P, T, F)``."""
    return GanTraining(fresh(model, settings, seed), x, settings, seeded(seed))


def fresh(model: str, settings: GanSettings, seed: int = 0) -> Networks:
    """Return the networks of ``model`` with their first weights."""
    torch.manual_seed(seed)
    return build(model, EXAMPLE, settings.architecture)


def untrained(model: str, preset: str, table: pd.DataFrame) -> Generator:
    """Return a generator with its first weights, which draws as fast as a trained one."""
    architecture = settings_for(model, preset).architecture
    return Generator(
        name=model,
        schema=EXAMPLE,
        layout=Layout((EXAMPLE.patient, EXAMPLE.time, *EXAMPLE.names), ()),
        preprocessor=Preprocessor(EXAMPLE).fit(table),
        architecture=architecture,
        network=GENERATORS[model](EXAMPLE, architecture),
        times=list(range(table[EXAMPLE.time].nunique())),
        provenance="a benchmark",
        history=pd.DataFrame(),
    )


def _matrix(table: pd.DataFrame) -> Tensor:
    matrix = Preprocessor(EXAMPLE).fit(table).transform(table)
    return torch.from_numpy(to_sequences(matrix, table, EXAMPLE))  # (P, T, F)


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return seconds by the clock, and of the processors."""
    wall, cpu = perf_counter(), process_time()
    run()
    return perf_counter() - wall, process_time() - cpu


if __name__ == "__main__":
    print(_largest_memory(sys.argv[1]))
