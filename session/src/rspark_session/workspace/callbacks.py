"""Functions that cells gave to IPython and Python: for events, for how results are shown, for what becomes of code and errors."""

import asyncio
import builtins
import codecs
import importlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from rspark_session.workspace import given, library_state
from rspark_session.workspace.namespace import shell

_LISTS = ("input_transformers_cleanup", "input_transformers_post", "ast_transformers")
_LISTS_OF_PYTHON = ("meta_path", "path_hooks")  # as versions before this one saved them


def of_modules(all_given: given.AllGiven) -> dict[str, Any]:
    """Return those that were found in modules, by names that say what they are for."""
    found: dict[str, Any] = {f"hook:{each.module}.{each.name}": each.value for each in all_given.hooks}
    for number, each in enumerate(all_given.entries):
        found[f"entry:{each.module}.{each.name}:{number}"] = (each.module, each.name, each.value, each.key)
    for number, each in enumerate(all_given.registered):
        found[f"class of:{each.module}.{each.name}:{number}"] = each.value
    return found


def of_python() -> dict[str, Any]:
    """Return those that are in no variable of a module."""
    space = shell().user_ns
    found: dict[str, Any] = {f"codec:{name}": value for name, value in given.codecs_given(space).items()}
    for number in signal.valid_signals() - {signal.SIGINT, signal.SIGALRM}:
        handler: Any = signal.getsignal(number)
        if given.is_made(handler, space):
            found[f"signal:{number:d}"] = handler
    loggers = {name: item for name, item in logging.root.manager.loggerDict.items() if isinstance(item, logging.Logger)}
    for name, logger in {"": logging.root, **loggers}.items():
        mine = [item for item in logger.filters if given.is_made(item, space)]
        found |= {f"logging filter:{name}:{place}": item for place, item in enumerate(mine)}
    try:
        handler = asyncio.get_running_loop().get_exception_handler()
    except RuntimeError:
        handler = None
    if given.is_made(handler, space):
        found["asyncio's error handler:"] = handler
    found |= _of_asyncio(space)
    found |= {f"colormap:{name}": item for name, item in library_state.colormaps().items()}
    mine = [item for item in library_state.types_of_pandas() if given.is_made(item, space)]
    found |= {f"type of pandas:{place}": item for place, item in enumerate(mine)}
    found |= {f"pandas option:{name}": function for name, function in library_state.functions_of_pandas().items()}
    if formatters := library_state.numpy_formatters():
        found["numpy's formatters:"] = formatters
    return found


def _of_asyncio(space: dict[str, Any]) -> dict[str, Any]:
    """Return what makes asyncio's tasks and loops."""
    found = {}
    try:
        factory = asyncio.get_running_loop().get_task_factory()
    except RuntimeError:
        factory = None
    for name, value in (("factory", factory), ("policy", asyncio.get_event_loop_policy())):
        if given.is_made(value, space):
            found[f"asyncio's {name}:"] = value
    return found


def of_ipython() -> dict[str, Any]:
    """Return those that IPython has: `event:post_run_cell:0`."""
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
    found |= _in_lists(ip)
    if ip.custom_exceptions and _is_persons(_handler_of(ip)):
        found["error handler:"] = (ip.custom_exceptions, _handler_of(ip))
    for name, instance in ip.magics_manager.registry.items():
        if type(instance).__module__ == "__main__":
            found[f"magics:{name}"] = type(instance)
    kernel = getattr(ip, "kernel", None)
    targets = getattr(getattr(kernel, "comm_manager", None), "targets", {})
    found |= {f"comm:{name}": function for name, function in targets.items() if _is_persons(function)}
    found |= {f"builtins:{name}": value for name, value in vars(builtins).items() if _is_of_cells(value)}
    numpy = sys.modules.get("numpy")
    if numpy is not None and _is_persons(numpy.geterrcall()):
        found["numpy's error handler:"] = numpy.geterrcall()
    return found


def _in_lists(ip: Any) -> dict[str, Any]:
    """Return those that IPython calls one after the other: for code, and for what may complete it."""
    found: dict[str, Any] = {}
    for name in _LISTS:
        mine = [item for item in getattr(ip, name) if _is_persons(item)]
        found |= {f"{name}:{number}": item for number, item in enumerate(mine)}
    mine = [item.__func__ for item in ip.Completer.custom_matchers if _is_persons(item)]
    found |= {f"completer:{number}": function for number, function in enumerate(mine)}
    for (name, more), dispatcher in _dispatchers(ip):
        for number, (priority, function) in enumerate(dispatcher.chain):
            if _is_persons(function):
                found[f"hook of IPython:{name}:{number}"] = (name, getattr(function, "__func__", function), priority, more)
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
        case "magics":
            ip.register_magics(value)
        case "comm":
            ip.kernel.comm_manager.register_target(more, value)
        case _ if kind.removeprefix("sys.") in _LISTS_OF_PYTHON:
            entries = getattr(sys, kind.removeprefix("sys."))
            entries.insert(min(int(more), len(entries)), value)
        case _ if kind in _LISTS:
            getattr(ip, kind).append(value)
        case "completer" | "hook of IPython":
            _register_for_completion(kind, value)
        case _:
            _register_with_python(kind, more, value)


def _register_for_completion(kind: str, value: Any) -> None:
    if kind == "completer":
        shell().set_custom_completer(value)
    else:
        hook, function, priority, keys = value
        shell().set_hook(hook, function, priority, **keys)


_SET_IN_ASYNCIO: dict[str, Callable[[Any], None]] = {
    "asyncio's error handler": lambda value: asyncio.get_running_loop().set_exception_handler(value),
    "asyncio's factory": lambda value: asyncio.get_running_loop().set_task_factory(value),
    "asyncio's policy": asyncio.set_event_loop_policy,
}


def _register_with_python(kind: str, more: str, value: Any) -> None:
    match kind:
        case "hook":
            module, _, name = more.rpartition(".")
            setattr(importlib.import_module(module), name, value)
        case "class of":
            module, _, name = more.rpartition(":")[0].rpartition(".")
            getattr(importlib.import_module(module), name).register(value)
        case "entry":
            given.give(*value)
        case "codec":
            way, _, name = more.partition(":")
            codecs.register(value) if way == "search" else codecs.register_error(name, value)
        case "signal":
            signal.signal(int(more), value)
        case "logging filter":
            logging.getLogger(more.rpartition(":")[0]).addFilter(value)
        case "asyncio's error handler" | "asyncio's factory" | "asyncio's policy":
            _SET_IN_ASYNCIO[kind](value)
        case "colormap":
            library_state.register_colormap(more, value)
        case "type of pandas":
            library_state.register_type_of_pandas(value)
        case "pandas option":
            library_state.set_pandas_options({more: value})
        case "numpy's formatters":
            library_state.set_numpy_formatters(value)


def _dispatchers(ip: Any) -> Iterator[tuple[tuple[str, dict[str, str]], Any]]:
    """Yield the lists of functions that IPython calls for something: its name, for which lines, and the list."""
    for name, dispatcher in ip.hooks.items():
        if hasattr(dispatcher, "chain"):
            yield (name, {}), dispatcher
    for name, by_line in ip.strdispatchers.items():
        for key, dispatcher in by_line.strs.items():
            yield (name, {"str_key": key}), dispatcher
        for pattern, dispatcher in by_line.regexs.items():
            yield (name, {"re_key": pattern}), dispatcher


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
