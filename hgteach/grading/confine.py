"""What keeps a notebook to itself: limits everywhere, namespaces where Linux offers them."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

FULL = "no network, own processes, read-only files (Linux namespaces)"
LIMITS = "time and memory limits only (no namespaces here): no defence against code meant to harm"
UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child",
           "--mount", "--mount-proc")  # fmt: skip
PYTHON = (sys.executable, "-P", "-m")
MOUNT_SETATTR, RECURSIVE, HERE = 442, 0x8000, -100  # one number on every processor since Linux 5.12
FILE_BYTES, PROCESSES = 64 * 2**20, 64


def available(scratch: str, hidden: Sequence[str]) -> bool:
    """Return whether a process can be shut in here: by trying it."""
    if not (sys.platform == "linux" and shutil.which("unshare")):
        return False
    command = [*UNSHARE, *PYTHON, __name__, scratch, *hidden]
    try:
        tried = subprocess.run(command, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0


def shut_in(scratch: str, hidden: Sequence[str], megabytes: int) -> None:
    """Make every file read-only, put empty folders over what is not for learners, drop power.

    To be called in a process that ``unshare`` started with :data:`UNSHARE`; there is no way back.

    Raises:
        OSError: the system does not allow a step.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def done(result: int) -> None:
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    read_only = (ctypes.c_uint64 * 4)(1, 0, 0, 0)
    done(libc.syscall(MOUNT_SETATTR, HERE, b"/", RECURSIVE, ctypes.byref(read_only), 32))
    size = f"size={megabytes}m,mode=700".encode()
    for place in (scratch, "/dev/shm", *hidden):
        if os.path.isdir(place):
            done(libc.mount(b"none", os.fsencode(place), b"tmpfs", place in hidden, size))
    for capability in range(64):  # none can be won back, not even by starting a program
        if libc.prctl(24, capability, 0, 0, 0) < 0:  # PR_CAPBSET_DROP
            break
    done(libc.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
    done(libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()))


def limit_memory(megabytes: int) -> None:
    """Limit the memory that this process and each of its children can ask for."""
    _limit({"RLIMIT_DATA": megabytes * 2**20, "RLIMIT_CORE": 0})


def set_limits(megabytes: int, shut: bool) -> None:
    """Limit this process and its children; without namespaces, close Python's network as well."""
    limit_memory(megabytes)
    _limit({"RLIMIT_FSIZE": FILE_BYTES})
    if shut:  # counted for this namespace alone
        _limit({"RLIMIT_NPROC": 2 * PROCESSES})
    if not shut:

        def refuse(*_: object, **__: object) -> None:
            raise OSError("there is no network while notebooks are graded")

        for name in ("connect", "connect_ex", "sendto", "bind"):
            setattr(socket.socket, name, refuse)
        socket.getaddrinfo = socket.create_connection = refuse


def _limit(limits: dict[str, int]) -> None:
    try:
        import resource
    except ImportError:  # Windows: the judge still watches time and memory
        return
    for name, most in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def protect_self() -> None:
    """Close a trusted process's memory and channels to others, and tie stray children to it."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
        libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def die_with_parent() -> None:
    """Have this process killed when the one that started it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def kill_tree(pid: int) -> None:
    """Kill a process and everything that it started."""
    import psutil

    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return
    for process in family:
        try:
            process.kill()
        except psutil.Error:
            continue


if __name__ == "__main__":
    shut_in(sys.argv[1], sys.argv[2:], 1)
