"""What the welcome notebook says, cell by cell; what it says of a service is in the service's own module."""

from rspark_session.notebook_cell import Cell

FIRST = (
    Cell("markdown", "# Welcome\n\nThis notebook runs R. Click into the cell below and press **Shift+Enter**."),
    Cell("code", "x <- rnorm(100)\nsummary(x)"),
)
LAST = (
    Cell(
        "markdown",
        "## Sleep\n\nWhen you leave, the session goes to sleep after a while and keeps your variables. **Resume** brings them "
        "back. Connections are not kept: make them again.",
    ),
)
