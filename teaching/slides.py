"""Make slides of the notebooks: headings, key lines, figures. One HTML file each, all inside it.

    python teaching/slides.py --out slides                           of every notebook
    python teaching/slides.py --out slides notebooks/hands-on/01-loading.ipynb

A file opens in any browser without a network. Arrows, Page up, Page down and the space bar turn the
slides, Home and End jump, and printing puts one slide on a page. A key line is a sentence in which
the notebook prints something bold; lines with mathematics stay in the notebook. The slides are
made from what was committed, so nothing is run, and they are as honest as the notebook is: the line
at the foot of each says where the data come from.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import mistune
import nbformat

from hgteach.errors import InputError
from hgteach.files import replacing

ROOT = Path(__file__).resolve().parent.parent
LINES = 4  # at most, on one slide
CAPTION = 220  # characters, at most
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z*`(])")
LEFT_OUT = ("## Cite", "## Test yourself")  # they serve a reader, not a room
markdown = mistune.create_markdown()  # escapes HTML

STYLE = """
html { scroll-snap-type: y mandatory; font: 4.2vmin/1.4 system-ui, sans-serif; color: #111; }
body { margin: 0; background: #fff; }
section { box-sizing: border-box; height: 100vh; padding: 5vmin 7vmin 9vmin; position: relative;
  scroll-snap-align: start; display: flex; flex-direction: column; justify-content: center; }
h1, h2 { line-height: 1.15; margin: 0 0 .7em; }
h1 { font-size: 1.9em; }
h2 { font-size: 1.35em; }
li { margin: 0 0 .5em; }
li p { margin: 0; }
figure { margin: 0; flex: 1; min-height: 0; display: flex; flex-direction: column; }
figure img { flex: 1; min-height: 0; width: 100%; object-fit: contain; }
figcaption { font-size: .75em; text-align: center; }
figcaption p { margin: .5em 0 0; }
footer { position: absolute; left: 7vmin; right: 7vmin; bottom: 3vmin; font-size: .5em; color: #444;
  display: flex; justify-content: space-between; gap: 2em; }
footer span:last-child { white-space: nowrap; }
code { font-size: .9em; }
@media print { section { break-after: page; } }
"""
SCRIPT = """
const slides = [...document.querySelectorAll("section")];
const step = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1,
  PageUp: -1 };
addEventListener("keydown", (event) => {
  const at = Math.round(scrollY / innerHeight);
  const to = event.key === "Home" ? 0 : event.key === "End" ? slides.length - 1
    : event.key in step ? at + step[event.key] : null;
  if (to === null) return;
  event.preventDefault();
  slides[Math.min(Math.max(to, 0), slides.length - 1)].scrollIntoView();
});
"""


@dataclass
class Slide:
    """A heading with lines below it, or with one figure and its caption."""

    heading: str
    lines: list[str] = field(default_factory=list)
    image: str = ""  # base64 of a PNG
    alt: str = ""


def plain(text: str) -> str:
    """Return prose without links, pictures, tables, code blocks and displayed formulas."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|<[^>\n]+>|^\|.*$", "", text, flags=re.DOTALL | re.M)
    text = re.sub(r"^ *(?:[-*] |\d+\. |\|)", "\n", text, flags=re.MULTILINE)
    return re.sub(r"!?\[([^\]]*)\]\([^)\s]*\)", r"\1", text)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of prose that can stand on a slide: no heading and no mathematics."""
    for paragraph in re.split(r"\n\s*\n", plain(text)):
        if not paragraph.lstrip().startswith("#"):
            for sentence in SENTENCE.split(" ".join(paragraph.split())):
                if sentence and "$" not in sentence and sentence.count("**") % 2 == 0:
                    yield sentence


def key_lines(text: str) -> list[str]:
    """Return the sentences with something bold; of prose without any, the first two."""
    every = list(sentences(text))
    return ([s for s in every if "**" in s] or [s for s in every if s[-1] in ".?!"][:2])[:LINES]


def figures_of(cell: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield the pictures that a cell made, base64 and alternative text."""
    for output in cell.get("outputs", []):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            yield output.data["image/png"].replace("\n", ""), alt


def slides_of(notebook: nbformat.NotebookNode) -> list[Slide]:
    """Return the slides of a notebook, in its order."""
    first = notebook.cells[0].source
    title = first.splitlines()[0].removeprefix("# ")
    aims = first.partition("**You will be able to**")[2].partition("**You need**")[0]
    slides = [Slide(title), Slide("You will be able to", re.findall(r"^- (.+)", aims, re.M))]
    heading, waiting = title, []
    for cell in notebook.cells[1:]:
        if cell.cell_type == "code":
            waiting += figures_of(cell)
            continue
        below = re.split(r"^#+ ", cell.source, maxsplit=1, flags=re.MULTILINE)[0]
        caption = next((s for s in sentences(below) if len(s) <= CAPTION), "")
        slides += [Slide(heading, [caption] if caption else [], *figure) for figure in waiting]
        caption, waiting = caption if waiting else "", []
        for part in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
            if part.startswith(LEFT_OUT):
                continue
            if part.startswith("## "):
                heading = plain(part.splitlines()[0].removeprefix("## "))
            lines = [line for line in key_lines(part) if line != caption]
            if part.startswith("## Remember"):
                lines = re.findall(r"^(?:- |\d\. )(.+)", plain_lists(part), re.MULTILINE)
            if part.startswith("## ") or any("**" in line for line in lines):
                slides.append(Slide(heading, lines))
    slides += [Slide(heading, [], *figure) for figure in waiting]
    return [s for s in slides if s.lines or s.image or s.heading == title]


def plain_lists(text: str) -> str:
    """Return text whose links are their words; lists stay."""
    return re.sub(r"\[([^\]]*)\]\([^)\s]*\)", r"\1", text)


def page(notebook: nbformat.NotebookNode, name: str) -> str:
    """Return the slides of a notebook as one HTML page that needs no other file."""
    slides = slides_of(notebook)
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    printed = " ".join(o.get("text", "") for o in outputs)
    source = re.search(r"Simulated stand-in[^.]*\.", printed)
    foot = f"hgteach, {name}. {source[0] if source else ''}"
    body = []
    for number, slide in enumerate(slides, 1):
        level = "h1" if number == 1 else "h2"
        content = f"<{level}>{inline(slide.heading)}</{level}>"
        if slide.image:
            caption = f"<figcaption>{markdown(slide.lines[0])}</figcaption>" if slide.lines else ""
            picture = f'<img src="data:image/png;base64,{slide.image}" alt="{escape(slide.alt)}">'
            content += f"<figure>{picture}{caption}</figure>"
        elif slide.lines:
            content += f"<ul>{''.join(f'<li>{markdown(line)}</li>' for line in slide.lines)}</ul>"
        count = f"<span>{number} / {len(slides)}</span>"
        footer = f"<footer><span>{escape(foot)}</span>{count}</footer>"
        body.append(f'<section aria-label="Slide {number}">{content}{footer}</section>')
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(slides[0].heading)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n" + "\n".join(body) + f"\n</main><script>{SCRIPT}</script></body></html>\n"
    )


def inline(text: str) -> str:
    """Return one line of Markdown as HTML without a paragraph around it."""
    return markdown(text).strip().removeprefix("<p>").removesuffix("</p>")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    asked = parser.parse_args()
    notebooks = asked.notebooks or sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
    try:
        for path in notebooks:
            if not path.is_file():
                raise InputError(f"There is no notebook {path}. Give the path of an .ipynb file.")
            shelf = path.resolve().parent.name
            name = path.stem if shelf == "notebooks" else f"{shelf}-{path.stem}"
            asked.out.mkdir(parents=True, exist_ok=True)
            made = page(nbformat.read(path, as_version=4), name)
            with replacing(asked.out / f"{name}.html") as beside:
                beside.write_text(made, encoding="utf-8")
            print(asked.out / f"{name}.html")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
