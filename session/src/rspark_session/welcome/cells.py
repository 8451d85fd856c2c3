"""What the welcome notebook says, cell by cell."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cell:
    kind: Literal["markdown", "code"]
    text: str
    needs: tuple[str, ...] = ()


CELLS = (
    Cell("markdown", "# Welcome\n\nThis notebook runs R. Click into the cell below and press **Shift+Enter**."),
    Cell("code", "x <- rnorm(100)\nsummary(x)"),
    Cell(
        "markdown",
        "## Data to query\n\nA PostgreSQL database `flights` is here to read: every flight that left New York in 2013. You need "
        "no address and no password.",
        ("postgres",),
    ),
    Cell(
        "code",
        'library(rspark)\ncon <- postgres("flights")\nDBI::dbGetQuery(con, "\n  SELECT carrier, count(*)::int AS flights\n'
        '  FROM flights GROUP BY carrier ORDER BY flights DESC LIMIT 5")',
        ("postgres",),
    ),
    Cell(
        "markdown",
        "`postgres()` without a name connects to a database of your own, where you can make tables.",
        ("postgres",),
    ),
    Cell(
        "markdown",
        "## The same in Spark\n\nThe first call starts Spark, which takes some seconds. Its jobs are at the address of this page "
        "with `spark/` in place of what follows the session's name.",
        ("postgres", "spark"),
    ),
    Cell(
        "code",
        'spark_postgres("flights", dbname = "flights", view = "flights")\ndelays <- spark_sql("\n'
        '  SELECT month, avg(dep_delay) AS delay FROM flights\n  GROUP BY month ORDER BY month")\n'
        'plot(delays, type = "b", ylab = "minutes", main = "Mean departure delay")',
        ("postgres", "spark"),
    ),
    Cell(
        "markdown",
        "## Sleep\n\nWhen you leave, the session goes to sleep after a while and keeps your variables. **Resume** brings them "
        "back. Connections are not kept: call `postgres()` again.",
    ),
)
