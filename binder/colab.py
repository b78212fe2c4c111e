"""Set the course up on Colab; the first code cell of a notebook runs this file there.

Colab comes with Python, PyTorch and most of what the course needs, in versions of its own. They
stay: to exchange them would take minutes, call for a restart and may break Colab. Only packages
that are missing are installed, under the pins of constraints.txt, and the course is read where it
lies, so nothing has to be restarted. docs/binder-and-colab.md says what was tried.
"""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_HERE = {"jupyterlab"}  # Colab has pages of its own


def same(name: str) -> str:
    """Return the one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def there(name: str) -> bool:
    """Whether a package is installed, in whatever version."""
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def missing() -> list[str]:
    """Return the pins of the packages that the course needs and that are not there."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {same(line.partition("==")[0]): line for line in lines if "==" in line}
    needs = [same(re.match(r"[\w.-]+", need)[0]) for need in PROJECT["dependencies"]]
    return [pins[name] for name in needs if name not in NOT_HERE and not there(name)]


def set_up() -> None:
    """Install what is missing, let this session find the course, and say what comes next."""
    if pins := missing():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *pins], check=True)
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
        paths = (os.environ.get("PYTHONPATH"), str(ROOT))  # for `!python -m hgteach`
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    # The live controls need ipywidgets 8, and Colab's pages know only ipywidgets 7.
    os.environ.setdefault("HGTEACH_STATIC", "1")
    address = PROJECT["urls"]["Repository"].rstrip("/").removesuffix(".git")
    print(
        f"The course is ready, with Colab's own PyTorch {version('torch')}; run the next cell. "
        "Numbers may differ a little from those in the text, and pictures with sliders stand "
        "still. Links to other notebooks lead nowhere here. Open those from\n"
        f"    {address.replace('//github.com', '//colab.research.google.com/github')}"
    )


if __name__ == "__main__":
    set_up()
