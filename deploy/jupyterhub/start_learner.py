"""Run as the learner: give them their own copy of the notebooks, then start their server.

A file that the learner has is never touched, so their work outlives every update of the course;
to get a notebook anew, they rename theirs and start the server again.
"""

import os
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Copy what is missing, limit memory, and become the server."""
    course, home = Path(os.environ["HUB_COURSE"]), Path.home()
    for source in sorted((course / "notebooks").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in source.parts:
            continue
        target = home / "hgteach-course" / source.relative_to(course)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    os.chdir(home)
    try:
        import resource
    except ImportError:
        pass
    else:  # for each process of the learner, so one notebook cannot take all of the machine
        most = int(os.environ["HUB_MEMORY_MB"]) * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *sys.argv[1:]])


if __name__ == "__main__":
    main()
