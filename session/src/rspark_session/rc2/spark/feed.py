"""Tells clients what Spark computes, and records at the end of an execution what it has computed for it.

Drivers are asked while a client is here: each second while something computes, else every few seconds. A job is of the execution
that ran when it was begun, in the console of the kernel that began it: the process is in the name of its group, or it is the one
that started the driver.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Console
from rspark_session.rc2.consoles import Consoles
from rspark_session.rc2.recorder import Recorder
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.spark import status
from rspark_session.rc2.spark.drivers import Driver, Drivers

_log = logging.getLogger(__name__)
_BUSY, _RESTING = 1.0, 4.0  # seconds between two looks
#: Jobs that are kept; those that run come before all.
MOST = 100
_MOST_SUMMARIES = 1000
#: Looks after an execution in which all jobs are read: a driver tells of quick ones a moment later. It has up to 1,000 of them.
_THOROUGH = 3

_Key = tuple[str, int]


class SparkFeed:
    """What Spark computes in the session."""

    def __init__(self, consoles: Consoles, recorder: Recorder, drivers: Drivers) -> None:
        self._consoles = consoles
        self._recorder = recorder
        self._drivers = drivers
        self._notify: list[Callable[[protocol.Notice], None]] = []
        self._jobs: OrderedDict[_Key, protocol.SparkJob] = OrderedDict()
        self._applications: tuple[protocol.SparkApplication, ...] = ()
        self._running: dict[str, Driver] = {}
        self._read: dict[str, int] = {}  # the highest number of a job that was read as ended, by application
        self._summarized: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._thorough = _THOROUGH
        consoles.listeners.append(lambda _: self._expect_news())

    def subscribe(self, notify: Callable[[protocol.Notice], None]) -> Callable[[], None]:
        """Tell a client what there is and what changes, until what is returned is called."""
        self._notify.append(notify)
        if self._jobs or self._applications:
            notify(protocol.SparkProgress(all=True, applications=self._applications, jobs=tuple(self._jobs.values())))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look_again())
        self._expect_news()
        return lambda: self._notify.remove(notify)

    async def cancel(self, application: str, job: int) -> None:
        """Cancel a job; raise `Refusal` when its driver can't be asked. One that has ended is left alone."""
        known = self._jobs.get((application, job))
        if known is None or known.status != "running":
            return
        driver = self._running.get(application)
        if driver is None or not await self._drivers.kill(driver, job):
            raise Refusal("Spark does not answer. Interrupt the console instead.")
        self._wake.set()

    def _expect_news(self) -> None:
        self._thorough = _THOROUGH
        self._wake.set()

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look_again(self) -> None:
        while self._notify:
            self._wake.clear()
            try:
                await self._look()
            except Exception:  # what one driver answered must not end all telling
                _log.exception("what Spark computes could not be read")
            active = any(job.status == "running" for job in self._jobs.values())
            busy = active or any(console.state in ("busy", "asking") for console in self._consoles)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BUSY if busy else _RESTING):
                    await self._wake.wait()
                    await asyncio.sleep(_BUSY / 4)  # several ends at once are one look

    async def _look(self) -> None:
        drivers = await asyncio.to_thread(self._drivers.find)
        self._running = {driver.id: driver for driver in drivers}
        kernels = self._consoles_by_process()
        changed: dict[_Key, protocol.SparkJob] = {}
        for driver in drivers:
            for job in await self._jobs_of(driver, kernels):
                key = (job.application, job.job)
                if self._jobs.get(key) != job:
                    changed[key] = job
        self._thorough = max(0, self._thorough - 1)
        for key, known in self._jobs.items():
            if known.status == "running" and known.application not in self._running:
                changed[key] = known.model_copy(update={"status": "lost", "stages": ()})
        self._jobs.update(changed)
        self._forget_old()
        applications = tuple(
            protocol.SparkApplication(id=driver.id, name=driver.name, console=_started_by(driver, kernels)) for driver in drivers
        )
        if changed or applications != self._applications:
            self._applications = applications
            told = protocol.SparkProgress(all=False, applications=applications, jobs=tuple(changed.values()))
            for notify in list(self._notify):
                notify(told)
        self._summarize()

    async def _jobs_of(self, driver: Driver, kernels: Mapping[int, Console]) -> list[protocol.SparkJob]:
        """Return the jobs of a driver that run or have ended since the last look."""
        running = await self._drivers.ask(driver, "jobs?status=running")
        if not isinstance(running, list):
            return []
        stages = await self._drivers.ask(driver, "stages?status=active") if running else []
        known = {key[1] for key, job in self._jobs.items() if key[0] == driver.id and job.status == "running"}
        ended = known - {status.number(job) for job in running}
        found = list(running)
        read_all = bool(ended) or self._thorough > 0 or driver.id not in self._read
        newest = await self._drivers.ask(driver, "jobs") if read_all else None
        if isinstance(newest, list):
            read = self._read.get(driver.id, -1)
            done = [job for job in newest if job.get("status") != "RUNNING"]
            found += [job for job in done if status.number(job) > read or status.number(job) in ended]
            self._read[driver.id] = max([read, *map(status.number, done)])
        return [
            self._told(driver, job, stages if isinstance(stages, list) else [], kernels)
            for job in found[: 2 * MOST]
            if status.is_shown(job)
        ]

    def _told(self, driver: Driver, job: Any, stages: Any, kernels: Mapping[int, Console]) -> protocol.SparkJob:
        known = self._jobs.get((driver.id, status.number(job)))
        if known is not None:
            console, execution = known.console, known.execution
        else:
            begun_by = kernels.get(status.caller(job) or -1)
            console = begun_by.identity.id if begun_by else _started_by(driver, kernels)
            execution = None
            if console is not None and not status.is_of_stream(job):
                execution = self._consoles.get(console).execution_at(status.submitted(job))
        return status.read(driver.id, job, stages, console=console, execution=execution)

    def _consoles_by_process(self) -> dict[int, Console]:
        return {pid: console for console in self._consoles if (pid := console.process) is not None}

    def _forget_old(self) -> None:
        done = [key for key, job in self._jobs.items() if job.status != "running"]
        for key in done[: max(0, len(self._jobs) - MOST)]:
            del self._jobs[key]

    def _summarize(self) -> None:
        """Record what was computed for each execution that has ended, and whose jobs have."""
        by_execution: dict[tuple[str, str], list[protocol.SparkJob]] = {}
        for job in self._jobs.values():
            if job.execution is not None and job.console is not None and job.execution not in self._summarized:
                by_execution.setdefault((job.console, job.execution), []).append(job)
        for (console, execution), jobs in by_execution.items():
            if any(job.status == "running" for job in jobs) or self._runs(console, execution):
                continue
            begun, ended = min(job.started for job in jobs), max(job.finished or job.started for job in jobs)
            self._summarized[execution] = None
            self._recorder.record(
                protocol.SparkSummary,
                console=console,
                execution=execution,
                jobs=len(jobs),
                failed=sum(job.status != "ok" for job in jobs),
                stages=sum(job.done_stages for job in jobs),
                tasks=sum(job.done for job in jobs),
                seconds=max(0.0, (ended - begun).total_seconds()),
            )
        while len(self._summarized) > _MOST_SUMMARIES:
            self._summarized.popitem(last=False)

    def _runs(self, console: str, execution: str) -> bool:
        return any(each.identity.id == console and execution in each.info.queue for each in self._consoles)


def _started_by(driver: Driver, kernels: Mapping[int, Console]) -> str | None:
    return next((kernels[pid].identity.id for pid in driver.ancestors if pid in kernels), None)
