"""Tables and data frames of Spark, as R's DBI and dplyr ask for them; what takes long is the work of a thread."""

import rspark_columns
import rspark_frames
from pyspark.sql import DataFrame
from rspark_driver import Work


def query(session, sql, bigint, parameters):
    """Return the work of a query with parameters in the place of its question marks; its result is the columns."""

    def ask():
        return rspark_frames.columns(session.sql(sql, args=list(parameters)) if parameters else session.sql(sql), bigint)

    return Work(session, sql, ask)


def names(session):
    """Return the names of the tables and views that a query finds without a database."""
    return [table.name for table in session.catalog.listTables()]


def columns(session, sql):
    """Return the work of finding out which columns a query has."""
    return Work(session, sql, lambda: list(session.sql(sql).columns))


def exists(session, name):
    """Return whether there is a table or view of that name."""
    return bool(session.catalog.tableExists(name))


def fields(session, name):
    """Return the names of a table's columns."""
    return list(session.table(name).columns)


def frame(session, columns):
    """Return a data frame of Spark of columns of R."""
    return session.createDataFrame(rspark_columns.table(columns))


def write(session, columns, name, mode, temporary):
    """Return the work of making a table, or a temporary view, of columns of R."""

    def make():
        made = frame(session, columns)
        if temporary:
            made.createOrReplaceTempView(name)
        else:
            made.write.mode(mode).saveAsTable(name)

    return Work(session, f"table {name}", make)


def drop(session, name):
    """Drop a table or view."""
    if not session.catalog.dropTempView(name):
        quoted = ".".join(f"`{part}`" for part in name.split("."))
        kind = "VIEW" if session.catalog.getTable(name).tableType == "VIEW" else "TABLE"
        session.sql(f"DROP {kind} {quoted}")


def of(session, asked):
    """Return a data frame: it is one already, or a query, or the name of a table."""
    if isinstance(asked, DataFrame):
        return asked
    return session.sql(asked["sql"]) if "sql" in asked else session.table(asked["table"])
