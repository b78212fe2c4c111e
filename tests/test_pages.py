"""The pages outside the notebooks: their links lead somewhere, and the map is complete."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("data/**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def own_links(page: Path) -> list[str]:
    """Return the files of ours that a page points to, less what it shows as an example."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in LINK.findall(text) if not re.match(r"\w+:|#", link)]
    return [unquote(link.split("#")[0]) for link in links]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in own_links(page) if not (page.parent / link).exists()] == []


def test_the_map_in_the_readme_names_every_notebook() -> None:
    notebooks = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "notebooks").rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts
    }
    assert notebooks - set(own_links(ROOT / "README.md")) == set(), "add a row to the map"
