"""Read and run inside Python's kernels: looks at the calls of the next cell while it computes, and writes them into a file.

A thread looks, so that the code itself runs as always: nothing is traced, and no name of a person's is touched. It counts the
processor's time of the thread that runs the cell. A line of the file is `["cell", file, text]`, the code of a cell by the name
that Python has for it, or `["sample", count, bytes, [[function, file, line], …]]` with the outermost call first.
"""

import _thread
import json
import linecache
import os
import sys
import time
import types
from typing import Any, TextIO

_INTERVAL = 0.01  # seconds of computing between two samples
_LOOK = 0.005  # seconds between two looks at the clock
_DEEPEST = 300
_MOST_BYTES = 2**26
_PAGE = os.sysconf("SC_PAGE_SIZE")


def prepare(file: str) -> None:
    """Profile the next cell into a file, if it is the one that was asked for with that file."""
    shell = sys.modules["IPython"].get_ipython()

    def begin(info: Any) -> None:
        shell.events.unregister("pre_run_cell", begin)
        if shell.kernel.get_parent().get("metadata", {}).get("rspark_profile") != file:
            return
        sampler = _Sampler(file, shell, info.raw_cell)

        def end(result: Any) -> None:
            shell.events.unregister("post_run_cell", end)
            sampler.end(kept=getattr(result, "error_before_exec", None) is None)

        shell.events.register("post_run_cell", end)

    shell.events.register("pre_run_cell", begin)


class _Sampler:
    """Looks at the thread in which it is made, until it is ended."""

    def __init__(self, file: str, shell: Any, code: str) -> None:
        self._file = file
        self._namespace = shell.user_module.__dict__
        self._runs = type(shell).run_code.__code__
        self._code = code
        self._thread = _thread.get_ident()
        self._told: set[str] = set()
        self._ending, self._ended = _thread.allocate_lock(), _thread.allocate_lock()
        self._ending.acquire()
        self._ended.acquire()
        self._output = open(file, "w", encoding="utf-8")  # noqa: PTH123, SIM115  (it is closed by the thread)
        _thread.start_new_thread(self._look, ())

    def end(self, *, kept: bool) -> None:
        self._ending.release()
        self._ended.acquire()
        if not kept:
            os.unlink(self._file)  # noqa: PTH108

    def _look(self) -> None:
        try:
            with self._output as output:
                self._sample_into(output)
        except OSError:  # the disk is full: what was written is shown
            pass
        finally:
            self._ended.release()

    def _sample_into(self, output: TextIO) -> None:
        clock = time.pthread_getcpuclockid(self._thread)
        last, due = time.clock_gettime(clock), 0.0
        while not self._ending.acquire(timeout=_LOOK):
            now = time.clock_gettime(clock)
            due, last = due + now - last, now
            count = int(due / _INTERVAL)
            if count == 0:
                continue
            due -= count * _INTERVAL
            calls = self._calls(sys._current_frames().get(self._thread))
            if not calls:
                continue  # the kernel itself computes
            for place, (_, file, _) in enumerate(calls):
                self._tell(output, file, self._code if place == 0 else _code_of_cell(file))
            output.write(json.dumps(["sample", count, _used(), calls]) + "\n")
            output.flush()
            if output.tell() > _MOST_BYTES:
                return

    def _calls(self, frame: types.FrameType | None) -> list[tuple[str, str, int]]:
        """Return the calls of a cell, the outermost first, each with the line that it runs; none where no cell runs."""
        found: list[types.FrameType] = []
        while frame is not None and frame.f_code is not self._runs:
            found.append(frame)
            frame = frame.f_back
        # What IPython itself does for a cell, such as showing an error, is none of it.
        if frame is None or not found or found[-1].f_globals is not self._namespace:
            return []
        return [(each.f_code.co_qualname, each.f_code.co_filename, each.f_lineno or 0) for each in found[: -_DEEPEST - 1 : -1]]

    def _tell(self, output: TextIO, file: str, code: str | None) -> None:
        """Write the code of a cell, once; a file that is none has no code here."""
        if file not in self._told:
            self._told.add(file)
            if code is not None:
                output.write(json.dumps(["cell", file, code]) + "\n")


def _code_of_cell(file: str) -> str | None:
    """Return the code of an earlier cell, which IPython keeps where tracebacks find it, with no time of a change."""
    known = linecache.cache.get(file)
    return "".join(known[2]) if known is not None and len(known) == 4 and known[1] is None else None


def _used() -> int:
    """Return the bytes of memory that the process has."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * _PAGE
