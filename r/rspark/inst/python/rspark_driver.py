"""The driver of Spark that an R process has: started, asked, interrupted, and replaced when it has ended.

What takes long runs in a thread of its own, so that R can be interrupted while it waits: the jobs are cancelled, and the
connection to the driver, which belongs to the thread, is not left in the middle of an answer.
"""

import contextlib
import ctypes
import itertools
import os
import re
import signal
import threading
import time
import traceback

import rspark_frames
from py4j.protocol import CALL_COMMAND_NAME, Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark import SparkContext
from pyspark.errors.exceptions.base import PySparkException
from pyspark.sql import SparkSession

from rspark_session.services.spark import joining
from rspark_session.services.spark.driver import (
    active_jobs,
    cancel_group,
    cancel_jobs,
    forget,
    has_ended,
    lost,
    name_jobs,
    process_has_ended,
    quiet,
)

__all__ = [
    "NotPossible",
    "Work",
    "cancel_on_interrupt",
    "collected",
    "forget",
    "has_ended",
    "leave_interrupts",
    "lost",
    "name_calls",
    "query",
    "start",
    "time_zone",
    "view",
]

quiet()

# The group of the jobs that R's own thread begins, and whether R waits for work and looks for interrupts itself.
_calls = {"named": None, "waits": False}
_numbers = itertools.count(1)
# "SQLSTATE: 42703; line 1 pos 7", and without a place.
_WHERE = re.compile(r" SQLSTATE: \w{5}(?:;? \(?line (\d+),? pos (\d+)\)?)?;?")
# What Hive's metastore says itself: "…HiveException: MetaException(message:It is so.)".
_OF_METASTORE = re.compile(r"(?:MetaException|NoSuchObjectException|InvalidOperationException)\(message:(.*)\)", re.DOTALL)
_NO_METASTORE = re.compile(r"Unable to instantiate \S*HiveMetaStoreClient|Could not connect to meta store|TTransportException")
_AWAY = (
    "Hive does not answer, or this session's access to it has ended. Try again in a moment; "
    "if it stays so, put the session to sleep and resume it, which makes the access anew"
)
_GROUP = "rspark-R-"
_PLANS_AND_JAVA = ("JVM stacktrace", "Driver stacktrace", "at ", "'", "+-", ":-")
_PATIENCE = 5.0  # seconds in which a job that was cancelled should end


class NotPossible(Exception):
    """What was asked for can't be done: one sentence, for the person."""


class Work:
    """Something that a driver does, in a thread of its own.

    After `wait` returned True, either `result` is there or `error`, a sentence, with `trace`, all that is known, and `ended`,
    whether the driver has ended.
    """

    def __init__(self, session, description, do):
        self.result = self.error = self.trace = None
        self.ended = False
        self._session = session
        self._group = f"{_GROUP}{os.getpid()}-{next(_numbers)}"
        self._description = " ".join(description.split())[:500]  # by which a person knows it on Spark's pages
        self._do = do
        self._before = frozenset()
        if session is not None:
            with contextlib.suppress(Exception):  # a driver that has ended, which the work will meet
                self._before = active_jobs()
        self._done = threading.Event()
        threading.Thread(target=self._run, daemon=True, name=self._group).start()

    def wait(self, seconds):
        """Wait for the end, and return whether it came."""
        return self._done.wait(seconds)

    def cancel(self):
        """Cancel its jobs, and those that it would begin next, until none is left and it has ended; wait a moment for that."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            left = 0
            with contextlib.suppress(Exception):  # a driver that has ended computes nothing
                cancel_group(self._group)
                left = cancel_jobs(self._before)
            if self._done.wait(0.05) and not left:
                return

    def _run(self):
        try:
            if self._session is not None:
                name_jobs(self._group, self._description)
            self.result = self._do()
        except BaseException as error:
            self.trace = traceback.format_exc()
            self.ended = self._session is not None and has_ended()
            self.error = sentence(error)
        self._done.set()


def start(name):
    """Return the work of starting a driver, or of finding the one that runs; its result is the session."""

    def begin():
        # With an address of Spark Connect, PySpark has no driver but a client; R has a driver, the session's own where it's free.
        remote = os.environ.pop("SPARK_REMOTE", None)
        try:
            joining.join()
            return SparkSession.builder.appName(name).getOrCreate()
        finally:
            if remote is not None:
                os.environ["SPARK_REMOTE"] = remote

    return Work(None, "start", begin)


def name_calls():
    """Name the jobs of R's own calls, such as `session$range(9)$count()`; call it in R's own thread."""
    if _calls["named"] is None:
        _calls["named"] = f"{_GROUP}{os.getpid()}-calls-{next(_numbers)}"
        try:
            name_jobs(_calls["named"], "a call in R")
        except BaseException:  # an interrupt among them
            _calls["named"] = None
            raise


def cancel_on_interrupt():
    """Cancel the jobs of R's own calls when R is interrupted in one; call it in R's own thread.

    reticulate raises KeyboardInterrupt in the Python that waits for Spark, and Spark would go on.
    """
    _calls["named"] = None
    name_calls()
    _interrupt_waits()
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or getattr(handler, "of_rspark", False):
        return
    if getattr(handler, "__module__", "") == "rpytools.signals":
        handler = _take_from_r

    def interrupted(number, frame):
        if _calls["waits"]:
            return
        try:
            handler(number, frame)
        except KeyboardInterrupt:
            # This thread is in the middle of a call, so another one asks the driver; the next call is on a connection of its own.
            cancelling = threading.Thread(target=_cancel_calls, args=(_calls["named"],), daemon=True)
            _calls["named"] = None
            cancelling.start()
            cancelling.join(_PATIENCE)
            raise

    interrupted.of_rspark = True
    # Python would take the signal from R, which is to have it while Python doesn't run: what the process does at one stays.
    sigaction, action = ctypes.CDLL(None).sigaction, ctypes.create_string_buffer(256)
    sigaction(signal.SIGINT, None, action)
    signal.signal(signal.SIGINT, interrupted)
    sigaction(signal.SIGINT, action, None)


def _take_from_r(number, frame):
    """Raise KeyboardInterrupt where R has an interrupt to serve, and take it from R.

    reticulate's own handler does the same, but asks a function of R's, in which R may serve the interrupt itself: the handler
    then fails with another error, and what was interrupted goes on.
    """
    process = ctypes.CDLL(None)
    pending, suspended = (ctypes.c_int.in_dll(process, f"R_interrupts_{name}") for name in ("pending", "suspended"))
    if pending.value and not suspended.value:
        pending.value = 0
        raise KeyboardInterrupt


def leave_interrupts(to_r):
    """Leave interrupts to R, or take them again: one that R and Python both serve would end what R does because of it."""
    _calls["waits"] = to_r


def _interrupt_waits():
    """Have the signal end the system call in which a call of R's waits for the driver.

    R's Sys.sleep() sets the process's handler of the signal by signal(), after which Linux goes on with a read that it
    interrupted: R would learn of the signal when the driver has answered.
    """
    client = SparkContext._gateway._gateway_client
    send = client.send_command
    if getattr(send, "of_rspark", False):
        return

    def send_command(command, *args, **options):
        signal.siginterrupt(signal.SIGINT, True)
        if command.startswith(CALL_COMMAND_NAME) and threading.current_thread() is threading.main_thread():
            name_calls()  # anew after an interrupt: what is left of the last group is cancelled for ever
        return send(command, *args, **options)

    send_command.of_rspark = True
    client.send_command = send_command


def _cancel_calls(group):
    """Cancel the jobs of R's own calls until none is left: the call may be on its way to its next one."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and not process_has_ended():
        with contextlib.suppress(Exception):  # the connection may be the one that was interrupted
            if group is not None:
                cancel_group(group)
            if not cancel_jobs():
                return
        time.sleep(0.05)


def query(session, sql, bigint):
    """Return the work of a query; its result is the columns."""
    return Work(session, sql, lambda: rspark_frames.columns(session.sql(sql), bigint))


def collected(frame, bigint="numeric"):
    """Return the work of bringing a data frame home; its result is the columns."""
    return Work(frame.sparkSession, "rows of a table", lambda: rspark_frames.columns(frame, bigint))


def view(session, name, options):
    """Return the work of making a table of a database known to Spark under a name."""

    def make():
        session.read.format("jdbc").options(**options).load().createOrReplaceTempView(name)

    return Work(session, f"view {name}", make)


def time_zone(session):
    """Return the zone in which Spark reads and shows times."""
    return session.conf.get("spark.sql.session.timeZone")


def sentence(error):
    """Return what a person can do something about: the first sentence of an error of Spark, and where in a query it is."""
    if isinstance(error, NotPossible):
        return str(error)
    if _NO_METASTORE.search(str(error)):
        return _AWAY
    if isinstance(error, Py4JJavaError):
        return _java(error)
    if isinstance(error, (Py4JNetworkError, ConnectionError, EOFError)) or "Answer from Java side is empty" in str(error):
        return "its driver has ended"
    if isinstance(error, PySparkException):
        said = getattr(error, "_desc", None) or str(error)
        failed = _of_python(said)
        return failed or _short(said)
    return _short(f"{type(error).__name__}: {error}")


def _java(error):
    """Return what the innermost cause says."""
    try:
        cause = error.java_exception
        while cause.getCause() is not None:
            cause = cause.getCause()
        said = cause.toString()
    except (Py4JError, OSError):
        return "its driver has ended"
    if "OutOfMemoryError" in said:
        return "its driver has no memory left. Aggregate in Spark, or start an environment with more memory for it"
    failed = _of_python(said)
    if failed:
        return failed
    _, lost, task = said.partition("Lost task ")
    if lost:  # "0.0 in stage 0.0 (TID 0) (host executor driver): java.lang.X: what it says"
        said = task.partition("): ")[2] or said
    return _short(said)


def _of_python(said):
    """Return the last line of the trace of a Python function that failed in a worker, or None."""
    if "Traceback (most recent call last)" not in said:
        return None
    trace = said.partition("Traceback (most recent call last)")[2]
    last = [line for line in trace.splitlines()[1:] if line and not line[0].isspace() and not line.startswith("\tat ")]
    return f"a Python function failed: {last[0]}" if last else None


def _short(said):
    """Return the first sentences, and for a syntax error the query with a mark; no plan, no Java."""
    kept = []
    syntax = "PARSE_SYNTAX_ERROR" in said
    in_query = False
    if refused := _OF_METASTORE.search(said):
        return refused[1]
    said = _WHERE.sub(lambda found: f" (line {found[1]}, position {found[2]})" if found[1] else "", said)
    for line in said.splitlines():
        if line.startswith("Search path: "):  # of a table that isn't there; what was misspelled is said before
            break
        if line.startswith("== SQL"):
            if not syntax:
                break
            in_query = True
            continue
        if line.strip() == "" and not in_query:
            continue
        if line.lstrip().startswith(_PLANS_AND_JAVA):
            break
        kept.append(line if in_query else line.strip())
        if in_query and line.startswith("-") and line.endswith("^^^"):
            break
    first = kept[0] if kept else said.strip()
    head, colon, rest = first.partition(": ")
    if colon and ("." in head or head.endswith(("Error", "Exception"))) and " " not in head and "[" not in head:
        first = rest  # java.lang.ArithmeticException
    return "\n".join([first.removesuffix(";"), *kept[1:]]).rstrip()
