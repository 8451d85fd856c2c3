"""How Sphinx makes a site of the pages of `docs/`, which are read in the repository as they are.

Nothing of it is fetched while it is built or read: fonts are the reader's, search runs in the page, colours are the product's.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

project = "RSparkHub"
project_copyright = "the RSparkHub authors"
extensions = ["myst_parser", "repository_pages"]
source_suffix = {".md": "markdown", ".Rmd": "markdown"}
root_doc = "README"
exclude_patterns = ["site", "shiny-app"]

myst_heading_anchors = 4  # as the repository's own, so that a link to a heading leads there in both places
myst_title_to_header = True  # chapters in R Markdown have their title in front

html_theme = "pydata_sphinx_theme"
html_title = "RSparkHub"
html_static_path = [str(HERE.parents[1] / "web/ui/src/tokens.css"), "site.css"]
html_css_files = ["tokens.css", "site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system
html_theme_options = {
    "logo": {"text": "RSparkHub"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
# What begins here has no pages beside it in the navigation.
html_sidebars = {"README": [], "quick-start": []}
