'''Exercises that a notebook shows, checks in words, and solves.

In a notebook, four calls (and a fifth, ``course.quiz``, for the questions at its end, which
:mod:`hgteach.course.questions` describes):

    from hgteach import course
    course.exercise("box-cox")            # the question, with a hint that unfolds

    def box_cox(x, lam):                  # the learner's cell
        ...

    course.check("box-cox", box_cox)      # a verdict in words; never raises
    course.solution("box-cox")            # the worked solution (not called in committed notebooks)

**For authors.** Exercises live in ``hgteach/course/exercises/``, one module a notebook (the
module's name is the notebook's, with underscores). A new module is found by itself. An exercise:

    from hgteach.course.comparing import Wrong, close, same_shape
    from hgteach.course.registry import exercise

    @exercise(
        "box-cox", title="Undo the skew", minutes=5, difficulty=1,
        prompt="Write `box_cox(x, lam)` for positive `x`: ...",
        hint="What does the formula become as `lam` goes to 0?",
        meaning="A power and a logarithm are one family, so the data may choose between them.",
    )
    def box_cox(x, lam):
        """Raise x to the power lam, shifted and scaled so that lam = 0 is the logarithm."""
        return np.log(x) if lam == 0 else (x**lam - 1) / lam

    @box_cox.verify
    def _(answer):
        x = np.array([1.0, 10.0, 100.0])
        same_shape(answer(x, 0.5), x)
        close(answer(x, 0.5), box_cox(x, 0.5), think="Check the order of minus one and division.")
        close(answer(x, 0.0), np.log(x), "lam = 0", think="Which function is the limit?")

    @box_cox.wrong
    def _(x, lam):
        """Forgets the logarithm."""
        return (x**lam - 1) / lam

- The decorated function is the worked solution: learners see its source, so write it for them
  (docstring included). Calling the exercise, ``box_cox(x, 0.5)``, runs it.
- A worked solution without arguments asks for a *value* (``answer = ...`` in the notebook): the
  verifier gets the value, and wrong values are listed by ``my_exercise.wrong(10.0)``. For
  multiple choice, ``choose(answer, "b", {"a": "why not a", "c": "why not c"})``.
- ``answer`` is the learner's function, made safe: an exception inside it, None as a result, a
  changed input or a forgotten ``...`` ends the check with a sentence of its own. So a verifier
  holds science only. Look at type and shape (``same_shape``, ``close``) before doing anything
  else with a result: an exception in the verifier itself is shown as *our* mistake.
- A module or an instance that the learner built comes as it is; call it as ``guarded(model)(x)``
  (from ``hgteach.course.registry``).
- ``raise Wrong("...")`` completes "Not yet: ...": say what was expected, what came, and what to
  think about; never the answer. Use fixed inputs or a seeded generator, so that a verdict is
  always the same.
- At least one ``wrong`` answer an exercise. Tests run the worked solution, an untouched stub and
  every wrong answer, and hold the ids and arguments in the committed notebooks against these.
'''

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from hgteach.course.registry import REGISTERED, Exercise

__all__ = ["check", "exercise", "hint", "quiz", "solution"]

_MARK = {
    "correct": "✔",
    "not yet": "✘",
    "raised": "✘",
    "not attempted": "○",
    "check broken": "⚠",
}


def exercise(id: str) -> None:
    """Show an exercise: its title, minutes, difficulty and question, and a hint that unfolds."""
    found = _find(id)
    if found:
        head = f"Exercise: {found.title}"
        facts = f"{found.minutes} minutes, difficulty {found.difficulty} of 3"
        _show(
            f"**{head}** ({facts})\n\n{found.prompt}\n\n"
            f"<details><summary>Hint</summary>\n\n{found.hint}\n\n</details>",
            f'{head} ({facts})\n{found.prompt}\nFor a hint: course.hint("{id}")',
        )


def check(id: str, answer: Any = ...) -> None:
    """Judge an answer and say the verdict in words. Never raises, whatever the answer does."""
    found = _find(id)
    if found:
        verdict = found.judge(answer)
        _show(f"**{_MARK[verdict.status]}** {verdict.text}", verdict.text)


def hint(id: str) -> None:
    """Show the hint of an exercise."""
    found = _find(id)
    if found:
        _show(f"**Hint.** {found.hint}", f"Hint. {found.hint}")


def solution(id: str) -> None:
    """Show the worked solution of an exercise. Try first: that is where the learning is."""
    found = _find(id)
    if found:
        imports = found.imports()
        source = "\n".join([*imports, *(["", ""] if imports else []), found.source()])
        _show(
            f"**A worked solution** of *{found.title}*\n\n```python\n{source}\n```\n\n"
            f"{found.meaning}",
            f"{source}\n\n{found.meaning}",
        )


def quiz(notebook: str) -> None:
    """Show the questions on a notebook, e.g. ``course.quiz("implementation/01")``."""
    from hgteach.course.questions import Quiz, read_questions
    from hgteach.errors import InputError

    try:
        shown: Any = Quiz(read_questions(notebook))
    except InputError as error:
        shown = _Shown(str(error), str(error))
    _display(shown)


def _find(id: str) -> Exercise | None:
    """Return the exercise, or say which ids come near."""
    import hgteach.course.exercises  # noqa: F401  (registers every exercise, on first use)

    if isinstance(id, str) and id in REGISTERED:
        return REGISTERED[id]
    near = get_close_matches(str(id)[:80], REGISTERED, n=3, cutoff=0.4) or sorted(REGISTERED)[:6]
    given = f"called '{id[:80]}'" if isinstance(id, str) else "without a name in quotes"
    text = f"There is no exercise {given}. Did you mean one of: {', '.join(near)}?"
    _show(text, text)
    return None


class _Shown:
    """Markdown where it is rendered, plain text in a terminal."""

    def __init__(self, markdown: str, plain: str) -> None:
        self._markdown, self._plain = markdown, plain

    def _repr_markdown_(self) -> str:
        return self._markdown

    def __repr__(self) -> str:
        return self._plain


def _show(markdown: str, plain: str) -> None:
    _display(_Shown(markdown, plain))


def _display(shown: Any) -> None:
    from IPython.display import display

    display(shown)
