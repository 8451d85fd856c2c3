"""What PostgreSQL holds for this session: asked of its system catalogs, with the account that libpq finds in the environment."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import errors, sql

from rspark_session.rc2 import protocol
from rspark_session.rc2.refusal import Refusal

#: Entries of one answer.
MOST = 10_000
_CONNECTING = 10  # seconds, as libpq counts them
_CROWDED = 5.0
_STATEMENT = 10_000  # milliseconds that a query may take
_WHOLE = 15.0  # seconds that a question may take here: a server that hangs ends no query by itself
#: Connections that are open at a time: an account has few, and they are for the person's code.
_AT_ONCE = asyncio.Semaphore(2)
_OPTIONS = {
    "statement_timeout": f"{_STATEMENT}",
    "lock_timeout": "2000",
    "default_transaction_read_only": "on",
    "synchronize_seqscans": "off",  # pages follow each other in one order
    "max_parallel_workers_per_gather": "0",  # and so do the rows of those
}

_DATABASES = """
SELECT datname FROM pg_database
WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT')
  AND (datname <> 'postgres' OR datname = current_database())
ORDER BY datname <> current_database(), datname LIMIT %s
"""
_SCHEMAS = """
SELECT n.nspname, (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))
FROM pg_namespace n
WHERE has_schema_privilege(n.oid, 'USAGE') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname <> 'public', n.nspname LIMIT %s
"""
_TABLES = """
SELECT c.relname, c.relkind IN ('v', 'm') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
ORDER BY c.relname LIMIT %s
"""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, coalesce(a.attnum = ANY (i.indkey), false)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum LIMIT %s
"""


def is_there(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the session has PostgreSQL."""
    return bool(environ.get("PGHOST"))


def connection() -> protocol.Connection:
    """Return what a client is told of it."""
    return protocol.Connection(
        service="postgres",
        title="PostgreSQL",
        address=f"{os.environ.get('PGHOST', '')}:{os.environ.get('PGPORT', '5432')}",
        account=own_database(),
    )


def own_database() -> str:
    """Return the database that is meant where none is named."""
    return os.environ.get("PGDATABASE") or os.environ.get("PGUSER", "")


async def catalog(path: tuple[str, ...]) -> protocol.Catalog:
    """Return what is at a place; raise `Refusal` when the server doesn't say."""
    async with connected(path[0] if path else own_database()) as server:
        match path:
            case ():
                rows = await _all(server, _DATABASES, MOST + 1)
                found = [protocol.CatalogEntry(name=name, kind="database") for (name,) in rows]
            case (_,):
                rows = await _all(server, _SCHEMAS, MOST + 1)
                found = [protocol.CatalogEntry(name=name, kind="schema", detail=str(tables)) for name, tables in rows]
            case (_, schema):
                rows = await _all(server, _TABLES, schema, MOST + 1)
                found = [protocol.CatalogEntry(name=name, kind="view" if is_view else "table") for name, is_view in rows]
            case (_, schema, table, *_):
                rows = await _all(server, _COLUMNS, schema, table, MOST + 1)
                found = [
                    protocol.CatalogEntry(name=name, kind="column", detail=kind + (" not null" if needed else ""), key=key)
                    for name, kind, needed, key in rows
                ]
                if not found:
                    raise Refusal("This table is not there any more. Refresh the list.")
    return protocol.Catalog(entries=tuple(found[:MOST]), more=len(found) > MOST)


@asynccontextmanager
async def connected(database: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection to a database, on which nothing can be changed; what fails is a `Refusal`."""
    if not is_there():
        raise Refusal("This session has no PostgreSQL.")
    options = " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items())
    try:
        async with asyncio.timeout(_WHOLE), _AT_ONCE:
            server = await _connect(database, options)
            try:
                yield server
            finally:
                await server.close()  # no rollback: a server that hangs would not answer to it
    except psycopg.Error as problem:
        raise Refusal(_sentence(problem, database)) from problem
    except UnicodeError as problem:
        raise Refusal("A name of this database is not UTF-8, and can't be shown.") from problem
    except TimeoutError as problem:
        raise Refusal(
            f"PostgreSQL took longer than {_WHOLE:.0f} s for this. Try again in a moment, or ask for less."
        ) from problem


def named(*names: str) -> sql.Composable:
    """Return a name as a query with values has it: quoted, and with each % twice."""
    return sql.SQL(sql.Identifier(*names).as_string().replace("%", "%%"))


async def _connect(database: str, options: str) -> psycopg.AsyncConnection[Any]:
    """Open a connection; where all are in use wait a moment, since one that was closed is counted until its process has ended."""
    deadline = time.monotonic() + _CROWDED
    while True:
        try:
            return await psycopg.AsyncConnection.connect(
                dbname=database,
                connect_timeout=_CONNECTING,
                options=options,
                application_name="Rc² connections",
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=15_000,
            )
        except psycopg.OperationalError as problem:
            if "too many connections" not in str(problem) or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def _all(server: psycopg.AsyncConnection[Any], query: Any, *values: object) -> list[Any]:
    return await (await server.execute(query, values)).fetchall()


_GONE = "This table is not there any more, or has other columns now. Refresh the list."
_SENTENCES: Sequence[tuple[type[psycopg.Error], str]] = (
    (errors.QueryCanceled, f"PostgreSQL took longer than {_STATEMENT // 1000} s for this. Try again, or ask for less."),
    (errors.LockNotAvailable, "This table is locked by a transaction. Try again when it has ended."),
    (errors.UndefinedTable, _GONE),
    (errors.InvalidSchemaName, _GONE),
    (errors.UndefinedColumn, _GONE),
)
#: What a server or libpq says where there is no connection, without a code that psycopg would know.
_UNCONNECTED: Sequence[tuple[str, str]] = (
    ("does not exist", "There is no database {database} any more. Refresh the list."),
    ("permission denied", "The database {database} is someone else’s."),
    ("no pg_hba", "The database {database} is someone else’s."),
    ("too many connections", "All connections that you may have to PostgreSQL are in use. Close one of them, and try again."),
    ("connection slots", "All connections that PostgreSQL has are in use. Try again in a moment."),
    ("", "PostgreSQL does not answer. Try again in a moment; if it stays so, tell the administrator of this hub."),
)


def _sentence(problem: psycopg.Error, database: str) -> str:
    """Return what a person can do about an error."""
    for kind, sentence in _SENTENCES:
        if isinstance(problem, kind):
            return sentence
    message = " ".join((problem.diag.message_primary or str(problem)).split())
    if isinstance(problem, psycopg.OperationalError) and problem.sqlstate is None:
        return next(sentence for sign, sentence in _UNCONNECTED if sign in message).format(database=database)
    return f"PostgreSQL says: {message}."
