"""Measures the ensemble while it runs: often while something happens, seldom while it rests."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from rspark_contract.ensemble import INTERFACE
from rspark_contract.http import LONGEST_MEASUREMENT
from rspark_contract.saved import Restored
from rspark_contract.status import AgentState
from rspark_session.agent.components.component import Component
from rspark_session.agent.reporting import busy, left_running, terminals
from rspark_session.agent.reporting.memory_limit import MemoryLimit
from rspark_session.agent.reporting.meter import Meter, Sample
from rspark_session.agent.reporting.reporter import Reporter
from rspark_session.interfaces.base import Interface
from rspark_session.processes.tree import Process, walk
from rspark_session.services.base import Service

_log = logging.getLogger(__name__)
_OFTEN, _SELDOM = 2.0, 10.0  # seconds between two measurements
_AGAIN = 1.0  # seconds over which it is measured anew what uses the processor
_SERVICE_SECONDS = 10.0  # for a service to name what it computes
_LIVELY = 30.0  # seconds after a person's last doing in which measurements are frequent


class Watch:
    """Measures memory and CPU, finds out what is busy and when a person last did something, and passes it to the reporter."""

    def __init__(
        self,
        *,
        reporter: Reporter,
        interfaces: Callable[[], Sequence[Interface]],
        services: Iterable[Service],
        components: Iterable[Component],
    ) -> None:
        self._reporter = reporter
        self._interfaces = interfaces
        self._services = tuple(services)
        self._components = tuple(components)
        self._meter = Meter(os.getpid())
        self._limit = MemoryLimit()
        self._computing: list[str] = []
        self._hot: frozenset[tuple[int, int]] = frozenset()
        self._woken = asyncio.Event()
        self._measuring = asyncio.Lock()

    def processes(self) -> list[Process]:
        """Return every process of the ensemble as it is now."""
        return list(walk(os.getpid()).values())

    async def run(self) -> None:
        """Measure and report, until cancelled."""
        while True:
            try:
                async with self._measuring:
                    await self._measure(self._meter.sample())
            except Exception:  # one that failed must not blind us for the rest of the session
                _log.exception("the ensemble could not be measured")
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_OFTEN if self._is_lively() else _SELDOM):
                    await self._woken.wait()

    async def measure_again(self) -> None:
        """Find out whether what was busy still is, and report it; where that takes too long, what was reported stays.

        What used the processor until a moment ago may have ended since: so a short time is measured that begins now.
        """
        if not self._reporter.report.busy_with:
            return
        try:
            async with asyncio.timeout(LONGEST_MEASUREMENT), self._measuring:
                if self._hot:
                    self._meter.sample()
                    await asyncio.sleep(_AGAIN)
                await self._measure(self._meter.sample())
        except TimeoutError:
            _log.warning("what computes could not be measured anew in %s s", LONGEST_MEASUREMENT)

    def note_activity(self, at: datetime) -> None:
        """Report that a person did something, at this time."""
        report = self._reporter.report
        resting = not self._is_lively()
        report.activity = at
        if resting:
            self._reporter.publish()
            self._woken.set()

    def note_restored(self, restored: Restored) -> None:
        """Report what came back to an interface of what a sleep saved."""
        report = self._reporter.report
        report.restored = restored if report.restored is None else report.restored + restored
        self._reporter.publish()

    async def _measure(self, sample: Sample) -> None:
        report = self._reporter.report
        report.memory, report.cpu = sample.memory, sample.cpu
        if self._limit.has_killed():
            self._note_killed()
        own = self._own(sample)
        interfaces = self._interfaces()
        titles = {pid: title for interface in interfaces for pid, title in interface.titles.items()}
        self._computing = busy.by_processor(
            sample,
            self._hot,
            own=own,
            components=[
                *(component.child.pid for component in self._components if component.child),
                *(pid for interface in interfaces for pid in interface.helper_processes),
            ],
            titles=titles,
        )
        self._hot = busy.hot(sample)
        kernels = {pid: titles[pid] for interface in interfaces for pid in interface.kernels if pid in titles}
        self._computing += left_running.running(kernels, sample.processes.values(), own=own, adopter=os.getpid())
        shells = [pid for interface in interfaces for pid in interface.shells]
        self._computing += terminals.running(shells, sample.processes.values())
        self._computing += await self._used_services(sample)
        if not self.update_busy():
            self._reporter.write()

    def _note_killed(self) -> None:
        """Report at the interface that the kernel has ended something: what a person sees is only that it is gone."""
        interface = self._reporter.report.components.get(INTERFACE)
        if interface is not None:
            interface.reason = (
                f"At {datetime.now(UTC):%H:%M} UTC a program in this session was ended, since the session used all of its "
                "memory. What the program held is gone."
            )
            self._reporter.publish()

    def update_busy(self) -> bool:
        """Collect what computes; return whether that has changed, and report it then."""
        reported = [each for interface in self._interfaces() for each in interface.busy_with]
        now = list(dict.fromkeys([*reported, *self._computing]))
        if now == self._reporter.report.busy_with:
            return False
        self._reporter.report.busy_with = now
        self._reporter.publish()
        return True

    def _is_lively(self) -> bool:
        report = self._reporter.report
        if report.state is AgentState.STARTING or report.busy_with:
            return True
        return report.activity is not None and (datetime.now(UTC) - report.activity).total_seconds() < _LIVELY

    def _own(self, sample: Sample) -> list[int]:
        """Return processes that serve: the agent, and those that interfaces and services name; all others compute."""
        own = [os.getpid(), *(pid for interface in self._interfaces() for pid in interface.own_processes)]
        for service in self._services:
            try:
                own += service.own_processes(sample.processes.values())
            except Exception:  # a service of another package must not blind us for all else
                _log.exception("%s can't name its processes", service.context.spec.title)
        return own

    async def _used_services(self, sample: Sample) -> list[str]:
        """Return what services compute for this session; a service that fails, or takes too long, computes nothing."""
        busy_with: list[str] = []
        for service in self._services:
            try:
                async with asyncio.timeout(_SERVICE_SECONDS):
                    busy_with += await service.busy_with(sample.processes.values())
            except Exception:
                _log.exception("%s can't name what it computes", service.context.spec.title)
        return busy_with
