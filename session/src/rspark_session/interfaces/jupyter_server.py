"""What the interfaces share that are a Jupyter server (`rspark_session.jupyter`): start, reports, sleep and end."""

# ruff: noqa: PLC0415  (R is on its way before what only the server needs is loaded)

import os
import shutil
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rspark_session.interfaces.base import Context, Endpoint, Host, Interface, InterfaceUnavailable, LaunchedProcess
from rspark_session.jupyter import kernelspecs, warm_kernel

if TYPE_CHECKING:
    from rspark_contract.saved import Saved
    from rspark_session.jupyter.client import ServerClient

_R = "r"


@dataclass(frozen=True, kw_only=True)
class _Ahead:
    """A kernel that was started ahead, and both ends of the pipe it prints into: the server's, whose kernel it becomes."""

    kernel: warm_kernel.StartedKernel
    pipe: tuple[int, int]


class JupyterServer(Interface):
    """A Jupyter server, whose pages are those of `extension`, from `default_url` on.

    With `warms_r`, R is started before the server, for the first page that requests it.
    """

    traffic_is_activity = False
    saves_workspace = True
    extension: ClassVar[str]
    default_url: ClassVar[str]
    warms_r: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._environ = {**context.environ, "JUPYTER_RUNTIME_DIR": str(context.sockets)}
        self._token = os.urandom(32).hex()
        self._ahead: _Ahead | None = None
        self._restore: Path | None = None
        self._process: LaunchedProcess | None = None
        self._client: ServerClient | None = None

    def start_ahead(self) -> None:
        """Start R, where a page requests it soon. Without it a session goes as well, only later."""
        if not self.warms_r or _R not in self.context.spec.kernels:
            return
        kernel, pipe = kernelspecs.available()[_R], os.pipe()
        context = self.context
        try:
            started = warm_kernel.start(kernel, self._environ, home=context.home, sockets=context.sockets, output=pipe[1])
        except OSError as problem:
            print(f"R is not started ahead: {problem}", file=sys.stderr)
            for end in pipe:
                os.close(end)
        else:
            self._ahead = _Ahead(kernel=started, pipe=pipe)

    def first_url(self) -> str:
        """Return the address of the page that opens first, under the session's own."""
        return self.default_url

    def first_documents(self) -> Sequence[str]:
        """Return the documents of the home of which the page opens the first that is there, in a browser that is new to it."""
        return ()

    def abandon(self) -> None:
        """End the R that was started ahead."""
        if self._ahead is not None:
            self._ahead.kernel.end()

    def restore(self, folder: Path) -> None:
        """Let the server restore its kernels and terminals from the folder."""
        self._restore = folder

    def start(self) -> LaunchedProcess:
        """Start the server, and pass it the R that was started ahead.

        Raises
        ------
        InterfaceUnavailable
            When R is missing.
        OSError
            When the server can't be started.
        """
        from rspark_session.files import write_whole
        from rspark_session.jupyter.options import ServerOptions

        context, spec, ahead = self.context, self.context.spec, self._ahead
        if _R in spec.kernels and shutil.which("R", path=self._environ["PATH"]) is None:
            raise InterfaceUnavailable(
                "R is not installed on this machine. Install it (on Debian: apt-get install r-base-core r-cran-irkernel), "
                "then start the session again."
            )
        ours, theirs = socket.socketpair()
        options = ServerOptions(
            extension=self.extension,
            default_url=self.first_url(),
            first_documents=tuple(self.first_documents()),
            kernels=spec.kernels,
            base_url=context.base_path,
            home=context.home,
            run=context.run,
            socket=self._socket,
            token=self._token,
            control=theirs.fileno(),
            restore=self._restore,
            warm_kernel=ahead.kernel if ahead else None,
        )
        file = context.run / "interface.json"
        write_whole(file, options.text())
        try:
            self._process = context.launch(
                [sys.executable, "-I", "-m", "rspark_session.jupyter", str(file)],  # nothing of the home is imported
                environ=self._environ,
                folder=context.home,
                pass_fds=[theirs.fileno(), *([ahead.kernel.pidfd] if ahead else [])],
                pipe=ahead.pipe if ahead else None,
            )
        finally:
            theirs.close()
        self._control = ours
        return self._process

    @property
    def _socket(self) -> Path:
        return self.context.sockets / "interface"

    @property
    def endpoint(self) -> Endpoint:
        """Its Unix socket, and the token that only it and the agent know."""
        return Endpoint(socket=self._socket, headers=((b"authorization", b"token " + self._token.encode()),))

    async def run(self, host: Host) -> None:
        """Take in the server's reports until it has ended."""
        await self._connected(host).receive()

    async def until_ready(self, host: Host) -> None:
        """Wait until the server listens, and kernels that a sleep saved run again."""
        await self._connected(host).until_ready()

    def _connected(self, host: Host) -> "ServerClient":
        from rspark_session.jupyter.client import ServerClient

        if self._client is None:
            self._client = ServerClient(
                self._control, on_activity=host.activity, on_processes=host.changed, on_restored=host.restored
            )
        return self._client

    @property
    def busy_with(self) -> Sequence[str]:
        """The kernels that compute."""
        return self._client.processes.busy if self._client else ()

    @property
    def titles(self) -> Mapping[int, str]:
        """The titles of kernels and shells."""
        return self._client.processes.titles if self._client else {}

    @property
    def shells(self) -> Iterable[int]:
        """The shells of its terminals."""
        return self._client.processes.shells if self._client else ()

    @property
    def kernels(self) -> Iterable[int]:
        """The kernels of its notebooks and consoles."""
        return self.titles.keys() - set(self.shells)

    @property
    def own_processes(self) -> Iterable[int]:
        """The server, and a kernel that nobody has requested."""
        warm = self._client.processes.warm_kernel if self._client else None
        return [process for process in (self._process.pid if self._process else None, warm) if process is not None]

    @property
    def helper_processes(self) -> Iterable[int]:
        """The programs that look things up for its pages."""
        return self._client.processes.helpers if self._client else ()

    async def save(self, folder: Path, *, within: float) -> "Saved | None":
        """Save the workspaces of all kernels."""
        return await self._client.save(folder, within=within) if self._client else None

    def end(self) -> bool:
        """Request the server to end its kernels and terminals, and then itself."""
        if self._client is None:
            return False
        self._client.end()
        return True
