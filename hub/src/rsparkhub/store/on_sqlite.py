"""SQLite, in threads of its own.

A statement takes some twenty microseconds, less than it takes to go to another thread and back. So not a statement goes
there but a whole transaction: its coroutine is run to its end in the thread, where each statement is done at once.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.store.database import AnyRow, Connection, Database, Parameters
from rsparkhub.store.failures import unavailable

_BUSY_SECONDS = 10  # how long SQLite waits for another process's transaction
_AGAIN_SECONDS = 0.01  # between two tries where it doesn't wait by itself
_READERS = 2

# WAL lets readers read while one writes. FULL syncs each transaction: what the hub has answered survives a power cut.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
)

T = TypeVar("T")


class SqliteDatabase(Database):
    """SQLite has one writer at a time; here they stand in the line of one thread, where they cost nobody a polling.

    A transaction begins by `BEGIN IMMEDIATE`: one that has read something never learns at its end that another process
    wrote meanwhile. A caller who is cancelled does not stop what the thread is doing: it is done or undone as a whole.
    """

    is_sqlite = True

    def __init__(self, url: URL) -> None:
        _make_file(Path(str(url.database)))
        self._engine = sa.create_engine(
            url.set(drivername="sqlite"),
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_use_lifo=True,
            pool_size=_READERS + 1,
            connect_args={"timeout": _BUSY_SECONDS},
        )
        sa.event.listen(self._engine, "connect", _prepare)
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")

    async def prepare(self, work: Callable[[sa.Connection], None]) -> None:
        def connected() -> None:
            with self._engine.connect() as connection:
                work(connection)

        await asyncio.get_running_loop().run_in_executor(self._writer, connected)

    async def read(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._one, statement, parameters)

    async def change(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._one, statement, parameters)

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transaction, work)

    def insert(self, table: sa.Table) -> Insert:
        return insert(table)

    async def close(self) -> None:
        for threads in (self._readers, self._writer):
            await asyncio.to_thread(threads.shutdown)
        self._engine.dispose()

    def _one(self, statement: sa.Executable, parameters: Parameters) -> Sequence[AnyRow]:
        try:
            with self._engine.connect() as connection:
                return _rows(connection, statement, parameters)
        except DBAPIError as error:
            raise _told(error) from error

    def _transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    result = _to_its_end(work(_On(connection)))
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    _roll_back(connection)
                    raise
                return result
        except DBAPIError as error:
            raise _told(error) from error


class _On:
    """A connection of this thread as the `Connection` of a transaction; it never makes its caller wait."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    async def rows(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return _rows(self._connection, statement, parameters)


def _rows(connection: sa.Connection, statement: sa.Executable, parameters: Parameters) -> Sequence[AnyRow]:
    result = connection.execute(statement, parameters)
    return result.all() if result.returns_rows else ()


def _to_its_end(work: Awaitable[T]) -> T:
    """Run a coroutine that waits for nothing but `_On`."""
    coroutine = cast("Coroutine[Any, Any, T]", work)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    raise AssertionError("a transaction waited for something else than its statements")


def _roll_back(connection: sa.Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:  # SQLite has rolled back by itself, as it does when the disk is full; the first error is to be told
        connection.invalidate()


def _told(error: DBAPIError) -> Exception:
    return unavailable(error) or error


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


def _prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """Set what holds for a connection.

    SQLite doesn't wait for another one that has just begun to write into a file that is not in WAL yet, as a new one is.
    """
    cursor, deadline = connection.cursor(), time.monotonic() + _BUSY_SECONDS
    for pragma in _PRAGMAS:
        while True:
            try:
                cursor.execute(pragma)
                break
            except sqlite3.OperationalError as problem:
                if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_SECONDS)
    cursor.close()
