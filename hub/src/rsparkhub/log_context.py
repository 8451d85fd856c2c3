"""Which request, user and session a log line is about: written on every line, without each call of the log naming them.

What is bound holds for the task that binds it and for the tasks that it starts, as `contextvars` do.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

FIELDS = ("request", "user", "session")
_bound: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039  replaced as a whole, never changed
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_MOST_LETTERS = 64

#: What a terminal might obey in a line; a line that goes on is indented, so that none begins as a record of its own does.
_OBEYED = re.compile("[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_MOST_REMEMBERED = 1000
_logged: OrderedDict[str, None] = OrderedDict()

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s%(context)s"


def bind(**fields: str | None) -> None:
    """Set fields for all that this task logs from now on. A field that is None is left as it is.

    Parameters
    ----------
    **fields
        `request`, `user` or `session`; letters that a terminal might obey are replaced.
    """
    _bound.set(_bound.get() | {name: _printable(value) for name, value in fields.items() if value is not None})


@contextmanager
def bound(**fields: str | None) -> Iterator[None]:
    """Bind fields for the time inside."""
    before = _bound.get()
    bind(**fields)
    try:
        yield
    finally:
        _bound.set(before)


def value_of(name: str) -> str | None:
    """Return what is bound, None for nothing."""
    return _bound.get().get(name)


class ContextFilter(logging.Filter):
    """Puts what is bound on each record: as attributes `request`, `user` and `session`, and together as `context`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True: no record is dropped."""
        fields = _bound.get()
        for name in FIELDS:
            setattr(record, name, fields.get(name))
        told = " ".join(f"{name}={fields[name]}" for name in FIELDS if name in fields)
        record.context = f" [{told}]" if told else ""
        return True


def log_once(logger: logging.Logger, key: str, message: str, *values: object) -> None:
    """Log an error that comes again with each look at the same thing: once for each key, in this process.

    The last thousand keys are remembered.
    """
    if key in _logged:
        _logged.move_to_end(key)
        return
    _logged[key] = None
    if len(_logged) > _MOST_REMEMBERED:
        _logged.popitem(last=False)
    logger.error(message, *values)


class _TextFormatter(logging.Formatter):
    """Writes a record for people: what a session or a stranger wrote into it moves no cursor, and looks like no other record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base's name
        return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", super().formatMessage(record)).replace("\n", "\n  ")


def configure(*, level: str, form: Literal["text", "json"]) -> None:
    """Set how this process logs: to stderr, one line a record, with what is bound.

    Parameters
    ----------
    level
        `debug`, `info`, `warning` or `error`.
    form
        `text` for people, `json` for programs that collect logs.
    """
    handler = logging.StreamHandler()
    handler.addFilter(ContextFilter())
    handler.setFormatter(_TextFormatter(_TEXT) if form == "text" else _json_formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each call says nothing


def _json_formatter() -> logging.Formatter:
    names = ("asctime", "levelname", "name", "message", *FIELDS)
    renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
    return JsonFormatter(" ".join(f"%({name})s" for name in names), rename_fields=renamed, json_ensure_ascii=True)


def _printable(value: str) -> str:
    return _UNPRINTABLE.sub("?", value)[:_MOST_LETTERS]
