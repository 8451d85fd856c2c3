"""Has Spark run a function of R on each part of a data frame, or on each group of its rows."""

import base64
from pathlib import Path

import rspark_columns
import rspark_frames
import rspark_part
from rspark_driver import Work

_FILES = ("rspark_part.py", "rspark_columns.py", "rspark_frames.py")


def apply(session, frame, function, schema, groups, name, view):  # noqa: PLR0917
    """Return the work of running a function on each part, or each group; its result is the columns, or none with a view.

    Parameters
    ----------
    session, frame
        Spark, and a data frame of it.
    function
        R's bytes of the function and all it needs.
    schema
        An Arrow table without rows, of the columns that the function returns.
    groups
        Columns by which rows are put together; none for parts as they are.
    name
        How a person knows the work.
    view
        The name of a temporary view that is made; then nothing is brought home.
    """
    text = base64.b64encode(bytes(function)).decode()
    arrow = rspark_columns.table(schema).schema
    zone = session.conf.get("spark.sql.session.timeZone")

    def do():
        made = session.createDataFrame(arrow.empty_table()).schema
        names = list(frame.columns)
        plain = [f"c{at}" for at in range(len(names))]  # a name such as `Sepal.Length` is a field of a column to PySpark
        rows = frame.toDF(*plain)
        if groups:
            grouped = rows.groupBy(*[plain[names.index(group)] for group in groups])
            applied = grouped.applyInArrow(rspark_part.on_groups(text, names, arrow, zone), made)
        else:
            applied = rows.mapInArrow(rspark_part.on_parts(text, names, arrow, zone), made)
        if view is None:
            return rspark_frames.columns(applied, "numeric")
        applied.createOrReplaceTempView(view)
        return None

    return Work(session, name, do)


def ship(session, folder):
    """Have the modules that run beside R where the parts are."""
    for name in _FILES:
        session.sparkContext.addPyFile(str(Path(folder, name)))
