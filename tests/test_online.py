"""Binder and Colab: badges, links and the first cell come with an address and go without one."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
import test_notebooks_format as promises
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "teaching"))
online = import_module("online")

ADDRESS = "some-account/some-course"
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
WITHOUT = re.sub(r"\[project\.urls\]\n(?:[^\[\n].*\n)+\n?", "", PROJECT)
WITH = WITHOUT.replace(
    "[project.scripts]",
    f'[project.urls]\nRepository = "https://github.com/{ADDRESS}"\n\n[project.scripts]',
)
NAMES = ("00-start-here", "hands-on/05-v2.5-transformer")


def load(file: Path) -> ModuleType:
    """Import a script from where it lies."""
    place = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def texts(course: Path) -> dict[str, str]:
    paths = [course / "README.md", *(course / "notebooks").rglob("*.ipynb")]
    return {p.relative_to(course).as_posix(): p.read_text(encoding="utf-8") for p in paths}


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Weave a copy with two notebooks: without an address, with one, and without it again."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "teaching", course / "teaching")
    shutil.copy(ROOT / "README.md", course)
    for name in NAMES:
        copy = course / "notebooks" / f"{name}.ipynb"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", copy)
    states = {}
    for state, project in (("before", WITHOUT), ("with", WITH), ("after", WITHOUT)):
        (course / "pyproject.toml").write_text(project, encoding="utf-8")
        for options in ([], ["--check"]):  # status 1 if weaving again would change something
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", ["weave.py", *options])
                assert load(course / "teaching" / "weave.py").main() == 0
        states[state] = texts(course)
    return states


def woven(states: dict[str, dict[str, str]], name: str) -> nbformat.NotebookNode:
    return nbformat.reads(states["with"][f"notebooks/{name}.ipynb"], as_version=4)


def test_with_an_address_everything_is_there_and_without_it_nothing(states) -> None:
    for file, text in states["with"].items():
        assert ADDRESS in text and ADDRESS not in states["before"][file]
    assert states["after"] == states["before"]


def test_every_link_opens_the_file_that_it_stands_in(states) -> None:
    for file, text in states["with"].items():
        opens = "notebooks/00-start-here.ipynb" if file == "README.md" else file
        binder = re.findall(r"\(https://mybinder\.org/v2/gh/([^)]+)\)", text)
        colab = re.findall(r"\(https://colab\.research\.google\.com/github/([^)]+)\)", text)
        assert binder == [f"{ADDRESS}/HEAD?urlpath=lab/tree/{opens}"]
        assert colab == [f"{ADDRESS}/blob/HEAD/{opens}"]
        assert (ROOT / opens).is_file()
    badges = re.findall(r"\[!\[([^\]]+)\]\(([^)]+)\)\]", states["with"]["README.md"])
    assert len(badges) == 2
    assert all(len(words) >= 20 and (ROOT / picture).is_file() for words, picture in badges)


@pytest.mark.parametrize("name", NAMES)
def test_the_cell_is_there_once_and_first_and_every_promise_is_kept(states, name, tmp_path) -> None:
    notebook = woven(states, name)
    marked = [cell for cell in notebook.cells if "colab" in cell.metadata.get("tags", [])]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert marked == code[:1] == notebook.cells[1:2]
    assert f"github.com/{ADDRESS} course" in marked[0].source
    assert marked[0].outputs == []

    copy = tmp_path / "notebook.ipynb"
    copy.write_text(states["with"][f"notebooks/{name}.ipynb"], encoding="utf-8")
    promises.test_it_is_a_small_and_valid_notebook_without_odd_metadata(copy)
    at = ROOT / "notebooks" / f"{name}.ipynb"
    promises.test_its_links_to_our_own_files_lead_somewhere(at, notebook)
    promises.test_it_was_run_once_from_top_to_bottom(notebook)
    promises.test_no_cell_and_no_output_names_a_folder_of_a_machine(notebook)
    promises.test_it_opens_and_closes_as_every_notebook_does(notebook)


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let git find a small course at the public address, and let Colab's module be found."""
    course = tmp_path / "published"
    (course / "binder").mkdir(parents=True)
    (course / "hgteach").mkdir()
    shutil.copy(ROOT / "binder" / "colab.py", course / "binder")
    shutil.copy(ROOT / "constraints.txt", course)
    (course / "pyproject.toml").write_text(WITH, encoding="utf-8")
    (course / "marker_of_the_course.py").touch()
    git = ["git", "-C", str(course), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "A course"]):
        subprocess.run([*git, *step], check=True)
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[url "file://{course}"]\n\tinsteadOf = https://github.com/{ADDRESS}\n', encoding="utf-8"
    )
    module = tmp_path / "colab" / "google" / "colab.py"
    module.parent.mkdir(parents=True)
    module.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "colab"))
    monkeypatch.delenv("HGTEACH_STATIC", raising=False)
    (tmp_path / "content").mkdir()
    return tmp_path / "content"


def run(folder: Path, *cells: str) -> list[str]:
    """Run cells in a kernel that starts in a folder; return what each printed."""
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=made)
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}).execute()
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in made]


@pytest.mark.skipif(sys.platform == "win32", reason="Colab is Linux")
def test_on_colab_the_cell_fetches_the_course_once_and_elsewhere_it_does_nothing(somewhere) -> None:
    cell = online.CELL.format(repository=ADDRESS)
    look = "import os, marker_of_the_course; print(os.environ['HGTEACH_STATIC'])"
    assert run(somewhere, cell) == [""]
    assert list(somewhere.iterdir()) == []
    first, again, seen = run(somewhere, f"import google.colab\n{cell}", cell, look)
    assert "The course is ready" in first and f"google.com/github/{ADDRESS}" in first
    assert first == again, "a second time it has nothing to fetch"
    assert seen == "1\n"


def test_on_colab_only_what_is_missing_is_installed_and_pinned(monkeypatch) -> None:
    colab = load(ROOT / "binder" / "colab.py")
    assert colab.missing() == []
    monkeypatch.setattr(colab, "there", lambda name: name not in ("tomli-w", "jupyterlab"))
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(colab.missing()) == 1 and colab.missing()[0] in pins
    assert colab.missing()[0].startswith("tomli_w==")


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://github.com/a-b/c.d", "a-b/c.d"),
        ("https://github.com/a/b.git", "a/b"),
        ("https://github.com/a/b/", "a/b"),
        ("https://github.com/a", None),
        ("https://example.org/a/b", None),
        ("https://github.com/a/b/tree/main", None),
    ],
)
def test_only_a_repository_on_github_is_woven_in(address, found) -> None:
    assert online.repository(f'[project]\n[project.urls]\nRepository = "{address}"') == found


def test_the_course_as_it_is_says_what_its_project_file_says() -> None:
    assert online.repository(WITHOUT) is None and online.repository(WITH) == ADDRESS
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == online.badge_readme(readme, online.repository(PROJECT)), "run weave.py"


def test_binder_takes_the_pinned_pytorch_and_its_step_can_be_run() -> None:
    wanted = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (torch,) = [pin for pin in pins if pin.startswith("torch==")]
    assert torch.replace("torch==", "pytorch-cpu=") in wanted["dependencies"]
    python = next(name for name in wanted["dependencies"] if name.startswith("python="))
    lowest = tomllib.loads(PROJECT)["project"]["requires-python"]
    assert python.removeprefix("python=") == lowest.removeprefix(">=")
    step = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    assert step.startswith("#!") and "constraints.txt" in step
