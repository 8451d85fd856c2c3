"""Interfaces as the agent has them: made and started by their face alone, whatever they are, and the host of those that run."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_contract.ensemble import EnsembleDocument, path_beside
from rspark_contract.specs import InterfaceSpec
from rspark_session.agent.lifecycle.failure import CannotStart
from rspark_session.interfaces import base
from rspark_session.interfaces.base import Interface, InterfaceUnavailable, LaunchedProcess
from rspark_session.processes.launch import Launched, launch

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
    places = document.places
    try:
        return _made(document, document.interface, document.base_path, environ, run=places.run, sockets=sockets)
    except InterfaceUnavailable as problem:
        raise CannotStart(str(problem)) from problem


def make_beside(document: EnsembleDocument, name: str, environ: Mapping[str, str], *, sockets: Path) -> Interface:
    """Make one of the interfaces beside the first, which has a path and folders of its own.

    Raises
    ------
    InterfaceUnavailable
        When there is no such interface, or its module can't be loaded.
    OSError
        When its folders can't be made.
    """
    run = document.places.run / "beside" / name
    own_sockets = sockets / str(list(document.beside).index(name))
    for folder in (run, own_sockets):
        shutil.rmtree(folder, ignore_errors=True)  # of one that has ended
        folder.mkdir(mode=0o700, parents=True)
    base_path = path_beside(document.base_path, name)
    return _made(document, document.beside[name], base_path, environ, run=run, sockets=own_sockets)


def _made(
    document: EnsembleDocument, spec: InterfaceSpec, base_path: str, environ: Mapping[str, str], *, run: Path, sockets: Path
) -> Interface:
    context = base.Context(
        spec=spec,
        base_path=base_path,
        home=document.places.home,
        run=run,
        sockets=sockets,
        environ=environ,
        launch=launch,
        template=document.template,
    )
    try:
        return base.find(spec.kind)(context)
    except InterfaceUnavailable:
        raise
    except Exception as problem:
        raise InterfaceUnavailable(
            f"{spec.title} can't be loaded: {problem}. Ask your administrator to mend its package."
        ) from problem


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


def launched(interface: Interface) -> Launched:
    """Start an interface as a component.

    Raises
    ------
    ComponentFailed, OSError
        When it can't be started.
    """
    from rspark_session.agent.components.component import ComponentFailed  # noqa: PLC0415  (needs asyncio)

    try:
        process = interface.start()
    except InterfaceUnavailable as problem:
        raise ComponentFailed(str(problem), None) from problem
    return Launched(process.pid, process.output)


async def until_ready(interface: Interface, host: base.Host) -> None:
    """Wait until an interface that is a component can be opened; raise `ComponentFailed` when it never will."""
    from rspark_session.agent.components.component import ComponentFailed  # noqa: PLC0415  (needs asyncio)

    try:
        await interface.until_ready(host)
    except InterfaceUnavailable as problem:
        raise ComponentFailed(str(problem), None) from problem


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
