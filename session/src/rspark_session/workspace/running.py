"""What runs in a kernel and ends with it, or was changed in a way that no file can hold: found, so that it can be named."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rspark_session.processes import tree
from rspark_session.workspace import given, objects
from rspark_session.workspace.objects import is_persons

_OF_POOLS = frozenset({"threading", "concurrent", "multiprocessing", "asyncio", "logging"})
_OWN_THREADS = ("ipykernel", "IPython", "zmq", "tornado", "asyncio", "traitlets", "jupyter_client")


def lost(space: dict[str, Any], all_given: given.AllGiven) -> list[dict[str, Any]]:
    """Return an entry for each thread, process and task that ends, and for each function of a module that was replaced."""
    found = []
    for search in (_threads(), _processes(), _tasks(), _watchers(), _at_exit(space), _diverted(), _replaced(all_given)):
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
    for name, timer in (("ITIMER_REAL", signal.ITIMER_REAL), ("ITIMER_VIRTUAL", signal.ITIMER_VIRTUAL)):
        if signal.getitimer(timer)[0]:
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
        name = getattr(function, "__qualname__", type(function).__qualname__)
        yield f"atexit {name}", "function", "It waits for the end of the kernel. Call atexit.register again."


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
