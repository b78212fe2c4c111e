"""course.py sets up, opens and tests the course, and says in a sentence what is wrong."""

import ast
import errno
import importlib.util
import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent


# --- The environment, with every program that course.py would start replaced ----------------------


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return course.py as a module that believes to live in an empty folder with a space."""
    spec = importlib.util.spec_from_file_location("course_script", ROOT / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "my course"
    root.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    venv = root / ".venv"
    here = {"ROOT": root, "VENV": venv, "PYTHON": venv / "bin" / "python"}
    here |= {"STAMP": venv / "course-setup.json", "LOG": venv / "course-setup.log"}
    for name, value in here.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=50e9))
    return module


@pytest.fixture
def steps(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replace venv and pip by a list of what they were asked; the environment then "works"."""
    asked: list[list[str]] = []

    def run_step(command: list[str], doing: str) -> None:
        asked.append(command)
        if "venv" in command:
            if "--clear" in command:
                shutil.rmtree(course.VENV)
            course.PYTHON.parent.mkdir(parents=True, exist_ok=True)
            course.PYTHON.touch()

    monkeypatch.setattr(course, "run_step", run_step)
    monkeypatch.setattr(course, "version_of", lambda python: "3.11" if python.exists() else None)
    return asked


def kinds(steps: list[list[str]]) -> list[str]:
    return [
        "pip" if "pip" in step else "clear" if "--clear" in step else "venv" for step in steps
    ]


def test_a_fresh_folder_gets_an_environment_under_the_pins(
    course: ModuleType, steps: list[list[str]]
) -> None:
    course.set_up()
    assert kinds(steps) == ["venv", "pip"]
    assert steps[1][-4:] == ["-c", "constraints.txt", "-e", ".[test]"]


def test_a_second_run_installs_nothing(course: ModuleType, steps: list[list[str]]) -> None:
    course.set_up()
    steps.clear()
    course.set_up()
    assert steps == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_file_is_installed_into_the_same_environment(
    name: str, course: ModuleType, steps: list[list[str]]
) -> None:
    course.set_up()
    steps.clear()
    with (course.ROOT / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    course.set_up()
    assert kinds(steps) == ["pip"]


def test_an_interrupted_installation_is_started_anew(
    course: ModuleType, steps: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    normal = course.run_step

    def interrupted(command: list[str], doing: str) -> None:
        normal(command, doing)
        if "pip" in command:
            raise KeyboardInterrupt

    monkeypatch.setattr(course, "run_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        course.set_up()
    steps.clear()
    monkeypatch.setattr(course, "run_step", normal)
    course.set_up()
    assert kinds(steps) == ["clear", "pip"]


def test_an_environment_whose_python_is_gone_is_rebuilt(
    course: ModuleType, steps: list[list[str]]
) -> None:
    course.set_up()
    steps.clear()
    course.PYTHON.unlink()
    course.set_up()
    assert kinds(steps) == ["clear", "pip"]


def test_an_environment_that_was_moved_with_its_folder_is_rebuilt(
    course: ModuleType, steps: list[list[str]]
) -> None:
    course.set_up()
    steps.clear()
    stamp = json.loads(course.STAMP.read_text(encoding="utf-8"))
    course.STAMP.write_text(json.dumps({**stamp, "root": "/elsewhere"}), encoding="utf-8")
    course.set_up()
    assert kinds(steps) == ["clear", "pip"]


def test_an_environment_that_somebody_else_made_is_not_wiped(
    course: ModuleType, steps: list[list[str]]
) -> None:
    course.PYTHON.parent.mkdir(parents=True)
    course.PYTHON.touch()
    course.set_up()
    assert kinds(steps) == ["venv", "pip"]


def test_an_interpreter_that_does_not_run_has_no_version(course: ModuleType) -> None:
    assert course.version_of(course.PYTHON) is None
    assert course.version_of(Path(sys.executable)) == "{}.{}".format(*sys.version_info[:2])


# --- What it says when something is wrong ---------------------------------------------------------


def test_an_old_python_can_read_the_file_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (ROOT / "course.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and this is Python 3\.9"):
        runpy.run_path(str(ROOT / "course.py"))


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_named(
    missing: str, course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        course.importlib.util, "find_spec", lambda name: None if name == missing else find(name)
    )
    with pytest.raises(course.Trouble, match=r"sudo apt install python3\.\d+-venv"):
        course.set_up()


def test_a_nearly_full_disk_is_noticed_before_anything_is_made(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course.shutil, "disk_usage", lambda _: SimpleNamespace(free=1.2e9))
    with pytest.raises(course.Trouble, match=r"has only 1\.2 GB free"):
        course.set_up()
    assert not course.VENV.exists()


def test_a_folder_that_is_not_yours_is_named(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(course.Path, "mkdir", refuse)
    with pytest.raises(course.Trouble, match="my course cannot be written to"):
        course.set_up()


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk is full"),
        ("[WinError 112] There is not enough space on the disk", "The disk is full"),
        ("HINT: Windows Long Path support is not enabled", "file names as long"),
        ("PermissionError: [Errno 13] Permission denied: 'x'", "cannot be written"),
        ("[WinError 5] Access is denied: 'python.exe'", "cannot be written"),
        ("certificate verify failed [SSL: CERTIFICATE_VERIFY_FAILED]", "secure connection"),
        ("after connection broken by 'X'\nNo matching distribution found", "no network"),
        ("ProxyError: Max retries exceeded with url: /simple/torch", "no network"),
        ("No module named ensurepip", "cannot make virtual environments"),
        ("ERROR: No matching distribution found for torch==2.13.0", "not offered for this"),
        ("Segmentation fault", "does not know"),
    ],
)
def test_what_pip_prints_becomes_a_sentence(
    printed: str, sentence: str, course: ModuleType
) -> None:
    assert sentence in course.explain(printed)


def test_a_step_that_fails_is_explained_and_logged(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    course.VENV.mkdir()
    code = "print('[Errno 28] No space left on device'); raise SystemExit(1)"
    failing = [sys.executable, "-c", code]
    monkeypatch.setattr(course, "set_up", lambda: course.run_step(failing, "installing"))
    assert course.main(["test"]) == 1
    said = capfd.readouterr().err
    assert "The disk is full" in said
    assert "Traceback" not in said
    assert "Errno 28" in course.LOG.read_text(encoding="utf-8")


def test_ctrl_c_ends_without_a_traceback(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "set_up", interrupt)
    assert course.main(["test"]) == 130
    assert "Run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Collecting numpy<3,>=2 (from hgteach)", "looking for numpy<3,>=2"),
        ("  Downloading torch-2.13.0.whl (183.2 MB)", "fetching torch-2.13.0.whl (183.2 MB)"),
        ("Installing collected packages: a, b, c", "unpacking 3 packages"),
        ("something else", "installing"),
    ],
)
def test_progress_is_read_off_what_pip_prints(line: str, words: str, course: ModuleType) -> None:
    assert course.progress([line + "\n", "\n"], "installing").startswith(words)


# --- The two commands -----------------------------------------------------------------------------


@pytest.fixture
def taken() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_refused_before_anything_is_installed(
    course: ModuleType, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert course.main(["lab", "--port", str(taken)]) == 1
    assert f"Port {taken} is taken by another program" in capsys.readouterr().err
    assert not course.VENV.exists()


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http"])
def test_what_is_no_port_is_refused(
    text: str, course: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        course.main(["lab", f"--port={text}"])
    assert "is not a port" in capsys.readouterr().err


def test_jupyterlab_listens_to_this_machine_only_and_demands_a_hidden_token(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = {}

    def start(command: list[str], **settings: object) -> SimpleNamespace:
        started.update(settings, command=command)
        return SimpleNamespace(poll=lambda: None, wait=lambda: 0, terminate=lambda: None)

    monkeypatch.setattr(course.subprocess, "Popen", start)
    monkeypatch.setattr(course.signal, "signal", lambda *_: None)
    monkeypatch.setattr(course, "answers", lambda *_: True)
    assert course.lab(8901, browser=False) == 0
    command, token = started["command"], started["env"]["COURSE_TOKEN"]
    assert "--ServerApp.ip=127.0.0.1" in command
    assert "--ServerApp.open_browser=False" in command
    assert len(token) > 30
    assert not any(token in word for word in command)
    address = re.search(r"http://\S+", capsys.readouterr().out).group()
    assert address == (
        f"http://127.0.0.1:8901/lab/tree/notebooks/00-start-here.ipynb?token={token}"
    )


def test_all_that_nbgrader_adds_is_off_for_learners_and_stays_on_for_a_hub(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    enabling = Path(sys.prefix, "etc/jupyter/jupyter_server_config.d/nbgrader.json").read_text()
    added = json.loads(enabling)["ServerApp"]["jpserver_extensions"]
    assert set(added) == {f"nbgrader.server_extensions.{name}" for name in course.TEACHERS_TOOLS}
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    place, mine = course.learners_settings().split(os.pathsep)
    page = json.loads(Path(place, "labconfig/page_config.json").read_text())
    assert page["disabledExtensions"]["@jupyter/nbgrader"] and mine == "mine"
    assert not Path(place).is_relative_to(course.VENV / "etc"), "which every Jupyter reads"


def test_programs_start_from_the_environment_and_from_nowhere_else(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER"):
        monkeypatch.setenv(name, "elsewhere")
    variables = course.environment()
    assert "elsewhere" not in variables.values()
    assert variables["PATH"].startswith(str(course.PYTHON.parent))


def test_the_server_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in script if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["exec python3 course.py test"]
    assert "python3 course.py test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_code_is_clean_to_ruff() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
