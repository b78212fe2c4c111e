"""Badges for Binder and Colab, and a first cell that sets Colab up, for a course with an address.

The address is the line ``Repository`` under ``[project.urls]`` in pyproject.toml, and it stands
nowhere else. Where it names a repository on GitHub, weave.py puts badges under the README's title,
links under the title of each notebook, and the cell below its first text; where there is no such
line, it takes all of them away. docs/binder-and-colab.md tells the reader.
"""

from __future__ import annotations

import re
import tomllib

import nbformat

BINDER, COLAB = "https://mybinder.org/v2/gh/", "https://colab.research.google.com/github/"
FIRST = "00-start-here"
TAG = "colab"
# Colab loads google.colab into every kernel; nothing else does.
CELL = """\
import sys

if "google.colab" in sys.modules:  # anywhere else, this cell does nothing
    !test -d course || git clone --quiet --depth 1 https://github.com/{repository} course
    %run course/binder/colab.py"""


def repository(pyproject: str) -> str | None:
    """Return owner and name of the repository on GitHub, ``owner/name``, if there is one."""
    address = tomllib.loads(pyproject)["project"].get("urls", {}).get("Repository", "")
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", address)
    return found and found[1]


def links(repository: str, name: str) -> tuple[str, str]:
    """Return the addresses at which Binder and Colab open a notebook."""
    path = f"notebooks/{name}.ipynb"
    return (
        f"{BINDER}{repository}/HEAD?urlpath=lab/tree/{path}",
        f"{COLAB}{repository}/blob/HEAD/{path}",
    )


def under_title(text: str, line: str | None) -> str:
    """Return a page with a line of links under its title, or without one."""
    title, *rest = text.split("\n\n")
    if rest and BINDER in rest[0]:
        rest = rest[1:]
    return "\n\n".join([title, *([line] if line else []), *rest])


def badge_readme(readme: str, repository: str | None) -> str:
    """Return the README with badges that open the first notebook, or without."""
    if repository is None:
        return under_title(readme, None)
    binder, colab = links(repository, FIRST)
    return under_title(
        readme,
        f"[![Open the course in Binder](docs/open-in-binder.svg)]({binder}) "
        f"[![Open the first notebook in Colab](docs/open-in-colab.svg)]({colab})",
    )


def badge_notebook(notebook: nbformat.NotebookNode, name: str, repository: str | None) -> None:
    """Put links and the cell for Colab into a notebook, or take them away.

    The links are words, because a picture would be fetched from another server, or not be found,
    whenever somebody opens the notebook.
    """
    line = None
    if repository:
        binder, colab = links(repository, name)
        line = f"*Without installing anything:* [open in Binder]({binder}) or [in Colab]({colab})."
    notebook.cells[0].source = under_title(notebook.cells[0].source, line)

    old = [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]
    if repository and not old:
        cell = nbformat.v4.new_code_cell(id="colab", metadata={"tags": [TAG]}, execution_count=1)
        _count_on(notebook, 1)
        notebook.cells.insert(1, cell)
        old = [cell]
    if repository:
        old[0].source = CELL.format(repository=repository)
    elif old:
        notebook.cells.remove(old[0])
        _count_on(notebook, -1)


def _count_on(notebook: nbformat.NotebookNode, by: int) -> None:
    """Let the other cells have run that much later, as they will the next time."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count:
            cell.execution_count += by
            for output in cell.outputs:
                if output.get("execution_count"):
                    output.execution_count += by
