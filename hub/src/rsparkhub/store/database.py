"""One way to talk to either database.

Every connection is in autocommit: a single statement is a transaction of its own, in one round trip. `write` puts several
statements into one transaction that this module begins and ends itself: `BEGIN IMMEDIATE` on SQLite, so that a
transaction that has read something never learns at its end that somebody else wrote.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from rsparkhub.store.failures import lost_race, unavailable

_TRIES = 5  # how often a transaction that PostgreSQL ended for a deadlock is tried

T = TypeVar("T")
AnyRow = sa.Row[*tuple[Any, ...]]  # what a statement returns is known where it is read
Parameters = dict[str, Any] | list[dict[str, Any]] | None


class Database:
    """An engine, and the three ways to use it: `read` and `change` for one statement, `write` for a transaction.

    - A transaction is written as a whole or not at all, also when the disk is full or the process dies.
    - What `write` is given may be called again after a deadlock; it does nothing outside of the transaction.
    - A failure of the database comes out as `Unavailable`, a sentence, never as an error of a driver.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.sqlite = engine.dialect.name == "sqlite"
        # SQLite has one writer. Those of one process wait for each other here, since SQLite's own waiting is a polling.
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if self.sqlite else nullcontext()

    def insert(self, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
        """Begin an INSERT that can say ON CONFLICT."""
        return sqlite.insert(table) if self.sqlite else postgresql.insert(table)

    async def read(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        """Ask by one statement."""
        return await self._connected(lambda connection: rows(connection, statement, parameters))

    async def change(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        """Write by one statement, which tells by `RETURNING` what it did."""
        async with self._turn:
            return await self.read(statement, parameters)

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Call `work` in one transaction; an error of it, or a failure, takes all of it back."""
        async with self._turn:
            for _ in range(_TRIES - 1):
                try:
                    return await self._connected(lambda connection: self._transaction(connection, work))
                except DBAPIError as error:
                    if not lost_race(error):
                        raise
            return await self._connected(lambda connection: self._transaction(connection, work))

    async def _connected(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            async with self._engine.connect() as connection:
                return await work(connection)
        except (DBAPIError, PoolTimeout) as error:
            sentence = unavailable(error)
            if sentence is None:
                raise
            raise sentence from error

    async def _transaction(self, connection: AsyncConnection, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        await connection.exec_driver_sql("BEGIN IMMEDIATE" if self.sqlite else "BEGIN")
        try:
            result = await work(connection)
            await connection.exec_driver_sql("COMMIT")
        except Exception:
            await _roll_back(connection)
            raise
        except BaseException:  # cancelled: nobody waits for a tidy end, and a closed connection takes back its work too
            await connection.invalidate()
            raise
        return result


async def rows(connection: AsyncConnection, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
    """Execute one statement and give its rows; none for one that returns none."""
    result = await connection.execute(statement, parameters)
    return result.all() if result.returns_rows else ()


async def _roll_back(connection: AsyncConnection) -> None:
    if connection.invalidated:
        return
    try:
        await connection.exec_driver_sql("ROLLBACK")
    except BaseException:  # SQLite may have rolled back by itself (a full disk), or PostgreSQL be gone
        await connection.invalidate()
