"""A course notebook as an assignment: the real nbgrader makes, autogrades and marks it."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from hgteach.cli import main
from hgteach.grading.collecting import read_cells
from hgteach.grading.needed import needed, read_cell
from hgteach.grading.release import release

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks/implementation/12-forward-noising.ipynb"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/*.ipynb"))


def nbgrader(course: Path, *words: str) -> str:
    """Run one command of nbgrader in the course's folder."""
    places = {"HOME": str(course), "JUPYTER_RUNTIME_DIR": str(course / "runtime"),
              "IPYTHONDIR": str(course / "ipython")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=course, env={**os.environ, **places, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def small(path: Path) -> Path:
    """Write the cells of a course notebook that its first two exercises rest on."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    cells = [read_cell(source) for source in read_cells(NOTEBOOK)]
    content["cells"] = [code[i] for i in needed(cells, {"fast-forward", "buried-at"})]
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_nbgrader_gives_full_marks_to_right_answers_only(tmp_path: Path, monkeypatch) -> None:
    # nbgrader starts a tool of its environment by name.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    course = tmp_path / "course"
    course.mkdir()
    shutil.copy(ROOT / "deploy/nbgrader/nbgrader_config.py", course)
    source = course / "source" / "noise"
    released = release(small(tmp_path / NOTEBOOK.name), source)
    nbgrader(course, "generate_assignment", "noise", "--create")
    students = (course / "release" / "noise" / released.name).read_text(encoding="utf-8")
    assert "SOLUTION" not in students and "np.prod" not in students

    right = json.loads(released.read_text(encoding="utf-8"))
    blank = json.loads(students)
    for student in ("right", "wrong", "untouched"):
        content = json.loads(students)
        for cell, solved in zip(content["cells"], right["cells"], strict=True):
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                if student == "right":
                    cell["source"] = solved["source"]
                elif student == "wrong":
                    cell["source"] = "".join(cell["source"]).replace("...", "return 0", 1)
            elif student == "wrong" and "assert" in "".join(cell["source"]):
                cell["source"] = "pass"  # a test that was tampered with is put back
        folder = course / "submitted" / student / "noise"
        folder.mkdir(parents=True)
        (folder / released.name).write_text(json.dumps(content), encoding="utf-8")
    assert len(blank["cells"]) == len(right["cells"])
    nbgrader(course, "autograde", "noise", "--create")

    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        scores = {
            s.student.id: (s.score, s.max_score) for s in book.assignment_submissions("noise")
        }
    assert scores == {"right": (3.0, 3.0), "wrong": (0.0, 3.0), "untouched": (0.0, 3.0)}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_becomes_an_assignment_whose_answers_are_complete(
    notebook: Path, tmp_path: Path
) -> None:
    content = json.loads(release(notebook, tmp_path).read_text(encoding="utf-8"))
    marked = [cell for cell in content["cells"] if "nbgrader" in cell["metadata"]]
    answers = [cell for cell in marked if cell["metadata"]["nbgrader"]["solution"]]
    tests = [cell for cell in marked if cell["metadata"]["nbgrader"]["grade"]]
    assert len(answers) == len(tests) >= 3
    for answer in answers:
        assert answer["source"].count("### BEGIN SOLUTION") == 1
        compile(answer["source"], "answer", "exec")
    assert len({cell["metadata"]["nbgrader"]["grade_id"] for cell in marked}) == len(marked)


def test_what_the_hub_takes_from_learners_is_what_nbgrader_has() -> None:
    here = ROOT / "deploy/jupyterhub/learner"
    server = json.loads((here / "jupyter_server_config.json").read_text(encoding="utf-8"))
    for name in server["ServerApp"]["jpserver_extensions"]:
        assert find_spec(name), name
    page = json.loads((here / "labconfig/page_config.json").read_text(encoding="utf-8"))
    files = Path(sys.prefix, "share/jupyter/labextensions/@jupyter/nbgrader/static").glob("*.js")
    built = "".join(file.read_text(encoding="utf-8") for file in files)
    for name in page["disabledExtensions"]:
        assert f'"{name}"' in built, name


def test_what_is_no_course_notebook_is_refused(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.ipynb").write_text("[]")
    assert main(["release", str(tmp_path / "a.ipynb"), "--out", str(tmp_path / "out")]) == 2
    assert "Give a notebook of the course" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
