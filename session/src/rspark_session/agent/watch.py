"""Looking at the ensemble while it runs: often while something happens, seldom while it rests."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime

from rspark_contract.saved import Restored
from rspark_session.agent import busy
from rspark_session.agent.meter import Meter
from rspark_session.agent.part import Part
from rspark_session.agent.spark import SparkPages
from rspark_session.agent.status import Reporter
from rspark_session.agent.tree import Process, walk
from rspark_session.interfaces.base import Interface

_log = logging.getLogger(__name__)
_OFTEN, _SELDOM = 2.0, 10.0  # seconds between two looks
_STIRRED = 30.0  # seconds after a person's last doing in which looks are frequent


class Watch:
    """Keeps memory, CPU, activity and what is busy in the status."""

    def __init__(
        self,
        *,
        reporter: Reporter,
        base: str,
        interface: Interface | None,
        parts: Iterable[Part],
    ) -> None:
        self.spark = SparkPages(base=base, processes=self.processes)
        self._reporter = reporter
        self._interface = interface
        self._parts = tuple(parts)
        self._meter = Meter(os.getpid())
        self._computing: list[str] = []
        self._hot: frozenset[tuple[int, int]] = frozenset()
        self._stirred = asyncio.Event()

    def processes(self) -> list[Process]:
        """Every process of the ensemble as it is now."""
        return list(walk(os.getpid()).values())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self._look()
            except Exception:  # one look that failed must not blind us for the rest of the session
                _log.exception("the ensemble could not be looked at")
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), _OFTEN if self._is_lively() else _SELDOM)

    def has_stirred(self, at: datetime) -> None:
        """Note that a person did something."""
        status = self._reporter.status
        resting = not self._is_lively()
        status.activity = at
        if resting:
            self._reporter.tell()
            self._stirred.set()

    def has_restored(self, restored: Restored) -> None:
        """Note what came back of what a sleep saved."""
        self._reporter.status.restored = restored
        self._reporter.tell()

    async def _look(self) -> None:
        sample = self._meter.sample()
        status = self._reporter.status
        status.memory, status.cpu = sample.memory, sample.cpu
        self._computing = busy.by_processor(
            sample,
            self._hot,
            own=self._own(),
            parts=[part.child.pid for part in self._parts if part.child],
            titles=self._interface.titles if self._interface else {},
        )
        self._hot = busy.hot(sample)
        self._computing += await self.spark.busy_with(sample.processes.values())
        if not self.update_busy():
            self._reporter.write()

    def update_busy(self) -> bool:
        """Put together who computes; report it, and return True, when that has changed."""
        reported = self._interface.busy_with if self._interface else ()
        now = list(dict.fromkeys([*reported, *self._computing]))
        if now == self._reporter.status.busy_with:
            return False
        self._reporter.status.busy_with = now
        self._reporter.tell()
        return True

    def _is_lively(self) -> bool:
        status = self._reporter.status
        if status.state == "starting" or status.busy_with:
            return True
        return status.activity is not None and (datetime.now(UTC) - status.activity).total_seconds() < _STIRRED

    def _own(self) -> list[int]:
        """Processes that serve: the agent, and those that the interface names; all others compute."""
        return [os.getpid(), *(self._interface.own_processes if self._interface else ())]
