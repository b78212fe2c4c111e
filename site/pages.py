"""What the site writes into the pages of the repository, as a Sphinx extension.

A comment in a page of this folder is a place to fill: ``<!-- notebooks: hands-on -->`` takes the
rows of the README's map, ``<!-- modules: hgteach.models -->`` the reference of a room of the
house, ``<!-- names: hgteach -->`` the names that a package hands on. So a new notebook or module
appears by itself. ``<!-- modules: others -->`` takes what no page of the reference names.
"""

from __future__ import annotations

import html
import importlib
import pkgutil
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| \[(.+?)\]\((notebooks/(.*?)/[^/]+)\.ipynb\) \| (.+?) \| *(\d+) \|", re.M)
PLACE = re.compile(r"<!-- (notebooks|modules|names): (\S+) -->")
FENCE = re.compile(r'<mo [^>]*minsize="(.+?)"[^>]*>')  # a bracket that LaTeX's \\big makes larger
SOLUTIONS = "hgteach.course.exercises"  # left out: the notebooks are given without them

CHAPTERS = {
    "Start": "notebooks/00-start-here",
    "Hands-on": "site/hands-on",
    "Implementation": "site/implementation",
    "Applications": "site/applications",
    "Teach": "site/teach",
    "Data and models": "site/data-and-models",
    "API": "site/api",
}


def notebooks(folder: str) -> str:
    """Return a table of the notebooks in a folder, as the README's map has them, and a toctree."""
    rows = ROW.findall((ROOT / "README.md").read_text("utf-8"))
    rows = [(*row[:2], *row[3:]) for row in rows if row[2] == folder]
    table = [f"| [{row[0]}](/{row[1]}.ipynb) | {row[2]} | {row[3]} |" for row in rows]
    entries = [f"{title} </{path}>" for title, path, *_ in rows]
    head = ["| Notebook | You learn to | Minutes |", "|---|---|---:|"]
    return "\n".join([*head, *table, "", *toctree(entries)])


def toctree(entries: list[str]) -> list[str]:
    """Return the lines that put pages into the navigation without a list on the page."""
    return ["```{toctree}", ":hidden:", ":titlesonly:", "", *entries, "```"]


def modules_of(name: str) -> list[str]:
    """Return a module and, if it is a package, all public modules inside it."""
    module, found = importlib.import_module(name), [name]
    for inside in pkgutil.iter_modules(getattr(module, "__path__", [])):
        full = f"{name}.{inside.name}"
        if not inside.name.startswith("_") and full != SOLUTIONS:
            found += modules_of(full)
    return found


def others() -> list[str]:
    """Return the modules of the package that no page of the reference asks for by name."""
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "site/api").glob("*.md"))
    named = {name for kind, name in PLACE.findall(pages) if kind == "modules"}
    inside = [f"hgteach.{each.name}" for each in pkgutil.iter_modules([ROOT / "hgteach"])]
    return [name for name in inside if name not in named and not name.endswith("__")]


def modules(name: str) -> str:
    """Return the reference of a module and of those inside it."""
    if name == "others":
        return "\n".join(modules(each) for each in others())
    parts = []
    for each in modules_of(name):
        parts += [f"## `{each}`", "", "```{eval-rst}", f".. automodule:: {each}", "   :members:"]
        parts += ["```", "", names(each), ""]
    return "\n".join(parts)


def home(module: ModuleType, name: str) -> str | None:
    """Return the module that a name handed on by a package comes from, if it is one of ours."""
    where = getattr(module, "_HOME_OF", {}).get(name)  # what is imported on first use
    where = where or getattr(getattr(module, name), "__module__", "")
    return where if where.startswith("hgteach") and where != module.__name__ else None


def names(name: str) -> str:
    """Return a list of the names that a package takes from its modules and hands on."""
    module = importlib.import_module(name)
    public = getattr(module, "__all__", []) if hasattr(module, "__path__") else []
    handed = {each: home(module, each) for each in public}
    links = [f"- {{py:obj}}`{name}.{n} <{where}.{n}>`" for n, where in handed.items() if where]
    return "\n".join(["To be imported from here:", "", *links] if links else [])


def fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Fill the places in a page; give the first page its chapters; spare readers test marks."""
    if page.startswith("notebooks/"):
        source[0] = source[0].replace(r'"# NBVAL_CHECK_OUTPUT\n",', "")
    if page.startswith("site/"):
        writers = {"notebooks": notebooks, "modules": modules, "names": names}
        source[0] = PLACE.sub(lambda place: writers[place[1]](place[2]), source[0])
    if page == app.config.root_doc:
        chapters = toctree([f"{title} </{path}>" for title, path in CHAPTERS.items()])
        source[0] = "\n".join([source[0], "", *chapters])


def describe_outputs(app: Sphinx, doctree: nodes.document) -> None:
    """Give each output picture its description, which myst-nb leaves behind in the plain text."""
    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") == "mime_bundle":
            words = [node.astext() for node in bundle if node.get("mime_type") == "text/plain"]
            picture = re.fullmatch(r"\[Picture: (.*)\]", "".join(words).strip(), re.DOTALL)
            for image in bundle.findall(nodes.image):
                image["alt"] = picture[1] if picture else image.get("alt", "")


def no_empty_headings(app: Sphinx, page: str, template: str, context: dict[str, Any], *_) -> None:
    """Make the empty corner above a table's first column a cell that is no heading."""
    empty = r"<th([^>]*)>(?:<p></p>)?</th>"
    context["body"] = re.sub(empty, r"<td\1></td>", context.get("body", ""))


def show_examples(*event: Any) -> None:
    """Make an indented example after a colon a literal block; drop what named tuples say."""
    lines: list[str] = event[-1]
    lines[:] = [s for s in lines if not s.startswith(("Alias for field", "Create new instance of"))]
    for line, (text, blank, example) in enumerate(zip(lines, lines[1:], lines[2:], strict=False)):
        indent = len(text) - len(text.lstrip())
        if text.endswith(":") and not blank and example.startswith(" " * (indent + 4)):
            lines[line] = text.removesuffix(":") + "::"


def mathml(translator: nodes.NodeVisitor, node: nodes.Element) -> None:
    """Write a formula as MathML, which browsers draw themselves and screen readers read."""
    block = isinstance(node, nodes.math_block)
    try:
        written = convert(node.astext(), display="block" if block else "inline")
    except Exception as problem:  # its errors have no common kind; Sphinx would lose the page
        LOGGER.warning("A formula that cannot be read: %s (%r)", node, problem, location=node)
        written = f"<code>{html.escape(node.astext())}</code>"
    # Browsers neither stretch this bar nor keep a stretched bracket on the line.
    written = written.replace('<mo accent="true">&#x02015;', '<mo class="bar">&#x0203E;')
    written = FENCE.sub(r'<mo stretchy="false" mathsize="\1">', written)
    translator.body.append(f'<div class="math">{written}</div>' if block else written)
    raise nodes.SkipNode


def finish(app: Sphinx, problem: Exception | None) -> None:
    """Let the folder itself open on the first page."""
    if not problem and app.builder.name == "html":
        shutil.copyfile(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the above to Sphinx."""
    app.connect("source-read", fill)
    app.connect("doctree-read", describe_outputs)
    app.connect("html-page-context", no_empty_headings)
    app.connect("autodoc-process-docstring", show_examples, priority=400)  # before napoleon
    app.connect("build-finished", finish)
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
