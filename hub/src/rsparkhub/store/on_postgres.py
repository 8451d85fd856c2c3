"""PostgreSQL, by psycopg's asynchronous connections."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from rsparkhub.store.database import AnyRow, Connection, Database, Parameters
from rsparkhub.store.failures import lost_race, unavailable

_TRIES = 5  # how often a transaction that the server ended for a deadlock is tried

T = TypeVar("T")


class PostgresDatabase(Database):
    """Transactions are READ COMMITTED; who needs a row to stay as it is read locks it."""

    is_sqlite = False

    def __init__(self, url: URL) -> None:
        # A ping before use costs little, and after a restart of the server nobody sees an error.
        self._engine = create_async_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_pre_ping=True,
            pool_use_lifo=True,
            pool_size=5,
            max_overflow=10,
            connect_args={"application_name": "rsparkhub", "connect_timeout": 10},
        )

    async def prepare(self, work: Callable[[sa.Connection], None]) -> None:
        async with self._engine.connect() as connection:
            await connection.run_sync(work)

    async def read(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await self._connected(lambda connection: _On(connection).rows(statement, parameters))

    async def change(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        return await self.read(statement, parameters)

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return await self._connected(lambda connection: _transaction(connection, work))
            except DBAPIError as error:
                if not lost_race(error):
                    raise
        return await self._connected(lambda connection: _transaction(connection, work), races=False)

    def insert(self, table: sa.Table) -> Insert:
        return insert(table)

    async def close(self) -> None:
        await self._engine.dispose()

    async def _connected(self, work: Callable[[AsyncConnection], Awaitable[T]], *, races: bool = True) -> T:
        """Call `work`; a lost race is raised to the caller, who tries again, where `races` is true."""
        try:
            async with self._engine.connect() as connection:
                return await work(connection)
        except (DBAPIError, PoolTimeout) as error:
            if races and isinstance(error, DBAPIError) and lost_race(error):
                raise
            sentence = unavailable(error)
            if sentence is None:
                raise
            raise sentence from error


class _On:
    """An asynchronous connection as the `Connection` of a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        result = await self._connection.execute(statement, parameters)
        return result.all() if result.returns_rows else ()


async def _transaction(connection: AsyncConnection, work: Callable[[Connection], Awaitable[T]]) -> T:
    await connection.exec_driver_sql("BEGIN")
    try:
        result = await work(_On(connection))
        await connection.exec_driver_sql("COMMIT")
    except Exception:
        await _roll_back(connection)
        raise
    except BaseException:  # cancelled: nobody waits for a tidy end, and a connection that is closed takes its work back too
        await connection.invalidate()
        raise
    return result


async def _roll_back(connection: AsyncConnection) -> None:
    if connection.invalidated:
        return
    try:
        await connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:  # the server is gone, and the transaction with it; the first error counts
        await connection.invalidate()
