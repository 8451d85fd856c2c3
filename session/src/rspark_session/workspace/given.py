"""What cells gave to modules: functions, classes and objects of theirs in a module's tables, in its hooks, in its classes.

A table (`copyreg.dispatch_table`, `sqlite3.converters`, `gc.callbacks`) and a hook (`sys.unraisablehook`) are there to be given
something: it is kept. A function that stands in the place of a module's own is not, and is named.
"""

import _abc  # type: ignore[import-not-found]  # a part of CPython
import atexit
import codecs
import encodings
import functools
import gc
import importlib
import sys
from abc import ABCMeta
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from rspark_session.workspace.objects import is_persons
from rspark_session.workspace.unsaveable import described, kind_of
from rspark_session.workspace.watchdog import OutOfTime, Watchdog


class Given(NamedTuple):
    """One of it. `key` is its place in a table: a key of a dictionary, or a number."""

    module: str
    name: str
    value: Any
    key: Any = None


class AllGiven(NamedTuple):
    """All of it: entries of tables, hooks, functions in the place of others, members of classes, classes of an abstract class.

    `unread` are the modules that could not be searched, and hooks that could not be looked at, and why.
    """

    entries: list[Given]
    hooks: list[Given]
    replaced: list[Given]
    members: list[Given]
    registered: list[Given]
    unread: dict[str, str]


#: Hooks that are a module's variables, and what stands in them by itself where that has another name.
HOOKS = {
    ("sys", "unraisablehook"): "__unraisablehook__",
    ("sys", "breakpointhook"): "__breakpointhook__",
    ("threading", "excepthook"): "__excepthook__",
    ("warnings", "showwarning"): "_showwarning_orig",
    ("warnings", "formatwarning"): "_formatwarning_orig",
    ("logging", "_logRecordFactory"): "LogRecord",
    ("logging", "_loggerClass"): "Logger",
    ("ssl", "_create_default_https_context"): "create_default_context",
}
_OF_THE_KERNEL = frozenset({"__main__", "__mp_main__", "ipykernel", "IPython", "rspark_session"})
#: Their tables hold what runs, what is remembered to be quick, or what is saved in another way.
_NO_TABLES = _OF_THE_KERNEL | {
    *("abc", "asyncio", "builtins", "cloudpickle", "comm", "concurrent", "debugpy", "decorator", "dill", "functools", "inspect"),
    *("jupyter_client", "linecache", "matplotlib_inline", "multiprocessing", "py4j", "pyspark", "threading", "_threading_local"),
    *("tornado", "traitlets", "typing", "weakref", "zmq"),
}
#: Members of a class that lead to a function or a class, by their types: what is asked in another way may import something.
_LEADS_TO: dict[Any, str] = {staticmethod: "__func__", classmethod: "__func__", property: "fget", cached_property: "func"}
_ACCESSORS = ("CachedAccessor", "Accessor")  # of pandas, by version
_PLAIN = frozenset({str, int, float, bool, type(None), bytes, complex})


def find(space: dict[str, Any], watchdog: Watchdog) -> AllGiven:
    """Return what was made in the namespace `space` and is in modules that are not the person's own."""
    found = AllGiven([], [], [], [], [], {})
    looked_at = 0

    def unread(problem: BaseException) -> None:
        found.unread["modules"] = described(problem)

    with watchdog.guarding(unread, progress=lambda: looked_at):
        for looked_at in _find(space, found):  # noqa: B007  (the progress)
            pass
    return found


def _find(space: dict[str, Any], found: AllGiven) -> Iterator[int]:
    """Find it all, and yield after each module how many were searched."""
    tables: set[int] = set()
    for number, (name, module) in enumerate(list(sys.modules.items())):
        yield number
        try:
            content = getattr(module, "__dict__", None)
            if name.partition(".")[0] not in _OF_THE_KERNEL and type(content) is dict and not is_persons(name):
                _search(name, content, space, found, tables)
        except OutOfTime:
            raise
        except BaseException as problem:  # whatever the objects of a library say to being looked at, or that they take no end
            found.unread[name] = described(problem)
    for (name, attribute), own in HOOKS.items():
        try:
            if name in sys.modules and (given := _hook(name, attribute, own, space)):
                found.hooks.append(given)
        except OutOfTime:
            raise
        except BaseException as problem:  # whatever an object that was given says to being looked at
            found.unread[f"{name}.{attribute}"] = described(problem)


def _search(name: str, content: dict[str, Any], space: dict[str, Any], found: AllGiven, tables: set[int]) -> None:
    """Search a module. Objects are asked for their type alone: some that stand for others make them when asked for more."""
    searched = name.partition(".")[0] not in _NO_TABLES
    for attribute, value in list(content.items()):
        kind = type(value)
        if kind in _PLAIN:
            continue
        if kind is FunctionType:
            if value.__globals__ is space:
                hook = (name, attribute) in HOOKS
                (found.hooks if hook else found.replaced).append(Given(name, attribute, value))
        elif issubclass(kind, type):
            if value.__module__ == name:
                _find_members(name, attribute, value, space, found)
                if kind is ABCMeta:
                    _find_registered(name, attribute, value, found)
        elif searched and issubclass(kind, (dict, list)) and attribute != "__builtins__" and id(value) not in tables:
            tables.add(id(value))
            _find_entries(name, attribute, value, space, found)


def _hook(module: str, attribute: str, own: str, space: dict[str, Any]) -> Given | None:
    content = vars(sys.modules[module])
    value = content.get(attribute)
    if value is None or value is content.get(own) or getattr(value, "__globals__", None) is space:
        return None
    return Given(module, attribute, value) if is_made(value, space) or getattr(value, "__module__", "") == module else None


def _find_members(module: str, name: str, class_: type, space: dict[str, Any], found: AllGiven) -> None:
    for key, member in vars(class_).items():
        kind = type(member)
        if kind is FunctionType:
            if member.__globals__ is space:
                found.replaced.append(Given(module, f"{name}.{key}", member))
        elif kind not in _PLAIN and _is_added(member, kind, space):
            found.members.append(Given(module, f"{name}.{key}", member))


def _find_registered(module: str, name: str, class_: Any, found: AllGiven) -> None:
    """Find classes of cells that were given to an abstract class by its `register`."""
    for reference in _abc._get_dump(class_)[0]:
        registered = reference()
        if registered is not None and registered.__module__ == "__main__":
            found.registered.append(Given(module, name, registered))


def _is_added(member: Any, kind: type, space: dict[str, Any]) -> bool:
    """Return whether a member of a class was made by a cell: a property, a class, an accessor of pandas."""
    name = _LEADS_TO.get(kind) or ("_accessor" if kind.__name__ in _ACCESSORS else None)
    inner = getattr(member, name, None) if name else member
    if type(inner) is FunctionType:
        return inner.__globals__ is space
    return issubclass(type(inner), type) and inner.__module__ == "__main__"


def _find_entries(module: str, name: str, table: Any, space: dict[str, Any], found: AllGiven) -> None:
    for key, value in list(table.items() if issubclass(type(table), dict) else enumerate(table)):
        kind = type(value)
        if kind in _PLAIN:
            continue
        if kind is tuple:
            made = any(type(part) not in _PLAIN and is_made(part, space) for part in value)
        else:
            made = is_made(value, space)
        if made:
            found.entries.append(Given(module, name, value, key))


def is_made(value: Any, space: dict[str, Any]) -> bool:
    """Return whether a function, a class or an object was made by a cell, and can be kept."""
    kind = type(value)
    if kind is FunctionType:
        return value.__globals__ is space
    if kind is MethodType:
        return is_made(value.__func__, space)
    if kind is functools.partial:
        return is_made(value.func, space)
    if issubclass(kind, type):
        return bool(value.__module__ == "__main__")
    return kind.__module__ == "__main__" and kind_of(value) is None


def give(module: str, name: str, value: Any, key: Any) -> None:
    """Give it to the module again."""
    table = getattr(importlib.import_module(module), name)
    if isinstance(table, dict):
        table[key] = value
    elif value not in table:
        table.insert(min(key, len(table)), value)


def codecs_given(space: dict[str, Any]) -> dict[str, Any]:
    """Return what was given to `codecs.register_error` by name, and to `codecs.register` by number.

    Python has no list of either. It holds them beside its own, by which they are found.
    """
    strict, search = codecs.lookup_error("strict"), encodings.search_function
    found: dict[str, Any] = {}
    for holder in gc.get_referrers(strict, search):
        if type(holder) is dict and holder.get("strict") is strict and "surrogateescape" in holder:
            found |= {f"error:{name}": value for name, value in holder.items() if is_made(value, space)}
        elif type(holder) is list and search in holder:
            found |= {f"search:{number}": value for number, value in enumerate(holder) if is_made(value, space)}
    return found


def at_exit(space: dict[str, Any]) -> Iterator[Any]:
    """Yield the functions that wait for the end of the process; Python has no list of them, and compares them when asked to."""

    class Probe:
        """Equal to none, and told of all."""

        met: list[Any] = []  # noqa: RUF012

        def __eq__(self, other: object) -> bool:
            self.met.append(other)
            return False

        __hash__ = None  # type: ignore[assignment]

    atexit.unregister(Probe())  # type: ignore[arg-type]
    yield from (function for function in Probe.met if is_made(function, space))
