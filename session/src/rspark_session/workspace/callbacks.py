"""Functions that cells gave to IPython and Python: for events, for how results are shown, for what becomes of code and errors."""

import builtins
import sys
from typing import Any

from rspark_session.workspace.namespace import shell

_LISTS = ("input_transformers_cleanup", "input_transformers_post", "ast_transformers")
_LISTS_OF_PYTHON = ("meta_path", "path_hooks")


def registered() -> dict[str, Any]:
    """Return them by names that say what they are for: `event post_run_cell 0`."""
    found: dict[str, Any] = {}
    ip = shell()
    for event, functions in ip.events.callbacks.items():
        mine = [function for function in functions if _is_persons(function)]
        found |= {f"event:{event}:{number}": function for number, function in enumerate(mine)}
    for format_, formatter in ip.display_formatter.formatters.items():
        for number, (type_, function) in enumerate(formatter.type_printers.items()):
            if _is_persons(function):
                found[f"formatter:{format_}:{number}"] = (type_, function)
        for (module, name), function in formatter.deferred_printers.items():
            if _is_persons(function):
                found[f"formatter by name:{format_}:{module}.{name}"] = (module, name, function)
    for name in _LISTS:
        mine = [item for item in getattr(ip, name) if _is_persons(item)]
        found |= {f"{name}:{number}": item for number, item in enumerate(mine)}
    if ip.custom_exceptions and _is_persons(_handler_of(ip)):
        found["error handler:"] = (ip.custom_exceptions, _handler_of(ip))
    for name in _LISTS_OF_PYTHON:
        found |= {f"sys.{name}:{number}": item for number, item in enumerate(getattr(sys, name)) if _is_of_cells(item)}
    found |= {f"builtins:{name}": value for name, value in vars(builtins).items() if _is_of_cells(value)}
    numpy = sys.modules.get("numpy")
    if numpy is not None and _is_persons(numpy.geterrcall()):
        found["numpy's error handler:"] = numpy.geterrcall()
    return found


def register(name: str, value: Any) -> None:
    """Give one to IPython again."""
    ip = shell()
    kind, _, more = name.partition(":")
    match kind:
        case "event":
            ip.events.register(more.partition(":")[0], value)
        case "formatter":
            type_, function = value
            ip.display_formatter.formatters[more.rpartition(":")[0]].for_type(type_, function)
        case "formatter by name":
            module, type_name, function = value
            ip.display_formatter.formatters[more.partition(":")[0]].for_type_by_name(module, type_name, function)
        case "error handler":
            ip.set_custom_exc(*value)
        case "numpy's error handler":
            sys.modules["numpy"].seterrcall(value)
        case "builtins":
            setattr(builtins, more, value)
        case _ if kind.removeprefix("sys.") in _LISTS_OF_PYTHON:
            entries = getattr(sys, kind.removeprefix("sys."))
            entries.insert(min(int(more), len(entries)), value)
        case _ if kind in _LISTS:
            getattr(ip, kind).append(value)


def _is_of_cells(value: Any) -> bool:
    """Return whether a function, a class or an object was made by a cell."""
    return value.__module__ == "__main__" if isinstance(value, type) else _is_persons(value)


def _is_persons(function: Any) -> bool:
    """Return whether a function, or an object's class, was made by a cell."""
    inner = getattr(function, "__func__", function)
    space = getattr(inner, "__globals__", None)
    return space is shell().user_ns or (space is None and type(function).__module__ == "__main__")


def _handler_of(ip: Any) -> Any:
    """Return the function that handles errors, which IPython has wrapped in one of its own."""
    wrapper = getattr(ip.CustomTB, "__func__", ip.CustomTB)
    cells = dict(zip(wrapper.__code__.co_freevars, wrapper.__closure__ or (), strict=True))
    return cells["handler"].cell_contents if "handler" in cells else None
