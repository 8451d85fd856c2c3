"""What a first notebook shows of PostgreSQL."""

from rspark_session.notebook_cell import Cell

CELLS = (
    Cell(
        "markdown",
        "## Data to query\n\nA PostgreSQL database `flights` is here to read: every flight that left New York in 2013. You need "
        "no address and no password.",
    ),
    Cell(
        "code",
        'library(rspark)\ncon <- postgres("flights")\nDBI::dbGetQuery(con, "\n  SELECT carrier, count(*)::int AS flights\n'
        '  FROM flights GROUP BY carrier ORDER BY flights DESC LIMIT 5")',
    ),
    Cell("markdown", "`postgres()` without a name connects to a database of your own, where you can make tables."),
)
