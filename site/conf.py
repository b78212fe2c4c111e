"""The whole course as a website, built without a network: `python3 course.py site`.

The sources are the repository's own pages and the notebooks with the outputs that they hold;
nothing is run again. What this folder adds is in pages.py (what is written into them) and in
static/ (how it looks).
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "site"))

project = "hgteach"
html_title = "hgteach: synthetic health records"
author, copyright = "the hgteach authors", "2026, the hgteach authors"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "pages"]

root_doc = "README"
include_patterns = [
    *("README.md", "CONTRIBUTING.md", "notebooks/**.ipynb", "site/**.md"),
    *("data/**.md", "docs/**.md", "teaching/**.md", "deploy/**.md"),
]
# Folders that Sphinx would otherwise walk through in search of those.
exclude_patterns = [".*", "build", "dist", "hgteach", "tests", "**/.ipynb_checkpoints"]

nb_execution_mode = "off"
nb_ipywidgets_js = {}  # otherwise a page with a widget would fetch scripts from another server
nb_merge_streams = True
nb_render_markdown_format = "myst"  # so that formulas of the exercises are read too
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
suppress_warnings = [
    "ref.python",  # two modules may use one word, such as People
    "myst.header",  # a page that skips a level of headings, which the site then does not
    "misc.highlighting_failure",  # shell commands in a cell
]
html_math_renderer = "mathml"  # in pages.py; MathJax would come from another server

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autoclass_content = "both"
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_ivar = True
add_module_names = False

html_theme = "furo"
templates_path, html_static_path = ["templates"], ["static"]
html_css_files, html_js_files = ["course.css"], ["course.js"]
html_favicon = "static/favicon.svg"
html_copy_source = False
html_show_sphinx = html_domain_indices = False
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
