"""The website: all is on it, every link leads somewhere, and nothing comes from elsewhere."""

import importlib
import inspect
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    page.relative_to(ROOT).with_suffix("").as_posix()
    for pattern in ("notebooks/**/*.ipynb", "data/**/*.md", "teaching/**/*.md", "docs/**/*.md")
    for page in ROOT.glob(pattern)
    if ".ipynb_checkpoints" not in page.parts
)
LOADED = {("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")}


class Page(HTMLParser):
    """What a page points to, what it loads, its anchors, and its pictures."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loads, self.anchors, self.pictures = [], [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.anchors |= {found.get("id"), found.get("name") if tag == "a" else None}
        self.pictures += [found] if tag == "img" else []
        for name in ("href", "src"):
            if (tag, name) in LOADED and found.get("rel") not in ("next", "prev"):
                self.loads.append(found.get(name) or "")
            elif found.get(name) is not None and tag == "a":
                self.links.append(found[name])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the whole site, as course.py does; return its folder, with warnings.txt inside."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-c", "site", "-d", out / "kept"]
    (out / "html").mkdir()
    subprocess.run(
        [*command, "-w", out / "html/warnings.txt", ".", out / "html"],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, capture_output=True,
    )  # fmt: skip
    return out / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_it_builds_without_a_warning(site: Path) -> None:
    assert (site / "warnings.txt").read_text(encoding="utf-8") == ""


def test_every_notebook_and_page_is_there_and_found_by_the_search(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    missing = [page for page in PAGES if not (site / f"{page}.html").is_file()]
    assert [*missing, *(page for page in PAGES if f'"{page}"' not in index)] == []


def test_every_notebook_is_in_the_navigation_of_the_first_page(pages: dict[Path, Page]) -> None:
    start = next(page for path, page in pages.items() if path.name == "index.html")
    notebooks = {f"{page}.html" for page in PAGES if page.startswith("notebooks/")}
    assert notebooks - set(start.links) == set()


def test_internal_links_lead_somewhere(pages: dict[Path, Page]) -> None:
    dead = []
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target.is_file() and (
                not parts.fragment
                or target not in pages
                or unquote(parts.fragment) in pages[target].anchors
            )
            dead += [] if there else [f"{path.name}: {link}"]
    assert dead == []


def test_nothing_is_loaded_from_another_server(site: Path, pages: dict[Path, Page]) -> None:
    away = [link for page in pages.values() for link in page.loads if urlsplit(link).netloc]
    outside = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)]*""")
    for sheet in site.rglob("*.css"):
        away += outside.findall(sheet.read_text(encoding="utf-8"))
    outside = re.compile(r"""(?:fetch|import)\(["']https?://""")
    for script in site.rglob("*.js"):
        away += outside.findall(script.read_text(encoding="utf-8"))
    assert away == []


def test_every_picture_has_words(pages: dict[Path, Page]) -> None:
    silent = [
        f"{path.name}: {picture.get('src')}"
        for path, page in pages.items()
        for picture in page.pictures
        if len(picture.get("alt") or "") < 20
    ]
    assert silent == []
    assert sum(len(page.pictures) for page in pages.values()) > 100


def test_no_heading_of_a_table_is_empty(pages: dict[Path, Page]) -> None:
    empty = re.compile(r"<th[^>]*>(<p></p>)?</th>")
    assert [path.name for path in pages if empty.search(path.read_text(encoding="utf-8"))] == []


def public_names() -> list[str]:
    """Return every function and class of the package, less the worked solutions."""
    names = set()
    for file in (ROOT / "hgteach").rglob("*.py"):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name.startswith("hgteach.course.exercises") or file.name.startswith("__main"):
            continue
        for key, value in vars(importlib.import_module(name)).items():
            is_api = inspect.isfunction(value) or inspect.isclass(value)
            if is_api and value.__module__ == name and not key.startswith("_"):
                names.add(f"{name}.{value.__qualname__}")
    return sorted(names)


def test_the_reference_has_every_name_and_no_solution(pages: dict[Path, Page]) -> None:
    reference = set().union(
        *(page.anchors for path, page in pages.items() if path.parent.name == "api")
    )
    assert [name for name in public_names() if name not in reference] == []
    assert [name for name in reference if name and "hgteach.course.exercises." in name] == []
