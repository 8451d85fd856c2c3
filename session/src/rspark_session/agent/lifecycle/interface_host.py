"""The interface as the agent has it: made and started by its face alone, whatever it is, and the host of one that runs."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_contract.ensemble import EnsembleDocument
from rspark_session.agent.lifecycle.failure import CannotStart
from rspark_session.interfaces import base
from rspark_session.interfaces.base import Interface, InterfaceUnavailable, LaunchedProcess
from rspark_session.processes.launch import launch

if TYPE_CHECKING:  # they need asyncio, and are loaded when the first processes are on their way
    from rspark_contract.saved import Restored
    from rspark_session.agent.reporting.watch import Watch


def make(document: EnsembleDocument, environ: Mapping[str, str], *, sockets: Path) -> Interface | None:
    """Make the interface that the document names, if it names one, without starting it.

    Raises
    ------
    CannotStart
        When there is no such interface, or its module can't be loaded, as one of another package may.
    """
    if document.interface is None:
        return None
    context = base.Context(
        spec=document.interface,
        base_path=document.base_path,
        home=document.places.home,
        run=document.places.run,
        sockets=sockets,
        environ=environ,
        launch=launch,
    )
    try:
        return base.find(document.interface.kind)(context)
    except InterfaceUnavailable as problem:
        raise CannotStart(str(problem)) from problem
    except Exception as problem:
        title = document.interface.title
        raise CannotStart(f"{title} can't be loaded: {problem}. Ask your administrator to mend its package.") from problem


def start(interface: Interface, *, restore: Path | None) -> LaunchedProcess:
    """Start the interface, and let it restore what the last sleep saved in that folder.

    Raises
    ------
    CannotStart
        When it can't be started.
    """
    try:
        if restore is not None:
            interface.restore(restore)
        return interface.start()
    except InterfaceUnavailable as problem:
        raise CannotStart(str(problem)) from problem
    except OSError as problem:
        raise CannotStart(f"{interface.context.spec.title} can't be started: {problem.strerror or problem}.") from problem


class InterfaceHost:
    """What the agent does for an interface that runs (`base.Host`): it passes on to the watch what is reported."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch

    def activity(self, at: datetime) -> None:
        """Report that a person did something."""
        self._watch.note_activity(at)

    def changed(self) -> None:
        """Report that what is busy, or the names of processes, have changed."""
        self._watch.update_busy()

    def restored(self, restored: "Restored") -> None:
        """Report what came back of what a sleep saved."""
        self._watch.note_restored(restored)

    async def until_healthy(self, ready: Mapping[str, str]) -> None:
        """Wait until a condition holds."""
        from rspark_session.agent.components import health  # noqa: PLC0415  (needs asyncio)

        await health.until_ready(dict(ready))

    def has_port(self, port: int) -> bool:
        """Return whether a process of this ensemble listens on the port."""
        from rspark_session.processes import ports  # noqa: PLC0415  (first needed here)

        pids = {process.pid for process in self._watch.processes()}
        return any(port in listening for listening in ports.listening(pids).values())
