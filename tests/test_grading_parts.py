"""Answers keep their verdict on the way to the judge, and only the cells that count are run."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import hgteach.course.exercises  # noqa: F401
from hgteach.course.comparing import close
from hgteach.course.registry import REGISTERED, Exercise
from hgteach.grading.collecting import exercises_of
from hgteach.grading.needed import needed, read_cell
from hgteach.grading.remote import Remote
from hgteach.grading.runner import reply_to
from hgteach.grading.wire import Opaque, decode, encode
from hgteach.grading.writing import page_name, safe, shown


class Here:
    """A runner without a process: everything goes through JSON as it would."""

    def __init__(self, answer: object) -> None:
        self.answer, self.ended = answer, ""

    def tell(self, message: dict) -> None:
        self.request = message

    def hear(self, wanted: str) -> dict:
        return json.loads(json.dumps({wanted: reply_to(self.request, self.answer)}))


def judged(exercise: Exercise, answer: object) -> str:
    if exercise.asks_for_value:
        return exercise.judge(decode(json.loads(json.dumps(encode(answer))))).status
    return exercise.judge(Remote(Here(answer), exercise)).status


@pytest.mark.parametrize("id", sorted(REGISTERED))
def test_every_answer_gets_the_verdict_that_it_gets_in_the_notebook(id: str) -> None:
    exercise = REGISTERED[id]
    right = exercise.solution() if exercise.asks_for_value else exercise.solution
    assert judged(exercise, right) == "correct"
    for wrong in exercise.wrong_answers:
        assert judged(exercise, wrong) in ("not yet", "raised")


def test_a_changed_argument_and_a_blank_are_noticed_where_the_function_lives() -> None:
    def spoils(p, q):
        p[0] = 0
        return 0.0

    assert judged(REGISTERED["cheapest-plan"], spoils) == "not yet"
    assert judged(REGISTERED["cheapest-plan"], lambda a, b: ...) == "not attempted"


@pytest.mark.parametrize(
    "value",
    [
        (1, 2.5, float("inf"), "é", None, True, 1 + 2j, {"a", "b"}, {1: [2]}, np.float32(0.1)),
        np.array([["a", "b"]]),
        np.array([1, "x", None], dtype=object),
        torch.tensor([[True, False]]),
        torch.ones(2, 2, dtype=torch.bfloat16),
        pd.Series([1.5, None], index=["x", "y"], name="n"),
        pd.DataFrame({"a": ["x", "y"], "b": pd.Categorical(["u", "v"]), 3: [1, 2]}, index=[5, 7]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_data_arrive_as_they_were_sent(value: object) -> None:
    arrived = decode(json.loads(json.dumps(encode(value))))
    assert type(arrived) is type(value)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(arrived, value)
    elif isinstance(value, pd.Series):
        pd.testing.assert_series_equal(arrived, value)
    elif isinstance(value, torch.Tensor):
        assert torch.equal(arrived, value) and arrived.dtype == value.dtype
    elif isinstance(value, np.ndarray):
        assert arrived.dtype == value.dtype and (arrived == value).all()
    else:
        assert arrived == value


def test_anything_else_arrives_as_nothing_that_a_check_accepts() -> None:
    class Equal(float):
        def __eq__(self, other: object) -> bool:
            return True

    arrived = decode(encode(Equal(3)))
    assert isinstance(arrived, Opaque)
    with pytest.raises(Exception, match="expected a single value, got"):
        close(arrived, 2.0)
    nested: list = []
    nested.append(nested)
    assert "deeply" in repr(decode(encode(nested)))


def test_only_what_an_answer_rests_on_is_run() -> None:
    cells = [
        "import torch",
        "import numpy as np",
        "model = torch.nn.Linear(2, 2)",
        "table = {}",
        "table['a'] = np.pi",
        "table['b'] = model",
        "a = [x for x in range(10**9)]",
        "def f(a):\n    return a * table['a']\ncourse.check('one', f)",
        "def g(:\ncourse.check('two', g)",
    ]
    read = [read_cell(source) for source in cells]
    assert needed(read, {"one"}) == [0, 1, 2, 3, 4, 5, 7]
    assert needed(read[:5] + read[6:], {"one"}) == [1, 3, 4, 6]
    assert read[8].checks == ("two",)


@pytest.mark.parametrize("name", ["04-critic.ipynb", "04-critic (1).ipynb", "Li_04-Critic.ipynb"])
def test_a_notebook_is_known_by_its_name(name: str) -> None:
    assert {"cheapest-plan", "penalty-twice"} <= set(exercises_of(name))
    assert len(exercises_of(name)) == 4
    assert exercises_of("my-own.ipynb") == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r\n@x"])
def test_no_text_is_a_formula(text: str) -> None:
    assert str(safe(text)).startswith("'")
    assert safe("a=1") == "a=1" and safe(-1) == -1


def test_a_name_neither_steers_the_terminal_nor_is_spelt_in_codes(capsys) -> None:
    print(shown("Zoë \x1b[2J\ud800"))
    assert capsys.readouterr().out == "Zoë \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}\n"


def test_pages_of_different_students_never_share_a_file() -> None:
    names = ["Ann", "../Ann", "Ann ", "ann/../x", "<b>", "é", "…", "A" * 300, "A" * 299]
    pages = [page_name(name) for name in names]
    assert len(set(pages)) == len(names)
    assert all("/" not in page and len(page) < 80 for page in pages)
