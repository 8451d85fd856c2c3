"""SQLite, in threads of its own.

A statement takes some twenty microseconds, less than it takes to go to another thread and back. So not a statement goes
there but a whole transaction: its coroutine is run to its end in the thread, where each statement is done at once. And what
waits while the thread writes goes together: many small transactions become one, with a savepoint for each, so that they share
the way there and back and the disk's sync.
"""

import asyncio
import os
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
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

#: How long SQLite waits for another process's transaction.
BUSY = timedelta(seconds=10)
_AGAIN_SECONDS = 0.01  # between two tries where it doesn't wait by itself
_READERS = 2
_MOST_TOGETHER = 100  # transactions that are written as one

# WAL lets readers read while one writes. FULL syncs each transaction: what the hub has answered survives a power cut.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
)

T = TypeVar("T")


class SqliteDatabase(Database):
    """SQLite has one writer at a time; here all writers of a process wait for one thread, so that none has to poll.

    A transaction begins by `BEGIN IMMEDIATE`: one that has read something never learns at its end that another process
    wrote meanwhile. A caller who is cancelled does not stop what the thread is doing: it is done or undone as a whole.
    """

    is_sqlite = True

    def __init__(self, url: URL, *, busy: timedelta = BUSY) -> None:
        _make_file(Path(str(url.database)))
        self._engine = sa.create_engine(
            url.set(drivername="sqlite"),
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_use_lifo=True,
            pool_size=_READERS + 1,
            connect_args={"timeout": busy.total_seconds()},
        )
        sa.event.listen(self._engine, "connect", partial(_prepare, busy))
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._writes: deque[_Write] = deque()
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")

    async def prepare(self, work: Callable[[sa.Connection], None]) -> None:
        def connected() -> None:
            with self._engine.connect() as connection:
                work(connection)

        await asyncio.get_running_loop().run_in_executor(self._writer, connected)

    async def read(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._one, statement, parameters)

    async def change(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await self._written(lambda connection: _rows(connection, statement, parameters))

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._written(lambda connection: _to_its_end(work(_On(connection))))

    async def _written(self, do: Callable[[sa.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._writes.append(_Write(do, future, loop))
        self._writer.submit(self._write_waiting)  # it finds nothing to do where an earlier one took this too
        return await future

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
            raise _translated(error) from error

    def _write_waiting(self) -> None:
        """Write what waits, in one transaction; where that fails as a whole, each in a transaction of its own."""
        batch: list[_Write] = []
        while self._writes and len(batch) < _MOST_TOGETHER:
            write = self._writes.popleft()
            if not write.future.cancelled():
                batch.append(write)
        if len(batch) > 1 and self._together(batch):
            return
        for write in batch:
            write.settle(self._alone(write))

    def _together(self, batch: list["_Write"]) -> bool:
        """Write these in one transaction; return False when nothing of it was written."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    outcomes = [_with_savepoint(connection, write) for write in batch]
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    _roll_back(connection)
                    raise
        except DBAPIError:
            return False
        for write, outcome in zip(batch, outcomes, strict=True):
            write.settle(outcome)
        return True

    def _alone(self, write: "_Write") -> "_Outcome":
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    result = write.do(connection)
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    _roll_back(connection)
                    raise
        except DBAPIError as error:
            translated = _translated(error)
            translated.__cause__ = error
            return _Outcome(error=translated)
        except Exception as error:
            return _Outcome(error=error)
        return _Outcome(result=result)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What came of a write."""

    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class _Write:
    """A transaction that waits to be executed, and who waits for it."""

    do: Callable[[sa.Connection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop

    def settle(self, outcome: _Outcome) -> None:
        """Hand the outcome to whoever waits, from the writer's thread."""
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self.loop.call_soon_threadsafe(self._set, outcome)

    def _set(self, outcome: _Outcome) -> None:
        if self.future.done():
            return
        if outcome.error is not None:
            self.future.set_exception(outcome.error)
        else:
            self.future.set_result(outcome.result)


def _with_savepoint(connection: sa.Connection, write: _Write) -> _Outcome:
    """Execute one of several transactions; what it raises takes back what it did, and nothing of the others.

    Raises
    ------
    DBAPIError
        When the database failed, and not only this one's statement.
    """
    connection.exec_driver_sql("SAVEPOINT one")
    try:
        outcome = _Outcome(result=write.do(connection))
    except Exception as error:
        if isinstance(error, DBAPIError) and unavailable(error) is not None:
            raise
        connection.exec_driver_sql("ROLLBACK TO one")
        outcome = _Outcome(error=error)
    connection.exec_driver_sql("RELEASE one")
    return outcome


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
    except DBAPIError:  # SQLite has rolled back by itself, as it does when the disk is full; the first error counts
        connection.invalidate()


def _translated(error: DBAPIError) -> Exception:
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


def _prepare(busy: timedelta, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """Set what holds for a connection.

    SQLite doesn't wait for another one that has just begun to write into a file that is not in WAL yet, as a new one is.
    """
    cursor, deadline = connection.cursor(), time.monotonic() + busy.total_seconds()
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
