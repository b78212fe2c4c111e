"""A course notebook as a source assignment of nbgrader, for courses on JupyterHub.

In nbgrader's format a cell carries its part in its metadata. An answer's cell becomes a solution
cell: the worked solution stands between two marks, and nbgrader puts the course's ``...`` back in
its place when it makes the students' version (``deploy/nbgrader/nbgrader_config.py`` says so).
After it comes a locked test cell, worth the exercise's difficulty, that runs the course's own
check and asserts its verdict. All other cells stay free to play with.

nbgrader runs answers and tests in one process: a notebook that wants to lie can. ``hgteach grade``
judges from outside, and reads what nbgrader has collected.
"""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hgteach.errors import InputError
from hgteach.files import replacing
from hgteach.grading.collecting import read_cells

if TYPE_CHECKING:
    from hgteach.course.registry import Exercise

CHECK = re.compile(r'^course\.check\("([^"]+)", (\w+)\)$', re.MULTILINE)
TEST = """# This cell tests the answer above.
from hgteach.grading.release import correct

assert correct("{id}", {name})"""


def release(notebook: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Write a notebook of the course into the folder of an assignment; return the file's path.

    Args:
        notebook: a notebook as the course commits it, its answers not begun.
        out: the assignment's folder, such as ``source/critic`` in the folder of an nbgrader course.

    Raises:
        InputError: the notebook cannot be read, or has no exercise to grade.
    """
    import hgteach.course.exercises  # noqa: F401  (registers every exercise)
    from hgteach.course.registry import REGISTERED

    notebook = Path(notebook)
    try:
        read_cells(notebook)
    except InputError as problem:
        raise InputError(f"{notebook}: {problem}. Give a notebook of the course.") from None
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells, points = [], 0
    for cell in content["cells"]:
        source = "".join(cell["source"])
        found = CHECK.search(source) if cell["cell_type"] == "code" else None
        if not found or found[1] not in REGISTERED:
            cells.append(cell)
            continue
        exercise, name = REGISTERED[found[1]], found[2]
        points += exercise.difficulty
        answer = _with_solution(source, exercise, name)
        cells.append(_cell(answer, f"answer-{exercise.id}", solution=True))
        test = TEST.format(id=exercise.id, name=name)
        cells.append(_cell(test, f"test-{exercise.id}", points=exercise.difficulty))
    if not points:
        raise InputError(f"{notebook} has no exercise to grade. Give a notebook of the course.")
    content["cells"], content["nbformat_minor"] = cells, 5
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / notebook.name) as beside:
        beside.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    return out / notebook.name


def correct(id: str, answer: Any) -> bool:
    """Return whether an answer passes the course's check; print its words either way."""
    import hgteach.course.exercises  # noqa: F401  (registers every exercise)
    from hgteach.course.registry import REGISTERED

    verdict = REGISTERED[id].judge(answer)
    print(verdict.text)
    return verdict.status == "correct"


def _cell(source: str, name: str, *, solution: bool = False, points: int | None = None) -> dict:
    """Return a code cell with nbgrader's marks: an answer, or a test worth some points."""
    marks = {"schema_version": 3, "grade_id": name, "solution": solution, "task": False,
             "grade": points is not None, "locked": not solution}  # fmt: skip
    if points is not None:
        marks["points"] = points
    return {"cell_type": "code", "id": name[:64], "metadata": {"nbgrader": marks}, "outputs": [],
            "execution_count": None, "source": source}  # fmt: skip


def _with_solution(source: str, exercise: Exercise, name: str) -> str:
    """Return the answer's cell with the worked solution between nbgrader's marks."""
    begin, end = "### BEGIN SOLUTION", "### END SOLUTION"
    if exercise.asks_for_value:
        blank, solved = f"{name} = ...", f"{name} = {exercise.solution()!r}"
        return source.replace(blank, f"{blank}\n{begin}\n{solved}\n{end}", 1)
    worked = exercise.source()
    first = ast.parse(worked).body[0].body[0].lineno
    imports = [f"    {line}" for line in exercise.imports()]
    body = "\n".join([*imports, *worked.splitlines()[first - 1 :]])
    return source.replace("    ...", f"    {begin}\n{body}\n    {end}", 1)
