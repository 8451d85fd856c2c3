"""Streams of Spark from a folder: views of what comes into it, and queries on them that go on from their checkpoints."""

import contextlib
from pathlib import Path

from rspark_driver import Work


def view(session, folder, form, like, options, name):  # noqa: PLR0917
    """Return the work of making a view of all files that are in a folder, and will be.

    The columns are those of `like`, a data frame of Spark, or else of the files that are there.
    """

    def make():
        kinds = like.schema if like is not None else session.read.format(form).options(**options).load(folder).schema
        stream = session.readStream.format(form).options(**options).schema(kinds).load(folder)
        stream.createOrReplaceTempView(name)

    return Work(session, f"stream {name}", make)


def start(session, sql, name, mode, path, checkpoint, seconds):  # noqa: PLR0917
    """Return the work of starting a query on streams; with a path its rows are Parquet there, else a table in memory."""

    def begin():
        stop(session, name)
        Path(checkpoint).mkdir(parents=True, exist_ok=True)
        writer = (
            session.sql(sql).writeStream.queryName(name).outputMode(mode).option("checkpointLocation", f"file://{checkpoint}")
        )
        if seconds is not None:
            writer = writer.trigger(processingTime=f"{seconds} seconds")
        writer = writer.format("parquet").option("path", path) if path else writer.format("memory")
        writer.start()

    return Work(session, f"start of the query {name}", begin)


def wait(session, name):
    """Return the work of waiting until a query has computed all that is there."""

    def until_done():
        query = _query(session, name)
        if query is not None:
            query.processAllAvailable()

    return Work(session, f"query {name}", until_done)


def stop(session, name):
    """Stop a query, if it runs; return whether it did."""
    query = _query(session, name)
    if query is not None:
        with contextlib.suppress(Exception):  # one that failed has stopped
            query.stop()
    return query is not None


def stop_all(session):
    """Stop all queries: one that a driver ends with fails with pages of Java."""
    for query in session.streams.active:
        stop(session, query.name)


def running(session):
    """Return name, status, batches and rows of the queries that run."""
    found = []
    for query in session.streams.active:
        progress = query.lastProgress
        batch = progress["batchId"] if progress else -1
        rows = progress["numInputRows"] if progress else 0
        found.append({"name": query.name or query.id, "status": query.status["message"], "batch": batch, "rows": rows})
    return found


def _query(session, name):
    return next((query for query in session.streams.active if query.name == name), None)
