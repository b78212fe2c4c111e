"""Every notebook that is committed keeps the promises of CONTRIBUTING.md, "A notebook"."""

import json
import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(
    path
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
LARGEST = 1_500_000  # bytes
SERIES = "https://github.com/NicKuo-ResearchStuff/Health_Gym_AI/"
HEAD = ("**You will be able to**", "**You need**", "**Time**", "**Mirrors**", "**Next**")
TAIL = ("## Remember", "## Limits", "## Cite")
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|root|tmp|var|work|Users|usr|opt|mnt)/|\b[A-Z]:\\\\?(?:Users|Temp)"
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_there_are_notebooks_and_the_first_page_is_one_of_them() -> None:
    assert ROOT / "notebooks" / "00-start-here.ipynb" in NOTEBOOKS


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook: nbformat.NotebookNode) -> str:
    """Return all output that a reader sees as words."""
    parts = []
    for output in outputs(notebook):
        parts.append(output.get("text", ""))
        data = output.get("data", {})
        parts += [text for kind, text in data.items() if kind.startswith("text/")]
    return "\n".join(part if isinstance(part, str) else "".join(part) for part in parts)


def words(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_it_is_a_small_and_valid_notebook_without_odd_metadata(path: Path) -> None:
    assert path.stat().st_size < LARGEST, "smaller figures, please"
    content = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(content)
    assert set(content["metadata"]) <= {"kernelspec", "language_info"}
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    odd = {key for cell in content["cells"] for key in cell["metadata"]}
    assert odd <= {"tags"}, "leave out cell metadata such as timings"


def test_it_was_run_once_from_top_to_bottom(notebook: nbformat.NotebookNode) -> None:
    counts = [cell.execution_count for cell in code_cells(notebook) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_its_outputs_hold_no_errors_and_no_warnings(notebook: nbformat.NotebookNode) -> None:
    assert [o.output_type for o in outputs(notebook) if o.output_type == "error"] == []
    assert [o.text for o in outputs(notebook) if o.get("name") == "stderr"] == []
    for sign in ("Traceback", "Warning:"):
        assert sign not in printed(notebook)


def test_no_cell_and_no_output_names_a_folder_of_a_machine(
    notebook: nbformat.NotebookNode,
) -> None:
    text = "\n".join(cell.source for cell in notebook.cells) + "\n" + printed(notebook)
    assert MACHINE_PATH.findall(text) == []


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("read /home/ada/file.csv", True),
        ("C:\\Users\\ada", True),
        ("https://example.org/home/page", False),
        ("../data/home/x", False),
    ],
)
def test_the_search_for_machine_paths_catches_them(text: str, caught: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is caught


def test_every_picture_has_an_alternative_text(notebook: nbformat.NotebookNode) -> None:
    for output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt.split()) >= 4, "end the cell with figures.show(fig, alt=...)"
        html = "".join(output.get("data", {}).get("text/html", ""))
        for image in re.findall(r"<img\b[^>]*>", html):
            assert re.search(r'\balt="[^"]+', image)
    assert "![](" not in words(notebook)


def test_it_opens_and_closes_as_every_notebook_does(notebook: nbformat.NotebookNode) -> None:
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    places = [first.source.find(mark) for mark in HEAD]
    assert -1 not in places, f"the first cell needs {HEAD}"
    assert all(a < b for a, b in pairwise(places)), f"in this order: {HEAD}"
    sections = dict(zip(HEAD, _between(first.source, places), strict=True))
    assert "\n- " in sections["**You will be able to**"]
    assert re.search(r"\d+ minutes", sections["**Time**"])
    assert SERIES in sections["**Mirrors**"]
    assert LINK.search(sections["**Next**"])

    headings = [line for line in words(notebook).splitlines() if line.startswith("## ")]
    assert tuple(headings[-3:]) == TAIL
    remember = words(notebook).split(TAIL[0])[1].split(TAIL[1])[0]
    assert len(re.findall(r"^(?:- |\d\. )", remember, flags=re.MULTILINE)) == 3


def _between(text: str, places: list[int]) -> list[str]:
    return [text[a:b] for a, b in pairwise([*places, len(text)])]


def test_it_has_at_least_three_exercises(notebook: nbformat.NotebookNode) -> None:
    code = "\n".join(cell.source for cell in code_cells(notebook))
    checked = re.findall(r"\bcourse\.check\(\s*[\"']([\w-]+)", code)
    assert len(set(checked)) >= 3
    assert set(checked) == set(re.findall(r"\bcourse\.exercise\(\s*[\"']([\w-]+)", code))
    assert "course.solution(" not in code, "a committed notebook keeps its solutions hidden"


def test_its_links_to_our_own_files_lead_somewhere(
    path: Path, notebook: nbformat.NotebookNode
) -> None:
    own = [link for link in LINK.findall(words(notebook)) if not re.match(r"\w+:|#", link)]
    missing = [link for link in own if not (path.parent / unquote(link.split("#")[0])).exists()]
    assert missing == []
