"""The process that runs a learner's cells. Nothing that it says about right or wrong counts.

It reads one job from its standard input, runs the cells, tells which answers the notebook handed
to ``course.check``, and then calls them with the inputs that the judge sends. The judge's inputs
come pickled, since some are networks; nothing pickled goes back.
"""

from __future__ import annotations

import base64
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from hgteach.grading.confine import set_limits, shut_in

SECONDS_OF_A_CALL = 20.0


class TooLong(BaseException):
    """A cell or a call used up its time."""


def main() -> None:
    """Shut this process in, run the cells of the job, then answer calls until the judge leaves."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # what cells print, however much, goes nowhere
        os.dup2(nothing, descriptor)
    scratch, shut, megabytes = sys.argv[1], sys.argv[2] == "shut", int(sys.argv[3])
    if shut:
        shut_in(scratch, sys.argv[4:], max(megabytes // 8, 16))
    home = Path(tempfile.mkdtemp(dir=scratch))
    os.chdir(home)
    sys.path.insert(0, str(home))  # files beside the notebook can be imported, as in Jupyter
    for name in ("HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR", "HGTEACH_DATA"):
        os.environ[name] = str(home)
    tempfile.tempdir = str(home)
    from hgteach.grading.wire import receive, send

    set_limits(megabytes, shut)  # once PyTorch is loaded: the limit is the learner's own
    job = receive(requests)
    for name, content in job["files"].items():
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(base64.b64decode(content))
    answers, errors = run_cells(job, lambda place: send(replies, {"cell": place}))
    send(replies, {"answers": {id: describe(a) for id, a in answers.items()}, "errors": errors})
    serve(answers, requests, replies)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise :class:`TooLong` in the block after a time, where the system has an alarm."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TooLong(f"it was stopped after {seconds:.0f} seconds")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run_cells(job: dict, tell: Callable[[int], None]) -> tuple[dict[str, Any], dict[int, str]]:
    """Run the chosen cells; return what was handed to each check, and what cells raised."""
    import torch
    from IPython.core.interactiveshell import InteractiveShell

    from hgteach import course
    from hgteach.course.registry import _named

    torch.set_num_threads(1)
    answers: dict[str, Any] = {}
    course.check = lambda id, answer=...: answers.__setitem__(str(id)[:80], answer)
    course.exercise = course.hint = course.solution = lambda *_: None
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    errors = {}
    for place in job["run"]:
        tell(place)
        error: BaseException | None = None
        try:
            with at_most(job["seconds_of_a_cell"]):
                result = shell.run_cell(job["cells"][place], store_history=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as raised:
            error = raised
        if error is not None:
            errors[place] = _named(error)
    return answers, errors


def describe(answer: Any) -> dict:
    """Say what an answer is: not begun, a function to call, or a value."""
    from hgteach.course.registry import _has_blank, _is_stub
    from hgteach.grading.wire import encode

    with suppress(Exception):
        if _has_blank(answer) or _is_stub(answer):
            return {"kind": "stub"}
        if callable(answer):
            return {"kind": "function"}
        return {"kind": "value", "value": encode(answer)}
    return {"kind": "value", "value": encode(object())}


def serve(answers: dict[str, Any], requests: BinaryIO, replies: BinaryIO) -> None:
    """Call the answers as the judge asks, until it closes the channel."""
    from hgteach.grading.wire import receive, send

    while True:
        try:
            request = receive(requests)
        except EOFError:
            return
        send(replies, {"reply": reply_to(request, answers[request["call"]])})


def reply_to(request: dict, answer: Callable[..., Any]) -> dict:
    """Call a learner's function with the arguments of a request; return what to send back."""
    from hgteach.course.registry import NotAttempted, Raised, Wrong, guarded
    from hgteach.grading.wire import encode

    given, named = pickle.loads(base64.b64decode(request["arguments"]))
    try:
        with at_most(SECONDS_OF_A_CALL):
            result = guarded(answer)(*given, **named)
        return {"result": encode(result), **gradients(result, given)}
    except (NotAttempted, Raised, Wrong) as error:
        return {"refused": type(error).__name__, "text": str(error)}
    except BaseException as error:
        return {"refused": "Raised", "text": f"Your function was ended: {error!r:.200}"}


def gradients(result: Any, given: tuple) -> dict:
    """Return the slopes of one number with respect to each weight of the networks handed in.

    With them, and with what the call left in ``.grad``, the judge can treat the number as if it
    had computed it itself.
    """
    import torch

    from hgteach.grading.wire import encode

    weights = [w for network in given if isinstance(network, torch.nn.Module)
               for w in network.parameters()]  # fmt: skip
    if not weights:
        return {}
    found: dict[str, Any] = {"left": [encode(w.grad) for w in weights]}
    if isinstance(result, torch.Tensor) and result.requires_grad and result.numel() == 1:
        slopes = torch.autograd.grad(result, weights, allow_unused=True)
        found["slopes"] = [encode(slope) for slope in slopes]
    return found


if __name__ == "__main__":
    main()
