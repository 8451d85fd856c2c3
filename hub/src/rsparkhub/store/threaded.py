"""A database whose statements are executed in threads of its own.

A statement takes less than it takes to go to another thread and back, or through an event loop. So not a statement goes there
but a whole transaction: its coroutine is run to its end in the thread, where each statement is done at once. And what waits
while a thread writes goes together: many small transactions become one, with a savepoint for each, so that they share the way
there and back and the disk's sync.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from rsparkhub.domain.errors import Unavailable
from rsparkhub.store.database import AnyRow, Connection, Database, Parameters, WriteRows
from rsparkhub.store.failures import lost_race, unavailable

_MOST_TOGETHER = 100  # transactions that are written as one
_TRIES = 5  # how often a transaction that the server ended for a deadlock is tried

T = TypeVar("T")


class ThreadedDatabase(Database):
    """Reads in some threads, and writes in others: as many as the database has use for.

    A caller who is cancelled does not stop what a thread is doing: it is done or undone as a whole.

    Parameters
    ----------
    engine
        Its connections are in autocommit. Its pool has room for one connection a thread.
    begin
        Begins a transaction.
    begin_together
        Begins several as one, which may fail where each alone would not.
    """

    def __init__(
        self, engine: sa.Engine, *, readers: int, writers: int, begin: Sequence[str], begin_together: Sequence[str]
    ) -> None:
        self._engine = engine
        self._begin = begin
        self._begin_together = begin_together
        self._writes: deque[_Write] = deque()
        self._writers = ThreadPoolExecutor(writers, "store-writer")
        # Two batches at once would wait for each other's rows, and give way: one is executed while the other waits for the disk.
        self._executing = Lock()
        self._readers = ThreadPoolExecutor(readers, "store-reader")

    async def prepare(self, work: Callable[[sa.Connection], None]) -> None:
        def connected() -> None:
            with self._engine.connect() as connection:
                work(connection)

        await asyncio.get_running_loop().run_in_executor(self._writers, connected)

    async def read(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._one, statement, parameters)

    async def change(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await self._written(lambda connection: _rows(connection.connection, statement, parameters))

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._written(lambda connection: _to_its_end(work(connection)))

    async def close(self) -> None:
        for threads in (self._readers, self._writers):
            await asyncio.to_thread(threads.shutdown)
        self._engine.dispose()

    async def _written(self, do: Callable[["_On"], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._writes.append(_Write(do, future, loop))
        self._writers.submit(self._write_waiting)  # it finds nothing to do where an earlier one took this too
        return await future

    def _one(self, statement: sa.Executable, parameters: Parameters) -> Sequence[AnyRow]:
        try:
            try:
                with self._engine.connect() as connection:
                    return _rows(connection, statement, parameters)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            with self._engine.connect() as connection:  # the other was lost since its last use
                return _rows(connection, statement, parameters)
        except DBAPIError as error:
            raise _translated(error) from error

    def _write_waiting(self) -> None:
        """Write what waits, in one transaction; where that fails as a whole, each in a transaction of its own."""
        batch: list[_Write] = []
        with suppress(IndexError):  # another thread took the rest
            while len(batch) < _MOST_TOGETHER:
                write = self._writes.popleft()
                if not write.future.cancelled():
                    batch.append(write)
        outcomes = self._together(batch) if len(batch) > 1 else None
        if outcomes is None:
            for write in batch:
                write.settle(self._alone(write))
        else:
            for write, outcome in zip(batch, outcomes, strict=True):
                write.settle(outcome)

    def _together(self, batch: list["_Write"]) -> "list[_Outcome] | None":
        """Write these in one transaction; return None when it failed on the way, and nothing of it was written."""
        try:
            with self._transaction(self._begin_together) as connection, self._executing:
                all_of_it = _On(connection)
                outcomes = [_with_savepoint(all_of_it, write) for write in batch]
                all_of_it.write_last(self)
                return outcomes
        except DBAPIError as error:
            if error.connection_invalidated:  # was it written, or not? Nobody may do it twice
                return [_Outcome(error=_translated(error))] * len(batch)
            return None
        except Unavailable as error:  # no transaction can be begun, by nobody
            return [_Outcome(error=error)] * len(batch)
        except Exception:  # of what is written last, for one of them: alone, each has its own
            return None

    def _alone(self, write: "_Write") -> "_Outcome":
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._transaction(self._begin) as connection:
                    alone = _On(connection)
                    result = write.do(alone)
                    alone.write_last(self)
                return _Outcome(result=result)
            except DBAPIError as error:
                if tries_left and lost_race(error):
                    continue
                translated = _translated(error)
                translated.__cause__ = error
                return _Outcome(error=translated)
            except Exception as error:
                return _Outcome(error=error)
        raise AssertionError("the last try returns")

    @contextmanager
    def _transaction(self, begin: Sequence[str]) -> Iterator[sa.Connection]:
        """Begin and end a transaction; an error takes it back.

        Raises
        ------
        Unavailable
            When none can be begun.
        """
        with ExitStack() as stack:
            try:
                connection = self._begun(stack, begin)
            except DBAPIError as error:
                raise _translated(error) from error
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def _begun(self, stack: ExitStack, begin: Sequence[str]) -> sa.Connection:
        connection = stack.enter_context(self._engine.connect())
        try:
            self._execute_begin(connection, begin)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            connection = stack.enter_context(self._engine.connect())  # the other was lost since its last use
            self._execute_begin(connection, begin)
        return connection

    def _execute_begin(self, connection: sa.Connection, begin: Sequence[str]) -> None:
        for statement in begin:
            connection.exec_driver_sql(statement)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What came of a write."""

    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class _Write:
    """A transaction that waits to be executed, and who waits for it."""

    do: Callable[["_On"], Any]
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


def _with_savepoint(all_of_it: "_On", write: _Write) -> _Outcome:
    """Execute one of several transactions; what it raises takes back what it did, and nothing of the others.

    Raises
    ------
    DBAPIError
        When the database failed, and not only this one's statement.
    """
    connection, one = all_of_it.connection, _On(all_of_it.connection)
    connection.exec_driver_sql("SAVEPOINT one")
    try:
        outcome = _Outcome(result=write.do(one))
        all_of_it.take_last_of(one)
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
        self.connection = connection
        self._last: dict[WriteRows, list[Any]] = {}

    async def rows(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return _rows(self.connection, statement, parameters)

    def before_commit(self, write: WriteRows, rows: Iterable[Any]) -> None:
        self._last.setdefault(write, []).extend(rows)

    def take_last_of(self, other: "_On") -> None:
        """Write last what another of the same connection would."""
        for write, rows in other._last.items():
            self.before_commit(write, rows)

    def write_last(self, database: Database) -> None:
        """Write what is to be written before the commit."""
        for write, rows in self._last.items():
            _to_its_end(write(self, database, rows))


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
    if connection.invalidated:
        return
    try:
        connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:  # rolled back already, as SQLite does when the disk is full, or the server is gone; the first error counts
        connection.invalidate()


def _translated(error: DBAPIError) -> Exception:
    return unavailable(error) or error
