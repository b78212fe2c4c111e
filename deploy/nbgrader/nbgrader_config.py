"""Settings for a course whose assignments `hgteach release` made; put it into nbgrader's folder."""

c = get_config()  # noqa: F821  (Jupyter hands it to this file)

# Students see the course's own blank, so that an answer not begun is not an error.
c.ClearSolutions.code_stub = {"python": "..."}
# A cell that trains a generator takes longer than nbgrader's 30 seconds.
c.ExecutePreprocessor.timeout = 300
