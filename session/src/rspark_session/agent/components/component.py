"""One component of the ensemble: started when those before it are ready, watched while it runs, ended when asked."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence

from rspark_contract.reading import JsonObject
from rspark_contract.specs import FirstStart
from rspark_contract.status import ComponentState
from rspark_session.agent.components.logs import Log
from rspark_session.agent.components.report import ComponentReport
from rspark_session.processes.children import Child, Children
from rspark_session.processes.launch import Launched

_START_DEADLINE = 240.0  # seconds


class ComponentFailed(Exception):
    """A component didn't start, or ended by itself. `reason` is for the person, `detail` for the administrator."""

    def __init__(self, reason: str, detail: str | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Component:
    """A process of the ensemble with a name, a state and a log.

    `launch` starts it, and `healthy` waits until it is well and returns its endpoint. Each change of state calls `on_change`.
    While it starts for the first time, the reason in `first_start` is reported.
    """

    def __init__(
        self,
        *,
        report: ComponentReport,
        log: Log,
        children: Children,
        launch: Callable[[], Launched],
        healthy: Callable[[], Awaitable[JsonObject | None]],
        on_change: Callable[[], None],
        stop_signal: int = signal.SIGTERM,
        stop_timeout: float = 20.0,
        first_start: FirstStart | None = None,
    ) -> None:
        self.report = report
        self.log = log
        self.child: Child | None = None
        self._children = children
        self._launch = launch
        self._healthy = healthy
        self._on_change = on_change
        self._stop_signal = stop_signal
        self._stop_timeout = stop_timeout
        self._first_start = first_start
        self._pumping: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        return self.report.state is ComponentState.READY

    @property
    def alive(self) -> bool:
        return self.child is not None and self.child.code is None

    @property
    def was_ready(self) -> bool:
        return self._ready.is_set()

    async def run(self, after: Sequence["Component"] = ()) -> None:
        """Start it once all in `after` are ready, and watch it. Only ever ends by an error or by being cancelled.

        Raises
        ------
        ComponentFailed
            When it didn't become ready, or ended.
        """
        for other in after:
            await other._ready.wait()
        self._set(ComponentState.STARTING, self._reason_of_first_start())
        try:
            launched = self._launch()
        except OSError as problem:
            raise self._failed(f"{self.report.title} can't be started: {problem.strerror or problem}.") from problem
        self.child = self._children.adopt(launched)
        self._pumping = asyncio.ensure_future(self.log.pump(launched.output))
        await self._until_ready(self.child)
        raise self._failed(_sentence(self.report.title, await self.child.wait()))

    async def gone_within(self, seconds: float) -> bool:
        """Wait that long in seconds; return whether it ended by itself meanwhile."""
        return self.child is None or await self.child.gone_within(seconds)

    async def stop(self, seconds: float) -> None:
        """End it, by force when it takes longer than it may."""
        if self.child is None:
            return
        self.report.code = await self.child.end(self._stop_signal, min(self._stop_timeout, seconds))
        if self._pumping is not None:
            await asyncio.wait([self._pumping], timeout=1)  # a stray that still holds the pipe mustn't hold us
            self._pumping.cancel()
        if self.report.state is not ComponentState.FAILED:
            self._set(ComponentState.ENDED)

    async def _until_ready(self, child: Child) -> None:
        healthy = asyncio.ensure_future(self._healthy())
        ended = asyncio.ensure_future(child.wait())
        try:
            await asyncio.wait([healthy, ended], timeout=_START_DEADLINE, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return
            if not healthy.done():
                raise self._failed(f"{self.report.title} wasn't ready after {_START_DEADLINE / 60:.0f} minutes.")
            try:
                self.report.endpoint = healthy.result()
            except ComponentFailed as failure:
                raise self._failed(failure.reason) from failure
            self._ready.set()
            self._set(ComponentState.READY)
        finally:
            healthy.cancel()
            ended.cancel()

    def _reason_of_first_start(self) -> str | None:
        """Return why this start takes longer than the next ones will, None where it doesn't."""
        first = self._first_start
        return first.reason if first is not None and not os.path.lexists(first.path) else None

    def _set(self, state: ComponentState, reason: str | None = None) -> None:
        self.report.state, self.report.reason = state, reason
        self._on_change()

    def _failed(self, reason: str) -> ComponentFailed:
        if self.child is not None:
            self.report.code = self.child.code
        self._set(ComponentState.FAILED, reason)
        return ComponentFailed(reason, self.log.last_line())


def _sentence(title: str, code: int) -> str:
    """Return how a process ended that shouldn't have, as a sentence."""
    if code == -signal.SIGKILL:
        return f"{title} was killed, as happens when the memory of the machine runs out."
    if code < 0:
        return f"{title} was ended by the signal {signal.Signals(-code).name}."
    return f"{title} stopped by itself, with the code {code}."
