"""What runs in a kernel and ends with it, or was changed in a way that no file can hold: found, so that it can be named."""

import asyncio
import gc
import io
import logging
import os
import re
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from rspark_session.processes import tree
from rspark_session.workspace import given, holders, objects, set_by_cells
from rspark_session.workspace.namespace import namespace, own_names, shell
from rspark_session.workspace.objects import is_persons
from rspark_session.workspace.unsaveable import described
from rspark_session.workspace.watchdog import Watchdog

_OF_POOLS = frozenset({"threading", "concurrent", "multiprocessing", "asyncio", "logging"})
_NOT_ALL = "They could not all be looked for"
_OWN_THREADS = ("ipykernel", "IPython", "zmq", "tornado", "asyncio", "traitlets", "jupyter_client")


def lost(space: dict[str, Any], all_given: given.AllGiven, watchdog: Watchdog) -> list[dict[str, Any]]:
    """Return an entry for each thread, process and task that ends, and for each function of a module that was replaced."""
    found: list[dict[str, Any]] = []

    def name(shown: str, kind: str, why: str) -> None:
        found.append({"name": shown, "class": kind, "why": why, "failed": False})

    def unread(title: str, problem: BaseException) -> None:
        name(title, "state", f"{_NOT_ALL}: {described(problem)}.")

    for title, search in {
        "threads": _threads(),
        "processes": _processes(),
        "tasks": _tasks(),
        "profilers and timers": _watchers(watchdog),
        "functions for the end": _at_exit(space),
        "what asyncio was to call": _waiting(space),
        "weakref.finalize": _finalizers(space),
        "calls": _called(),
        "open files": _files(space),
        "output": _diverted(),
        "replaced functions": _replaced(all_given),
    }.items():
        with watchdog.guarding(partial(unread, title)):
            for each in search:
                name(*each)
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


def _watchers(watchdog: Watchdog) -> Iterator[tuple[str, str, str]]:
    for name, function in (("sys.settrace", sys.gettrace()), ("sys.setprofile", sys.getprofile())):
        if function is not None:
            yield name, "profile", "It watches what runs, as a profiler or a debugger does. Start it again."
    if "tracemalloc" in sys.modules and sys.modules["tracemalloc"].is_tracing():
        yield "tracemalloc", "profile", "It traces the use of memory. Start it again."
    timers = {"ITIMER_REAL": watchdog.persons_timer, "ITIMER_VIRTUAL": signal.getitimer(signal.ITIMER_VIRTUAL)[0]}
    for name, seconds in timers.items():
        if seconds:
            yield f"signal.{name}", "timer", "It is a timer that runs. Call signal.setitimer or signal.alarm again."


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


def _at_exit(space: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for function in given.at_exit(space):
        yield f"atexit {_name_of(function)}", "function", "It waits for the end of the kernel. Call atexit.register again."


def _waiting(space: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what asyncio's loop is to call: later, when there is something to read, at a signal."""
    try:
        loop: Any = asyncio.get_running_loop()
    except RuntimeError:
        return
    handles = [*loop._scheduled, *loop._signal_handlers.values()]
    handles += [handle for key in loop._selector.get_map().values() if isinstance(key.data, tuple) for handle in key.data]
    for handle in handles:
        function = getattr(handle, "_callback", None)
        if function is not None and not handle.cancelled() and given.is_made(function, space):
            yield _name_of(function), "callback", "asyncio was to call it. Give it to the loop again."


def _finalizers(space: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    held = {id(value) for value in space.values() if type(value) is weakref.finalize}
    registry: dict[Any, Any] = weakref.finalize._registry  # type: ignore[attr-defined]
    for finalizer, info in list(registry.items()):
        if id(finalizer) in held or given.is_made(info.func, space):
            yield f"weakref.finalize {_name_of(info.func)}", "function", "It waits for the end of an object. Make it again."


def _called() -> Iterator[tuple[str, str, str]]:
    for call in set_by_cells.calls_to_nobody():
        yield call, "function", "It was called in this kernel, and ends with it. Call it again."


def _files(space: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield files that are open for writing without an object of Python's that would be named."""
    history = str(shell().history_manager.hist_file)
    known = {history, *(f"{history}-{part}" for part in ("journal", "wal", "shm")), *_places_of_streams()}
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            path = str(link.readlink())
            flags = re.search(r"^flags:\s*(\d+)", Path(f"/proc/self/fdinfo/{link.name}").read_text(), re.MULTILINE)
        except OSError:  # the one by which this looks
            continue
        is_written = flags is not None and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY
        if is_written and int(link.name) > 2 and path.startswith("/") and not path.startswith("/dev/"):
            found.add(path)
    if not found <= known:
        known |= _places_of_objects(space, found - known)
    for path in sorted(found - known):
        if Path(path).is_file():
            yield path, "open file", "It is an open file. Open it again."


def _places_of_streams() -> Iterator[str]:
    """Yield where the kernel's own output goes: ipykernel holds it under other numbers."""
    for number in (1, 2, *(getattr(stream, "_original_stdstream_copy", None) for stream in objects.streams.values())):
        with suppress(OSError):  # a person's code has closed it
            if number is not None:
                yield str(Path(f"/proc/self/fd/{number}").readlink())


def _places_of_objects(space: dict[str, Any], found: set[str]) -> set[str]:
    """Return those paths that something else names, or restores: a name that holds the file, an array in it, `logging`."""
    handlers = [reference() for reference in vars(logging)["_handlerList"]]
    places = {handler.baseFilename for handler in handlers if isinstance(handler, logging.FileHandler)}
    places |= {line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}
    names = own_names(*namespace())
    for each in [each for each in gc.get_objects() if type(each) is io.FileIO and not each.closed]:
        with suppress(OSError):  # its descriptor was closed without it
            path = str(Path(f"/proc/self/fd/{each.fileno()}").readlink())
            if path in found and holders.holding([each], names, space):
                places.add(path)
    return places


def _name_of(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _diverted() -> Iterator[tuple[str, str, str]]:
    for name, stream in objects.streams.items():
        if stream is not getattr(sys, f"__{name}__") and not type(stream).__module__.startswith(_OWN_THREADS):
            yield f"sys.{name}", type(stream).__qualname__, "What is printed went elsewhere. Divert it again."
    opener = getattr(sys.modules.get("urllib.request"), "_opener", None)
    if getattr(opener, "addheaders", None) != (opener and type(opener)().addheaders):
        yield "urllib.request", "opener", "Requests went through an opener. Call urllib.request.install_opener again."


def _replaced(all_given: given.AllGiven) -> Iterator[tuple[str, str, str]]:
    for each in all_given.replaced:
        yield f"{each.module}.{each.name}", "replaced function", "A function of a module was replaced. Replace it again."
    for each in all_given.members:
        yield f"{each.module}.{each.name}", "member", "A class of a module was given it. Give it again."
    for module, problem in all_given.unread.items():
        yield module, "module", f"What cells gave to it could not be looked for: {problem}. Give it again."
