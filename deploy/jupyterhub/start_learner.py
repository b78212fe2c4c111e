"""Run as the learner: give them their own copy of the notebooks, then start their server.

Whoever is in the group `hgteach-instructor` gets nbgrader's formgrader as well.

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
    os.umask(0o077)  # what a learner writes is theirs, even where homes are open to others
    for source in sorted((course / "notebooks").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in source.parts:
            continue
        target = home / "hgteach-course" / source.relative_to(course)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    os.chdir(home)
    # nbgrader makes what it fetches readable to all, so it goes into a folder that is not.
    (home / "hgteach-assignments").mkdir(exist_ok=True)
    settings = [course / "deploy" / "nbgrader"]
    if is_instructor():
        (home / "hgteach-grading" / "source").mkdir(parents=True, exist_ok=True)
    else:
        settings.insert(0, course / "deploy" / "jupyterhub" / "learner")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(map(str, settings))
    # nbgrader calls other programs by their names, and so do people in a terminal.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    try:
        import resource
    except ImportError:
        pass
    else:  # for each process of the learner, so one notebook cannot take all of the machine
        most = int(os.environ["HUB_MEMORY_MB"]) * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *sys.argv[1:]])


def is_instructor() -> bool:
    """Return whether this account is in the instructors' group."""
    import grp

    try:
        return grp.getgrnam("hgteach-instructor").gr_gid in os.getgroups()
    except KeyError:  # a hub without the group
        return False


if __name__ == "__main__":
    main()
