"""What an exercise is, and how an answer is judged without ever raising."""

from __future__ import annotations

import ast
import copy
import dis
import inspect
import linecache
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from operator import is_
from types import FunctionType
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from hgteach.course.comparing import Wrong, describe

Status = Literal["correct", "not yet", "raised", "not attempted", "check broken"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check, in words."""

    status: Status
    text: str


class NotAttempted(Exception):
    """There is still a ``...`` where the answer belongs."""


class Raised(Exception):
    """The learner's code raised; the message says what and where."""


@dataclass
class Exercise:
    """One exercise: what it asks, how it helps, what it accepts, and its worked solution."""

    id: str
    title: str
    minutes: int
    difficulty: Literal[1, 2, 3]
    prompt: str
    hint: str
    meaning: str
    solution: Callable[..., Any]
    verifier: Callable[[Any], None] | None = None
    wrong_answers: list[Any] = field(default_factory=list)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the worked solution, so that a verifier can compare with it."""
        return self.solution(*args, **kwargs)

    @property
    def asks_for_value(self) -> bool:
        """Whether the answer is a value: the worked solution then takes no arguments."""
        return not inspect.signature(self.solution).parameters

    def verify(self, verifier: Callable[[Any], None]) -> Callable[[Any], None]:
        """Register the check: it gets the answer, and raises :class:`Wrong` if it is not right."""
        self.verifier = verifier
        return verifier

    def wrong(self, answer: Any) -> Any:
        """Register a plausible wrong answer, which the check must refuse (tests see to it)."""
        self.wrong_answers.append(answer)
        return answer

    def judge(self, answer: Any) -> Verdict:
        """Judge an answer. Only KeyboardInterrupt leaves this method."""
        try:
            self.verifier(self._prepare(answer))
        except Wrong as error:
            return Verdict("not yet", f"Not yet: {error}")
        except NotAttempted:
            place = "answer" if self.asks_for_value else "body of your function"
            return Verdict(
                "not attempted",
                f"Not attempted yet. Replace the `...` in the {place}, then run this cell again.",
            )
        except Raised as error:
            return Verdict("raised", str(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            learners = _learners_line(error, lambda f: f.f_globals.get("__name__") == "__main__")
            if learners:
                return Verdict("raised", f"Your code raised {_named(error)}{learners}.")
            last = traceback.extract_tb(error.__traceback__)[-1]
            return Verdict(
                "check broken",
                f"The check of '{self.id}' broke down with {_named(error)} (line {last.lineno} of "
                f"{last.filename.replace(chr(92), '/').split('/')[-1]}). That is our mistake: a "
                "check should say what is wrong with any answer. Please report it. Meanwhile, "
                "compare the type and shape of your answer with what the exercise asks for.",
            )
        return Verdict("correct", f"Correct. {self.meaning}")

    def source(self) -> str:
        """Return the worked solution as text, without our decorator."""
        text = textwrap.dedent(inspect.getsource(self.solution))
        first = ast.parse(text).body[0].lineno
        return "".join(text.splitlines(keepends=True)[first - 1 :]).rstrip()

    def imports(self) -> list[str]:
        """Return the lines that import what the worked solution uses."""
        used, lines = set(self.solution.__code__.co_names), []
        for node in ast.parse(inspect.getsource(inspect.getmodule(self.solution))).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                node.names = [a for a in node.names if (a.asname or a.name) in used]
                lines += [ast.unparse(node)] * bool(node.names)
        return lines

    def _prepare(self, answer: Any) -> Any:
        """Return what the verifier gets: the value, or the learner's function made safe."""
        is_function = inspect.isroutine(answer) or isinstance(answer, partial)
        if _has_blank(answer) or (is_function and _is_stub(answer)):
            raise NotAttempted
        if self.asks_for_value:
            return guarded(answer)() if is_function else answer
        if is_function:
            return guarded(answer, self.solution)
        if not callable(answer):
            name = self.solution.__name__
            raise Wrong(
                f"the check needs your function itself, got {describe(answer)}. "
                f'Write `course.check("{self.id}", {name})`, with no parentheses after {name}.'
            )
        return answer


REGISTERED: dict[str, Exercise] = {}


def exercise(
    id: str,
    *,
    title: str,
    minutes: int,
    difficulty: Literal[1, 2, 3],
    prompt: str,
    hint: str,
    meaning: str,
) -> Callable[[Callable[..., Any]], Exercise]:
    """Turn a worked solution into an exercise (see the guide in ``hgteach.course``).

    Args:
        id: its name in notebooks, e.g. ``"box-cox"``.
        title: a few words.
        minutes: how long a learner needs.
        difficulty: 1 (try it), 2 (think) or 3 (design).
        prompt: the question, in Markdown.
        hint: a push, not the answer, in Markdown.
        meaning: one sentence that follows "Correct.": what the learner has just shown.
    """

    def register(solution: Callable[..., Any]) -> Exercise:
        known = REGISTERED.get(id)
        if known and known.solution.__module__ != solution.__module__:
            raise ValueError(f"Two exercises are called {id!r}: rename one of them.")
        texts = (textwrap.dedent(text).strip() for text in (prompt, hint, meaning))
        REGISTERED[id] = Exercise(id, title, minutes, difficulty, *texts, solution)
        return REGISTERED[id]

    return register


def guarded(function: Callable[..., Any], expected: Callable[..., Any] | None = None) -> Callable:
    """Wrap a learner's callable: whatever happens inside it becomes a sentence to the learner.

    Refuses a result of None, and a change of the arguments that were handed in.

    Args:
        function: the learner's function, or a module or class that they built.
        expected: the worked solution, whose signature is shown if the call itself fails.
    """

    @wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        handed_in = [*args, *kwargs.values()]
        before = [_snapshot(value) for value in handed_in]
        try:
            result = function(*args, **kwargs)
        except (NotImplementedError, KeyboardInterrupt) as error:
            raise (NotAttempted if isinstance(error, NotImplementedError) else error) from None
        except BaseException as error:
            if "ellipsis" in str(error):
                raise NotAttempted from None
            code = getattr(inspect.unwrap(function), "__code__", call.__code__)
            line = _learners_line(error, lambda f: f.f_code.co_filename == code.co_filename)
            usage = ""
            if expected and not line:
                signature = f"{expected.__name__}{inspect.signature(expected)}"
                usage = f" The check calls it as `{signature}`."
            raise Raised(f"Your function raised {_named(error)}{line}.{usage}") from None
        if _has_blank(result):
            raise NotAttempted
        if result is None:
            raise Wrong("your function returned None. Is there a `return` at its end?")
        for value, old in zip(handed_in, before, strict=True):
            if not _unchanged(value, old):
                raise Wrong(
                    f"your function changed {describe(old)} that was handed to it. Whoever calls "
                    "it may still need the original: work on a copy, or build a new result."
                )
        return result

    return call


def _is_stub(function: Callable[..., Any]) -> bool:
    """Whether the body does nothing but return None or Ellipsis."""
    if not isinstance(function, FunctionType):
        return False
    idle = {"RESUME", "NOP", "COPY_FREE_VARS", "RETURN_VALUE", "RETURN_CONST", "LOAD_CONST"}
    steps = list(dis.get_instructions(function))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(s.opname in idle for s in steps) and all(c in (None, ...) for c in constants)


def _has_blank(value: Any) -> bool:
    """Whether a ``...`` is still the value, or one of the values."""
    if isinstance(value, dict):
        value = list(value.values())
    return value is ... or (isinstance(value, tuple | list) and any(v is ... for v in value))


def _snapshot(value: Any) -> Any:
    """Copy what a learner's function could change by accident; models and the like stay as is."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray | pd.DataFrame | pd.Series):
        return value.copy()
    return copy.copy(value) if isinstance(value, list | dict) else value


def _unchanged(value: Any, old: Any) -> bool:
    if isinstance(value, pd.DataFrame | pd.Series):
        return value.equals(old)
    if isinstance(value, torch.Tensor):
        value, old = value.detach().cpu().numpy(), old.cpu().numpy()
    if isinstance(value, np.ndarray):
        return np.array_equal(value, old, equal_nan=value.dtype.kind == "f")
    if isinstance(value, dict):
        return list(value) == list(old) and all(value[key] is old[key] for key in old)
    if isinstance(value, list):
        return len(value) == len(old) and all(map(is_, value, old))
    return True


def _named(error: BaseException) -> str:
    """Name an exception in one line."""
    if isinstance(error, RecursionError):
        return "RecursionError: it calls itself and never stops"
    text = " ".join(str(error).split())
    text = f"{text[:200]}…" if len(text) > 200 else text
    return f"{type(error).__name__}: {text}".rstrip(": .")


def _learners_line(error: BaseException, is_learners: Callable[[Any], bool]) -> str:
    """Return ``, in line 3: `code` `` for the deepest of the learner's own lines, or nothing."""
    found = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if is_learners(frame) and frame.f_code.co_filename != __file__:
            line = linecache.getline(frame.f_code.co_filename, number).strip()
            found = f", in line {number}" + (f": `{line}`" if line else "")
    return found
