"""Questions to test oneself with: several choices, and every choice explained.

``course.quiz("implementation/01")`` shows those of a notebook. They lie beside this file, one TOML
file a notebook in ``quizzes/``, so they need no network. To write some, copy a file: each
``[[question]]`` asks one thing and has three or four ``[[question.option]]``, of which one holds
``right = true``. Say under ``why`` what is right, or which belief leads there. Ask for thinking:
nothing that can be looked up, and no number that another training would change.
"""

from __future__ import annotations

import html
import os
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import ipywidgets

from hgteach.errors import InputError

FOLDER = Path(__file__).parent / "quizzes"
LETTERS = "ABCD"


@dataclass(frozen=True)
class Option:
    """A choice, and why it is right or what it gets wrong."""

    text: str
    why: str
    right: bool = False

    @property
    def verdict(self) -> str:
        """The explanation, opened by a mark and a word that do not need colour."""
        return f"{'✔ Right.' if self.right else '✘ Not this one.'} {self.why}"


@dataclass(frozen=True)
class Question:
    """What is asked, and the choices in the order in which they are shown."""

    ask: str
    options: tuple[Option, ...]


def names() -> list[str]:
    """Return the notebooks that have questions, such as ``"implementation/01-preprocessing"``."""
    return sorted(f.relative_to(FOLDER).with_suffix("").as_posix() for f in _files())


def full_name(notebook: str) -> str:
    """Return the notebook's whole name for its beginning: its shelf and its number are enough.

    Raises:
        InputError: no notebook, or more than one, begins like this.
    """
    known = names()
    given = str(notebook).removesuffix(".ipynb").removeprefix("notebooks/")
    found = [given] if given in known else [n for n in known if given and n.startswith(given)]
    if len(found) != 1:
        near = found or get_close_matches(given[:80], known, n=3, cutoff=0.3) or known[:3]
        raise InputError(
            f"There are no questions called '{given[:80]}'. Name one notebook, for example "
            f'course.quiz("{near[0]}"); near to yours are: {", ".join(near[:4])}.'
        )
    return found[0]


def read_questions(notebook: str) -> list[Question]:
    """Return the questions on a notebook (see :func:`full_name` for what it may be called)."""
    path = FOLDER / f"{full_name(notebook)}.toml"
    asked = tomllib.loads(path.read_text(encoding="utf-8"))["question"]
    return [Question(q["ask"], tuple(Option(**option) for option in q["option"])) for q in asked]


def static_page(questions: list[Question]) -> str:
    """Return HTML in which each choice unfolds its explanation, for a page without a kernel."""
    items = []
    for question in questions:
        choices = "\n".join(
            f"<details><summary>{letter}. {_inline(option.text)}</summary>"
            f"<p>{_inline(option.verdict)}</p></details>"
            for letter, option in zip(LETTERS, question.options, strict=False)
        )
        items.append(f"<li><p><strong>{_inline(question.ask)}</strong></p>\n{choices}\n</li>")
    return "<ol>\n" + "\n".join(items) + "\n</ol>"


def plain_text(questions: list[Question]) -> str:
    """Return the questions and choices as text, without the answers."""
    lines = []
    for number, question in enumerate(questions, 1):
        lines.append(f"{number}. {question.ask}")
        lines += [f"   {x}. {o.text}" for x, o in zip(LETTERS, question.options, strict=False)]
    return "\n".join(lines)


class Quiz(ipywidgets.VBox):
    """Questions with a button for each choice. A choice is explained at once, right or wrong.

    The buttons are reached with Tab and pressed with Space. Only first choices count, and the line
    at the end says how many of them were right.
    """

    def __init__(self, questions: list[Question]) -> None:
        """Lay out the questions, unanswered."""
        self._questions = questions
        self._first: dict[int, bool] = {}
        self.answers, self.verdicts, rows = [], [], []
        for number, question in enumerate(questions, 1):
            letters = list(LETTERS[: len(question.options)])
            choices = "".join(f"<li>{_inline(option.text)}</li>" for option in question.options)
            answer = ipywidgets.ToggleButtons(
                options=letters,
                value=None,
                description=f"Answer {number}",
                tooltips=[option.text for option in question.options],
                style={"button_width": "3em"},
            )
            verdict = ipywidgets.HTML()
            answer.observe(lambda change, at=number - 1: self._chosen(at), names="value")
            self.answers.append(answer)
            self.verdicts.append(verdict)
            ask = (
                f"<p><strong>{number}. {_inline(question.ask)}</strong></p>"
                f'<ol style="list-style-type: upper-alpha; margin: 0 0 0 2em">{choices}</ol>'
            )
            rows += [ipywidgets.HTML(ask), answer, verdict]
        self.score = ipywidgets.HTML()
        super().__init__([*rows, self.score])

    def __repr__(self) -> str:
        """What a terminal shows."""
        return plain_text(self._questions)

    def _chosen(self, at: int) -> None:
        """Explain the choice at a question, and count it if it is the first."""
        letter = self.answers[at].value
        if letter is None:
            return
        option = self._questions[at].options[LETTERS.index(letter)]
        self._first.setdefault(at, option.right)
        # role=status makes a screen reader speak the new text without moving the focus.
        self.verdicts[at].value = f'<p role="status">{letter}. {_inline(option.verdict)}</p>'
        self.score.value = (
            f"<p>Right at the first choice: {sum(self._first.values())} of {len(self._first)} "
            f"answered; there are {len(self._questions)} questions.</p>"
        )

    def _repr_mimebundle_(self, **settings: Any) -> Any:
        """Hand out buttons, and for a page without a kernel choices that unfold.

        With ``HGTEACH_STATIC=1`` the latter are all: a committed notebook must not hold the
        address of a widget that died with its kernel.
        """
        page = {
            "text/plain": plain_text(self._questions),
            "text/html": static_page(self._questions),
        }
        if os.environ.get("HGTEACH_STATIC"):
            return page
        return super()._repr_mimebundle_(**settings) | page


def _files() -> list[Path]:
    return list(FOLDER.rglob("*.toml"))


def _inline(text: str) -> str:
    """Escape text for HTML, and show what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
