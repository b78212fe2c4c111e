"""Weave quiz, links to the glossary and badges into the notebooks, or say where they are missing.

    python teaching/weave.py                 every notebook in place, the guide and the README
    python teaching/weave.py NOTEBOOK ...    these only
    python teaching/weave.py --check         change nothing; status 1 if something is missing

A notebook gets a section "Test yourself" before "Remember", with the output that the cell would
give, so it need not be run again for it. A term of the glossary is linked once: at its first use
in the notebook that the glossary names, never in a heading, code, mathematics, another link,
or the notebook's first cell. What is there already is left alone, so running this again
changes nothing. The instructor's guide takes its minutes from the README's map. Where the course
has a public address, links to Binder and Colab are woven in as well: see online.py.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
import online

from hgteach.course import questions
from hgteach.files import replacing

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
GLOSSARY = ROOT / "teaching" / "glossary.md"
GUIDE = ROOT / "teaching" / "instructor-guide.md"
README = ROOT / "README.md"
PROJECT = ROOT / "pyproject.toml"
SECTION = "## Test yourself"
LEAD = (
    f"{SECTION}\n\n"
    "A few questions without code. Decide first, then open an answer: every choice is explained."
)
ENTRY = re.compile(
    r"^## (?P<term>.+?)\n\n(?:\*Also: (?P<also>.+?)\.\* )?(?P<meaning>.+?) "
    r"First in \[.+?\]\(\.\./notebooks/(?P<notebook>.+?)\.ipynb\)\.$",
    re.MULTILINE,
)
# What no link may be put into: code, mathematics, links and pictures, HTML, headings.
CLOSED = re.compile(
    r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|!?\[[^\]]*\]\([^)]*\)|<[^>\n]+>|^#.*?$",
    re.DOTALL | re.MULTILINE,
)


class Term(NamedTuple):
    """A term of the glossary: how it may be written, and the notebook that uses it first."""

    term: str
    forms: list[str]
    notebook: str

    @property
    def anchor(self) -> str:
        """The address of the entry, as GitHub and Sphinx make it from the heading."""
        return re.sub(r"[^\w\- ]", "", self.term.lower()).replace(" ", "-")


def terms(text: str) -> list[Term]:
    """Return the terms of a glossary's text."""
    return [
        Term(
            entry["term"],
            [entry["term"], *filter(None, (entry["also"] or "").split(", "))],
            entry["notebook"],
        )
        for entry in ENTRY.finditer(text)
    ]


def first_use(text: str, forms: list[str]) -> re.Match[str] | None:
    """Return where prose uses one of the forms first, outside of everything that is closed.

    Letter case does not count, except in a form that is written in capitals. A plural s may follow.
    """
    shut = CLOSED.sub(lambda part: "\0" * len(part[0]), text)
    found = []
    for form in forms:
        pattern = rf"(?<![\w\-]){re.escape(form)}s?(?![\w\-])"
        found.append(re.search(pattern, shut, flags=0 if form.isupper() else re.IGNORECASE))
    return min(filter(None, found), key=lambda match: match.start(), default=None)


def link_terms(notebook: nbformat.NotebookNode, name: str, glossary: list[Term]) -> list[str]:
    """Link the terms that this notebook uses first; return those that it does not use at all."""
    up = "../" * (name.count("/") + 1)
    missing = []
    for term in (term for term in glossary if term.notebook == name):
        address = f"{up}teaching/glossary.md#{term.anchor})"
        prose = [cell for cell in notebook.cells[1:] if cell.cell_type == "markdown"]
        if any(address in cell.source for cell in prose):
            continue
        for cell in prose:
            if match := first_use(cell.source, term.forms):
                start, end = match.span()
                written = cell.source[start:end]
                cell.source = f"{cell.source[:start]}[{written}]({address}{cell.source[end:]}"
                break
        else:
            missing.append(term.term)
    return missing


def add_quiz(notebook: nbformat.NotebookNode, name: str) -> None:
    """Put the section with the quiz before "Remember", or bring its output up to date."""
    asked = questions.read_questions(name)
    import_course = "from hgteach import course"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    call = f'course.quiz("{name}")'
    cell = next((cell for cell in code if call in cell.source), None)
    if cell is None:
        before = "\n".join(cell.source for cell in code)
        known = re.search(r"^from hgteach import .*\bcourse\b", before, re.MULTILINE)
        cell = nbformat.v4.new_code_cell(call if known else f"{import_course}\n\n{call}", id="quiz")
        cell.execution_count = 1 + max((c.execution_count or 0 for c in code), default=0)
        lead = nbformat.v4.new_markdown_cell(LEAD, id="test-yourself")
        place = _before_remember(notebook)
        notebook.cells[place:place] = [lead, cell]
    page = {"text/html": questions.static_page(asked), "text/plain": questions.plain_text(asked)}
    cell.outputs = [nbformat.v4.new_output("display_data", data=page)]


def _before_remember(notebook: nbformat.NotebookNode) -> int:
    """Return the place before "Remember"; cut the cell in two that says more before it."""
    place, cell = next(
        (place, cell)
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown" and re.search("^## Remember", cell.source, re.MULTILINE)
    )
    before, found, after = cell.source.partition("## Remember")
    if not before.strip():
        return place
    cell.source = before.rstrip()
    rest = nbformat.v4.new_markdown_cell(found + after, id="remember")
    notebook.cells.insert(place + 1, rest)
    return place + 1


def weave(path: Path, glossary: list[Term]) -> tuple[str, str, list[str]]:
    """Return a notebook's text as it is, as it should be, and the terms that it does not use."""
    name = path.relative_to(NOTEBOOKS).with_suffix("").as_posix()
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    as_it_is = nbformat.writes(notebook)
    add_quiz(notebook, name)
    repository = online.repository(PROJECT.read_text(encoding="utf-8"))
    online.badge_notebook(notebook, name, repository)
    missing = link_terms(notebook, name, glossary)
    return as_it_is, nbformat.writes(notebook), missing


def every_notebook() -> list[Path]:
    """Return the notebooks that have a quiz and are there."""
    paths = (NOTEBOOKS / f"{name}.ipynb" for name in questions.names())
    return [path for path in paths if path.exists()]


def guide_with_times(guide: str, readme: str) -> str:
    """Return the guide with the minutes and running times that the README's map gives."""
    times = dict(re.findall(r"\]\((notebooks/\S+?)\) \|[^|]*\| (\d+ \| [^|]+?) \|$", readme, re.M))
    return re.sub(
        r"(\]\(\.\./(notebooks/\S+?)\) \|[^|]*\| )(\d+ \| [^|]+?)( \|)",
        lambda row: row[1] + times.get(row[2], row[3]) + row[4],
        guide,
    )


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing")
    asked = parser.parse_args()
    glossary, wrong = terms(GLOSSARY.read_text(encoding="utf-8")), 0
    for path in [path.resolve() for path in asked.notebooks] or every_notebook():
        old, new, missing = weave(path, glossary)
        said = [f"does not use: {', '.join(missing)}"] if missing else []
        if old != new:
            said.append("not woven" if asked.check else "woven")
            if not asked.check:
                with replacing(path) as beside:
                    beside.write_text(new + "\n", encoding="utf-8")
        if said:
            print(f"{path.relative_to(ROOT)}: {'; '.join(said)}")
        wrong += bool(missing) or (asked.check and old != new)
    if not asked.notebooks:
        readme, guide = (page.read_text(encoding="utf-8") for page in (README, GUIDE))
        repository = online.repository(PROJECT.read_text(encoding="utf-8"))
        for page, old, new in (
            (README, readme, online.badge_readme(readme, repository)),
            (GUIDE, guide, guide_with_times(guide, readme)),
        ):
            if old != new:
                print(f"{page.relative_to(ROOT)}: {'not woven' if asked.check else 'woven'}")
                wrong += asked.check
                if not asked.check:
                    with replacing(page) as beside:
                        beside.write_text(new, encoding="utf-8")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
