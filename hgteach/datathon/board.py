"""The leaderboard as a page that opens offline, and as a table."""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from hgteach.datathon import rules as r
from hgteach.files import replacing
from hgteach.pages import document, table

if TYPE_CHECKING:
    from hgteach.datathon.rounds import Entry

TITLES = {
    r.PREDICTION: ("Prediction", "AUC", "How often a patient who will be suppressed is ranked "
                   "above one who will not be: 0.5 is a coin, 1 is perfect. The interval draws the "
                   "test patients again, {draws} times, the same ones for every team."),
    r.COHORT: ("Synthetic cohort", "Points", "Half of 100 points for realism, half for utility: "
               "full marks for a measure where other real patients do no better, none at a copy "
               "that is bad on purpose. Judged are {cohort} patients against half of the held "
               "ones. A cohort below the privacy floor is not ranked."),
}  # fmt: skip
HEADS = ("Place", "Team", "{unit}", "95 % interval", "Could be", "What we have to say")


def write_board(
    place: Path, board: dict[str, list[Entry]], rules: r.Rules, final: bool, day: str
) -> None:
    """Write ``place`` with .html and .csv."""
    with replacing(place.with_name(f"{place.name}.html")) as temporary:
        temporary.write_text(page(board, rules, final, day), encoding="utf-8")
    with (
        replacing(place.with_name(f"{place.name}.csv")) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["task", "place", "team", "score", "low", "high", "best_place",
                         "worst_place", "tied_with_first", "said"])
        for task, entries in board.items():
            for e in entries:
                numbers = [e.score, e.low, e.high, e.best, e.worst] if e.place else [""] * 5
                cells = [task, e.place or "", e.team, *numbers, e.tied if e.place else "", e.said]
                writer.writerow([_plain(cell) for cell in cells])


def _plain(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    if not isinstance(cell, str):
        return cell
    cell = " ".join(cell.split())
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell


def page(board: dict[str, list[Entry]], rules: r.Rules, final: bool, day: str) -> str:
    """Return the page."""
    part = (
        "This is the end: scores on the private test, which nobody could try out."
        if final
        else "Scores of the day, on the public test and rounded on purpose. The private test "
        f"decides at the end. Each team has {rules.attempts} files a day in each task."
    )
    title = "Final leaderboard" if final else "Leaderboard of the day"
    body = PAGE.substitute(
        title=title,
        part=part,
        day=escape(day),
        provenance=escape(rules.provenance),
        sections="".join(_section(task, entries, rules) for task, entries in board.items()),
    )
    return document(title, body, STYLE)


def _section(task: str, entries: list[Entry], rules: r.Rules) -> str:
    title, unit, meaning = TITLES[task]
    meaning = meaning.format(draws=400, cohort=rules.cohort)
    ranked = [entry for entry in entries if entry.place]
    tied = [escape(entry.team) for entry in ranked if entry.tied]
    news = f"<p>Nobody is ranked yet. Hand in {task}.</p>"
    if len(tied) > 1:
        news = (
            f"<p class=loud><strong>Nothing tells the first {len(tied)} apart:</strong> "
            f"{', '.join(tied)}. Other patients might have put them in another order.</p>"
        )
    elif len(ranked) == 1:
        news = f"<p class=loud><strong>{tied[0]}</strong> is the only team that is ranked.</p>"
    elif ranked:
        news = f"<p class=loud><strong>{tied[0]}</strong> leads, by more than chance explains.</p>"
    heads = [head.format(unit=unit) for head in HEADS]
    low, high = (0.5, 1.0) if task == r.PREDICTION else (0.0, 100.0)
    rows = [_row(entry, low, high) for entry in entries]
    places = table(title, heads, rows) if entries else ""
    return f"<section><h2>{title}</h2><p>{meaning}</p>{news}{places}</section>"


def _row(entry: Entry, low: float, high: float) -> str:
    said = escape(entry.said[:1500]).replace("\n", "<br>")
    name = f'<th scope="row">{escape(entry.team[:60])}</th>'
    if not entry.place:
        return f'<tr class="out"><td>not ranked</td>{name}' \
               f'<td colspan="4">{said}</td></tr>'
    digits = 0 if high > 1 else (3 if round(entry.score, 2) != entry.score else 2)
    score, *ends = (f"{value:.{digits}f}" for value in (entry.score, entry.low, entry.high))
    places = f"{entry.best} to {entry.worst}" if entry.best < entry.worst else f"{entry.best}"
    return (
        f'<tr><td class="number">{entry.place}</td>{name}<td class="number"><b>{score}</b></td>'
        f"<td>{_bar(entry, low, high)}{ends[0]} to {ends[1]}</td><td>{places}</td>"
        f"<td>{said}</td></tr>"
    )


def _bar(entry: Entry, low: float, high: float) -> str:
    """Return the interval as a line with a dot; the numbers beside it say the same."""
    left, dot, right = (
        np.clip(100 * (value - low) / (high - low), 0, 100)
        for value in (entry.low, entry.score, entry.high)
    )
    return (
        '<svg class="bar" viewBox="-4 0 108 12" aria-hidden="true"><path d="M0 6H100" '
        f'stroke="#ccc"/><path d="M{left:.1f} 6H{right:.1f}" stroke-width="4" stroke="#0072B2"/>'
        f'<circle cx="{dot:.1f}" cy="6" r="3" fill="#003F63"/></svg>'
    )


STYLE = """
  table { width: 100%; }
  thead th { white-space: nowrap; }
  tbody th { font-weight: bold; overflow-wrap: anywhere; }
  td:last-child { min-width: 14rem; }
  td:nth-child(4), td:nth-child(5) { white-space: nowrap; }
  .out { color: #7A2A00; }
  .bar { display: block; width: 7rem; height: .8rem; }
"""
PAGE = Template("""
<header><h1>$title</h1><p>$day. $part</p></header>
<main>
<p class="sideways"><em>The tables scroll sideways.</em></p>
$sections
<section><h2>How to read it</h2>
<p><em>Place</em> goes by the score. <em>Could be</em> says which places chance leaves open: in 95
of 100 redraws the team's place lies there. Two teams whose ranges overlap may well be equally good,
and a prize that goes to the first of them goes by luck. A team that is not ranked is told why.</p>
<p>A cohort above the privacy floor is not therefore safe: these attacks failed, others were not
tried.</p></section>
</main>
<footer><p>Data: $provenance</p></footer>
""")
