"""The frame of every page that is written: it opens offline and reads well on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

STYLE = """
  body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: #fff; color: #222;
         font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
  h1, h2, h3 { line-height: 1.2; }
  h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; }
  a { color: #004F7C; }
  small { color: #555; }
  .loud, .notes { border-left: .4rem solid #E69F00; background: #FFF6E0; padding: .6rem 1rem; }
  .good { color: #005C43; } .between { color: #7A4A00; } .bad { color: #A02800; }
  .none { color: #555; }
  .scroll { overflow-x: auto; }
  .sideways { display: none; }
  table { border-collapse: collapse; font-size: .9rem; }
  th, td { padding: .4rem .6rem; border-bottom: 1px solid #ddd; text-align: left;
           vertical-align: top; }
  thead th { background: #F2F2F2; vertical-align: bottom; }
  tbody th { font-weight: normal; min-width: 7rem; }
  .number { white-space: nowrap; font-variant-numeric: tabular-nums; }
  @media (max-width: 40rem) { body { padding: .7rem; } .sideways { display: block; } }
"""
# Nothing is loaded from anywhere, and nothing runs, whatever a name or an answer holds.
SAFE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, body: str, style: str = "") -> str:
    """Return a page: ``title`` is plain text, ``body`` HTML, ``style`` what it adds of CSS."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{SAFE}">
<title>{escape(title)}</title>
<style>{STYLE}{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def table(label: str, heads: Iterable[str], rows: Iterable[str]) -> str:
    """Return a table that moves sideways inside the page; ``rows`` are HTML, the rest is text."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
