"""How the site is made of the markdown in this repository: `make docs`.

The same files read well on GitHub, so nothing in them is for the site alone: what the site needs besides (a sidebar,
pages for files of the repository, pictures, notebooks that have run) the extensions in `docs/_ext` make of plain links
and blocks. The site loads nothing from anywhere, and its search needs no server.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

project = "Holdfast"
author = "The Holdfast authors"
language = "en"
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/**"]
# Sphinx looks into every folder that it is not kept out of, and .venv alone has 50,000 files.
exclude_patterns = [
    "docs/conf.py",
    "docs/_ext",
    "docs/_extra",
    "docs/_static",
    *(folder.name for folder in ROOT.iterdir() if folder.is_dir() and folder.name != "docs"),
]
extensions = [
    "myst_parser",
    "docs._ext.navigation",
    "docs._ext.repository",
    "docs._ext.pictures",
    "docs._ext.notebook_pages",
]
source_suffix = {".md": "markdown", ".py": "notebook"}

myst_heading_anchors = 4  # links to headings work, and are checked, as on GitHub
myst_fence_as_directive = ["mermaid"]
smartquotes = False

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra/index.html"]  # the front page is docs/index.html
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_permalinks_icon = "#"
pygments_style = "default"
pygments_dark_style = "github-dark"
