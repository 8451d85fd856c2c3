"""SQLite: one file, one writer at a time."""

import os
import sqlite3
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.store.threaded import ThreadedDatabase

#: How long SQLite waits for another process's transaction.
BUSY = timedelta(seconds=10)
_AGAIN_SECONDS = 0.01  # between two tries where it doesn't wait by itself
_TURN_SECONDS = 0.001  # between two tries to begin a transaction
_READERS = 2

# WAL lets readers read while one writes. FULL syncs each transaction: what the hub has answered survives a power cut.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
)
_BEGIN = ("BEGIN IMMEDIATE",)


class SqliteDatabase(ThreadedDatabase):
    """SQLite has one writer at a time; here all writers of a process wait for one thread, so that none has to poll.

    A transaction begins by `BEGIN IMMEDIATE`: one that has read something never learns at its end that another process
    wrote meanwhile. SQLite's own wait for another process's turn looks only ten times a second after a while, so that
    two that write one transaction after another can keep a third from its turn for all of its time; here it looks oftener.
    """

    is_sqlite = True

    def __init__(self, url: URL, *, busy: timedelta = BUSY) -> None:
        self._busy = busy.total_seconds()
        _make_file(Path(str(url.database)))
        engine = sa.create_engine(
            url.set(drivername="sqlite"),
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_use_lifo=True,
            pool_size=_READERS + 1,
            connect_args={"timeout": busy.total_seconds()},
        )
        sa.event.listen(engine, "connect", partial(_prepare, busy))
        super().__init__(engine, readers=_READERS, writers=1, begin=_BEGIN, begin_together=_BEGIN)

    def insert(self, table: sa.Table) -> Insert:
        return insert(table)

    def _execute_begin(self, connection: sa.Connection, begin: Sequence[str]) -> None:
        deadline = time.monotonic() + self._busy
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    return super()._execute_begin(connection, begin)
                except OperationalError as error:
                    if not _is_busy(error.orig) or time.monotonic() > deadline:
                        raise
                time.sleep(_TURN_SECONDS)
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {self._busy * 1000:.0f}")


def _is_busy(problem: BaseException | None) -> bool:
    return isinstance(problem, sqlite3.OperationalError) and problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _make_file(path: Path) -> None:
    """Make the file before SQLite does, since it holds secrets and is for its owner's eyes."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise InstallationProblem(
            f"RSparkHub can't write its database {path}: {error.strerror}. "
            "Give it a data folder that it may write to, or make room on the disk."
        ) from error


def _text(data: bytes) -> str:
    """Return a text of the database; SQLite keeps any bytes as one, and one that is no UTF-8 must not fail the rows beside it."""
    return data.decode("utf-8", "replace")


def _prepare(busy: timedelta, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """Set what holds for a connection.

    SQLite doesn't wait for another one that has just begun to write into a file that is not in WAL yet, as a new one is.
    """
    cast("sqlite3.Connection", connection).text_factory = _text
    cursor, deadline = connection.cursor(), time.monotonic() + busy.total_seconds()
    for pragma in _PRAGMAS:
        while True:
            try:
                cursor.execute(pragma)
                break
            except sqlite3.OperationalError as problem:
                if not _is_busy(problem) or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_SECONDS)
    cursor.close()
