"""What a welcome document shows of Hive."""

from rspark_session.notebook_cell import Cell

CELLS = (
    Cell(
        "markdown",
        "## Tables that outlive a session\n\nIn Hive you have a database of your own; Spark, R, Python and `hive` in a "
        "terminal see the same tables, in each of your sessions.",
    ),
    Cell(
        "code",
        'library(rspark)\ncon <- hive()\nDBI::dbWriteTable(con, "cars", mtcars, overwrite = TRUE)\n'
        'DBI::dbGetQuery(con, "SELECT cyl, avg(mpg) AS mpg FROM cars GROUP BY cyl ORDER BY cyl")',
    ),
)
