"""A learner's answers, seen from the judge: a watched process, and functions that live in it."""

from __future__ import annotations

import base64
import contextlib
import inspect
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from hgteach.grading.confine import PROCESSES, PYTHON, UNSHARE, die_with_parent, kill_tree


@dataclass
class Runner:
    """A runner's process, watched: it is killed at the deadline or above its memory."""

    process: subprocess.Popen
    deadline: float
    megabytes: int
    ended: str = ""
    cell: int | None = None
    watching: bool = True

    @classmethod
    def start(cls, job: dict, deadline: float) -> Runner:
        """Start the process and its watch."""
        arguments = [job["scratch"], "shut" if job["shut"] else "open", str(job["megabytes"])]
        command = [*PYTHON, "hgteach.grading.runner", *arguments, *job["hidden"]]
        process = subprocess.Popen(
            [*UNSHARE, *command] if job["shut"] else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )
        runner = cls(process, deadline, job["megabytes"])
        threading.Thread(target=runner._watch, daemon=True).start()
        return runner

    def _watch(self) -> None:
        import psutil

        root = psutil.Process(self.process.pid)
        while self.watching and self.process.poll() is None:
            used = count = 0
            try:
                for process in (root, *root.children(recursive=True)):
                    used, count = used + process.memory_info().rss, count + 1
            except psutil.Error:
                pass
            if time.monotonic() > self.deadline:
                self.stop("it took longer than the time limit")
            elif used > (self.megabytes + 512) * 2**20:  # beside Python and PyTorch themselves
                self.stop("it used more than the memory limit")
            elif count > PROCESSES:
                self.stop(f"it started more than {PROCESSES} processes")
            time.sleep(0.1)

    def stop(self, why: str = "") -> None:
        """Kill the process and all that it started; keep the first reason."""
        self.ended = self.ended or why
        self.watching = False
        kill_tree(self.process.pid)

    def tell(self, message: dict) -> None:
        """Send a message; a runner that is gone is noticed when its reply is read."""
        from hgteach.grading.wire import send

        with contextlib.suppress(OSError):
            send(self.process.stdin, message)

    def hear(self, wanted: str) -> dict | None:
        """Return the next message that has the key ``wanted``, or None if the runner is gone."""
        from hgteach.grading.wire import receive

        while True:
            try:
                message = receive(self.process.stdout)
            except EOFError:
                self.stop("its Python ended early (`os._exit`, a crash, or too little memory)")
                return None
            except ValueError as error:
                self.stop(f"it sent what cannot be read: {error}")
                return None
            if wanted in message:
                return message
            self.cell = message.get("cell") if isinstance(message.get("cell"), int) else None


@dataclass
class Remote:
    """A learner's function, called where it lives; its refusals are raised here."""

    runner: Runner
    exercise: Any

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Send the arguments, return the result, and leave the gradients that the call left."""
        import cloudpickle

        from hgteach.course.comparing import Wrong
        from hgteach.course.registry import NotAttempted, Raised
        from hgteach.grading.wire import decode

        packed = base64.b64encode(cloudpickle.dumps((given, named))).decode()
        self.runner.tell({"call": self.exercise.id, "arguments": packed})
        told = self.runner.hear("reply")
        if told is None:
            raise Raised(f"Your function could not be run to its end: {self.runner.ended}.")
        reply = told["reply"]
        refusals = {"Wrong": Wrong, "NotAttempted": NotAttempted, "Raised": Raised}
        if isinstance(reply, dict) and "refused" in reply:
            text = str(reply.get("text"))[:2000]
            if text.startswith("Your function raised TypeError") and ", in line" not in text:
                solution = self.exercise.solution
                called = f"{solution.__name__}{inspect.signature(solution)}"
                text += f" The check calls it as `{called}`."
            raise refusals.get(str(reply["refused"]), Raised)(text)
        try:
            return self._with_slopes(decode(reply["result"]), reply, given)
        except Exception:
            raise Wrong("your function returned something that no check can read.") from None

    def _with_slopes(self, result: Any, reply: dict, given: tuple) -> Any:
        """Give a number its slopes back, and the networks what the call left in ``.grad``."""
        import torch

        from hgteach.grading.wire import decode

        weights = [w for network in given if isinstance(network, torch.nn.Module)
                   for w in network.parameters()]  # fmt: skip
        for weight, left in zip(weights, reply.get("left", ()), strict=False):
            weight.grad = decode(left)
        for weight, coded in zip(weights, reply.get("slopes", ()), strict=False):
            slope = decode(coded)
            if slope is not None:  # the value stays; its derivative by this weight is the slope
                result = result + ((weight - weight.detach()) * slope).sum()
        return result
