"""Settings for a course whose assignments `hgteach release` made.

On the hub of `deploy/jupyterhub` everybody's server reads this file where it lies. Elsewhere, put a
copy into nbgrader's folder.
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821  (Jupyter hands it to this file)

# Students see the course's own blank, so that an answer not begun is not an error.
c.ClearSolutions.code_stub = {"python": "..."}
# A cell that trains a generator takes longer than nbgrader's 30 seconds.
c.ExecutePreprocessor.timeout = 300

if "HUB_EXCHANGE" in os.environ:  # set by the hub: where work is handed out and in
    c.CourseDirectory.course_id = "hgteach"
    c.Exchange.root = os.environ["HUB_EXCHANGE"]
    c.Exchange.assignment_dir = str(Path.home() / "hgteach-assignments")
    # The instructor's sources, gradebook and what was collected; others have no such folder.
    c.CourseDirectory.root = str(Path.home() / "hgteach-grading")
