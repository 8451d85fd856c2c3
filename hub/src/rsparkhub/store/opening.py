"""From a URL to a database."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.store.database import Database
from rsparkhub.store.on_postgres import PostgresDatabase
from rsparkhub.store.on_sqlite import SqliteDatabase

_KINDS: dict[str, type[PostgresDatabase] | type[SqliteDatabase]] = {
    "sqlite": SqliteDatabase,
    "postgresql": PostgresDatabase,
    "postgres": PostgresDatabase,
}


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


def connect(url: URL) -> Database:
    """Make the database; the first connection is made when it is first used."""
    return _KINDS[url.drivername](url)
