"""Which cells must run so that the exercises can be judged: the answers and what they rest on.

A notebook trains generators and draws figures; an answer needs little of that. The cells that
call a check are taken, then, backwards, the nearest earlier cells that bind the names they use.
It is an estimate: where a name turns out to be missing, the judge runs the notebook whole.
"""

from __future__ import annotations

import ast
import re
import symtable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """What one cell binds, changes and uses, by name; what it checks; what it takes from others."""

    binds: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    checks: tuple[str, ...] = ()
    mentions: frozenset[str] = frozenset()


def read_cell(source: str) -> Cell:
    """Read a cell of plain Python; one that does not parse is taken only for what it checks."""
    try:
        tree, table = ast.parse(source), symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Cell(checks=tuple(re.findall(r"""\bcheck\(\s*["']([^"'\n]+)""", source)))
    top = table.get_symbols()
    binds = {s.get_name() for s in top if s.is_assigned() or s.is_imported() or s.is_namespace()}
    uses = {s.get_name() for s in top if s.is_referenced()}
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        uses |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
        binds |= {s.get_name() for s in scope.get_symbols() if s.is_declared_global()}
    changes, checks, mentions = set(), [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            binds.add("*")
        if isinstance(node, ast.Subscript | ast.Attribute):
            if isinstance(node.ctx, ast.Store):
                changes |= {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            if isinstance(node, ast.Attribute):
                mentions.add(node.attr)
        if isinstance(node, ast.alias):
            mentions |= set(node.name.split("."))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            if called == "check" and isinstance(node.args[0].value, str):
                checks.append(node.args[0].value)
    return Cell(*map(frozenset, (binds, changes, uses)), tuple(checks), frozenset(mentions))


def needed(cells: list[Cell], ids: set[str]) -> list[int]:
    """Return the places of the cells that the checks of ``ids`` rest on, in order."""
    chosen = {i for i, cell in enumerate(cells) if "*" in cell.binds}
    todo = [i for i, cell in enumerate(cells) if ids & set(cell.checks)]
    while todo:
        place = todo.pop()
        if place in chosen:
            continue
        chosen.add(place)
        for name in cells[place].uses:
            for i in range(place - 1, -1, -1):
                if name in cells[i].binds or name in cells[i].changes:
                    todo.append(i)
                if name in cells[i].binds:
                    break
    return sorted(chosen)
