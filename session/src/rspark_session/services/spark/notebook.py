"""Spark in a kernel of Python: it says that it starts and where its pages are, an interrupted cell takes its jobs along, and a
driver that has ended is replaced.

Loaded with every kernel, so it loads nothing of Spark: it waits until the person's code does.
"""

import contextlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from rspark_session.jupyter.when_imported import prepare_when_imported

TITLE = "Spark"
_SESSIONS = "pyspark.sql.session"  # the last of the modules that both ways to a driver import: nobody starts one without it
_GROUP = "spark.jobGroup.id"
_OURS = "rspark-cell-"
_FOLLOWED = 600.0  # seconds
_PATIENCE = 5.0  # seconds in which the driver is asked to cancel jobs
_numbers = itertools.count(1)


def load(shell: Any) -> None:
    """Prepare a kernel, of which `shell` is IPython's."""
    cells = Cells()
    shell.events.register("pre_run_cell", lambda info: cells.begin(info.raw_cell, shell.execution_count))
    shell.events.register("post_run_cell", cells.end)
    prepare_when_imported(_SESSIONS, lambda sessions: prepare(sessions, cells))


def lost() -> list[dict[str, str]]:
    """Return what the driver holds and ends with it, as a saved workspace names it."""
    if _context() is None:
        return []
    from rspark_session.services.spark import driver  # noqa: PLC0415

    return driver.lost()


class Cells:
    """Names the jobs of a cell, and cancels them when it is interrupted: also those that its threads began."""

    def __init__(self) -> None:
        self._before: frozenset[int] = frozenset()
        self._threads: frozenset[threading.Thread] = frozenset()
        self._group: str | None = None
        self._description = ""

    def begin(self, code: str, number: int) -> None:
        """Remember the jobs that run already, and name those to come."""
        self._before, self._group = frozenset(), None
        self._threads = frozenset(threading.enumerate())
        self._description = f"In [{number}] {' '.join(code.split())[:200]}"
        if _context() is not None:
            with contextlib.suppress(Exception):  # a driver that has ended, which the cell will meet
                from rspark_session.services.spark import driver  # noqa: PLC0415  (Spark is loaded)

                self._before = driver.active_jobs()
                self.name_jobs()

    def name_jobs(self) -> None:
        """Name the jobs that this cell begins, unless the person has named theirs."""
        context = _context()
        if (context.getLocalProperty(_GROUP) or _OURS).startswith(_OURS):
            from rspark_session.services.spark import driver  # noqa: PLC0415

            self._group = f"{_OURS}{os.getpid()}-{next(_numbers)}"
            driver.name_jobs(self._group, self._description)

    def end(self, result: Any) -> None:
        """Cancel the jobs of a cell that was interrupted; say so where a call failed because the driver has ended."""
        if result.error_in_exec is not None and _context() is not None:
            from rspark_session.services.spark import driver  # noqa: PLC0415  (Spark is loaded)

            if said := driver.why_it_ended():
                print(said, file=sys.stderr, flush=True)
                return
        if not _was_interrupted(result.error_in_exec):
            return
        if (remote := _remote_session()) is not None:
            with contextlib.suppress(Exception):  # a server that has ended computes nothing
                remote.interruptAll()
        elif _context() is not None:
            self._cancel()
            if begun := [thread for thread in threading.enumerate() if thread not in self._threads]:
                threading.Thread(target=_follow, args=(begun, self._before), daemon=True).start()

    def _cancel(self) -> None:
        """Cancel the jobs of this cell, by another connection where the one that is tried was interrupted."""
        from rspark_session.services.spark import driver  # noqa: PLC0415

        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and not driver.process_has_ended():
            with contextlib.suppress(Exception):
                if self._group is not None:
                    driver.cancel_group(self._group)
                driver.cancel_jobs(self._before)
                return
            time.sleep(0.05)


def _was_interrupted(error: BaseException | None) -> bool:
    """Return whether an error is an interrupt, or came of one.

    PySpark ends each call by another one to the driver. After an interrupt that one fails at times, since Py4J closes connections
    as it passes one on: then the cell's error is that of the connection.
    """
    met: set[int] = set()  # `raise e from e` makes an error its own cause
    while error is not None and not isinstance(error, KeyboardInterrupt) and id(error) not in met:
        met.add(id(error))
        error = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt)


def _follow(threads: list[threading.Thread], before: frozenset[int]) -> None:
    """Cancel also the jobs that threads of an interrupted cell begin later, as long as these run: they are in no cell's group."""
    from rspark_session.services.spark import driver  # noqa: PLC0415

    deadline = time.monotonic() + _FOLLOWED
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        time.sleep(0.5)
        with contextlib.suppress(Exception):
            driver.cancel_jobs(before, keep=_OURS)


def prepare(sessions: ModuleType, cells: Cells) -> None:
    """Change how PySpark starts a driver, and finds the one that runs."""
    from pyspark.core.context import SparkContext  # noqa: PLC0415  (neither pyspark nor pyspark.sql is loaded in full yet)

    from rspark_session.services.spark import driver  # noqa: PLC0415

    driver.quiet()
    contexts: Any = SparkContext
    builder: Any = sessions.SparkSession.Builder
    contexts.__init__ = _saying_so(contexts.__init__, cells)
    builder.getOrCreate = _replacing(builder.getOrCreate)


def _saying_so(start: Callable[..., None], cells: Cells) -> Callable[..., None]:
    """Return the start of a driver that says so, and leaves interrupts to the kernel."""
    import signal  # noqa: PLC0415
    from functools import wraps  # noqa: PLC0415

    @wraps(start)
    def said(*arguments: Any, **named: Any) -> None:
        handler = signal.getsignal(signal.SIGINT)
        began = time.monotonic()
        print("Starting Spark ...", file=sys.stderr, flush=True)
        if len(arguments) == 1 and not named.keys() - {"conf"}:
            from rspark_session.services.spark import joining  # noqa: PLC0415  (Spark is loaded)

            conf = named.get("conf")
            named |= joining.take(dict(conf.getAll()) if conf is not None else {})
        start(*arguments, **named)
        # PySpark's own handler cancels all jobs, those of streaming queries too.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler or signal.default_int_handler)
            cells.name_jobs()
        pages = os.environ.get("RSPARK_SPARK_PAGES", "")
        where = f" Its pages: {os.environ.get('RSPARK_HUB_URL', '')}{pages}" if pages else ""
        print(f"Spark is ready after {time.monotonic() - began:.0f} s.{where}", file=sys.stderr, flush=True)

    return said


def _replacing(find: Callable[..., Any]) -> Callable[..., Any]:
    """Return the search for the session that starts another driver where the last one's process has ended."""
    from functools import wraps  # noqa: PLC0415

    @wraps(find)
    def found(builder: Any) -> Any:
        from rspark_session.services.spark import driver  # noqa: PLC0415

        if driver.process_has_ended():
            print("Spark's driver has ended; views and cached tables are gone with it.", file=sys.stderr, flush=True)
            driver.forget()
        return find(builder)

    return found


def _context() -> Any:
    """Return the context of Spark that this process has; None where it has none."""
    spark: Any = sys.modules.get("pyspark")
    return getattr(getattr(spark, "SparkContext", None), "_active_spark_context", None)


def _remote_session() -> Any:
    """Return the session of Spark Connect that this process has; None where it has none."""
    module: Any = sys.modules.get("pyspark.sql.connect.session")
    return module.SparkSession.getActiveSession() if module is not None else None
