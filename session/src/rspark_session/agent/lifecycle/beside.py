"""The interfaces that are opened beside the first one: each starts when somebody visits it, and runs until the session ends.

One that a sleep saved something of starts with the session, for only it can give that back. One that ends by itself is started
again by the next visit; a visit to one that did not become ready says why, and offers to try again. None fails the session.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rspark_contract.ensemble import EnsembleDocument, component_beside
from rspark_contract.status import ComponentState
from rspark_session.agent.components.component import Component, ComponentFailed
from rspark_session.agent.components.logs import Log
from rspark_session.agent.components.report import ComponentReport
from rspark_session.agent.lifecycle import interface_host
from rspark_session.agent.lifecycle.opened import Opened
from rspark_session.agent.routing.door import Door, door_of
from rspark_session.interfaces.base import Host, Interface, InterfaceUnavailable
from rspark_session.processes.children import Children
from rspark_session.processes.launch import Launched
from rspark_session.processes.tree import environ_of, walk

_log = logging.getLogger(__name__)
_STOP = 20.0  # seconds that one that failed may take to end
#: The variable by which processes of one are known.
_MARK = "RSPARK_BESIDE"
_NOT_YET = "It starts when somebody opens it."
_AGAIN = "It is started again when somebody opens it."


@dataclass
class _Running:
    """One start of an interface: `opened` is what runs, once it could be made."""

    opened: Opened | None = None
    task: asyncio.Task[None] = field(init=False)
    reporting: list[asyncio.Task[None]] = field(default_factory=list)


class BesideInterfaces:
    """Starts and watches the interfaces beside the first.

    Parameters
    ----------
    report_of, log_of
        Give the report and the log of a component, by its name (and title).
    restore
        The folder in which each saved something at the last sleep, by its name.
    """

    def __init__(
        self,
        *,
        document: EnsembleDocument,
        environ: Mapping[str, str],
        sockets: Path,
        children: Children,
        host: Host,
        report_of: Callable[[str, str], ComponentReport],
        log_of: Callable[[str], Log],
        restore: Mapping[str, Path],
        on_change: Callable[[], None],
    ) -> None:
        self._document = document
        self._environ = environ
        self._sockets = sockets
        self._children = children
        self._host = host
        self._report_of = report_of
        self._log_of = log_of
        self._restore = {name: folder for name, folder in restore.items() if name in document.beside}
        self._on_change = on_change
        self._running: dict[str, _Running] = {}
        self._refused: set[str] = set()  # those that did not become ready
        self._closed = False
        for name in document.beside:
            self.report(name).reason = _NOT_YET
            log_of(component_beside(name))  # one that is empty

    def __iter__(self) -> Iterator[Opened]:
        """Give those that were started, and of those that have ended what is started again as it was."""
        return (running.opened for running in self._running.values() if running.opened is not None)

    def start_restored(self) -> None:
        """Start those that have something to give back."""
        for name in self._restore:
            self._start(name)

    def door(self, name: str) -> Door | None:
        """Return the way to one that can be used now."""
        running = self._running.get(name)
        if running is None or running.opened is None or not running.opened.component.is_ready:
            return None
        return door_of(running.opened.interface, on_activity=lambda: self._host.activity(datetime.now(UTC)))

    def visit(self, name: str, *, again: bool) -> bool:
        """Start one that does not run, and return whether one is on its way.

        One that did not become ready is started only where the visitor wants it `again`.
        """
        if again or name not in self._refused:
            self._start(name)
        return name not in self._refused

    def report(self, name: str) -> ComponentReport:
        """Return what is known of one."""
        return self._report_of(component_beside(name), self._document.beside[name].title)

    def close(self) -> None:
        """Start none any more, and leave those that run to whoever ends them."""
        self._closed = True
        for running in self._running.values():
            running.task.cancel()

    async def closed(self) -> None:
        """Wait until all that was reported by those that have ended is taken in."""
        reporting = [task for running in self._running.values() for task in running.reporting]
        for problem in await asyncio.gather(*reporting, return_exceptions=True):
            if isinstance(problem, Exception):  # of an interface of another package: it must not fail the session's end
                _log.error("an interface's reports could not be taken in", exc_info=problem)

    def _start(self, name: str) -> None:
        running = self._running.get(name)
        if self._closed or (running is not None and not running.task.done()):
            return
        self._refused.discard(name)
        report = self.report(name)
        report.state, report.reason = ComponentState.STARTING, None
        if running is None or running.opened is None:
            running = self._running[name] = _Running()
        running.task = asyncio.ensure_future(self._run(name, running))

    async def _run(self, name: str, running: _Running) -> None:
        """Start one and watch it until it ends by itself; where it `restarts` it stays what it is, and holds what it held."""
        try:
            opened = running.opened = running.opened or self._make(name, running)
        except (InterfaceUnavailable, OSError) as problem:
            self._refuse(name, str(problem))
            return
        try:
            await opened.component.run()
        except ComponentFailed as failure:
            reason, detail = failure.reason, failure.detail
        except Exception as problem:  # of an interface of another package: it must not be started again and again
            _log.exception("%s failed", opened.interface.context.spec.title)
            reason, detail = f"{opened.interface.context.spec.title} failed: {problem}.", None
        _log.error("%s (%s)", reason, detail)
        await opened.component.stop(_STOP)  # one that was not ready in time still runs
        if not opened.interface.restarts:
            running.opened = None
            _end_all_of(name)
        self._refuse(name, reason, was_ready=opened.component.was_ready)

    def _make(self, name: str, running: _Running) -> Opened:
        environ = {**self._environ, _MARK: name}
        interface = interface_host.make_beside(self._document, name, environ, sockets=self._sockets)
        if name in self._restore:
            interface.restore(self._restore[name])
        component = Component(
            report=self.report(name),
            log=self._log_of(component_beside(name)),
            children=self._children,
            launch=partial(self._launch, interface, running),
            healthy=partial(interface_host.until_ready, interface, self._host),
            on_change=self._on_change,
        )
        return Opened(name=name, interface=interface, component=component)

    def _launch(self, interface: Interface, running: _Running) -> Launched:
        launched = interface_host.launched(interface)
        running.reporting.append(asyncio.ensure_future(interface.run(self._host)))
        return launched

    def _refuse(self, name: str, reason: str, *, was_ready: bool = False) -> None:
        """Report that one does not run, and why; what was ready once is started by the next visit."""
        report = self.report(name)
        if not was_ready:
            self._refused.add(name)
        report.state, report.reason = ComponentState.FAILED, f"{reason} {_AGAIN}" if was_ready else reason
        self._on_change()


def _end_all_of(name: str) -> None:
    """End what an interface left behind: kernels whose server is gone, or a server that would hold the port of the next one."""
    for pid in walk(os.getpid()):
        if pid != os.getpid() and environ_of(pid).get(_MARK) == name:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
