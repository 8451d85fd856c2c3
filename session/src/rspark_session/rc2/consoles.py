"""The consoles of a session: one a project and kernelspec, shared by all who join.

A console is one of Jupyter's sessions, under the same id: JupyterLab lists its kernel, and a sleep saves and restores it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, cast

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_async

from rspark_session.jupyter.kernels import KernelEvent, Kernels
from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Console, Identity, Refusal
from rspark_session.rc2.recorder import Recorder

_SAME_KERNEL_GONE = "The session was started anew without what this console had in memory."
_SERVER_GONE = "The session ended while this ran."


class Consoles:
    """Starts consoles, and finds them again after a sleep. `listeners` are called with a console that has done something."""

    def __init__(self, *, kernels: Kernels, sessions: Any, home: Path, recorder: Recorder) -> None:
        self.listeners: list[Callable[[Console], None]] = []
        self._kernels = kernels
        self._sessions = sessions
        self._home = home
        self._recorder = recorder
        self._consoles: dict[str, Console] = {}
        self._starting = asyncio.Lock()
        kernels.listeners.append(self._kernel_changed)
        self._endings: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Console]:
        return iter(self._consoles.values())

    def get(self, console: str) -> Console:
        """Return a console that runs; raise `Refusal` when it doesn't."""
        found = self._consoles.get(console)
        if found is None:
            raise Refusal("This console does not run. Start it again.")
        return found

    async def start(self, kernelspec: str, project: str) -> Console:
        """Return the console of a project and a kernelspec, which is started where it doesn't run.

        Raises
        ------
        Refusal
            When there is no such folder or kernel, or the kernel can't be started.
        """
        folder = self._folder(project)
        async with self._starting:
            for console in self:
                if (console.identity.kernelspec, console.identity.project) == (kernelspec, folder):
                    return console
            try:
                spec: Any = await ensure_async(cast(Any, self._kernels.kernel_spec_manager).get_kernel_spec(kernelspec))
            except NoSuchKernel as problem:
                raise Refusal(f"There is no kernel {kernelspec!r} in this session.") from problem
            path = str(PurePosixPath(folder) / f"console-{kernelspec}")
            try:
                session = await self._sessions.create_session(path=path, name=kernelspec, type="console", kernel_name=kernelspec)
            except Exception as problem:  # whatever keeps a kernel from starting, the person gets a sentence
                raise Refusal(f"{spec.display_name} could not be started: {problem}") from problem
            identity = Identity(
                id=str(session["id"]),
                kernel=str(session["kernel"]["id"]),
                kernelspec=kernelspec,
                language=spec.language,
                title=spec.display_name,
                project=folder,
            )
            self._record_started(identity)
            return self._open(identity)

    async def reopen(self) -> None:
        """Open the consoles that the log has and whose kernels a sleep has brought back; record that the others have ended."""
        known, unfinished = self._read_log()
        sessions = {str(session["id"]): session for session in await self._sessions.list_sessions()}
        for execution, console in unfinished.items():
            self._recorder.record(
                protocol.ExecutionFinished, console=console, execution=execution, status="lost", reason=_SERVER_GONE
            )
        for identity in known.values():
            session = sessions.get(identity.id)
            if session is None:
                self._recorder.record(protocol.ConsoleState, console=identity.id, state="ended", reason=_SAME_KERNEL_GONE)
            else:
                self._open(identity)

    async def end(self, console: Console, reason: str | None = None) -> None:
        """End a console and its kernel."""
        self._consoles.pop(console.identity.id, None)
        console.close(reason)
        await self._sessions.delete_session(console.identity.id)

    def detach(self) -> None:
        """Let go of all kernels: the server ends."""
        while self._consoles:
            self._consoles.popitem()[1].detach()

    def _kernel_changed(self, kernel: str, event: KernelEvent) -> None:
        for console in list(self):
            if console.identity.kernel == kernel:
                if event == "removed":
                    del self._consoles[console.identity.id]
                console.kernel_changed(event)

    def _open(self, identity: Identity) -> Console:
        console = Console(identity, kernels=self._kernels, recorder=self._recorder, changed=self._changed)
        self._consoles[identity.id] = console
        return console

    def _changed(self, console: Console) -> None:
        if console.leaves and console.identity.id in self._consoles:
            self._consoles.pop(console.identity.id)
            ending = asyncio.ensure_future(self.end(console))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            return
        if console.state == "ended":
            self._consoles.pop(console.identity.id, None)
            return
        for listener in self.listeners:
            listener(console)

    def _record_started(self, identity: Identity) -> None:
        self._recorder.record(
            protocol.ConsoleStarted,
            console=identity.id,
            kernelspec=identity.kernelspec,
            language=identity.language,
            title=identity.title,
            project=identity.project,
            kernel=identity.kernel,
        )

    def _folder(self, project: str) -> str:
        """Return the folder of a project below the home, in its shortest form; raise `Refusal` when there is none."""
        path = (self._home / project).resolve()
        home = self._home.resolve()
        if not path.is_relative_to(home) or not path.is_dir():
            raise Refusal(f"There is no folder {project!r} in the home.")
        folder = str(path.relative_to(home))
        return "" if folder == "." else folder

    def _read_log(self) -> tuple[dict[str, Identity], dict[str, str]]:
        """Return the consoles that have not ended by the log, and the executions, with their consoles."""
        known: dict[str, Identity] = {}
        unfinished: dict[str, str] = {}
        for line in self._recorder.log.all():
            if b'"type":"stream"' in line[:400]:
                continue
            event = json.loads(line)
            match event["type"]:
                case "console_started":
                    known[event["console"]] = Identity(
                        id=event["console"],
                        kernel=event["kernel"],
                        kernelspec=event["kernelspec"],
                        language=event["language"],
                        title=event["title"],
                        project=event["project"],
                    )
                case "console_state" if event["state"] == "ended":
                    known.pop(event["console"], None)
                case "execution_queued":
                    unfinished[event["execution"]] = event["console"]
                case "execution_finished":
                    unfinished.pop(event["execution"], None)
        return known, unfinished
