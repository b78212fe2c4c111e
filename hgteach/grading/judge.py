"""The process that decides the marks of one notebook: it runs the checks, never the cells.

It reads a job from its standard input and prints one line of JSON. It is a process of its own
because a notebook may be too strange to read, or an answer too large or too slow to compare; then
it is killed, and only this notebook loses.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from hgteach.errors import InputError
from hgteach.grading.collecting import exercises_of, helpers, read_cells
from hgteach.grading.confine import die_with_parent, limit_memory, protect_self
from hgteach.grading.needed import needed, read_cell
from hgteach.grading.remote import Remote, Runner

# Names and entries that a cell outside of the chosen ones may have made.
MISSING = ("NameError", "KeyError", "AttributeError", "is not defined")


def judge(job: dict) -> dict:
    """Run a notebook's cells in a runner, and its checks here; return rows and a remark."""
    from IPython.core.inputtransformer2 import TransformerManager

    sources = read_cells(Path(job["path"]))
    cells = [read_cell(_plain(TransformerManager(), source)) for source in sources]
    checks = [cell.checks for cell in cells]
    ids, remarks = exercises_of(Path(job["path"]).name), []
    from hgteach.course.registry import REGISTERED

    if not ids:
        ids = [id for id in dict.fromkeys(i for c in checks for i in c) if id in REGISTERED]
        remarks.append("Not named like a notebook of the course: judged on what it checks itself.")
    if not ids:
        raise InputError("it is not named like a notebook of the course, and checks no exercise")
    others = {id for found in checks for id in found} & set(REGISTERED) - set(ids)
    if others and not any(set(ids) & set(found) for found in checks):
        remarks.append(f"It checks the exercises of another notebook ({min(others)}): misnamed?")
    if any(cell.mentions & {"solution", "REGISTERED", "exercises"} for cell in cells):
        remarks.append("A cell asks for a worked solution.")
    files = helpers(Path(job["path"]), job["student"])
    job |= {"cells": sources, "checks": checks, "files": files, "exercises": ids}
    deadline = time.monotonic() + job["seconds"]
    whole = list(range(len(cells)))
    for chosen in (needed(cells, set(ids)), whole):
        runner = Runner.start(job, deadline)
        try:
            runner.tell({**job, "run": chosen})
            told = runner.hear("answers")
            verdicts = {id: _verdict(REGISTERED[id], told, runner, job) for id in ids}
        finally:
            runner.stop()
            runner.process.wait()
        text = json.dumps([*verdicts.values()])
        if chosen == whole or runner.ended or not any(sign in text for sign in MISSING):
            break
    rows = [
        {"exercise": id, "verdict": status, "what": text, "of": REGISTERED[id].difficulty,
         "marks": REGISTERED[id].difficulty if status == "correct" else 0}
        for id, (status, text) in verdicts.items()
    ]  # fmt: skip
    return {"rows": rows, "remark": " ".join(remarks)}


def _plain(magic: Any, source: str) -> str:
    """Return a cell with IPython's magics turned into plain Python, as far as it can be read."""
    try:
        return magic.transform_cell(source)
    except Exception:
        return source


def _verdict(exercise: Any, told: dict | None, runner: Runner, job: dict) -> list[str]:
    """Return the status and the words for one exercise."""
    from hgteach.grading.wire import decode

    place = next((i for i, ids in enumerate(job["checks"]) if exercise.id in ids), None)
    if told is None:
        where = f" in code cell {runner.cell + 1}" if runner.cell is not None else ""
        return ["raised", f"The notebook could not be run to its end{where}: {runner.ended}."]
    try:
        answer, errors = told["answers"].get(exercise.id), told["errors"]
        if answer is None and place is None:
            return ["no answer", f'No cell calls course.check("{exercise.id}", …).']
        if answer is None:
            why = str(errors.get(str(place), "`course.check` got no answer"))[:400]
            return ["raised", f"Code cell {place + 1} did not reach its check: {why}."]
        given = {"stub": lambda _: ..., "function": lambda _: Remote(runner, exercise),
                 "value": lambda a: decode(a["value"])}[answer["kind"]](answer)  # fmt: skip
        if exercise.asks_for_value and isinstance(given, Remote):
            given = given()
    except Exception:
        return ["raised", "The answer could not be read."]
    verdict = exercise.judge(given)
    return [verdict.status, verdict.text]


def main() -> None:
    """Judge the job on standard input."""
    protect_self()
    die_with_parent()
    job = json.load(sys.stdin)
    limit_memory(2 * job["megabytes"] + 2048)
    try:
        result = judge(job)
    except InputError as error:
        result = {"problem": str(error)}
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
