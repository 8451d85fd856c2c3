"""PostgreSQL, by psycopg's connections."""

from datetime import datetime

import sqlalchemy as sa
from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from rsparkhub.store.columns import UNREADABLE_TIME, read_json
from rsparkhub.store.threaded import ThreadedDatabase

_READERS = 4
_WRITERS = 2  # one executes while the other waits for the disk
#: Several transactions as one hold their locks for longer, and take them in any order. So they don't wait for what another
#: process holds, as two could wait for each other: they give way, and each is done alone.
_LONGEST_LOCK_WAIT = "SET LOCAL lock_timeout = '100ms'"
#: A server that has gone without a word is noticed within seconds, not after the two hours of TCP's own patience.
_UNTIL_LOST = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


class PostgresDatabase(ThreadedDatabase):
    """Transactions are READ COMMITTED; who needs a row to stay as it is read locks it."""

    is_sqlite = False

    def __init__(self, url: URL) -> None:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_use_lifo=True,
            pool_size=_READERS + _WRITERS,
            max_overflow=0,
            json_deserializer=read_json,
            connect_args={"application_name": "rsparkhub", "connect_timeout": 10, **_UNTIL_LOST},
        )
        sa.event.listen(engine, "connect", _prepare)
        super().__init__(
            engine, readers=_READERS, writers=_WRITERS, begin=("BEGIN",), begin_together=("BEGIN", _LONGEST_LOCK_WAIT)
        )

    def insert(self, table: sa.Table) -> Insert:
        return insert(table)


class _Moment(TimestamptzLoader):
    """Reads times of which Python has no like (`infinity`, before the year 1) without failing the rows beside them."""

    def load(self, data: Buffer) -> datetime:
        try:
            return super().load(data)
        except DataError:
            return UNREADABLE_TIME


def _prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    connection.adapters.register_loader("timestamptz", _Moment)
