"""What a database's error means, in a sentence."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from rsparkhub.domain.errors import Unavailable

_DEADLOCK = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_FULL = "The disk that holds RSparkHub's data is full, so nothing was changed. Make room on it, then try again."
_BUSY = "RSparkHub's data are in use by another program for too long, so nothing was changed. Try again in a moment."
_UNREADABLE = (
    "RSparkHub can't read or write its data, so nothing was changed. Check that the disk of the data folder is mounted, "
    "writable and healthy, then try again."
)
_DAMAGED = (
    "RSparkHub's data are damaged: the file is not a database that it can read. "
    "Put back the last backup of rsparkhub.sqlite, or start with an empty data folder."
)
_AWAY = (
    "RSparkHub's database does not answer. Check that PostgreSQL runs and that the setting store_url names it, then try again."
)
_CROWDED = "RSparkHub's database has no connection left. Try again in a moment, or raise PostgreSQL's max_connections."

_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_IOERR: _UNREADABLE,
    sqlite3.SQLITE_READONLY: _UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: _UNREADABLE,
    sqlite3.SQLITE_PERM: _UNREADABLE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_POSTGRES = {"53100": _FULL, "53300": _CROWDED, **dict.fromkeys(_DEADLOCK, _BUSY)}
# A write that the system refuses for its size (a limit, a quota) is a full disk to whoever reads it.
_SQLITE_FULL_TOO = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_FSYNC})


def lost_race(error: DBAPIError) -> bool:
    """Return whether the transaction only has to be done again."""
    return getattr(error.orig, "sqlstate", None) in _DEADLOCK


def unavailable(error: DBAPIError) -> Unavailable | None:
    """Return the error as a sentence; None when the database works and refused the statement itself."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    sentence = _of_postgres(error) if code is None else _of_sqlite(code)
    return None if sentence is None else Unavailable(sentence)


def _of_sqlite(code: int) -> str | None:
    return _FULL if code in _SQLITE_FULL_TOO else _SQLITE.get(code & 0xFF)


def _of_postgres(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    if state in _POSTGRES:
        return _POSTGRES[state]
    return _AWAY if isinstance(error, OperationalError | InterfaceError) else None
