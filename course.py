"""Set the course up on a fresh machine, then open it or test it.

    python3 course.py lab     the environment, then JupyterLab on notebooks/00-start-here.ipynb
    python3 course.py test    the environment, then every test and every notebook
    python3 course.py site    the environment, then the whole course as a website in build/site

The environment is the folder .venv beside this file; a second run finds it and starts at once.
Only the standard library is used. The syntax stays that of Python 3.6, so that an old Python can
read the file far enough to say that it is too old.
"""

import argparse
import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

OLDEST = (3, 11)
THIS = "{}.{}".format(*sys.version_info[:2])
if sys.version_info < OLDEST:  # before any annotation that an old Python cannot evaluate
    sys.exit(
        "This course needs Python 3.11 or newer, and this is Python " + THIS + ". Install a newer "
        "one (python.org has installers), then run the command with it, for example "
        "'python3.12 course.py lab'."
    )

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "course-setup.json"
LOG = VENV / "course-setup.log"
FIRST_PAGE = "notebooks/00-start-here.ipynb"
# nbgrader, which a test needs, adds a menu for teachers and buttons of Jupyter Notebook to the lab.
TEACHERS_TOOLS = ("assignment_list", "course_list", "formgrader", "validate_assignment")
TEACHERS_PAGES = ("@jupyter/nbgrader", "@jupyter-notebook/lab-extension")
GIGABYTES = 3
AGAIN = "Then run the same command again."

NO_VENV = (
    "This Python cannot make virtual environments. On Debian or Ubuntu run 'sudo apt install "
    f"python{THIS}-venv'; elsewhere install Python from python.org."
)
# What pip and venv print when the trouble lies outside them -> what to tell the person.
# The first match counts, so the surest signs come first.
CAUSES = {
    ("No space left on device", "[Errno 28]", "[WinError 112]"): (
        f"The disk is full. The environment needs at least {GIGABYTES} GB, and the system's "
        "folder for temporary files needs some of that for a while. Make room."
    ),
    ("Long Path",): (
        "Windows does not allow file names as long as these. Move this folder to a short path "
        "such as C:\\hgteach, or switch long paths on in Windows."
    ),
    ("Permission denied", "[Errno 13]", "[WinError 5]", "[WinError 32]", "Read-only file"): (
        "A file of the environment cannot be written. Close JupyterLab and whatever else uses the "
        "folder .venv, and make sure that the folder is yours to write in."
    ),
    ("CERTIFICATE_VERIFY_FAILED",): (
        "The secure connection to the package index could not be verified. Check the computer's "
        "clock; on a network with a proxy, ask its administrator how pip is set up there."
    ),
    (
        *("connection broken by", "Max retries exceeded", "Failed to connect", "IncompleteRead"),
        *("getaddrinfo failed", "name resolution", "Network is unreachable", "ReadTimeoutError"),
    ): (
        "The package index cannot be reached: there is no network, or it broke off. Connect to "
        "the internet; only setting up needs it, the course does not."
    ),
    ("ensurepip",): NO_VENV,
    ("No matching distribution found", "not a supported wheel"): (
        f"A package of the course is not offered for this computer with Python {THIS}. Install "
        "Python 3.11 to 3.14 (64-bit Linux or Windows, or a Mac with Apple silicon)."
    ),
}
UNKNOWN = (
    "Setting up failed for a reason that this script does not know. Run the same command again; "
    "if that fails too, delete the folder .venv and try once more."
)


class Trouble(Exception):
    """What is wrong and what to do about it, in words for the person at the keyboard."""


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, set up, and do what was asked; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="course.py", description="Sets the course up, then opens it or tests it."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="lab | test | site")
    opens = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    opens.add_argument("--no-browser", action="store_true", help="only print the address")
    opens.add_argument("--port", type=port_number, help="default: 8888, or the next free one")
    commands.add_parser("test", help="run every test and every notebook")
    commands.add_parser("site", help="build the course as a website, to read in a browser")
    options = parser.parse_args(arguments)
    try:
        if options.command != "lab":
            set_up()
            return test() if options.command == "test" else site()
        port = choose_port(options.port)
        set_up()
        return lab(port, browser=not options.no_browser)
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{explain(str(error))}\n  {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        return 130


# --- The environment ------------------------------------------------------------------------------


def set_up() -> None:
    """Make .venv, or bring it up to date; do nothing when it fits already."""
    files = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        files.update((ROOT / name).read_bytes())
    stamp, version = read_stamp(), version_of(PYTHON)
    # Scripts and the editable install hold absolute paths, so a moved folder needs a new .venv;
    # so does a set-up that was broken off, which left the stamp without "files".
    place = {"root": str(ROOT), "python": version}
    sound = bool(version and stamp.get("files") and place.items() <= stamp.items())
    if sound and stamp["files"] == files.hexdigest():
        return

    started = time.monotonic()
    check_venv_module()
    check_writable()
    if sound:
        print("pyproject.toml or constraints.txt has changed: updating the environment in .venv")
    else:
        check_disk()
        # A .venv that works and that somebody else made (no stamp) is added to, not wiped.
        clear = ["--clear"] if VENV.is_dir() and (stamp or not version) else []
        print("Rebuilding" if clear else "Making", "the environment in .venv")
        print("  This takes a few minutes and fetches a few hundred megabytes, once.", flush=True)
        run_step([sys.executable, "-m", "venv", *clear, str(VENV)], "creating")
        place["python"] = version_of(PYTHON)
    STAMP.write_text(json.dumps(place), encoding="utf-8")
    pip = [str(PYTHON), "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
    what = ["-c", "constraints.txt", "-e", ".[test]"]
    run_step([*pip, "--progress-bar", "off", *what], "installing")
    quiet_first_start()
    STAMP.write_text(json.dumps({**place, "files": files.hexdigest()}), encoding="utf-8")
    print(f"The environment is ready ({time.monotonic() - started:.0f} s).", flush=True)


def read_stamp() -> dict:
    """Return what the last set-up noted; empty if there was none or it is unreadable."""
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def version_of(python: Path) -> str | None:
    """Return ``3.11`` or the like if this interpreter runs, has pip and is new enough."""
    question = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.check_output(
            [str(python), "-I", "-c", question], stderr=subprocess.DEVNULL, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = answer.decode().strip()
    return version if tuple(map(int, version.split("."))) >= OLDEST else None


def check_venv_module() -> None:
    """Refuse a Python whose distributor has cut out what makes environments (Debian does)."""
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise Trouble(f"{NO_VENV} {AGAIN}")


def check_writable() -> None:
    """Refuse a folder in which nothing can be written."""
    probe = ROOT / f".course-{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise Trouble(
            f"The folder {ROOT} cannot be written to ({error.strerror}). Copy the course to a "
            f"folder of your own. {AGAIN}"
        ) from None


def check_disk() -> None:
    """Refuse to begin on a disk that would be full before the end."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < GIGABYTES:
        raise Trouble(
            f"The environment needs at least {GIGABYTES} GB, and the disk has only {free:.1f} GB "
            f"free. Make room. {AGAIN}"
        )


def quiet_first_start() -> None:
    """Spare learners JupyterLab's question about news, which would need the network."""
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    choice = {"fetchNews": "false", "checkForUpdates": False}
    overrides = {"@jupyterlab/apputils-extension:notification": choice}
    (settings / "overrides.json").write_text(json.dumps(overrides), encoding="utf-8")


def environment(**more: str) -> dict:
    """Return the caller's variables, less what sends Python or pip elsewhere, .venv first."""
    elsewhere = {"PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    variables = {k: v for k, v in os.environ.items() if k.upper() not in elsewhere}
    path = str(PYTHON.parent) + os.pathsep + variables.get("PATH", "")
    return {**variables, "VIRTUAL_ENV": str(VENV), "PATH": path, **more}


# --- A noisy step behind one moving line ----------------------------------------------------------


def run_step(command: list[str], doing: str) -> None:
    """Run a command, show one line of progress, and keep all that it prints in the log.

    Raises:
        Trouble: the command failed; says why, as far as its output tells.
    """
    process = subprocess.Popen(
        command,
        cwd=str(ROOT),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        show_progress(reader, lines, doing)
        status = process.wait()
    finally:
        if process.poll() is None:  # Ctrl-C, or the terminal is gone
            process.terminate()
            process.wait()
    with contextlib.suppress(OSError):  # a full disk must not hide the sentence below
        LOG.write_text("".join(lines), encoding="utf-8")
    if status:
        reason = explain("".join(lines))
        tail = "".join("    " + line for line in lines[-8:]) if reason == UNKNOWN else ""
        raise Trouble(f"{reason}\n  What was printed is in {LOG}\n{tail}")


def show_progress(reader: threading.Thread, lines: list[str], doing: str) -> None:
    """Keep one line up to date on a terminal; elsewhere print a line now and then."""
    started, next_line = time.monotonic(), 10.0
    while reader.is_alive():
        reader.join(0.2)
        seconds = time.monotonic() - started
        text = f"  {seconds:4.0f} s  {progress(lines, doing)}"
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            end = "" if reader.is_alive() else "\n"
            print("\r" + text[:width].ljust(width), end=end, flush=True)
        elif seconds > next_line:
            print(text, flush=True)
            next_line += 20


def progress(lines: list[str], doing: str) -> str:
    """Say in a few words how far pip has come, from the lines that it has printed."""
    for line in reversed(lines):
        words = line.split()
        if line.startswith("Installing collected packages:"):
            return f"unpacking {len(words) - 3} packages (the longest step)"
        if len(words) > 1 and words[0] == "Collecting":
            return f"looking for {words[1]}"
        if len(words) > 1 and words[0] == "Downloading":
            size = " ".join(words[2:4]) if line.rstrip().endswith(")") else ""
            return f"fetching {words[1].split('/')[-1]} {size}".rstrip()
    return doing


def explain(output: str) -> str:
    """Return the sentence that fits what a failed command printed."""
    for signs, sentence in CAUSES.items():
        if any(sign in output for sign in signs):
            return f"{sentence} {AGAIN}"
    return UNKNOWN


# --- The commands ---------------------------------------------------------------------------------


def port_number(text: str) -> int:
    """Read a port from the command line."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port: give a number from 1 to 65535")
    return int(text)


def choose_port(asked: int | None) -> int:
    """Return the port that was asked for, or 8888 or the next free one if none was.

    Raises:
        Trouble: the port that was asked for is taken, or not for ordinary users.
    """
    for port in [asked] if asked else range(8888, 8988):
        with socket.socket() as probe:
            if os.name != "nt":  # on Windows this option would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                denied = error.errno == errno.EACCES
                continue
        if port != (asked or 8888):
            print(f"Port 8888 is taken (perhaps by another JupyterLab), so {port} is used.")
        return port
    why = "not open to ordinary users" if denied else "taken by another program"
    raise Trouble(
        f"Port {port} is {why}. Leave --port out to have a free one chosen, or name another, "
        f"for example --port {max(port, 8888) + 1}."
    )


def lab(port: int, browser: bool) -> int:
    """Open JupyterLab on the first page: to this machine only, and only with a fresh token."""
    # The token travels in a variable, since other users of a machine can read command lines.
    token = secrets.token_urlsafe(32)
    # And kernels talk in the clear, with a warning, unless they are told to encrypt.
    launch = (
        "import os, sys, zmq; from jupyterlab.labapp import main; "
        "sys.argv.append('--IdentityProvider.token=' + os.environ.pop('COURSE_TOKEN')); "
        "sys.argv += ['--KernelManager.transport_encryption=auto'] * zmq.has('curve'); main()"
    )
    settings = {  # on the command line they win over whatever a person's own settings say
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": ROOT,
        "ServerApp.open_browser": browser,
        "ServerApp.answer_yes": True,
        "ServerApp.allow_root": True,
        "ServerApp.jpserver_extensions": {
            "nbgrader.server_extensions." + name: False for name in TEACHERS_TOOLS
        },
        "LabApp.default_url": "/lab/tree/" + FIRST_PAGE,
        "Application.log_level": "ERROR",  # what it warns of is nothing that a learner can mend
    }
    command = [str(PYTHON), "-c", launch, *(f"--{k}={v}" for k, v in settings.items())]
    variables = environment(COURSE_TOKEN=token, JUPYTER_CONFIG_PATH=learners_settings())
    print("Starting JupyterLab ...", flush=True)
    process = subprocess.Popen(command, cwd=str(ROOT), env=variables)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        if answers(process, port):
            address = f"http://127.0.0.1:{port}/lab/tree/{FIRST_PAGE}?token={token}"
            print(f"The course is open at\n\n    {address}\n")
            print("Ctrl-C in this window stops it. Save your notebooks first.", flush=True)
        return process.wait()
    except KeyboardInterrupt:  # JupyterLab got the same Ctrl-C and is stopping its kernels
        return process.wait()


def learners_settings() -> str:
    """Write what hides the teachers' pages; return where JupyterLab looks for settings.

    It lies in a place of its own, so that a JupyterHub with this environment still shows them.
    """
    place = VENV / "share" / "course-lab"
    (place / "labconfig").mkdir(parents=True, exist_ok=True)
    page = {"disabledExtensions": {name: True for name in TEACHERS_PAGES}}
    (place / "labconfig" / "page_config.json").write_text(json.dumps(page), encoding="utf-8")
    return os.pathsep.join(filter(None, [str(place), os.environ.get("JUPYTER_CONFIG_PATH")]))


def answers(process: subprocess.Popen, port: int) -> bool:
    """Wait until the server listens; False if it stops before."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def test() -> int:
    """Run every test and every notebook in one go, so that one closing line counts them all."""
    # On two cores, two notebooks with one thread each are done sooner than one after the other.
    command = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", "-n", "2"]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.call(
        [*command, "--dist", "loadscope"], cwd=str(ROOT), env=environment(**threads)
    )


def site() -> int:
    """Build the website from the notebooks as they are; none is run and no network is used."""
    command = [str(PYTHON), "-m", "sphinx", "-q", "-j", "2", "-c", "site", ".", "build/site"]
    print("Building the website; this takes about a minute ...", flush=True)
    status = subprocess.call(command, cwd=str(ROOT), env=environment())
    if status == 0:
        print(f"The website is ready: open {ROOT / 'build' / 'site' / 'index.html'} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
