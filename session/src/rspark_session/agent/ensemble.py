"""The lifecycle of an ensemble: its parts start, it is watched while it runs, and it ends in order."""

import asyncio
import logging
import os
import shutil
import signal
import socket
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rspark_session.agent import health, record, room
from rspark_session.agent.children import Children
from rspark_session.agent.door import Door
from rspark_session.agent.ending import Ending, Outcome, end
from rspark_session.agent.interface import InterfaceHost
from rspark_session.agent.keep import Keep
from rspark_session.agent.launch import Launched, launch
from rspark_session.agent.logs import Log, Stdout
from rspark_session.agent.part import Part, PartFailed
from rspark_session.agent.proxy.server import Connection
from rspark_session.agent.proxy.upstream import Upstream
from rspark_session.agent.spec import PartSpec, Spec
from rspark_session.agent.status import PartStatus, Reporter
from rspark_session.agent.watch import Watch
from rspark_session.interfaces.base import Endpoint, Host, Interface, InterfaceUnavailable, LaunchedProcess

_log = logging.getLogger(__name__)


class Ensemble:
    """One generation of one ensemble, from here to its end."""

    def __init__(
        self,
        *,
        spec: Spec,
        environ: Mapping[str, str],
        door: socket.socket,
        sockets: Path,
        interface: Interface | None,
        process: LaunchedProcess | None,
        keep: Keep,
        early: Sequence[int],
    ) -> None:
        self._spec = spec
        self._environ = environ
        self._socket = door
        self._sockets = sockets
        self._keep = keep
        self._interface = interface
        self._early = early  # signals that came while this was loaded
        self._children = Children()
        self._reporter = Reporter(spec)
        host, port = door.getsockname()[:2]
        self._reporter.status.address = f"{host}:{port}"
        self._logs = {"agent": _own_log(spec)}
        interface_status = self._status_of("interface", interface.context.spec.title) if interface else None
        self._parts = {part.name: self._part(part) for part in spec.parts}
        self._watch = Watch(reporter=self._reporter, base=spec.base_path, interface=interface, parts=self._parts.values())
        self._host = InterfaceHost(self._watch)
        self._interface_part = (
            self._part_of_interface(interface, process, interface_status) if interface and process and interface_status else None
        )
        self._door = Door(
            spec=spec,
            reporter=self._reporter,
            logs=self._logs,
            spark=self._watch.spark,
            on_end=lambda how: self._decide(Ending("suspend" if how == "suspend" else "stop")),
            on_activity=(lambda: self._watch.has_stirred(datetime.now(UTC))) if _counts_traffic(interface) else None,
        )
        self._ending: asyncio.Future[Ending] | None = None

    def run(self) -> int:
        """Run it; gives the exit code of the agent."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        self._ending = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._decide, Ending("suspend"))
        if self._early:
            self._decide(Ending("suspend"))
        self._children.attach(loop)
        server = await loop.create_server(partial(Connection, self._door), sock=self._socket)
        self._reporter.tell()
        reporting = [asyncio.ensure_future(self._interface.run(self._host))] if self._interface else []
        at_work = [asyncio.ensure_future(work) for work in self._work()]
        ending = await self._ending
        for task in at_work:
            task.cancel()
        await asyncio.wait(at_work)
        code = await self._end(ending)
        await asyncio.gather(*reporting)
        server.close()
        return code

    def _work(self) -> list[Coroutine[Any, Any, None]]:
        work = [self._see_through(self._parts[part.name], part.after) for part in self._spec.parts]
        if self._interface_part:
            work.append(self._see_through(self._interface_part, ()))
        return [*work, self._watch.run()]

    async def _see_through(self, part: Part, after: tuple[str, ...]) -> None:
        try:
            await part.run([self._parts[name] for name in after])
        except PartFailed as failure:
            _log.error("%s (%s)", failure.reason, failure.detail)
            self._decide(Ending("fail", failure.reason, failure.detail))

    def _decide(self, ending: Ending) -> None:
        """End it; the first to say so decides how."""
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(ending)

    async def _end(self, ending: Ending) -> int:
        status = self._reporter.status
        status.state = "suspending" if ending.how == "suspend" else "stopping"
        status.reason, status.detail = ending.reason, ending.detail
        self._door.shut()
        self._reporter.tell()
        outcome = await end(
            ending,
            grace=self._spec.grace,
            keep=self._keep,
            interface=self._interface,
            interface_part=self._interface_part,
            parts=list(self._parts.values()),
            after={part.name: part.after for part in self._spec.parts},
        )
        status.reason = ending.reason or outcome.problem
        failed = status.reason is not None
        how = "failed" if failed else {"suspend": "suspended", "stop": "stopped"}[ending.how]
        left = self._record(how, outcome)
        try:
            self._keep.write_record(left)
        except OSError as problem:  # without a record the next start knows nothing of what was saved
            _log.exception("the record could not be written")
            full = self._keep.is_full(problem)
            failed, how = True, "failed"
            status.reason = room.FULL if full else f"It could not be written down how the session ended: {problem.strerror}."
            left = self._record(how, outcome)
        try:
            record.leave(left, self._spec)  # there may be room where the home has none
        except OSError:
            _log.exception("the record could not be left for the hub")
            failed = True
        status.state = "failed" if failed else "ended"
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._reporter.tell()
        _log.info("%s, with %d orphans reaped", how, self._children.orphans_reaped)
        return 1 if failed else 0

    def _record(self, how: str, outcome: Outcome) -> dict[str, Any]:
        status = self._reporter.status
        return record.ended(
            self._spec,
            how=how,
            code=1 if how == "failed" else 0,
            reason=status.reason,
            detail=status.detail,
            saved=outcome.saved.to_json() if outcome.saved is not None else None,
            parts=status.parts.values(),
        )

    def _part(self, asked: PartSpec) -> Part:
        return Part(
            status=self._status_of(asked.name, asked.title),
            log=self._log_of(asked.name),
            children=self._children,
            launch=partial(launch, asked.command, environ={**self._environ, **asked.environ}, folder=self._spec.home),
            healthy=partial(health.until_ready, asked.ready),
            on_change=self._part_changed,
            stop_signal=signal.Signals[asked.stop_signal],
            stop_timeout=asked.stop_timeout,
        )

    def _part_of_interface(self, interface: Interface, process: LaunchedProcess, status: PartStatus) -> Part:
        started = Launched(process.pid, process.output)
        self._children.expect(started)
        return Part(
            status=status,
            log=self._log_of("interface"),
            children=self._children,
            launch=lambda: started,
            healthy=partial(_until_ready, interface, self._host),
            on_change=self._part_changed,
        )

    def _status_of(self, name: str, title: str) -> PartStatus:
        return self._reporter.status.parts.setdefault(name, PartStatus(name, title))

    def _log_of(self, name: str) -> Log:
        stdout = Stdout(name) if self._spec.logs_to_stdout else None
        return self._logs.setdefault(name, Log(self._spec.run / "log" / f"{name}.log", stdout=stdout))

    def _part_changed(self) -> None:
        status = self._reporter.status
        part = self._interface_part
        if self._interface and part and part.is_ready and status.state in ("starting", "ready"):
            self._door.upstream = _upstream(self._interface.endpoint)
        if status.state == "starting" and all(part.state == "ready" for part in status.parts.values()):
            status.state = "ready"
        self._reporter.tell()


async def _until_ready(interface: Interface, host: Host) -> None:
    try:
        await interface.until_ready(host)
    except InterfaceUnavailable as problem:
        raise PartFailed(str(problem), None) from problem


def _counts_traffic(interface: Interface | None) -> bool:
    return interface is None or interface.traffic_is_activity


def _upstream(endpoint: Endpoint) -> Upstream:
    return Upstream(socket=endpoint.socket, port=endpoint.port, headers=endpoint.headers)


def _own_log(spec: Spec) -> Log:
    """Log the agent's own doings, and what Python or a library prints when something is badly wrong.

    In a container the latter stays on the container's own output.
    """

    def take_output(file: int) -> None:
        for standard in (1, 2):
            os.dup2(file, standard)

    path = spec.run / "log" / "agent.log"
    log = Log(path, stdout=Stdout("agent")) if spec.logs_to_stdout else Log(path, on_open=take_output)
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
