"""An evaluation as one HTML page that opens offline and reads well on a phone."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from string import Template
from typing import Any

from hgteach.evaluation.measure import ELSEWHERE
from hgteach.pages import document, table

FAMILIES = {
    "realism": ("Is it real?", "Do the synthetic patients look and develop like real ones?"),
    "utility": ("Is it useful?", "Would an analysis of the copy end where one of the real "
                "patients ends?"),
    "safety": ("Is it safe?", "Does the copy give away who was in the real table, or what they "
               "have?"),
}  # fmt: skip
# The start of a verdict, the class that colours it, and how the summary counts it.
VERDICTS = {
    "near": ("good", "near the floor"),
    "between": ("between", "between floor and bad copy"),
    "undecided": ("none", "undecided"),
    "as bad": ("bad", "as bad as a bad copy"),
    "worse": ("bad", "worse than the floor"),
    "no floor": ("none", "without a floor"),
    "not measured": ("none", "not measured"),
}


@dataclass(frozen=True)
class Picture:
    """One figure of the page.

    Attributes:
        title: what it shows, in a few words.
        family: the question that it belongs to.
        png: the image, or nothing if it could not be drawn.
        alt: what it shows, for those who do not see it; without an image, the reason.
        reading: what a good and a bad picture look like.
    """

    title: str
    family: str
    png: bytes | None
    alt: str
    reading: str


def page(content: dict[str, Any], pictures: Iterable[Picture]) -> str:
    """Return the page.

    Args:
        content: what ``Report.to_dict`` returned.
        pictures: figures, shown with the family that they belong to.
    """
    tables, pictures = content["tables"], list(pictures)
    simulated = any("simulated" in t["source"].lower() for t in tables.values())
    others = [row["measure"] for row in content["scores"] if _is_elsewhere(row)]
    scores, sections = [row for row in content["scores"] if not _is_elsewhere(row)], []
    for family, (question, meaning) in FAMILIES.items():
        rows = [row for row in scores if row["family"] == family]
        shown = [_figure(picture) for picture in pictures if picture.family == family]
        if rows or shown:
            sections.append(
                f'<section id="{family}"><h2>{question}</h2><p>{meaning}</p>'
                f"{_table(rows, question)}{''.join(shown)}</section>"
            )
    body = PAGE.substitute(
        size=f"{tables['synthetic']['patients']:,} synthetic patients held against "
        f"{tables['real']['patients']:,} real ones, over at most {content['timesteps']} rows a "
        f"patient and {len(content['columns'])} columns.",
        simulated='<p class="loud"><strong>Simulated.</strong> At least one of these tables is '
        "simulated data, not patients. Nothing here says anything about medicine.</p>"
        if simulated else "",
        cards="".join(_card(family, scores) for family in FAMILIES),
        notes=_list(content["notes"]),
        sources="".join(
            f"<dt>{role.capitalize()}</dt><dd>{escape(t['source'])} "
            f"<small>{t['patients']:,} patients, {t['rows']:,} rows judged</small></dd>"
            for role, t in tables.items()
        ),
        rule=escape(content["rule"]),
        sections="".join(sections),
        columns=escape(", ".join(content["columns"])),
        definitions="".join(_definition(row) for row in scores),
        others=f"<p>Left out, because they ask for columns of the course's own cohorts: "
        f"{escape(', '.join(others))}.</p>" if others else "",
        version=content["hgteach"],
        seed=content["seed"],
    )
    steps = f"huffled {content['step']}s"  # a table of one's own knows no months
    return document(TITLE, body.replace("huffled months", steps), STYLE)


def _is_elsewhere(row: dict[str, Any]) -> bool:
    """Return whether a measure was made for other tables than this."""
    return (row["reason"] or "").startswith(ELSEWHERE)


def number(value: float | None) -> str:
    """Return a score to three digits, or a dash where there is none."""
    if value is None:
        return "–"
    return "< 0.001" if 0 < value < 0.001 else f"{value:.3g}".replace("-", "−")


def _list(sentences: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def _kind(row: dict[str, Any]) -> tuple[str, str]:
    """Return the class of a verdict and how it is counted."""
    return next(kind for start, kind in VERDICTS.items() if row["verdict"].startswith(start))


def _card(family: str, scores: list[dict[str, Any]]) -> str:
    """Return one question and how many measures answer it in which way."""
    kinds = [_kind(row) for row in scores if row["family"] == family]
    lines = "".join(
        f'<li class="{kind[0]}"><b>{kinds.count(kind)}</b> {kind[1]}</li>'
        for kind in dict.fromkeys(VERDICTS.values())
        if kind in kinds
    )
    link = f'<a href="#{family}">{FAMILIES[family][0]}</a>'
    return f'<div class="card"><p>{link}</p><ul>{lines}</ul></div>' if kinds else ""


def _table(rows: list[dict[str, Any]], caption: str) -> str:
    """Return the scores of one family beside their references."""
    if not rows:
        return ""
    copies = list(rows[0]["bad_copies"])
    heads = ["Measure", "Verdict", "Score", "95 % interval", "Floor", *map(str.capitalize, copies),
             "Best"]
    body = []
    for row in rows:
        interval = "–" if row["low"] is None else f"{number(row['low'])} to {number(row['high'])}"
        cells = [f"<b>{number(row['score'])}</b>", interval, number(row["floor"]),
                 *(number(row["bad_copies"][name]) for name in copies), number(row["best"])]
        why = f"<br><small>{escape(row['reason'])}</small>" if row["reason"] else ""
        body.append(
            f'<tr><th scope="row"><a href="#{_anchor(row)}">{escape(row["measure"])}</a></th>'
            f'<td class="verdict {_kind(row)[0]}">{_scale(row)}{escape(row["verdict"])}{why}</td>'
            + "".join(f'<td class="number">{cell}</td>' for cell in cells) + "</tr>"
        )
    return table(f"Scores: {caption}", heads, body)


def _scale(row: dict[str, Any]) -> str:
    """Return a small line from the floor (left) to the worst bad copy (right) with the score."""
    if row["way"] is None:
        return ""
    place = 8 + 84 * min(max(row["way"], 0.0), 1.0)
    return (
        '<svg class="scale" viewBox="0 0 100 12" aria-hidden="true"><path d="M8 6H92M8 2v8M92 2v8" '
        f'stroke="#888" fill="none"/><circle cx="{place:.0f}" cy="6" r="5"/></svg>'
    )


def _figure(picture: Picture) -> str:
    title = f"<h3>{escape(picture.title)}</h3>"
    if picture.png is None:
        return f"<div>{title}<p><small>Not drawn. {escape(picture.alt)}</small></p></div>"
    data = base64.b64encode(picture.png).decode("ascii")
    width = int.from_bytes(picture.png[16:20])  # as the header of every PNG has it
    return (
        f'<figure>{title}<div class="scroll" tabindex="0" role="region" aria-label="Figure: '
        f'{escape(picture.title)}"><img style="--width: {width}px" alt="{escape(picture.alt)}" '
        f'src="data:image/png;base64,{data}"></div>'
        f"<figcaption>{escape(picture.reading)}</figcaption></figure>"
    )


def _anchor(row: dict[str, Any]) -> str:
    return "measure-" + "".join(c if c.isalnum() else "-" for c in row["measure"].lower())


def _definition(row: dict[str, Any]) -> str:
    return (
        f'<dt id="{_anchor(row)}">{escape(row["measure"])}</dt><dd>{escape(row["definition"])} '
        f"<small>From {number(row['lowest'])} to {number(row['highest'])}; best is "
        f"{number(row['best'])}. Source: {escape(row['source'])}</small></dd>"
    )


TITLE = "How good is this synthetic cohort?"
STYLE = """
  .cards { display: flex; flex-wrap: wrap; gap: 1rem; }
  .card { flex: 1 1 15rem; border: 1px solid #ccc; border-radius: .5rem; padding: .2rem 1rem; }
  .card ul { list-style: none; padding: 0; } .card p { font-size: 1.2rem; font-weight: bold; }
  .number { text-align: right; }
  .verdict { min-width: 11rem; }
  .scale { display: block; width: 6.5rem; height: .8rem; }
  .scale circle { fill: currentColor; }
  figure { margin: 2rem 0; }
  img { display: block; max-width: 100%; height: auto; }
  /* On a phone a wide picture scrolls like a table, or its words could not be read. */
  @media (max-width: 40rem) { img { max-width: none; width: max(100%, calc(.6 * var(--width))); } }
  figcaption { margin-top: .5rem; }
  dt { font-weight: bold; margin-top: .8rem; } dd { margin-left: 0; }
"""
PAGE = Template(f"""
<header>
<h1>{TITLE}</h1>
<p>$size</p>
$simulated
</header>
<main>
<div class="cards">$cards</div>
<h2>Before you read on</h2>
<div class="notes">$notes</div>
<dl>$sources</dl>
<details><summary>How to read the tables</summary>
<p>A bare score says little, so each one stands between two references. The <em>floor</em> is the
score of real patients in the place of the synthetic ones: what chance alone does. The <em>bad
copies</em> are the real patients spoilt on purpose: every column shuffled on its own, every
patient's rows shuffled, and real patients simply drawn again, which is perfectly real and
perfectly unsafe. The small line runs from the floor (left) to the worst bad copy (right); the dot
is the score.</p>
<p>$rule</p>
<p>The interval tells how much the score would change with other patients drawn from the same two
tables. It does not tell how much another training of the generator would change it. A dash: not
taken, because the measure is slow or cannot be taken.</p>
</details>
<p class="sideways"><em>Tables and wide pictures scroll sideways.</em></p>
$sections
<section><h2>What each measure is</h2><dl>$definitions</dl>$others</section>
</main>
<footer><h2>About this page</h2>
<p>Made by hgteach $version with seed $seed. Columns judged: $columns.</p>
<p>No score proves that a synthetic cohort is safe or fit for a purpose. A low risk here is the
failure of the attacks that were tried, not of all that there are.</p>
</footer>
""")
