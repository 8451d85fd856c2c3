"""What a welcome document shows of Spark."""

from rspark_session.notebook_cell import Cell

CELLS = (
    Cell(
        "markdown",
        "## The same in Spark\n\nThe first call starts Spark, which takes some seconds. Its jobs are at the address of this page "
        "with `spark/` in place of what follows the session's name.",
        ("postgres",),
    ),
    Cell(
        "code",
        'library(rspark)\nspark_postgres("flights", dbname = "flights", view = "flights")\ndelays <- spark_sql("\n'
        '  SELECT month, avg(dep_delay) AS delay FROM flights\n  GROUP BY month ORDER BY month")\n'
        'plot(delays, type = "b", ylab = "minutes",\n     main = "Mean departure delay")',
        ("postgres",),
    ),
)
