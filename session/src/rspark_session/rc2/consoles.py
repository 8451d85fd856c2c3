"""The consoles of a session: one a project and kernelspec, shared by all who join.

A console is one of Jupyter's sessions, under the same id: JupyterLab lists its kernel, and a sleep saves and restores it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, cast

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_async

from rspark_session.jupyter.kernels import KernelEvent, Kernels
from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Console, Identity
from rspark_session.rc2.debugging import Debugging
from rspark_session.rc2.profiler.profiler import Profiler
from rspark_session.rc2.recorder import Recorder
from rspark_session.rc2.refusal import Refusal

_SAME_KERNEL_GONE = "The session was started anew without what this console had in memory."
_SERVER_GONE = "The session ended while this ran."


@dataclass
class _Past:
    """What the log has: consoles that have not ended, executions that have not either with their consoles, and all executions."""

    consoles: dict[str, Identity] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)
    executions: list[str] = field(default_factory=list)


class Consoles:
    """Starts consoles, and finds them again after a sleep. `listeners` are called with a console that has done something."""

    def __init__(
        self, *, kernels: Kernels, sessions: Any, home: Path, recorder: Recorder, debugging: Debugging, profiler: Profiler
    ) -> None:
        self.listeners: list[Callable[[Console], None]] = []
        self._kernels = kernels
        self._sessions = sessions
        self._home = home
        self._recorder = recorder
        self._debugging = debugging
        self._profiler = profiler
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
            spec = await self._spec(kernelspec)
            if spec is None:
                raise Refusal(f"There is no kernel {kernelspec!r} in this session.")
            try:
                session = await self._sessions.create_session(
                    path=_path(folder, kernelspec), name=kernelspec, type="console", kernel_name=kernelspec
                )
            except Exception as problem:  # whatever keeps a kernel from starting, the person gets a sentence
                raise Refusal(f"{spec.display_name} could not be started: {problem}") from problem
            return self._begin(session, spec, project=folder)

    async def reopen(self) -> list[str]:
        """Open the consoles whose kernels a sleep has brought back, and record that the others of the log have ended.

        Return the ids of all executions that the log has, in order.
        """
        past = self._read_log()
        sessions = {str(session["id"]): session for session in await self._sessions.list_sessions()}
        for execution, console in past.unfinished.items():
            self._recorder.record(
                protocol.ExecutionFinished, console=console, execution=execution, status="lost", reason=_SERVER_GONE
            )
        for identity in past.consoles.values():
            if identity.id in sessions:
                self._open(identity)
            else:
                self._recorder.record(protocol.ConsoleState, console=identity.id, state="ended", reason=_SAME_KERNEL_GONE)
        for identifier, session in sessions.items():
            if identifier not in past.consoles:
                await self._reopen_forgotten(session)
        return past.executions

    async def _reopen_forgotten(self, session: Any) -> None:
        """Open a console whose start is so long ago that the log has it no longer; another's session is left alone."""
        kernelspec, path = str(session["kernel"]["name"]), PurePosixPath(session["path"])
        folder = "" if str(path.parent) == "." else str(path.parent)
        if session["type"] != "console" or session["name"] != kernelspec or str(path) != _path(folder, kernelspec):
            return
        if (spec := await self._spec(kernelspec)) is not None:
            self._begin(session, spec, project=folder)

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

    async def _spec(self, kernelspec: str) -> Any:
        try:
            return await ensure_async(cast(Any, self._kernels.kernel_spec_manager).get_kernel_spec(kernelspec))
        except NoSuchKernel:
            return None

    def _begin(self, session: Any, spec: Any, *, project: str) -> Console:
        """Record that the console of one of Jupyter's sessions has started, and open it."""
        identity = Identity(
            id=str(session["id"]),
            kernel=str(session["kernel"]["id"]),
            kernelspec=str(session["kernel"]["name"]),
            language=spec.language,
            title=spec.display_name,
            project=project,
        )
        self._recorder.record(
            protocol.ConsoleStarted,
            console=identity.id,
            kernelspec=identity.kernelspec,
            language=identity.language,
            title=identity.title,
            project=identity.project,
            kernel=identity.kernel,
        )
        return self._open(identity)

    def _open(self, identity: Identity) -> Console:
        console = Console(
            identity,
            kernels=self._kernels,
            recorder=self._recorder,
            debugging=self._debugging,
            profiler=self._profiler,
            changed=self._changed,
        )
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

    def _folder(self, project: str) -> str:
        """Return the folder of a project below the home, in its shortest form; raise `Refusal` when there is none."""
        path = (self._home / project).resolve()
        home = self._home.resolve()
        if not path.is_relative_to(home) or not path.is_dir():
            raise Refusal(f"There is no folder {project!r} in the home.")
        folder = str(path.relative_to(home))
        return "" if folder == "." else folder

    def _read_log(self) -> _Past:
        past = _Past()
        for line in self._recorder.log.all():
            if b'"type":"stream"' in line[:400]:
                continue
            event = json.loads(line)
            match event["type"]:
                case "console_started":
                    past.consoles[event["console"]] = Identity(
                        id=event["console"],
                        kernel=event["kernel"],
                        kernelspec=event["kernelspec"],
                        language=event["language"],
                        title=event["title"],
                        project=event["project"],
                    )
                case "console_state" if event["state"] == "ended":
                    past.consoles.pop(event["console"], None)
                case "execution_queued":
                    past.executions.append(event["execution"])
                    past.unfinished[event["execution"]] = event["console"]
                case "execution_finished":
                    past.unfinished.pop(event["execution"], None)
        return past


def _path(folder: str, kernelspec: str) -> str:
    """Return what a console is called in Jupyter's list of sessions."""
    return str(PurePosixPath(folder) / f"console-{kernelspec}")
