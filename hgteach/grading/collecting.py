"""Finding a class's notebooks, and reading one without trusting it."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hgteach.errors import InputError

LARGEST_NOTEBOOK, LARGEST_HELPER, HELPERS = 20 * 2**20, 2**20, 16 * 2**20  # bytes
MOST_NOTEBOOKS = 50  # of one student
UNPACK = "save it as .ipynb, or unpack it, and grade again"
SECTIONS = ("implementation_", "hands_on_", "applications_")


@dataclass(frozen=True)
class Submission:
    """One notebook: whose it is, what it is called, and where it lies (None: there is none)."""

    student: str
    notebook: str
    path: Path | None
    problem: str = ""


def find(folder: Path) -> list[Submission]:
    """Return every notebook of a class, in order; whatever cannot be graded comes with a problem.

    ``folder`` holds one folder a student (its name is the student's) with notebooks at any depth,
    or notebooks themselves (the file's name is then the student's). Links are not followed. Any
    other file gets a row that says so: it may be somebody's work in the wrong form.

    Raises:
        InputError: there is no such folder, or nothing in it to grade.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Give the folder that holds the class's work.")
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.suffix == ".ipynb":
            found.append(_submission(entry.stem, entry.name, entry))
        elif entry.is_symlink():
            found.append(Submission(entry.name, "", None, "it is a link, and links are not graded"))
        elif entry.is_dir():
            found += _of_student(entry)
        else:
            found.append(Submission(entry.name, "", None, f"it is no notebook: {UNPACK}"))
    if not any(path.is_dir() or path.suffix == ".ipynb" for path in folder.iterdir()):
        raise InputError(
            f"{folder} holds no notebooks. Expected {folder}/STUDENT/NOTEBOOK.ipynb, or "
            f"{folder}/STUDENT.ipynb."
        )
    return found


def _of_student(folder: Path) -> Iterator[Submission]:
    count = 0
    for place, folders, files in os.walk(folder, onerror=lambda _: None):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(".ipynb") and count < MOST_NOTEBOOKS:
                count += 1
                path = Path(place, name)
                yield _submission(folder.name, path.relative_to(folder).as_posix(), path)
    if not count:
        yield Submission(folder.name, "", None, _instead(folder))


def _instead(folder: Path) -> str:
    """Say what a folder without a notebook holds."""
    try:
        there = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        return f"the folder cannot be read ({error.strerror})"
    if not there:
        return "the folder is empty"
    return f"the folder holds no notebook, only {', '.join(there[:3])}: {UNPACK}"


def _submission(student: str, notebook: str, path: Path) -> Submission:
    try:
        about = path.lstat()
    except OSError as error:
        return Submission(student, notebook, None, f"it cannot be read ({error.strerror})")
    problem = ""
    if not stat.S_ISREG(about.st_mode):
        problem = "it is a link or no ordinary file, and those are not graded"
    elif about.st_size > LARGEST_NOTEBOOK:
        problem = f"it is larger than {LARGEST_NOTEBOOK >> 20} MB; clear its outputs"
    return Submission(student, notebook, None if problem else path, problem)


def read_cells(path: Path) -> list[str]:
    """Return the sources of a notebook's code cells, in order.

    Raises:
        InputError: the file is no notebook.
    """
    try:
        content = json.loads(path.read_bytes())
        cells = [c["source"] for c in content["cells"] if c["cell_type"] == "code"]
        return [s if isinstance(s, str) else "".join(s) for s in cells]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InputError("it is not a notebook: broken off, or not saved by Jupyter") from None


def helpers(path: Path, student: str) -> dict[str, str]:
    """Return the small files beside a student's notebook, by name, base64 encoded."""
    found, total = {}, 0
    if path.stem == student:  # notebooks of others lie beside it
        return found
    for entry in sorted(path.parent.iterdir()):
        about = entry.lstat()
        small = stat.S_ISREG(about.st_mode) and about.st_size <= LARGEST_HELPER
        if small and entry.suffix != ".ipynb" and total + about.st_size <= HELPERS:
            total += about.st_size
            found[entry.name] = base64.b64encode(entry.read_bytes()).decode()
    return found


def exercises_of(notebook: str) -> list[str]:
    """Return the ids of the exercises of the course's notebook of this name; none if unknown."""
    import hgteach.course.exercises  # noqa: F401  (registers every exercise)
    from hgteach.course.registry import REGISTERED

    name = re.sub(r"\W", "_", Path(notebook).stem.lower())
    ids = []
    for id, exercise in REGISTERED.items():
        module = exercise.solution.__module__.rpartition(".")[2]
        for section in SECTIONS:
            module = module.removeprefix(section)
        if module in name:
            ids.append(id)
    return ids
