"""The lifecycle of an ensemble: its components start, it is watched while it runs, and it ends in order."""

import asyncio
import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rspark_contract.ensemble import AGENT, INTERFACE, EnsembleDocument
from rspark_contract.http import LONGEST_SLEEP
from rspark_contract.http import Ending as RequestedEnding
from rspark_contract.record import How, Record
from rspark_contract.saved import Saved, SleepRefusal
from rspark_contract.specs import ComponentSpec
from rspark_contract.status import AgentState, ComponentState
from rspark_session import course_data, home_space
from rspark_session.agent.components import health
from rspark_session.agent.components.component import Component, ComponentFailed
from rspark_session.agent.components.logs import Log, Stdout
from rspark_session.agent.components.report import ComponentReport
from rspark_session.agent.lifecycle import interface_host, saving
from rspark_session.agent.lifecycle.beside import BesideInterfaces
from rspark_session.agent.lifecycle.checkpoint_store import CheckpointStore
from rspark_session.agent.lifecycle.ending import Ending, Outcome, end
from rspark_session.agent.lifecycle.handouts import Handouts
from rspark_session.agent.lifecycle.interface_host import InterfaceHost
from rspark_session.agent.lifecycle.opened import Opened
from rspark_session.agent.lifecycle.saving import SaveResult
from rspark_session.agent.lifecycle.sleeping import Refusals
from rspark_session.agent.reporting import record
from rspark_session.agent.reporting.reporter import Reporter
from rspark_session.agent.reporting.watch import Watch
from rspark_session.agent.routing.door import door_of
from rspark_session.agent.routing.router import Router
from rspark_session.interfaces.base import Interface, LaunchedProcess
from rspark_session.processes.children import Children
from rspark_session.processes.launch import Launched, launch
from rspark_session.proxy.server import Connection
from rspark_session.services.base import Service

_log = logging.getLogger(__name__)
_ENDED = {"suspend": How.SUSPENDED, "stop": How.STOPPED, "fail": How.FAILED}
#: Seconds until a component that failed is started again; it doubles up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_INTERFACE_STOP = 20.0  # seconds that an interface may take to end before it is started again
_AGAIN = "The session goes on without it, and it is started again."
_UNWRITTEN = "It could not be written down how the session ended: {}."


class Ensemble:
    """One generation of one ensemble, from here to its end."""

    def __init__(
        self,
        *,
        document: EnsembleDocument,
        environ: Mapping[str, str],
        listener: socket.socket,
        sockets: Path,
        interface: Interface | None,
        process: LaunchedProcess | None,
        services: Sequence[Service],
        store: CheckpointStore,
        restore_beside: Mapping[str, Path],
        early: Sequence[int],
    ) -> None:
        self._document = document
        self._environ = environ
        self._listener = listener
        self._sockets = sockets
        self._store = store
        self._interface = interface
        self._early = early  # signals that came while this was loaded
        self._children = Children()
        self._reporter = Reporter(document)
        host, port = listener.getsockname()[:2]
        self._reporter.report.address = f"{host}:{port}"
        self._logs = {AGENT: _own_log(document)}
        interface_report = self._report_of(INTERFACE, interface.context.spec.title) if interface else None
        self._components = {spec.name: self._component(spec) for spec in document.components}
        self._watch = Watch(
            reporter=self._reporter, interfaces=self._interfaces, services=services, components=self._components.values()
        )
        self._host = InterfaceHost(self._watch)
        self._interface_component = (
            self._component_of_interface(interface, process, interface_report)
            if interface and process and interface_report
            else None
        )
        self._names = tuple(self._reporter.report.components)  # of those that a start waits for
        self._beside = BesideInterfaces(
            document=document,
            environ=environ,
            sockets=sockets,
            children=self._children,
            host=self._host,
            report_of=self._report_of,
            log_of=self._log_of,
            restore=restore_beside,
            on_change=self._reporter.publish,
        )
        self._handouts = Handouts(document=document, environ=environ, children=self._children, interface=interface)
        self._router = Router(
            document=document,
            reporter=self._reporter,
            logs=self._logs,
            services=services,
            processes=self._watch.processes,
            measure_again=self._watch.measure_again,
            on_end=self._end_as_requested,
            besides=self._beside,
            handouts=self._handouts,
        )
        self._ending: asyncio.Future[Ending] | None = None
        self._refusals = Refusals()
        self._falling_asleep: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[SaveResult] | None = None  # of a voluntary sleep
        self._computed: tuple[str, ...] = ()  # what computed when a voluntary sleep began

    def run(self) -> int:
        """Run it to its end; return the exit code of the agent."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        self._ending = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._decide, Ending("suspend"))
        if self._early:
            self._decide(Ending("suspend"))
        self._children.attach(loop)
        server = await loop.create_server(partial(Connection, self._router), sock=self._listener)
        self._reporter.publish()
        reporting = [asyncio.ensure_future(self._interface.run(self._host))] if self._interface else []
        at_work = [asyncio.ensure_future(work) for work in self._work()]
        self._beside.start_restored()
        course_data.keep_up_to_date(self._document)
        ending = await self._ending
        self._beside.close()
        for task in at_work:
            task.cancel()
        await asyncio.wait(at_work)
        code = await self._end(ending)
        await asyncio.gather(*reporting)
        await self._beside.closed()
        server.close()
        return code

    def _work(self) -> list[Coroutine[Any, Any, None]]:
        work = [self._see_through_spec(spec) for spec in self._document.components]
        if self._interface and self._interface_component:
            work.append(self._see_interface_through(self._interface, self._interface_component))
        return [*work, self._watch.run()]

    async def _see_through_spec(self, spec: ComponentSpec) -> None:
        component = self._components[spec.name]
        if self._interface_component:  # the person's work goes on without it
            await self._see_through_again(component, spec.after, stop_timeout=spec.stop_timeout, ready=spec.ready)
        else:
            await self._see_through(component, spec.after)

    async def _see_interface_through(self, interface: Interface, component: Component) -> None:
        if interface.restarts:
            await self._see_through_again(component, (), stop_timeout=_INTERFACE_STOP, must_start=True)
        else:
            await self._see_through(component, ())

    async def _see_through(self, component: Component, after: tuple[str, ...]) -> None:
        try:
            await component.run([self._components[name] for name in after])
        except ComponentFailed as failure:
            self._fail(failure)

    async def _see_through_again(
        self,
        component: Component,
        after: tuple[str, ...],
        *,
        stop_timeout: float,
        ready: Mapping[str, str] | None = None,
        must_start: bool = False,
    ) -> None:
        """Start a component again whenever it fails; one that `must_start` and never was ready fails the session."""
        pause = _FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await component.run([self._components[name] for name in after])
            except ComponentFailed as failure:
                if must_start and not component.was_ready:
                    self._fail(failure)
                    return
                _log.error("%s (%s)", failure.reason, failure.detail)
                component.report.reason = f"{failure.reason} {_AGAIN}"
                self._reporter.publish()
            await component.stop(stop_timeout)  # one that was not ready in time still runs
            health.forget(ready or {})
            if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _fail(self, failure: ComponentFailed) -> None:
        _log.error("%s (%s)", failure.reason, failure.detail)
        self._decide(Ending("fail", failure.reason, failure.detail))

    def _end_as_requested(self, ending: RequestedEnding) -> None:
        if ending in ("suspend", "stop"):
            self._decide(Ending(ending))
        elif self._reporter.report.state is AgentState.STARTING:  # nothing is in memory yet
            self._decide(Ending("suspend"))
        elif self._reporter.report.state is AgentState.READY:  # while it falls asleep, to ask again is the same
            self._falling_asleep = asyncio.ensure_future(self._fall_asleep(only_if_idle=ending == "sleep-if-idle"))

    async def _fall_asleep(self, *, only_if_idle: bool) -> None:
        """Save, and end when everything is kept; otherwise go on, and report why."""
        report = self._reporter.report
        if only_if_idle:
            await self._watch.measure_again()
        if self._ending is None or self._ending.done() or report.state is not AgentState.READY:  # asked for more meanwhile
            return
        if only_if_idle and report.busy_with:
            self._stay_awake(self._refusals.because_busy(report.busy_with))
            return
        self._computed = tuple(report.busy_with)
        report.state = AgentState.SUSPENDING
        self._router.shut()
        self._reporter.publish()
        opened = self._opened()
        if any(each.can_save for each in opened):
            self._saving = asyncio.ensure_future(saving.save(opened, self._store, seconds=LONGEST_SLEEP))
            result = await self._saving
        else:
            result = SaveResult(Saved())
        if self._ending is None or self._ending.done():  # somebody asked for more meanwhile; who ends it has the result
            return
        if result.failures:
            self._saving = None
            self._store.abandon()
            self._stay_awake(self._refusals.because_lost(result))
        else:
            self._decide(Ending("suspend"))

    def _stay_awake(self, refusal: SleepRefusal) -> None:
        _log.warning("not put to sleep: %s", refusal.reason)
        self._reporter.report.refusal = refusal
        self._reporter.report.state = AgentState.READY
        for each in self._opened():
            each.interface.go_on()
        self._open_interface()
        self._reporter.publish()

    def _open_interface(self) -> None:
        component = self._interface_component
        if self._interface and component and component.is_ready:
            self._router.door = door_of(self._interface, on_activity=lambda: self._host.activity(datetime.now(UTC)))
        else:
            self._router.door = None

    def _opened(self) -> list[Opened]:
        """Return the interfaces that were started, the first one first."""
        if self._interface is None or self._interface_component is None:
            return []
        return [Opened(name=None, interface=self._interface, component=self._interface_component), *self._beside]

    def _interfaces(self) -> list[Interface]:
        return [each.interface for each in self._opened()]

    def _decide(self, ending: Ending) -> None:
        """End it; the first to say so decides how."""
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(ending)

    async def _end(self, ending: Ending) -> int:
        report = self._reporter.report
        ended = self._computed if self._saving else tuple(report.busy_with)
        taken_over = self._falling_asleep is not None and ending.how == "stop"
        if self._falling_asleep and taken_over:
            self._falling_asleep.cancel()
        report.state = AgentState.SUSPENDING if ending.how == "suspend" else AgentState.STOPPING
        report.reason, report.detail = ending.reason, ending.detail
        self._router.shut()
        self._reporter.publish()
        outcome = await end(
            ending,
            grace=self._document.grace,
            store=self._store,
            opened=self._opened(),
            components=list(self._components.values()),
            after={spec.name: spec.after for spec in self._document.components},
            begun=self._saving,
        )
        if taken_over:
            self._store.abandon()  # by now nobody writes there any more
        report.reason = ending.reason or outcome.problem
        failed = report.reason is not None
        kept_in_part = ending.how == "suspend" and outcome.saved is not None
        how = How.SUSPENDED if kept_in_part else How.FAILED if failed else _ENDED[ending.how]
        left = self._record(how, outcome, ended, failed=failed)
        try:
            self._store.write_record(left)
        except OSError as problem:  # without a record the next start knows nothing of what was saved
            _log.exception("the record could not be written")
            full = self._store.is_full(problem)
            failed, how = True, How.FAILED
            report.reason = home_space.FULL if full else _UNWRITTEN.format(problem.strerror)
            left = self._record(how, outcome, ended, failed=failed)
        try:
            record.leave(left, self._document)  # there may be room where the home has none
        except OSError:
            _log.exception("the record could not be left for the hub")
            failed = True
        report.state = AgentState.FAILED if failed else AgentState.ENDED
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._reporter.publish()
        _log.info("%s, with %d orphans reaped", how, self._children.orphans_reaped)
        return 1 if failed else 0

    def _record(self, how: How, outcome: Outcome, ended: tuple[str, ...], *, failed: bool) -> Record:
        report = self._reporter.report
        return record.make_record(
            self._document,
            how=how,
            reason=report.reason,
            detail=report.detail,
            saved=outcome.saved,
            ended=ended,
            code=int(failed),  # never 0 where something was lost
            components=report.components.values(),
        )

    def _component(self, spec: ComponentSpec) -> Component:
        return Component(
            report=self._report_of(spec.name, spec.title),
            log=self._log_of(spec.name),
            children=self._children,
            launch=partial(launch, spec.command, environ={**self._environ, **spec.environ}, folder=self._document.places.home),
            healthy=partial(health.until_ready, spec.ready),
            on_change=self._component_changed,
            stop_signal=signal.Signals[spec.stop_signal],
            stop_timeout=spec.stop_timeout,
            first_start=spec.first_start,
        )

    def _is_settled(self, name: str) -> bool:
        """Whether the start of the ensemble needn't wait for a component: it is ready, or an interface does without it."""
        states = {name: known.state for name, known in self._reporter.report.components.items()}
        if states[name] is ComponentState.READY or self._interface_component is None or name == INTERFACE:
            return states[name] is ComponentState.READY
        waits_for = next(spec.after for spec in self._document.components if spec.name == name)
        return ComponentState.FAILED in {states[name], *(states[other] for other in waits_for)}

    def _component_of_interface(self, interface: Interface, process: LaunchedProcess, report: ComponentReport) -> Component:
        first = Launched(process.pid, process.output)
        self._children.expect(first)
        return Component(
            report=report,
            log=self._log_of(INTERFACE),
            children=self._children,
            launch=_starts(interface, first),
            healthy=partial(interface_host.until_ready, interface, self._host),
            on_change=self._component_changed,
        )

    def _report_of(self, name: str, title: str) -> ComponentReport:
        return self._reporter.report.components.setdefault(name, ComponentReport(name, title))

    def _log_of(self, name: str) -> Log:
        stdout = Stdout(name) if self._document.places.logs_to_stdout else None
        return self._logs.setdefault(name, Log(self._document.places.run / "log" / f"{name}.log", stdout=stdout))

    def _component_changed(self) -> None:
        report = self._reporter.report
        if report.state in (AgentState.STARTING, AgentState.READY):
            self._open_interface()
        if report.state is AgentState.STARTING and all(map(self._is_settled, self._names)):
            report.state = AgentState.READY
        self._reporter.publish()


def _starts(interface: Interface, first: Launched) -> Callable[[], Launched]:
    """Return what gives the process that runs already, and later starts the interface again."""
    waiting = [first]
    return lambda: waiting.pop() if waiting else interface_host.launched(interface)


def _own_log(document: EnsembleDocument) -> Log:
    """Log the agent's own doings, and what Python or a library prints when something is badly wrong.

    In a container the latter stays on the container's own output.
    """

    def take_output(file: int) -> None:
        for standard in (1, 2):
            os.dup2(file, standard)

    path = document.places.run / "log" / f"{AGENT}.log"
    log = Log(path, stdout=Stdout(AGENT)) if document.places.logs_to_stdout else Log(path, on_open=take_output)
    handler = logging.StreamHandler(_Lines(log))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    return log


class _Lines:
    """A stream that writes into a log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def write(self, text: str) -> None:
        self._log.write(text.encode())
