"""Grading a folder: one judge a notebook, a clock for each, and results after every one."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from hgteach.errors import InputError
from hgteach.grading.collecting import Submission, exercises_of, find
from hgteach.grading.confine import FULL, LIMITS, PYTHON, available, kill_tree
from hgteach.grading.writing import write_csv, write_pages

GRACE = 60  # seconds for a judge to start and to end, beside the notebook's own


@dataclass(frozen=True)
class Grade:
    """One exercise of one notebook.

    Attributes:
        student, notebook, exercise: whose, which file, and the exercise's id (empty where the
            notebook could not be matched to any).
        verdict: correct, not yet, raised, not attempted, no answer, or check broken (the course's
            own fault: look at it yourself).
        marks, of: marks won and to be won; an exercise is worth its difficulty, 1 to 3.
        what: the check's words.
        remark: what the person who grades should know.
        protection: what shut the notebook in.
    """

    student: str
    notebook: str
    exercise: str
    verdict: str
    marks: int
    of: int
    what: str
    remark: str = ""
    protection: str = ""


def grade(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    minutes: float = 4.0,
    memory: int = 2048,
    jobs: int | None = None,
) -> list[Grade]:
    """Grade every notebook of a class; write ``grades.csv`` and a page for each student.

    Both are written anew after each notebook, so an interrupt keeps what is finished. Nothing is
    taken from an earlier run: a second run grades all notebooks again.

    Args:
        folder: FOLDER/STUDENT/NOTEBOOK.ipynb, or FOLDER/STUDENT.ipynb.
        out: where to write; FOLDER-grades beside the folder if not given.
        minutes: for one notebook, from start to end; a single cell gets a quarter of it.
        memory: for one notebook, in MB.
        jobs: notebooks at a time; as many as there are cores if not given.

    Raises:
        InputError: there is nothing to grade, or the results would lie among the notebooks.
    """
    folder = Path(folder).resolve()
    out = Path(out).resolve() if out else folder.with_name(f"{folder.name}-grades")
    submissions = find(folder)
    if out.is_relative_to(folder):
        raise InputError(
            f"{out} lies inside the class's folder. Choose a place outside with --out."
        )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hgteach-grade-") as scratch:
        hidden = [str(folder), str(out)]
        shut = available(scratch, hidden)
        limits = {"scratch": scratch, "hidden": hidden, "shut": shut, "megabytes": memory,
                  "seconds": minutes * 60, "seconds_of_a_cell": minutes * 15}  # fmt: skip
        protection = FULL if shut else LIMITS
        print(f"Each notebook runs with: {protection}.", flush=True)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            print("You are root, and so is every notebook: it can read all files of this machine. "
                  "Better grade from an ordinary account.", flush=True)
        done: dict[int, list[Grade]] = {}
        try:
            for place, grades in _results(submissions, limits, jobs or os.cpu_count() or 1):
                done[place] = [replace(grade, protection=protection) for grade in grades]
                ordered = [grade for place in sorted(done) for grade in done[place]]
                write_csv(out / "grades.csv", ordered)
                student = submissions[place].student
                write_pages(out, [g for g in ordered if g.student == student], protection)
        finally:
            print(f"{len(done)} of {len(submissions)} notebooks graded: {out / 'grades.csv'}")
    return ordered


def _results(
    submissions: list[Submission], limits: dict, jobs: int
) -> Iterator[tuple[int, list[Grade]]]:
    """Yield each submission's place and grades as they are finished."""
    running: set[subprocess.Popen] = set()
    stopped = threading.Event()

    def one(place: int) -> tuple[int, list[Grade]]:
        return place, [] if stopped.is_set() else _grade_one(submissions[place], limits, running)

    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(one, place) for place in range(len(submissions))]
        for future in tqdm(as_completed(futures), total=len(futures), unit="notebook"):
            yield future.result()
    finally:  # on an interrupt, end what runs and begin nothing
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            kill_tree(process.pid)
        pool.shutdown()


def _grade_one(submission: Submission, limits: dict, running: set[subprocess.Popen]) -> list[Grade]:
    """Have one notebook judged; whatever happens to its judge is this notebook's own loss."""
    if submission.path is None:
        return _lost(submission, submission.problem)
    job = {**limits, "path": str(submission.path), "student": submission.student}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
                   "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg", "HGTEACH_STATIC": "1",
                   "TQDM_DISABLE": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    process = subprocess.Popen(
        [*PYTHON, "hgteach.grading.judge"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    running.add(process)
    try:
        told, _ = process.communicate(json.dumps(job).encode(), limits["seconds"] + GRACE)
        result = json.loads(told)
    except subprocess.TimeoutExpired:
        return _lost(submission, "judging it took longer than the time limit")
    except ValueError:
        return _lost(submission, "judging it broke off; its answers may be too large or do harm")
    finally:
        kill_tree(process.pid)
        process.wait()
        running.discard(process)
    if "problem" in result:
        return _lost(submission, result["problem"])
    return [
        Grade(submission.student, submission.notebook, remark=result["remark"], **row)
        for row in result["rows"]
    ]


def _lost(submission: Submission, why: str) -> list[Grade]:
    """Return no marks for each exercise that a notebook of this name has."""
    from hgteach.course.registry import REGISTERED

    ids = exercises_of(submission.notebook)
    worth = {id: REGISTERED[id].difficulty for id in ids} or {"": 0}
    what = f"Not graded: {why}."
    rest = ("not graded", 0)
    return [
        Grade(submission.student, submission.notebook, id, *rest, of, what)
        for id, of in worth.items()
    ]
