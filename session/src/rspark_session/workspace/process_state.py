"""What Python has once for the whole process: environment, folder, search path, locale, decimals, logging."""

import calendar
import csv
import decimal
import gc
import locale
import logging
import os
import resource
import socket
import sys
import time
from pathlib import Path
from typing import Any

_CATEGORIES = ("LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES")
_DELETED = " (deleted)"


def _environment_at_start() -> dict[str, str]:
    """Return what this process was started with, as the kernel of the machine has it."""
    content = Path("/proc/self/environ").read_bytes()
    pairs = (os.fsdecode(entry).partition("=") for entry in content.split(b"\0") if entry)
    return {name: value for name, _, value in pairs}


def environment() -> dict[str, tuple[str | None, str | None]]:
    """Return what was changed since the start: by name, what the session had set and what there is now; None is unset."""
    start, now = _environment_at_start(), dict(os.environ)
    return {name: (start.get(name), now.get(name)) for name in start.keys() | now.keys() if start.get(name) != now.get(name)}


def set_environment(changed: dict[str, tuple[str | None, str | None]]) -> list[str]:
    """Change it again, but for what this session sets itself, and sets otherwise than the one before."""
    start = _environment_at_start()
    for name, (before, value) in changed.items():
        if start.get(name) != before:
            continue
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "TZ" in changed:
        time.tzset()
    return []


def folder() -> tuple[str, str | None]:
    """Return the working directory, and why it can't be gone back to, if it can't."""
    here = str(Path("/proc/self/cwd").readlink())
    if here.endswith(_DELETED) and not Path(here).exists():
        return here.removesuffix(_DELETED), "It was deleted while the kernel worked in it"
    return here, None


def set_folder(saved: tuple[str, str | None]) -> list[str]:
    """Go there; return why that can't be done."""
    return [entry["why"] for entry in enter_folder(saved)]


def enter_folder(saved: tuple[str, str | None]) -> list[dict[str, Any]]:
    """Go to the working directory, and return it as lost where that can't be done."""
    path, problem = saved
    try:
        os.chdir(path)
    except OSError as error:
        why = f"The working directory is not there any more: {problem or error.strerror or error}."
        return [{"name": path, "class": "folder", "why": why, "failed": False}]
    return []


def search_path() -> list[str]:
    """Return `sys.path`."""
    return list(sys.path)


def set_search_path(saved: list[str]) -> list[str]:
    """Restore the order; what only this session has comes last."""
    sys.path[:] = [*saved, *(entry for entry in sys.path if entry not in saved)]
    return []


def locale_settings() -> dict[str, str]:
    """Return the locale of each category."""
    return {name: locale.setlocale(getattr(locale, name)) for name in _CATEGORIES}


def set_locale(saved: dict[str, str]) -> list[str]:
    """Restore the locale of each category, and return those that this machine doesn't have."""
    problems = []
    for name, value in saved.items():
        try:
            locale.setlocale(getattr(locale, name), value)
        except locale.Error:
            problems.append(f"The locale {value} ({name}) is not installed here.")
    return problems


def set_recursion_limit(saved: int) -> list[str]:
    """Restore how deep calls may be nested."""
    sys.setrecursionlimit(saved)
    return []


def umask() -> int:
    """Return which rights new files don't get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def set_umask(saved: int) -> list[str]:
    """Restore it."""
    os.umask(saved)
    return []


def interpreter() -> tuple[bool, tuple[int, int, int], int]:
    """Return whether and when circles of objects are collected, and how long whole numbers may be as text."""
    return gc.isenabled(), gc.get_threshold(), sys.get_int_max_str_digits()


def set_interpreter(saved: tuple[bool, tuple[int, int, int], int]) -> list[str]:
    """Restore it."""
    enabled, threshold, digits = saved
    gc.set_threshold(*threshold)
    (gc.enable if enabled else gc.disable)()
    sys.set_int_max_str_digits(digits)
    return []


def limits() -> dict[str, Any] | None:
    """Return what this process has otherwise than who started it: limits, processors, how much nicer it is; None for none."""
    parent = os.getppid()
    changed: dict[str, Any] = {}
    for name in (name for name in dir(resource) if name.startswith("RLIMIT_")):
        number = getattr(resource, name)
        soft = resource.getrlimit(number)[0]
        try:
            before = resource.prlimit(parent, number)[0]
        except PermissionError:  # another account started it
            break
        if soft != before:
            changed[name] = soft
    try:
        processors = os.sched_getaffinity(0)
        if processors != os.sched_getaffinity(parent):
            changed["processors"] = sorted(processors)
    except OSError:
        pass
    nicer = os.getpriority(os.PRIO_PROCESS, 0) - os.getpriority(os.PRIO_PROCESS, parent)
    return changed | ({"nice": nicer} if nicer > 0 else {}) or None


def set_limits(saved: dict[str, Any]) -> list[str]:
    """Restore them, and return those that are not possible here."""
    problems = []
    for name, value in saved.items():
        if name == "nice":
            os.nice(max(0, os.getpriority(os.PRIO_PROCESS, os.getppid()) + value - os.getpriority(os.PRIO_PROCESS, 0)))
            continue
        if name == "processors":
            os.sched_setaffinity(0, set(value) & os.sched_getaffinity(0) or os.sched_getaffinity(0))
            continue
        number = getattr(resource, name)
        try:
            resource.setrlimit(number, (value, resource.getrlimit(number)[1]))
        except (OSError, ValueError):
            problems.append(f"The limit {name} can't be {value} here.")
    return problems


_DIALECTS = frozenset({"excel", "excel-tab", "unix"})
_OF_A_DIALECT = ("delimiter", "quotechar", "doublequote", "escapechar", "lineterminator", "quoting", "skipinitialspace", "strict")


def defaults() -> dict[str, Any]:
    """Return what modules of Python take where a call does not say otherwise."""
    dialects = {name: csv.get_dialect(name) for name in csv.list_dialects() if name not in _DIALECTS}
    return {
        "csv": {name: {key: getattr(dialect, key) for key in _OF_A_DIALECT} for name, dialect in dialects.items()},
        "csv field": csv.field_size_limit(),
        "socket": socket.getdefaulttimeout(),
        "switch": sys.getswitchinterval(),
        "week": calendar.firstweekday(),
    }


def set_defaults(saved: dict[str, Any]) -> list[str]:
    """Restore them."""
    for name, dialect in saved["csv"].items():
        csv.register_dialect(name, **dialect)
    csv.field_size_limit(saved["csv field"])
    socket.setdefaulttimeout(saved["socket"])
    sys.setswitchinterval(saved["switch"])
    calendar.setfirstweekday(saved["week"])
    return []


def decimal_context() -> decimal.Context:
    """Return how decimals are computed."""
    return decimal.getcontext()


def set_decimal_context(saved: decimal.Context) -> list[str]:
    """Restore how decimals are computed, in what runs now and in all that is begun later."""
    decimal.setcontext(saved)
    for name in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp"):
        setattr(decimal.DefaultContext, name, getattr(saved, name))
    return []


def logging_settings() -> dict[str, dict[str, Any]]:
    """Return levels and handlers of the loggers that have any, by their names; the root's is empty."""
    loggers: dict[str, logging.Logger] = {"": logging.getLogger()}
    loggers |= {name: item for name, item in logging.root.manager.loggerDict.items() if isinstance(item, logging.Logger)}
    found = {}
    for name, logger in loggers.items():
        if logger.level != logging.NOTSET or logger.handlers or logger.disabled or not logger.propagate:
            found[name] = {
                "level": logger.level,
                "propagate": logger.propagate,
                "disabled": logger.disabled,
                "handlers": [_described(handler) for handler in logger.handlers],
            }
    return found


def set_logging(saved: dict[str, dict[str, Any]]) -> list[str]:
    """Restore levels and handlers; return those handlers that can't be made again."""
    problems = []
    for name, settings in saved.items():
        logger = logging.getLogger(name)
        logger.setLevel(settings["level"])
        logger.propagate, logger.disabled = settings["propagate"], settings["disabled"]
        there = [_described(handler) for handler in logger.handlers]
        for description in settings["handlers"]:
            if description in there:
                continue
            handler = _made(description)
            if handler is None:
                problems.append(f"A handler of the logger {name or 'root'} ({description['class']}) has to be made again.")
            else:
                logger.addHandler(handler)
    return problems


def _described(handler: logging.Handler) -> dict[str, Any]:
    kind, place = type(handler).__name__, None
    if type(handler) is logging.FileHandler:
        place = handler.baseFilename
    elif type(handler) is logging.StreamHandler:
        place = next((name for name in ("stdout", "stderr") if handler.stream is getattr(sys, name)), None)
        place = place or next((name for name in ("stdout", "stderr") if _is_a(handler.stream, name)), None)
    formatter = handler.formatter
    style = (formatter._fmt, formatter.datefmt) if formatter is not None and type(formatter) is logging.Formatter else None
    return {"class": kind, "place": place, "level": handler.level, "style": style}


def _is_a(stream: Any, name: str) -> bool:
    """Return whether a stream is of this name: what is printed behind a person's back goes elsewhere meanwhile."""
    return getattr(stream, "name", None) in (name, f"<{name}>")


def _made(description: dict[str, Any]) -> logging.Handler | None:
    place = description["place"]
    handler: logging.Handler | None = None
    if description["class"] == "FileHandler":
        handler = logging.FileHandler(place)
    elif description["class"] == "StreamHandler" and place:
        handler = logging.StreamHandler(getattr(sys.modules["__main__"], f"_{place}", None) or getattr(sys, f"__{place}__"))
    if handler is not None:
        handler.setLevel(description["level"])
        if description["style"]:
            handler.setFormatter(logging.Formatter(*description["style"]))
    return handler
