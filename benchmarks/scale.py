"""A table that outgrows the memory: seconds a row beside those of the cohort, bytes at the peak.

Each figure is of a process of its own, so that its largest memory is its own. Patients are
simulated, 8,916 at a time, and written to a Parquet file of ten columns besides patient and time.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import pandas as pd

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.parts import write_in_parts

ROOT = Path(__file__).parent.parent
COHORT = 8916
DEFAULT, MILLION = 50_000, 1_000_000
COLUMNS = ART_HIV.names[:10]
SCHEMA = ART_HIV.select(COLUMNS)
STEPS = 300  # of a training; every one is alike


def scale(patients: int = DEFAULT, folder: str | None = None) -> Iterator[str]:
    """Prepare the cohort and a table of ``patients``; train and generate at that size."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        place, costs = Path(temporary), {}
        for size in (COHORT, patients):
            file = place / f"{size}.parquet"
            rows = write_in_parts(_simulated(size), file)
            way = "whole" if size == COHORT else "streamed"
            found = _own_process("prepare", way, str(file), temporary)
            costs[size] = found["processor"] / rows * 1e6
            yield (
                f"{size:9,} patients, {rows:11,} rows, read {way}: {found['seconds']:6.1f} s, "
                f"{costs[size]:.2f} processor seconds a million rows, {found['memory']:.2f} GB at "
                "most"
            )
        yield f"Cost of a row, {patients:,} to {COHORT:,}: {costs[patients] / costs[COHORT]:.2f}"
        for model in ("v1", "v3"):
            found = _own_process("train", model, str(file), temporary)
            yield (
                f"{model}: {patients:,} patients prepared and {STEPS} steps of training done in "
                f"{found['seconds']:.0f} s, {found['memory']:.2f} GB at most; an epoch would take "
                f"{found['epoch'] / 60:.0f} minutes"
            )
        for suffix in ("parquet", "csv"):
            found = _own_process("generate", suffix, str(patients), temporary)
            yield (
                f"v1: {patients:,} patients made and written as {suffix} in "
                f"{found['seconds']:.0f} s, {found['size']:.2f} GB on disk, {found['memory']:.2f} "
                "GB of memory at most"
            )


def _simulated(patients: int) -> Iterator[pd.DataFrame]:
    """Yield simulated patients, numbered on."""
    for seed, first in enumerate(range(0, patients, COHORT)):
        table = simulate_art_hiv(min(COHORT, patients - first), seed)
        table["PatientID"] += first
        yield table[["PatientID", "Timestep", *COLUMNS]]


def _own_process(*arguments: str) -> dict[str, float]:
    """Run :func:`_measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _measure(what: str, how: str, which: str, folder: str) -> dict[str, float]:
    """Do one thing, and return its seconds and the largest memory of this process in GB."""
    work = {"prepare": _prepare, "train": _train, "generate": _generate}[what]
    found = work(how, which, Path(folder))
    unit = 1e9 if sys.platform == "darwin" else 1e6  # macOS counts bytes, Linux kilobytes
    return {**found, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}


def _prepare(way: str, file: str, folder: Path) -> dict[str, float]:
    """Read and check a table, fit the preprocessor, and make channels of every row once."""
    from hgteach.cohorts.checking import load_checked
    from hgteach.streaming import streamed
    from hgteach.training.ready import Ready

    start, processor = perf_counter(), process_time()
    if way == "whole":
        Ready.of(load_checked(file, SCHEMA), SCHEMA)
    else:
        with streamed(file, SCHEMA, folder, progress=False) as ready:
            for _ in ready.x.parts():
                pass
    return {"seconds": perf_counter() - start, "processor": process_time() - processor}


def _train(model: str, file: str, folder: Path) -> dict[str, float]:
    """Begin a training at the classroom preset, and stop after some steps of the first epoch."""
    from dataclasses import replace

    from hgteach.streaming import streamed
    from hgteach.training import _fitted, _prepare
    from hgteach.training.diffusion import DiffusionTraining
    from hgteach.training.presets import settings_for

    start, settings = perf_counter(), settings_for(model, "classroom")
    with streamed(file, SCHEMA, folder, progress=False) as ready:
        if model != "v3":
            settings = _fitted(replace(settings, lengths=(60,)), *ready.x.shape[:2])
        training = _prepare(model, ready.x, SCHEMA, settings, 0)
        first = perf_counter()
        if isinstance(training, DiffusionTraining):
            steps, batches = map(training._step, training.batches), len(training.batches)
        else:
            batches = 2 * len(training.loaders[60])  # a step of the critic, one of the generator
            steps = training._one_epoch()
        done = len(list(islice(steps, STEPS)))
    end = perf_counter()
    return {"seconds": end - start, "epoch": (end - first) / done * batches}


def _generate(suffix: str, patients: str, folder: Path) -> dict[str, float]:
    """Write synthetic patients of a generator with its first weights, as fast as a trained one."""
    from hgteach.models.build import GENERATORS
    from hgteach.preprocess import Preprocessor
    from hgteach.schema import Layout
    from hgteach.training import Generator
    from hgteach.training.presets import settings_for

    architecture = settings_for("v1", "classroom").architecture
    raw = simulate_art_hiv(COHORT, 0)
    layout = Layout.of(raw, SCHEMA)
    generator = Generator("v1", SCHEMA, layout, Preprocessor(SCHEMA).fit(SCHEMA.label(raw)),
                          architecture, GENERATORS["v1"](SCHEMA, architecture), list(range(60)),
                          "a benchmark", pd.DataFrame())
    start, out = perf_counter(), folder / f"made.{suffix}"
    parts = generator.generate_in_parts(int(patients))
    write_in_parts((layout.restore(part, SCHEMA) for part in parts), out)
    found = {"seconds": perf_counter() - start, "size": out.stat().st_size / 1e9}
    out.unlink()
    return found


if __name__ == "__main__":
    if sys.argv[1].isdecimal():
        for line in scale(int(sys.argv[1])):
            print(line, flush=True)
    else:
        print(json.dumps(_measure(*sys.argv[1:])))
