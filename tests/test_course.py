"""Every exercise can be solved, refuses what it should, and stands in a notebook."""

import ast
import builtins
import inspect
import json
import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from hgteach import course
from hgteach.course import exercises  # noqa: F401  (registers every exercise)
from hgteach.course.comparing import Wrong, choose, close, same_shape
from hgteach.course.registry import REGISTERED, Exercise, guarded

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CALL = re.compile(r"""course\.(exercise|check|hint|solution)\(\s*["']([^"']+)["']""")
every_exercise = pytest.mark.parametrize("ex", REGISTERED.values(), ids=list(REGISTERED))


@cache
def notebook_calls() -> list[tuple[str, str, str, dict]]:
    """Return (notebook, function, exercise id, cell) for every use of the course in a notebook."""
    found = []
    for path in sorted(NOTEBOOKS.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                calls = CALL.findall("".join(cell["source"]))
                found += [(path.name, function, id, cell) for function, id in calls]
    return found


# Every exercise ----------------------------------------------------------------------------------


@every_exercise
def test_worked_solution_is_accepted(ex):
    answer = ex.solution() if ex.asks_for_value else ex.solution
    verdict = ex.judge(answer)
    assert verdict.status == "correct", verdict.text
    assert verdict.text == f"Correct. {ex.meaning}"


@every_exercise
def test_stub_is_not_attempted(ex):
    def stub(*args, **kwargs): ...

    assert ex.judge(... if ex.asks_for_value else stub).status == "not attempted"


@every_exercise
def test_plausible_wrong_answers_are_refused(ex):
    assert ex.wrong_answers, "list at least one plausible wrong answer"
    for answer in ex.wrong_answers:
        verdict = ex.judge(answer)
        assert verdict.status in ("not yet", "raised"), (answer, verdict.text)
        assert len(verdict.text) > 25, verdict.text


@every_exercise
def test_check_survives_answers_of_any_type(ex):
    arrays = (np.zeros((2, 3)), torch.zeros(7), pd.DataFrame())
    for result in (True, "text", [], {}, object(), *arrays):
        verdict = ex.judge(result if ex.asks_for_value else lambda *a, _r=result, **k: _r)
        assert verdict.status in ("not yet", "correct"), (result, verdict.text)


@every_exercise
def test_exercise_says_what_a_learner_needs(ex):
    assert 1 <= ex.minutes <= 30
    assert ex.difficulty in (1, 2, 3)
    for text in (ex.title, ex.prompt, ex.hint, ex.meaning):
        assert text.strip()
    assert ex.meaning.endswith(".")
    assert ex.source().startswith("def "), "the worked solution is shown without our decorator"
    assert re.fullmatch(r"[a-z0-9-]+", ex.id)


@every_exercise
def test_exercise_stands_in_a_notebook(ex):
    uses = {function for _, function, id, _ in notebook_calls() if id == ex.id}
    assert {"exercise", "check"} <= uses


# Every notebook ----------------------------------------------------------------------------------


def test_notebooks_name_only_registered_exercises():
    unknown = {(name, id) for name, _, id, _ in notebook_calls() if id not in REGISTERED}
    assert not unknown


def test_notebooks_give_no_solution_away():
    assert not [(name, id) for name, function, id, _ in notebook_calls() if function == "solution"]


def test_committed_checks_are_untouched_stubs_with_the_arguments_of_the_solution():
    for name, function, id, cell in notebook_calls():
        if function != "check" or id not in REGISTERED:
            continue
        shown = json.dumps(cell["outputs"], ensure_ascii=False)
        assert "Not attempted yet" in shown, f"{name}: {id} was committed attempted or not run"
        wanted = ast.parse(REGISTERED[id].source()).body[0]
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.FunctionDef) and node.name == wanted.name:
                stub, solution = ([a.arg for a in f.args.args] for f in (node, wanted))
                assert stub == solution, f"{name}: the stub of {id} has other arguments"


# The mechanism -----------------------------------------------------------------------------------


@pytest.fixture
def double():
    """An exercise outside the registry: double every number of an array."""

    def double(x):
        return x * 2

    ex = Exercise("double", "Double", 1, 1, "Double x.", "Times?", "Twice is plus.", double)

    @ex.verify
    def _(answer):
        x = np.array([1.0, 2.0, 3.0])
        same_shape(answer(x), x)
        close(answer(x), 2 * x, think="Twice.")

    return ex


def recursing(x):
    return recursing(x)


def changing(x):
    x *= 2
    return x


def leaving(x):
    sys.exit(0)


def dividing(x):
    y = 1 / 0
    return x + y


class Cancelled(BaseException):
    pass


def cancelling(x):
    raise Cancelled("no")


def unprintable(x):
    class Odd:
        def __repr__(self):
            raise ValueError("no text")

    return Odd()


def forgot_return(x):
    x * 2


def half_done(x):
    y = ...
    return x * y


def unimplemented(x):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (lambda x: x + x, "correct", "Correct. Twice is plus."),
        (lambda x: [2, 4, 6], "correct", "Correct"),
        (lambda x: torch.tensor([2.0, 4.0, 6.0]), "correct", "Correct"),
        (lambda x: x, "not yet", "3 of 3 values differ. The first is at [0]: expected 2, got 1. T"),
        (lambda x: x[:2], "not yet", "Not yet: expected shape (3,), got (2,)."),
        (lambda x: "two", "not yet", "expected an array of shape (3,), got 'two'"),
        (lambda x: "a" * 10**7, "not yet", "got 'aaa"),
        (lambda x: ["a", "b", "c"], "not yet", "expected a number, got ['a', 'b', 'c']"),
        (lambda x: x * np.nan, "not yet", "got nan"),
        (lambda: 3, "raised", "The check calls it as `double(x)`"),
        (forgot_return, "not yet", "returned None. Is there a `return`"),
        (changing, "not yet", "changed an array of shape (3,)"),
        (unprintable, "not yet", "expected an array"),
        (dividing, "raised", "ZeroDivisionError: division by zero, in line"),
        (dividing, "raised", "`y = 1 / 0`"),
        (recursing, "raised", "RecursionError: it calls itself"),
        (leaving, "raised", "SystemExit: 0"),
        (cancelling, "raised", "Cancelled: no"),
        (half_done, "not attempted", "Not attempted yet"),
        (unimplemented, "not attempted", "Not attempted yet"),
        (lambda x: ..., "not attempted", "Not attempted yet"),
        (lambda x: (1, ...), "not attempted", "Not attempted yet"),
        (..., "not attempted", "Not attempted yet"),
        (np.array([2.0, 4.0, 6.0]), "not yet", "no parentheses after double"),
        (None, "not yet", "the check needs your function itself"),
    ],
)
def test_verdicts(double, answer, status, words):
    verdict = double.judge(answer)
    assert verdict.status == status, verdict.text
    assert words in verdict.text
    assert len(verdict.text) < 500


def test_keyboard_interrupt_passes_through(double):
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        double.judge(interrupted)


def test_a_broken_check_is_shown_as_ours(double):
    double.verify(lambda answer: answer(np.ones(3)).no_such_attribute)
    verdict = double.judge(lambda x: x)
    assert verdict.status == "check broken"
    assert "our mistake" in verdict.text
    assert "test_course.py" in verdict.text


def test_value_exercise():
    ex = Exercise("four", "Four", 1, 1, "2 + 2?", "Count.", "Sums.", lambda: 4)
    ex.verify(lambda answer: close(answer, 4))
    for answer, status in (
        (4, "correct"),
        (4.0, "correct"),
        (lambda: 4, "correct"),
        (5, "not yet"),
        ("4", "not yet"),
        (None, "not yet"),
        (..., "not attempted"),
    ):
        assert ex.judge(answer).status == status, answer


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (3.0, 2.0, "expected 2, got 3."),
        ("b", "a", "expected 'a', got 'b'."),
        ((1, 2, 3), (1, 2), "expected 2 values, got 3."),
        ((1, 3), (1, 2), "part 1: expected 2, got 3."),
        (5, (1, 2), "expected 2 values, got 5."),
        ({"a": 1}, {"b": 1}, "the key 'b' is missing and the key 'a' is not expected."),
        ({"a": 2}, {"a": 1}, "part 'a': expected 1, got 2."),
        (torch.zeros(2, 3), torch.zeros(3, 2), "expected shape (3, 2), got (2, 3)."),
        (torch.zeros(2), 0.0, "expected a single value, got a tensor of shape (2,)."),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), "the column 'b' is missing"),
        (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["y"]}), "expected 'y', got 'x'"),
        ([1], pd.DataFrame({"b": [1]}), "expected a DataFrame, got [1]."),
        (np.array([True, False]), np.array([True, True]), "1 of 2 values differ."),
    ],
)
def test_close_says_the_difference(actual, expected, words):
    close(expected, expected)
    with pytest.raises(Wrong) as refusal:
        close(actual, expected)
    assert words in str(refusal.value)
    with pytest.raises(Wrong, match=r"^the loss"):
        close(actual, expected, "the loss")


def test_close_accepts_a_categorical_column_as_its_labels():
    labels = pd.Series(pd.Categorical(["Male", "Female"]))
    close(labels, pd.Series(["Male", "Female"]))
    with pytest.raises(Wrong, match="expected 'Female', got 'Male'"):
        close(labels, pd.Series(["Female", "Female"]))


def test_choose():
    choose(" (B) ", "b", {"a": "no"})
    with pytest.raises(Wrong, match=r"^no$"):
        choose("A", "b", {"a": "no"})
    with pytest.raises(Wrong, match="expected one of 'a', 'b', got 7"):
        choose(7, "b", {"a": "no"})


def test_guarded_module_speaks_to_the_learner(double):
    double.verify(lambda answer: guarded(torch.nn.Linear(2, 1))(torch.ones(3)))
    assert double.judge(lambda x: x).status == "raised"


def test_unknown_exercise_and_check_speak_in_sentences(capsys):
    first = next(iter(REGISTERED))
    course.check(first[:-1], lambda: 1)
    assert f"There is no exercise called '{first[:-1]}'. Did you mean one of:" in (
        said := capsys.readouterr().out
    )
    assert first in said
    course.check(lambda x: x, first)
    assert "without a name in quotes" in capsys.readouterr().out
    course.check(first)
    assert "Not attempted yet" in capsys.readouterr().out


def test_exercise_hint_and_solution_are_shown(capsys):
    ex = next(iter(REGISTERED.values()))
    for show, words in (
        (course.exercise, ex.title),
        (course.hint, ex.hint),
        (course.solution, ex.source()),
    ):
        show(ex.id)
        assert words in capsys.readouterr().out


@pytest.mark.parametrize("id", sorted(REGISTERED))
def test_a_worked_solution_that_is_pasted_finds_all_its_names(id):
    """What is shown must run in a notebook that has imported nothing."""
    ex = REGISTERED[id]
    if ex.asks_for_value:
        return
    pasted: dict = {}
    exec("\n".join([*ex.imports(), ex.source()]), pasted)
    home = vars(inspect.getmodule(ex.solution))
    used = set(ex.solution.__code__.co_names) & set(home)
    assert used <= set(pasted) | set(dir(builtins)), "a name of the exercise's own module"
