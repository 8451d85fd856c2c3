"""From a URL to an engine that is ready to be used."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from rsparkhub.domain.errors import InstallationProblem

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_BUSY_SECONDS = 10  # how long SQLite waits for another process's transaction

# WAL lets readers read while one writes. FULL syncs each transaction: what the hub has answered survives a power cut.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
)


def database_url(text: str) -> URL:
    """Read `sqlite:///PATH` or `postgresql://…`.

    Raises
    ------
    InstallationProblem
        When it is neither.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    kind = url.drivername.partition("+")[0] if url else ""
    if url is None or kind not in _DRIVERS:
        raise InstallationProblem(
            "The setting store_url is not a database that RSparkHub knows. Write sqlite:///PATH or postgresql://USER@HOST/NAME."
        )
    if kind == "sqlite" and (not url.database or not Path(url.database).is_absolute()):
        raise InstallationProblem("The setting store_url needs the full path of the file: sqlite:////absolute/path.sqlite.")
    return url.set(drivername=_DRIVERS[kind])


def make_engine(url: URL) -> AsyncEngine:
    """Make an engine whose connections are in autocommit; `Database` begins and ends transactions."""
    if url.drivername.startswith("postgresql"):
        # A ping before use costs little, and after a restart of the server nobody sees an error.
        return create_async_engine(
            url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, pool_pre_ping=True, pool_use_lifo=True,
            pool_size=5, max_overflow=10, connect_args={"application_name": "rsparkhub", "connect_timeout": 10},
        )  # fmt: skip
    _make_file(Path(str(url.database)))
    engine = create_async_engine(
        url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, pool_use_lifo=True, pool_size=4, max_overflow=4,
        connect_args={"timeout": _BUSY_SECONDS},
    )  # fmt: skip
    sa.event.listen(engine.sync_engine, "connect", _prepare)
    return engine


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
    cursor: Any = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
