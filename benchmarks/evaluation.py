"""Seconds and memory of ``hgteach evaluate``, against what was promised."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.reading import write_table

SECONDS, GIGABYTES = 60, 2  # promised for 2,000 patients on two cores
PROMISED, LARGE = 2_000, 100_000


def evaluation(sizes: tuple[int, ...] = (PROMISED, LARGE)) -> Iterator[str]:
    """Judge one stand-in against another, with a third as holdout; yield a line a size."""
    for patients in sizes:
        with TemporaryDirectory() as folder:
            for seed, role in enumerate(("real", "synthetic", "holdout")):
                write_table(simulate_art_hiv(patients, seed), Path(folder, f"{role}.csv"))
            wall, cpu, memory = judged(folder)
        goal = f" (promised: {SECONDS} s, {GIGABYTES} GB)" if patients == PROMISED else ""
        yield (
            f"{patients:7,} patients: {wall:.0f} s, processor time {cpu:.0f} s, "
            f"{memory:.2f} GB at most{goal}"
        )


def judged(folder: str) -> tuple[float, float, float]:
    """Run the command in a process of its own; return seconds, processor seconds, gigabytes."""
    files = [f"--{role}={role}.csv" for role in ("real", "synthetic", "holdout")]
    command = [sys.executable, "-m", "hgteach", "evaluate", *files, "--out", "report.html"]
    start = perf_counter()
    run = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        raise RuntimeError(f"hgteach evaluate left with status {run.returncode}.")
    unit = 1e9 if sys.platform == "darwin" else 1e6  # macOS counts bytes, Linux kilobytes
    return perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / unit
