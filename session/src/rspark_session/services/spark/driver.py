"""The driver that a process of Python has: whether it still runs, how its jobs are cancelled, and how it is replaced.

PySpark knows its driver by variables of its classes and never asks whether it has ended: after that each call fails, also the
one that would start another. It is imported by who has it already, so that nothing here makes a kernel load it.
"""

import contextlib
import logging
import signal
import uuid
from collections.abc import Collection, Iterator
from typing import Any

from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # it carries no types
from pyspark.core.context import SparkContext
from pyspark.sql.session import SparkSession

#: How many tasks of a stage are ended at once when its job is cancelled: those that run, so at most its cores.
_TASKS = 10_000
#: How Spark Connect tags the jobs of its clients.
_OF_CLIENTS = "SparkConnect_"
#: What a driver exits with when its memory is full (SparkExitCode.OOM).
_NO_MEMORY = 52


def has_ended() -> bool:
    """Return whether there is no driver now: none was started, its process has ended, or it was stopped from elsewhere."""
    gateway: Any = SparkContext._gateway
    context: Any = SparkContext._active_spark_context
    if gateway is None or context is None or process_has_ended():
        return True
    try:
        return bool(context._jsc.sc().isStopped())
    except (Py4JError, OSError, AttributeError):
        return True


def process_has_ended() -> bool:
    """Return whether a driver was started whose process has ended."""
    process = getattr(SparkContext._gateway, "proc", None)
    return process is not None and process.poll() is not None


def why_it_ended() -> str:
    """Return in one sentence that the driver's process has ended and what is known of why; empty while it runs."""
    if not process_has_ended():
        return ""
    gateway: Any = SparkContext._gateway
    code = gateway.proc.returncode
    why = {_NO_MEMORY: " for want of memory", -signal.SIGKILL: ": it was killed, as the kernel does where memory is short"}
    return (
        f"Spark's driver has ended{why.get(code, f' with exit code {code}')}. SparkSession.builder.getOrCreate() starts another."
    )


def forget() -> None:
    """Make PySpark forget a driver that has ended, so that the next session starts another. One that runs stays."""
    gateway: Any = SparkContext._gateway
    if gateway is None or not has_ended():
        return
    process = getattr(gateway, "proc", None)
    if process is None or process.poll() is None:
        if SparkContext._active_spark_context is None:
            return  # stopped by its own call: the same process serves the next session
        with contextlib.suppress(Exception):
            SparkContext._active_spark_context.stop()
        return
    with contextlib.suppress(Exception):
        gateway.close()
    classes: Any = SparkContext, SparkSession
    classes[0]._gateway = classes[0]._jvm = classes[0]._active_spark_context = None
    classes[1]._instantiatedSession = classes[1]._activeSession = None


def active_jobs() -> frozenset[int]:
    """Return the ids of the jobs that run now."""
    context: Any = SparkContext._active_spark_context
    return frozenset() if context is None else frozenset(context.statusTracker().getActiveJobsIds())


def cancel_jobs(before: frozenset[int] = frozenset(), *, keep: str = "\0") -> int:
    """Cancel the jobs that run, of whichever thread, and return how many there were.

    Parameters
    ----------
    before
        Jobs that were there before, and stay.
    keep
        Jobs of groups that begin so stay too. So do those of streaming queries, and of clients of Spark Connect that share the
        driver: who interrupts a call means that call.
    """
    context: Any = SparkContext._active_spark_context
    if context is None:
        return 0
    scheduler, cancelled = context._jsc.sc(), 0
    for job in active_jobs() - before:
        known = scheduler.statusStore().job(job)
        group = known.jobGroup()
        name = str(group.get()) if group.isDefined() else ""
        if not name.startswith(keep) and not _is_run_of_stream(name) and not _is_of_a_client(known.jobTags()):
            tasks = _running_tasks(job)
            scheduler.cancelJob(job)
            cancelled += 1
            # A job of a thread of Python carries no wish to be interrupted: its tasks would keep their cores to their own end.
            for task in tasks:
                scheduler.killTaskAttempt(task, True, "interrupted")
    return cancelled


def _running_tasks(job: int) -> list[int]:
    """Return the ids of the tasks of a job that run now."""
    context: Any = SparkContext._active_spark_context
    store, kinds = context._jsc.sc().statusStore(), context._jvm.org.apache.spark.status.api.v1
    running = context._jvm.java.util.List.of(kinds.TaskStatus.RUNNING)
    found = []
    for stage in _each(store.job(job).stageIds()):
        with contextlib.suppress(Py4JError):  # a stage that has not begun has no attempt
            attempt = store.lastStageAttempt(stage).attemptId()
            tasks = store.taskList(stage, attempt, 0, _TASKS, kinds.TaskSorting.ID, running)
            found += [task.taskId() for task in _each(tasks)]
    return found


def name_jobs(group: str, description: str) -> None:
    """Name the jobs that this thread begins from now on."""
    context: Any = SparkContext._active_spark_context
    if context is not None:
        context.setJobGroup(group, description, interruptOnCancel=True)


def cancel_group(group: str) -> None:
    """Cancel the jobs of a group, and those that it would begin next: a query that was interrupted goes on in the driver."""
    context: Any = SparkContext._active_spark_context
    if context is not None:
        context._jsc.sc().cancelJobGroupAndFutureJobs(group)


def _is_run_of_stream(group: str) -> bool:
    """Return whether a job group is that of a streaming query, which Spark names by a UUID."""
    try:
        return str(uuid.UUID(group)) == group
    except ValueError:
        return False


def _is_of_a_client(tags: Any) -> bool:
    """Return whether a job with these tags was begun by a client of Spark Connect (its `ExecuteJobTag`)."""
    return any(str(tag).startswith(_OF_CLIENTS) for tag in _each(tags))


def lost(made_again: Collection[str] = ()) -> list[dict[str, str]]:
    """Return what ends with the driver, as a saved workspace names it: views, what is cached, queries, settings.

    Tables of the warehouse are there for the next one. `made_again` are views that are, too.
    """
    session: Any = SparkSession._instantiatedSession
    if session is None or has_ended():
        return []
    found = []
    state = session._jsparkSession.sessionState()
    views = [name.table() for name in _each(state.catalog().listLocalTempViews("*"))]
    views += [f"global_temp.{name}" for name in _each(state.catalog().globalTempViewManager().listViewNames("*"))]
    for view in views:
        if view not in made_again:
            found.append((view, "view of Spark", "It is in the driver's memory. Make it again, or save it by saveAsTable()."))
    for table in session.catalog.listTables():
        if not table.isTemporary and session.catalog.isCached(table.name):
            found.append((table.name, "cached table of Spark", "The table is kept, its cache is not. Cache it again."))
    for query in session.streams.active:
        if query.name not in made_again:
            found.append((query.name or query.id, "streaming query of Spark", "It ends with the driver. Start it again."))
    started = dict(session.sparkContext.getConf().getAll())
    for name, value in sorted(session.conf.getAll.items()):
        if started.get(name, value) != value or name not in started:
            found.append((name, "setting of Spark", f"It was {value[:100]}. Set it again."))
    return [{"name": name, "class": kind, "why": why} for name, kind, why in found]


def _each(sequence: Any) -> Iterator[Any]:
    """Return the items of a sequence of Scala's."""
    items = sequence.iterator()
    while items.hasNext():
        yield items.next()


def quiet() -> None:
    """Keep pages of logs from a person's output: each error is raised as well."""
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for logger in (logging.getLogger(), logging.getLogger("py4j.clientserver")):
        if _is_news not in logger.filters:
            logger.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg not in {
        "KeyboardInterrupt while sending command.",
        "Exception while sending command.",
        "Exception occurred while shutting down connection",
    }
