"""What a welcome document shows of PostgreSQL."""

from rspark_session.notebook_cell import Cell

_SAMPLES = (
    "## Data to query\n\nA PostgreSQL database `flights` is here to read: every flight that left New York in 2013. You need "
    "no address and no password."
)
CELLS = (
    Cell("markdown", _SAMPLES),
    Cell(
        "code",
        'library(rspark)\ncon <- postgres("flights")\nDBI::dbGetQuery(con, "\n  SELECT carrier, count(*)::int AS flights\n'
        '  FROM flights GROUP BY carrier ORDER BY flights DESC LIMIT 5")',
    ),
    Cell("markdown", "`postgres()` without a name connects to a database of your own, where you can make tables."),
    Cell("markdown", _SAMPLES, language="python"),
    Cell(
        "code",
        'import pandas\nimport psycopg\n\nwith psycopg.connect(dbname="flights") as con:\n    found = con.execute("""\n'
        "      SELECT carrier, count(*) AS flights\n"
        '      FROM flights GROUP BY carrier\n      ORDER BY flights DESC LIMIT 5""")\n'
        "    names = [column.name for column in found.description]\n"
        "    carriers = pandas.DataFrame(found, columns=names)\n"
        'carriers.plot.bar(x="carrier", y="flights")',
        language="python",
    ),
    Cell(
        "markdown",
        "`psycopg.connect()` without a name connects to a database of your own, where you can make tables.",
        language="python",
    ),
)
