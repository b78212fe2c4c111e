"""What a class's grading leaves behind: one CSV file, and one page a student."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import astuple, fields
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from hgteach.files import replacing

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
    text = PAGE.substitute(
        student=escape(printable(student)),
        total=_total(grades),
        sections=sections,
        protection=escape(protection),
    )
    with replacing(out / page_name(student)) as beside:
        beside.write_text(text, encoding="utf-8")


def printable(text: str) -> str:
    """Return a text without control characters or halves of characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _total(grades: Sequence[Grade]) -> str:
    return f"{sum(g.marks for g in grades)} of {sum(g.of for g in grades)} marks"


def _section(notebook: str, grades: list[Grade]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(g.exercise or "(all)")}</th>'
        f'<td class="{"good" if g.marks else "open"}">{escape(g.verdict)}</td>'
        f'<td class="number">{g.marks} of {g.of}</td><td>{_words(g.what)}</td></tr>'
        for g in grades
    )
    remarks = "".join(f"<p>{escape(r)}</p>" for r in dict.fromkeys(g.remark for g in grades) if r)
    return (
        f"<h2>{escape(printable(notebook)) or 'No notebook'}: {_total(grades)}</h2>{remarks}"
        '<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Exercise</th>'
        '<th scope="col">Verdict</th><th scope="col">Marks</th><th scope="col">In words</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _words(text: str) -> str:
    """Escape a text, and set what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(printable(text)))


PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Feedback for $student</title>
<style>
  body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: #fff; color: #222;
         font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
  h1, h2 { line-height: 1.2; } h2 { margin-top: 2rem; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; }
  th, td { padding: .4rem .6rem; border-bottom: 1px solid #ddd; text-align: left;
           vertical-align: top; }
  thead th { background: #F2F2F2; }
  tbody th { font-weight: normal; }
  td:last-child { min-width: 16rem; }
  .number { white-space: nowrap; }
  .good { color: #005C43; font-weight: bold; } .open { color: #A02800; }
  code { background: #F2F2F2; padding: 0 .2em; }
  small { color: #555; }
</style>
</head>
<body>
<h1>Feedback for $student: $total</h1>
<main>$sections</main>
<p><small>Your functions were run again with the inputs of the course's checks; what was saved in
the notebook did not count. An exercise is worth its difficulty, 1 to 3 marks. Each notebook ran
with: $protection. If a verdict looks wrong to you, ask: a check can be mistaken.</small></p>
</body>
</html>
""")
