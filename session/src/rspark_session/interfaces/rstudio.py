"""The interface `rstudio`: RStudio Server, where the image or the machine has it.

`rserver` answers the browser and starts `rsession`, which is R. A sleep saves and ends `rsession` as RStudio itself does, and
what it saved lies in the home, where the next start finds it; then `rserver` is ended. A `rserver` that ends by itself is started
again, and takes over the R that runs.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_session.interfaces.base import Context, Endpoint, Host, Interface, InterfaceUnavailable, LaunchedProcess
from rspark_session.processes.ports import free_port
from rspark_session.processes.tree import walk
from rspark_session.rstudio import server
from rspark_session.rstudio.r_session import NothingSaved, RSession

if TYPE_CHECKING:
    from rspark_contract.saved import Saved

_HOST = "127.0.0.1"
#: Seconds that R may take to save and end at a stop, which nobody waits longer for.
_AT_STOP = 30.0
#: What the page asks by itself: whether there are events, and which document is seen.
_UNASKED = ("/events/", "/distributed_events", "/rpc/set_currently_editing", "/rpc/ping")


class RStudio(Interface):
    """RStudio Server, with the R of one person."""

    saves_workspace = True
    restarts = True
    frames_are_activity = False  # a terminal's page sends some by itself

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._port = free_port(_HOST)
        self._process: LaunchedProcess | None = None
        self._ending: asyncio.Task[None] | None = None
        self._r = RSession(context.home, lambda: walk(os.getpid()).values())

    def start(self) -> LaunchedProcess:
        """Start `rserver`.

        Raises
        ------
        InterfaceUnavailable
            When it is not installed, or can't run as this account.
        OSError
            When it can't be started.
        """
        context = self.context
        try:
            installed = server.find(context.environ)
        except server.NotRunnable as problem:
            raise InterfaceUnavailable(str(problem)) from problem
        command = server.command(
            installed,
            environ=context.environ,
            run=context.run,
            sockets=context.sockets,
            port=self._port,
            base_path=context.base_path,
        )
        self._process = context.launch(command, environ=server.own_environ(context.environ, context.run), folder=context.home)
        return self._process

    @property
    def endpoint(self) -> Endpoint:
        """Its port; it sends browsers to the path that a header names."""
        root = self.context.base_path.rstrip("/").encode()
        return Endpoint(port=self._port, strips_base=True, headers=((b"x-rstudio-root-path", root),))

    async def until_ready(self, host: Host) -> None:
        """Wait until `rserver` answers; R starts with the first page.

        Raises
        ------
        InterfaceUnavailable
            When another program has the port.
        """
        await host.until_healthy({"http": f"http://{_HOST}:{self._port}/"})
        if not host.has_port(self._port):
            raise InterfaceUnavailable(f"{self.context.spec.title} needs port {self._port}, which another program has.")

    def is_activity(self, method: str, path: str) -> bool:
        """Return whether somebody does something: what the page asks for by itself is nobody's doing."""
        return super().is_activity(method, path) and not path.startswith(_UNASKED)

    @property
    def busy_with(self) -> Sequence[str]:
        """R, while a statement runs."""
        return (self.context.spec.title,) if self._r.is_computing else ()

    @property
    def titles(self) -> Mapping[int, str]:
        """Its own title stands for R and all that R starts."""
        pid = self._r.pid
        return {pid: self.context.spec.title} if pid is not None else {}

    @property
    def shells(self) -> Iterable[int]:
        """The shells of its terminals."""
        return self._r.shells

    @property
    def own_processes(self) -> Iterable[int]:
        """`rserver`."""
        return (self._process.pid,) if self._process else ()

    async def save(self, folder: Path, *, within: float) -> "Saved | None":
        """Have R save its workspace into the home, as it does by itself, and end it."""
        from rspark_contract.saved import LostObject, Saved, SavedKernel  # noqa: PLC0415  (first needed here)

        self._signal(signal.SIGSTOP)  # a request that waits would have it start another R
        asleep = False
        try:
            asleep = await self._r.put_to_sleep(within=within)
            return Saved() if asleep else None
        except NothingSaved:
            title = self.context.spec.title
            lost = LostObject(name="workspace", class_name="", why=f"{title} ended R without saving it.", failed=True)
            return Saved(kernels=(SavedKernel(id="rsession", name=title, language="R", lost=(lost,)),))
        finally:
            if not asleep:
                self.go_on()

    def go_on(self) -> None:
        """Let `rserver` go on, which starts R again for whoever asks."""
        self._signal(signal.SIGCONT)

    def end(self) -> bool:
        """End `rserver`, and before it an R that nobody has put to sleep: what it saves is there at the next start."""
        self._signal(signal.SIGSTOP)
        self._ending = asyncio.ensure_future(self._end())
        return True

    async def _end(self) -> None:
        with contextlib.suppress(NothingSaved, OSError):
            await self._r.put_to_sleep(within=_AT_STOP)
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # upon which it gets the other

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)


INTERFACE = RStudio
