"""From a URL to a database and its notifier."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.store.database import Database
from rsparkhub.store.notifier import Notifier, NullNotifier, SocketNotifier
from rsparkhub.store.on_sqlite import BUSY, SqliteDatabase

_KINDS = frozenset({"sqlite", "postgresql", "postgres"})


def read_url(text: str) -> URL:
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
    if url is None or url.drivername not in _KINDS:
        raise InstallationProblem(
            "The setting store_url is not a database that RSparkHub knows. "
            "Write sqlite:////full/path.sqlite or postgresql://USER@HOST/NAME."
        )
    if url.drivername == "sqlite" and not Path(url.database or "").is_absolute():
        raise InstallationProblem("The setting store_url needs the full path of the file: sqlite:////full/path.sqlite.")
    return url


def connect(url: URL, notify_dir: Path | None, *, busy: timedelta = BUSY) -> tuple[Database, Notifier]:
    """Return the database and its notifier; the first connection is made when the database is first used.

    What PostgreSQL needs is only read for PostgreSQL: it would be a fifth of the memory of a hub on SQLite.
    """
    in_folder = SocketNotifier(notify_dir) if notify_dir is not None else None
    if url.drivername == "sqlite":
        return SqliteDatabase(url, busy=busy), in_folder or NullNotifier()
    from rsparkhub.store.on_postgres import PostgresDatabase  # noqa: PLC0415
    from rsparkhub.store.postgres_notifier import PostgresNotifier  # noqa: PLC0415

    database = PostgresDatabase(url)
    return database, PostgresNotifier(database, url, in_folder)
