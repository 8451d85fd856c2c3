"""What runs in a kernel and ends with it, or was changed in a way that no file can hold: found, so that it can be named."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

from rspark_session.processes import tree
from rspark_session.workspace.objects import is_persons

_OF_POOLS = frozenset({"threading", "concurrent", "multiprocessing", "asyncio", "logging"})
_OWN_THREADS = ("ipykernel", "IPython", "zmq", "tornado", "asyncio", "traitlets", "jupyter_client")
_ACCESSORS = ("CachedAccessor", "Accessor")  # of pandas, by version
_MODULES_OF_THE_KERNEL = ("__main__", "__mp_main__", "ipykernel", "IPython", "rspark_session")


def lost(space: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an entry for each thread, process and task that ends, and for each function of a module that was replaced."""
    found = []
    for search in (_threads(), _processes(), _tasks(), _watchers(), _signals(space), _replaced(space)):
        try:
            found += [{"name": name, "class": kind, "why": why, "failed": False} for name, kind, why in search]
        except Exception:  # noqa: S112  (what is odd here is not what a person loses)
            continue
    return found


def _threads() -> Iterator[tuple[str, str, str]]:
    for thread in threading.enumerate():
        if (
            thread is threading.main_thread()
            or thread is threading.current_thread()
            or isinstance(thread, threading._DummyThread)
        ):
            continue
        does = getattr(thread, "_target", None) or getattr(thread, "function", None)  # the latter of a Timer
        module = getattr(does, "__module__", None) or type(thread).__module__
        if module.startswith(_OWN_THREADS) or type(thread).__module__.startswith(_OWN_THREADS):
            continue
        if is_persons(module) or not thread.daemon or (does is not None and _is_of_python(module)):
            yield thread.name, "thread", "It is a thread that runs. Start it again."


def _is_of_python(module: str) -> bool:
    """Return whether a person may have given a function of this module to a thread: `time.sleep`, a server's `serve_forever`."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names and top not in _OF_POOLS


def _processes() -> Iterator[tuple[str, str, str]]:
    for pid in tree.children(os.getpid()):
        if tree.read(pid) is not None:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if "multiprocessing.resource_tracker" not in command:
                yield command[:100] or str(pid), "process", "It is a process that this kernel started. Start it again."


def _watchers() -> Iterator[tuple[str, str, str]]:
    for name, function in (("sys.settrace", sys.gettrace()), ("sys.setprofile", sys.getprofile())):
        if function is not None:
            yield name, "profile", "It watches what runs, as a profiler or a debugger does. Start it again."
    if "tracemalloc" in sys.modules and sys.modules["tracemalloc"].is_tracing():
        yield "tracemalloc", "profile", "It traces the use of memory. Start it again."


def _tasks() -> Iterator[tuple[str, str, str]]:
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return
    for task in tasks:
        coroutine: Any = task.get_coro()
        module = getattr(getattr(coroutine, "cr_frame", None), "f_globals", {}).get("__name__", "")
        if is_persons(module) and coroutine.__name__ != "<module>":
            yield coroutine.__qualname__, "task", "It is a task of asyncio in the middle of its work. Start it again."


def _signals(space: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if getattr(handler, "__globals__", None) is space:
            name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
            yield name, "signal handler", "It is a function that waits for a signal. Call signal.signal again."


def _replaced(space: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, module in list(sys.modules.items()):
        if name.startswith(_MODULES_OF_THE_KERNEL):
            continue
        for attribute, value in list(getattr(module, "__dict__", {}).items()):
            members = {attribute: value}
            if isinstance(value, type) and value.__module__ == name:
                members = {f"{attribute}.{key}": member for key, member in vars(value).items()}
            for key, member in members.items():
                if isinstance(member, FunctionType) and member.__globals__ is space:
                    yield f"{name}.{key}", "replaced function", "A function of a module was replaced. Replace it again."
                elif member is not value and not is_persons(name) and _is_added(member, space):
                    yield f"{name}.{key}", "member", "A class of a module was given it. Give it again."


#: Members of a class that lead to a function or a class, by their types: what is asked in another way may import something.
_LEADS_TO: dict[Any, str] = {staticmethod: "__func__", classmethod: "__func__", property: "fget", cached_property: "func"}


def _is_added(member: Any, space: dict[str, Any]) -> bool:
    """Return whether a member of a class was made by a cell: a property, a class, an accessor of pandas."""
    kind = type(member)
    name = _LEADS_TO.get(kind) or ("_accessor" if kind.__name__ in _ACCESSORS else None)
    inner = getattr(member, name, None) if name else member
    if type(inner) is FunctionType:
        return inner.__globals__ is space
    return issubclass(type(inner), type) and inner.__module__ == "__main__"
