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
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.recorder import Recorder
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.spark import status
from rspark_session.rc2.spark.drivers import Driver, Drivers

if TYPE_CHECKING:  # they need a Jupyter server, and are here already where there is one
    from rspark_session.rc2.console import Console
    from rspark_session.rc2.consoles import Consoles

_log = logging.getLogger(__name__)
_BUSY, _RESTING = 1.0, 4.0  # seconds between two looks
#: Jobs that are kept; those that run come before all.
MOST = 100
_MOST_SUMMARIES = 1000
#: Looks after an execution in which all jobs are read: a driver tells of quick ones a moment later. It has up to 1,000 of them.
_THOROUGH = 3

_Key = tuple[str, int]
_Execution = tuple[str, str]  # its console first
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Total:
    """What jobs of an execution add up to."""

    jobs: int = 0
    failed: int = 0
    stages: int = 0
    tasks: int = 0
    began: datetime = _LAST
    ended: datetime = _FIRST

    def add(self, job: protocol.SparkJob) -> None:
        """Count a job that has ended."""
        self.jobs += 1
        self.failed += job.status != "ok"
        self.stages += job.done_stages
        self.tasks += job.done
        self.began = min(self.began, job.started)
        self.ended = max(self.ended, job.finished or job.started)


class SparkFeed:
    """What Spark computes in the session."""

    def __init__(self, consoles: "Consoles", recorder: Recorder, drivers: Drivers) -> None:
        self._consoles = consoles
        self._recorder = recorder
        self._drivers = drivers
        self._notify: list[Callable[[protocol.Notice], None]] = []
        self._jobs: OrderedDict[_Key, protocol.SparkJob] = OrderedDict()
        self._applications: tuple[protocol.SparkApplication, ...] = ()
        self._running: dict[str, Driver] = {}
        self._read: dict[str, int] = {}  # the highest number of a job that was read as ended, by application
        self._forgotten: dict[_Execution, _Total] = {}  # what those of an execution that is not summarized yet add up to
        self._summarized: OrderedDict[str, None] = OrderedDict()
        self._unread: set[str] = set()  # applications whose answers could not be read
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
        before = self._executions()  # one that ends while drivers are asked may have jobs that they didn't tell yet
        changed: dict[_Key, protocol.SparkJob] = {}
        for driver in drivers:
            for job in await self._readable_jobs_of(driver, kernels):
                key = (job.application, job.job)
                if self._jobs.get(key) != job:
                    changed[key] = job
        self._thorough = max(0, self._thorough - 1)
        for key, known in self._jobs.items():
            if known.status == "running" and known.application not in self._running:
                changed[key] = known.model_copy(update={"status": "lost", "stages": ()})
        known_before = set(self._jobs)
        self._jobs.update(changed)
        self._forget_old()
        applications = tuple(
            protocol.SparkApplication(id=driver.id, name=driver.name, console=_started_by(driver, kernels)) for driver in drivers
        )
        news = tuple(job for key, job in changed.items() if key in self._jobs or key in known_before)
        if news or applications != self._applications:
            self._applications = applications
            told = protocol.SparkProgress(all=False, applications=applications, jobs=news)
            for notify in list(self._notify):
                notify(told)
        self._summarize(before | self._executions())

    async def _readable_jobs_of(self, driver: Driver, kernels: Mapping[int, "Console"]) -> list[protocol.SparkJob]:
        """Return what `_jobs_of` does; none where the driver's answers can't be read, which is logged once."""
        try:
            return await self._jobs_of(driver, kernels)
        except Exception:  # what one driver answers must not end the look at the others
            if driver.id not in self._unread:
                self._unread.add(driver.id)
                _log.exception("what the Spark application %s computes could not be read", driver.id)
            return []

    async def _jobs_of(self, driver: Driver, kernels: Mapping[int, "Console"]) -> list[protocol.SparkJob]:
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
            self._told(driver, job, stages if isinstance(stages, list) else [], kernels) for job in found if status.is_shown(job)
        ]

    def _told(self, driver: Driver, job: Any, stages: Any, kernels: Mapping[int, "Console"]) -> protocol.SparkJob:
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

    def _consoles_by_process(self) -> dict[int, "Console"]:
        return {pid: console for console in self._consoles if (pid := console.process) is not None}

    def _executions(self) -> set[_Execution]:
        """Return the executions that run or wait."""
        return {(each.identity.id, execution) for each in self._consoles for execution in each.info.queue}

    def _forget_old(self) -> None:
        """Keep the newest jobs, and of the others what they add up to."""
        done = [key for key, job in self._jobs.items() if job.status != "running"]
        done.sort(key=lambda key: (self._jobs[key].started, key[1]))
        for key in done[: max(0, len(self._jobs) - MOST)]:
            job = self._jobs.pop(key)
            if (execution := self._unsummarized(job)) is not None:
                self._forgotten.setdefault(execution, _Total()).add(job)

    def _unsummarized(self, job: protocol.SparkJob) -> _Execution | None:
        """Return the execution of a job; None where it has none, or what was computed for it is recorded."""
        if job.execution is None or job.console is None or job.execution in self._summarized:
            return None
        return job.console, job.execution

    def _summarize(self, running: set[_Execution]) -> None:
        """Record what was computed for each execution that has ended, and whose jobs have."""
        jobs_of: dict[_Execution, list[protocol.SparkJob]] = {execution: [] for execution in self._forgotten}
        for job in self._jobs.values():
            if (execution := self._unsummarized(job)) is not None:
                jobs_of.setdefault(execution, []).append(job)
        for execution, jobs in jobs_of.items():
            if execution in running or any(job.status == "running" for job in jobs):
                continue
            total = self._forgotten.pop(execution, None) or _Total()
            for job in jobs:
                total.add(job)
            self._summarized[execution[1]] = None
            self._recorder.record(
                protocol.SparkSummary,
                console=execution[0],
                execution=execution[1],
                jobs=total.jobs,
                failed=total.failed,
                stages=total.stages,
                tasks=total.tasks,
                seconds=max(0.0, (total.ended - total.began).total_seconds()),
            )
        while len(self._summarized) > _MOST_SUMMARIES:
            self._summarized.popitem(last=False)


def _started_by(driver: Driver, kernels: Mapping[int, "Console"]) -> str | None:
    return next((kernels[pid].identity.id for pid in driver.ancestors if pid in kernels), None)
