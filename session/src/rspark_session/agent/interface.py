"""The interface as the agent has it: made and started by its face alone, whatever it is, and the host of one that runs."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_session.agent.launch import launch
from rspark_session.agent.spec import Spec, SpecInvalid
from rspark_session.interfaces import base
from rspark_session.interfaces.base import Interface, InterfaceUnavailable, LaunchedProcess

if TYPE_CHECKING:  # they need asyncio, and are loaded when the first processes are on their way
    from rspark_contract.saved import Restored
    from rspark_session.agent.watch import Watch


def make(spec: Spec, environ: Mapping[str, str], *, sockets: Path) -> Interface | None:
    """Make the interface that the spec names, if it names one, without starting it.

    Raises
    ------
    SpecInvalid
        When there is no such interface.
    """
    if spec.interface is None:
        return None
    context = base.Context(
        spec=spec.interface,
        base_path=spec.base_path,
        home=spec.home,
        run=spec.run,
        sockets=sockets,
        environ=environ,
        launch=launch,
    )
    try:
        return base.find(spec.interface.kind)(context)
    except InterfaceUnavailable as problem:
        raise SpecInvalid(str(problem)) from problem


def start(interface: Interface, *, restore: Path | None) -> LaunchedProcess:
    """Start the interface, and let it restore what the last sleep saved in that folder.

    Raises
    ------
    SpecInvalid
        When it can't be started.
    """
    try:
        if restore is not None:
            interface.restore(restore)
        return interface.start()
    except InterfaceUnavailable as problem:
        raise SpecInvalid(str(problem)) from problem
    except OSError as problem:
        raise SpecInvalid(f"{interface.context.spec.title} can't be started: {problem.strerror or problem}.") from problem


class InterfaceHost:
    """What the agent does for an interface that runs (`base.Host`): it passes on to the watch what is reported."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch

    def activity(self, at: datetime) -> None:
        """Report that a person did something."""
        self._watch.has_stirred(at)

    def changed(self) -> None:
        """Report that what is busy, or the names of processes, have changed."""
        self._watch.update_busy()

    def restored(self, restored: "Restored") -> None:
        """Report what came back of what a sleep saved."""
        self._watch.has_restored(restored)

    async def until_healthy(self, ready: Mapping[str, str]) -> None:
        """Wait until a condition holds."""
        from rspark_session.agent import health  # noqa: PLC0415  (needs asyncio)

        await health.until_ready(dict(ready))

    def has_port(self, port: int) -> bool:
        """Return whether a process of this ensemble listens on the port."""
        from rspark_session.agent import ports  # noqa: PLC0415  (first needed here)

        pids = {process.pid for process in self._watch.processes()}
        return any(port in listening for listening in ports.listening(pids).values())
