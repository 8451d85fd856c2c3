"""What welcome documents say, cell by cell; what they say of a service is in the service's own module."""

from rspark_session.notebook_cell import Cell

_HOW_CHUNKS_RUN = (
    "This is text with code in it, in chunks. The arrow at the head of a chunk runs it, **Ctrl+Enter** only the statement at the "
    "cursor; what comes of it stands right below."
)
FIRST_NOTEBOOK_CELL = (
    Cell("markdown", "# Welcome\n\nThis notebook runs R. Click into the cell below and press **Shift+Enter**."),
    Cell("code", "x <- rnorm(100)\nsummary(x)"),
)
FIRST_CHUNK = (
    Cell("markdown", _HOW_CHUNKS_RUN),
    Cell("code", "x <- rnorm(100)\nsummary(x)"),
)
FIRST_PYTHON_CHUNK = (
    Cell("markdown", _HOW_CHUNKS_RUN),
    Cell("code", "import pandas\n\nx = pandas.Series(range(1, 11))\nx.describe()"),
)
LAST = (
    Cell(
        "markdown",
        "## Sleep\n\nWhen you leave, the session goes to sleep after a while and keeps your variables. **Resume**, on the page "
        "of your sessions, brings them back. Connections are not kept: make them again.",
    ),
)
