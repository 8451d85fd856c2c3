"""Types of columns that mean the same on SQLite and on PostgreSQL.

What is read may be of an older version, or damaged: SQLite puts anything into any column. A value that can't be read never takes
the rows beside it along: in its place stands one that is recognized (`UNREADABLE`, `UNREADABLE_TIME`), and the log has a line.
"""

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from rsparkhub.log_context import log_once

log = logging.getLogger(__name__)

#: Stands for a time that can't be read, or that no version writes; whatever was to end then has ended.
UNREADABLE_TIME = datetime(2000, 1, 1, tzinfo=UTC)
#: Stands for a document that can't be read.
UNREADABLE = object()

_YEARS = range(2000, 2200)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite, which has no time zones, keeps it as text that sorts as time does."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time in the store has a time zone, and {value!r} has none")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)
        if utc.year not in _YEARS:
            raise ValueError(f"it is in the year {utc.year}")
        return utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _tolerant(super().result_processor(dialect, coltype), "time", UNREADABLE_TIME)


class Words(TypeDecorator[str]):
    """Any text, also what a log line or a stranger's request may hold.

    PostgreSQL keeps no NUL character, and neither database keeps half of a surrogate pair: both become U+FFFD.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None or type(value) is str:
            return value
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class Flag(TypeDecorator[bool]):
    """True or false; what is neither is false."""

    impl = sa.Boolean
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return lambda value: value is True or (type(value) is int and value == 1)


class Document(TypeDecorator[Any]):
    """JSON data. PostgreSQL's `json` and not `jsonb`, which refuses a NUL that a program may have printed.

    Halves of surrogate pairs, which JSON can write and no answer can hold, become U+FFFD.
    """

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return _storable(value, 0)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _tolerant(super().result_processor(dialect, coltype), "document", UNREADABLE)


def read_json(text: str) -> Any:
    """Return the value in a JSON text; `UNREADABLE` when there is none. psycopg calls it before any column's type is known."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        log_once(log, f"document {text[:60]!r}", "A document in the store can't be read (%.60r): %.200s", text, error)
        return UNREADABLE


def _tolerant(process: Callable[[Any], Any] | None, what: str, otherwise: object) -> Callable[[Any], Any] | None:
    if process is None:
        return None

    def read(value: Any) -> Any:
        try:
            return process(value)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            log_once(log, f"{what} {str(value)[:60]!r}", "A %s in the store can't be read (%.60r): %.200s", what, value, error)
            return otherwise

    return read


_DEEPEST = 64


def _storable(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    if type(value) is str:
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if type(value) is dict:
        return {_storable(key, depth + 1): _storable(item, depth + 1) for key, item in value.items()}
    if type(value) is list:
        return [_storable(item, depth + 1) for item in value]
    return value
