"""What a class's grading leaves behind: one CSV file, and one page a student."""

from __future__ import annotations

import csv
import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from hgteach.files import replacing
from hgteach.pages import document, table

if TYPE_CHECKING:
    from hgteach.grading.marking import Grade


def write_csv(path: Path, grades: Sequence[Grade]) -> None:
    """Write one row an exercise. No cell can be taken for a formula by a spreadsheet."""
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        if grades:
            writer.writerow(field.name for field in fields(grades[0]))
        writer.writerows([safe(value) for value in astuple(grade)] for grade in grades)


def safe(value: object) -> object:
    """Return a text on one line that does not begin as a formula does; numbers as they are."""
    if not isinstance(value, str):
        return value
    text = "".join(c if c.isprintable() else " " for c in value)
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") and text.strip() else text


def page_name(student: str) -> str:
    """Return a file name for any student's name; different names give different files."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", student).strip("-.")[:60]
    mark = hashlib.sha256(student.encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"{plain}.html" if plain == student else f"{plain or 'student'}-{mark}.html"


def write_pages(out: Path, grades: Sequence[Grade], protection: str) -> None:
    """Write the page of one student, from that student's grades."""
    student = grades[0].student
    sections = "".join(
        _section(notebook, list(rows)) for notebook, rows in groupby(grades, lambda g: g.notebook)
    )
    title = f"Feedback for {printable(student)}"
    body = PAGE.substitute(
        title=escape(title),
        total=_total(grades),
        sections=sections,
        protection=escape(protection),
    )
    with replacing(out / page_name(student)) as beside:
        beside.write_text(document(title, body, STYLE), encoding="utf-8")


def printable(text: str) -> str:
    """Return a text without control characters or halves of characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def shown(text: str) -> str:
    """Return a text as the terminal can show it, and no code that would steer the terminal."""
    encoding = sys.stdout.encoding or "ascii"
    return printable(text).encode(encoding, "backslashreplace").decode(encoding)


def _total(grades: Sequence[Grade]) -> str:
    return f"{sum(g.marks for g in grades)} of {sum(g.of for g in grades)} marks"


def _section(notebook: str, grades: list[Grade]) -> str:
    rows = [
        f'<tr><th scope="row">{escape(g.exercise or "(all)")}</th>'
        f'<td class="{"good" if g.marks else "bad"}">{escape(g.verdict)}</td>'
        f'<td class="number">{g.marks} of {g.of}</td><td>{_words(g.what)}</td></tr>'
        for g in grades
    ]
    remarks = "".join(f"<p>{escape(r)}</p>" for r in dict.fromkeys(g.remark for g in grades) if r)
    name = printable(notebook) or "No notebook"
    verdicts = table(name, ("Exercise", "Verdict", "Marks", "In words"), rows)
    return f"<h2>{escape(name)}: {_total(grades)}</h2>{remarks}{verdicts}"


def _words(text: str) -> str:
    """Escape a text, and set what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(printable(text)))


STYLE = """
  td:last-child { min-width: 16rem; }
  .good { font-weight: bold; }
  code { background: #F2F2F2; padding: 0 .2em; }
"""
PAGE = Template("""
<header><h1>$title: $total</h1></header>
<main><p class="sideways"><em>The tables scroll sideways.</em></p>$sections</main>
<footer><p><small>Your functions were run again with the inputs of the course's checks; what was
saved in the notebook did not count. An exercise is worth its difficulty, 1 to 3 marks. Each
notebook ran with: $protection. If a verdict looks wrong to you, ask: a check can be mistaken.
</small></p></footer>
""")
