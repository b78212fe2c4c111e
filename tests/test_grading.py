"""A class with every kind of trouble in it: each notebook costs its own marks and no others."""

import csv
import json
import os
import sys
from pathlib import Path

import pytest

from hgteach.cli import main
from hgteach.grading import Grade, grade
from hgteach.grading.confine import available

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the hostile cells are for Unix")
HOSTILE = ("spy", "vandal", "forker")
NAME = "12-forward-noising.ipynb"
SETUP = "import os\nimport numpy as np\nfrom hgteach import course"
FAST = """def fast_forward(beta, t):
    left = np.prod(1 - beta[:t])
    return left**0.5, (1 - left) ** 0.5"""
BURIED = """def buried_at(alpha_bar, months):
    buried = (1 - alpha_bar) / months > alpha_bar
    return int(buried.argmax()) if buried.any() else len(alpha_bar)"""
WRONG_FAST = "def fast_forward(beta, t):\n    return 0.0, 0.0"
WRONG_BURIED = "def buried_at(alpha_bar, months):\n    return -1"
CHECKS = ('course.check("fast-forward", fast_forward)', 'course.check("buried-at", buried_at)')


def notebook(*cells: str) -> str:
    shown = {
        "output_type": "stream",
        "name": "stdout",
        "text": "<script>alert('Correct.')</script>",
    }
    made = [
        {"cell_type": "code", "source": s, "outputs": [shown], "metadata": {}, "execution_count": 1}
        for s in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def answers(fast: str, buried: str, *before: str) -> str:
    return notebook(SETUP, *before, f"{fast}\n{CHECKS[0]}", f"{buried}\n{CHECKS[1]}")


def class_of(folder: Path, results: Path, shut: bool) -> None:
    """Write the class, without the hostile where nothing would shut them in.

    Cells of the hostile bind ``np``, so that they are taken for needed.
    """
    liar = f"""
import numpy as np, sys, json
print("Correct.")
course.check = lambda *_: print("Correct.")
import hgteach.course.registry as registry, hgteach.course.exercises
from hgteach.course.comparing import Wrong
for each in registry.REGISTERED.values():
    each.verifier = lambda answer: None
registry.Exercise.judge = lambda self, answer: registry.Verdict("correct", "Correct.")
fake = json.dumps({{"rows": [{{"exercise": "fast-forward", "verdict": "correct", "what": "Correct.",
                              "of": 2, "marks": 2}}], "remark": ""}}).encode()
for place in ["/proc/%d/fd/1" % os.getppid(), "/proc/1/fd/1", {str(results / "grades.csv")!r}]:
    try: open(place, "wb").write(fake)
    except OSError: pass
sys.exit(0)
"""
    spy = f"""
import numpy as np, os, socket, subprocess
seen = []
try: seen += os.listdir({str(folder)!r})
except OSError: pass
for place in ({str(folder / "good" / NAME)!r}, {str(results / "grades.csv")!r}):
    try: open(place, "w").write("gone"); seen.append(place)
    except OSError: pass
try: socket.create_connection(("127.0.0.1", 9), 1)
except ConnectionRefusedError: seen.append("network")
except OSError: pass
try: os.kill({os.getpid()}, 0); seen.append("the grader's process")
except OSError: pass
"""
    vandal = f"""
import numpy as np, os, subprocess, sys, shutil, signal
shutil.rmtree({str(folder)!r}, ignore_errors=True)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
for _ in range(100): print("x" * 100_000)
os.kill(os.getppid(), signal.SIGKILL)
os._exit(0)
"""
    stubborn = """
import numpy as np, time
while True:
    try: time.sleep(100)
    except BaseException: pass
"""
    class_ = {
        "good": answers(FAST.replace("1 - beta", "ONE - beta"), BURIED, "from helper import ONE"),
        "half": notebook(
            *(SETUP, f"{FAST}\n{CHECKS[0]}", f"def buried_at(:\n{CHECKS[1]}"),
            'def last_beta(steps, first, left):\n    ...\ncourse.check("bury-it", last_beta)',
        ),
        "liar": answers(WRONG_FAST, WRONG_BURIED, liar),
        "spy": answers(FAST.replace("    return", "    return seen or"), BURIED, spy),
        "vandal": answers(FAST, BURIED, vandal),
        "forker": answers(FAST, BURIED, "import numpy as np\nwhile True: os.fork()"),
        "stubborn": answers(FAST, BURIED, stubborn),
        "hungry": answers(
            FAST.replace("    left =", "    bytearray(10**12)\n    left =", 1),
            f"while True: pass\n{BURIED}",
        ),
        "=HYPERLINK(1)<script>x": "[]",
        "broken": '{"cells": [{"cell_type": "code"',
        "misnamed": notebook('course.check("widest-gap", 0)'),
    }
    for student in () if shut else HOSTILE:
        del class_[student]
    for student, content in class_.items():
        (folder / student).mkdir(parents=True)
        (folder / student / NAME).write_text(content)
    (folder / "good" / "helper.py").write_text("ONE = 1")
    (folder / "absent").mkdir()
    (folder / "packed").mkdir()
    for place in (folder / "packed" / "mine.zip", folder / "Lee.zip"):
        place.write_bytes(b"PK")
    for student in ("huge", "linked", "pipe"):
        (folder / student).mkdir()
    with (folder / "huge" / NAME).open("wb") as file:
        file.truncate(10**8)
    (folder / "linked" / NAME).symlink_to(folder / "good" / NAME)
    os.mkfifo(folder / "pipe" / NAME)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[Grade]], Path]:
    folder, results = tmp_path_factory.mktemp("class") / "week", tmp_path_factory.mktemp("results")
    class_of(folder, results, available(str(results), []))
    everything = grade(folder, results, minutes=0.6, jobs=2)
    by_student: dict[str, list[Grade]] = {}
    for row in everything:
        by_student.setdefault(row.student, []).append(row)
    assert sorted(by_student) == sorted(os.listdir(folder))  # nobody is skipped, nothing is gone
    return by_student, results


def skip_unless_present(graded: tuple, student: str) -> None:
    if student not in graded[0]:
        pytest.skip("this system has no namespaces for ordinary users")


def marks(graded: tuple, student: str) -> dict[str, tuple[str, int]]:
    return {row.exercise: (row.verdict, row.marks) for row in graded[0][student]}


def test_right_answers_get_full_marks_and_may_use_a_file_beside_the_notebook(graded) -> None:
    found = marks(graded, "good")
    assert found["fast-forward"][0] == found["buried-at"][0] == "correct"
    assert found["bury-it"] == ("no answer", 0)
    assert sum(row.of for row in graded[0]["good"]) == sum(row.of for row in graded[0]["broken"])


def test_what_is_not_begun_or_half_finished_costs_only_itself(graded) -> None:
    half = marks(graded, "half")
    assert half["fast-forward"][0] == "correct"
    assert half["bury-it"] == ("not attempted", 0)
    assert half["buried-at"] == ("raised", 0)
    assert "SyntaxError" in {row.exercise: row.what for row in graded[0]["half"]}["buried-at"]


def test_a_notebook_cannot_award_itself_marks(graded) -> None:
    assert sum(row.marks for row in graded[0]["liar"]) == 0
    assert marks(graded, "liar")["fast-forward"][0] != "correct"


def test_a_notebook_under_the_name_of_another_is_pointed_out(graded) -> None:
    assert "another notebook (widest-gap): misnamed?" in graded[0]["misnamed"][0].remark
    assert "misnamed" not in graded[0]["good"][0].remark


@pytest.mark.parametrize("student", ["forker", "stubborn", "vandal"])
def test_what_ends_or_never_ends_gets_nothing_and_is_told_why(graded, student: str) -> None:
    skip_unless_present(graded, student)
    rows = graded[0][student]
    assert sum(row.marks for row in rows) == 0
    told = {"forker": "code cell 2: it", "stubborn": "longer than the time limit"}
    assert told.get(student, "Python ended early") in rows[0].what


def test_endless_and_greedy_answers_cost_one_exercise_each(graded) -> None:
    rows = {row.exercise: row for row in graded[0]["hungry"]}
    assert "MemoryError" in rows["fast-forward"].what
    assert "stopped after" in rows["buried-at"].what


def test_a_notebook_reaches_neither_network_nor_others(graded) -> None:
    skip_unless_present(graded, "spy")
    assert marks(graded, "spy")["fast-forward"][0] == "correct", graded[0]["spy"][0].what


NOT_GRADED = ["absent", "broken", "huge", "Lee.zip", "linked", "packed", "pipe"]


@pytest.mark.parametrize("student", NOT_GRADED)
def test_what_is_no_notebook_is_named_and_not_opened(graded, student: str) -> None:
    rows = graded[0][student]
    assert {row.verdict for row in rows} == {"not graded"}
    word = {"absent": "empty", "broken": "not a notebook", "huge": "larger",
            "Lee.zip": "unpack it", "packed": "only mine.zip"}  # fmt: skip
    assert word.get(student, "link or no ordinary file") in rows[0].what


def test_the_table_is_complete_and_holds_no_formula(graded) -> None:
    with (graded[1] / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(map(len, graded[0].values()))
    assert not [v for row in rows for v in row.values() if v.startswith(("=", "+", "-", "@"))]
    assert {row["student"] for row in rows} >= {"good", "'=HYPERLINK(1)<script>x"}


def test_every_student_has_a_page_in_which_nothing_runs(graded) -> None:
    pages = sorted(graded[1].glob("*.html"))
    assert len(pages) == len(graded[0])
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert "Feedback for good: 3 of" in (graded[1] / "good.html").read_text(encoding="utf-8")


def test_without_namespaces_it_says_so_and_still_decides_outside(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("hgteach.grading.marking.available", lambda *_: False)
    connect = """import socket
import numpy as np
try: socket.create_connection(("127.0.0.1", 9))
except OSError as error: refused = "graded" in str(error)"""
    fast = FAST.replace("    return", "    return refused and")
    lie = f"registry = 0\ncourse.check = print\n{WRONG_BURIED}"
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "Ann.ipynb").write_text(answers(fast, lie, connect))
    rows = {row.exercise: row for row in grade(tmp_path / "class", minutes=1)}
    assert rows["fast-forward"].verdict == "correct"
    assert rows["buried-at"].marks == 0
    assert "no defence" in rows["fast-forward"].protection
    assert "judged on what it checks itself" in rows["fast-forward"].remark
    assert "no defence" in (tmp_path / "class-grades" / "Ann.html").read_text(encoding="utf-8")


def test_an_interrupt_keeps_what_is_finished(tmp_path, monkeypatch) -> None:
    def judged(submission, *_: object) -> list[Grade]:
        if submission.student == "c":
            raise KeyboardInterrupt
        return [Grade(submission.student, submission.notebook, "x", "correct", 1, 1, "")]

    monkeypatch.setattr("hgteach.grading.marking._grade_one", judged)
    monkeypatch.setattr("hgteach.grading.marking.available", lambda *_: False)
    (tmp_path / "class").mkdir()
    for student in "abcd":
        (tmp_path / "class" / f"{student}.ipynb").write_text("{}")
    assert main(["grade", str(tmp_path / "class"), "--jobs", "1"]) == 130
    table = (tmp_path / "class-grades" / "grades.csv").read_text(encoding="utf-8-sig")
    assert [line[0] for line in table.splitlines()[1:]] == ["a", "b"]


@pytest.mark.parametrize("where", ["empty", "inside", "missing"])
def test_a_folder_that_cannot_be_graded_is_refused_in_a_sentence(tmp_path, capsys, where) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a.ipynb").write_text("{}")
    out = tmp_path / ("inside/results" if where == "inside" else "out")
    assert main(["grade", str(tmp_path / where), "--out", str(out)]) == 2
    message = capsys.readouterr().err
    assert {"empty": "no notebooks", "inside": "inside", "missing": "not a folder"}[
        where
    ] in message
    assert not out.exists()
