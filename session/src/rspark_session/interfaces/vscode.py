"""The interface `vscode`: VS Code in the browser, by code-server, where `make vscode` or the image has installed it.

What a person has not saved yet VS Code itself keeps in the home, a second or two after it was typed: a sleep has nothing to save,
and a code-server that ends by itself is started again.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from rspark_session.interfaces.base import Context, Endpoint, Host, Interface, InterfaceUnavailable, LaunchedProcess
from rspark_session.processes.ports import free_port
from rspark_session.vscode import processes, server
from rspark_session.vscode.messages import Judge
from rspark_session.vscode.processes import Found

_HOST = "127.0.0.1"
#: Below these code-server leads to what else listens in the session.
_OTHERS = ("/proxy/", "/absproxy/")


class VSCode(Interface):
    """VS Code, with the home as its folder until another one is opened."""

    restarts = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._port = 0
        self._process: LaunchedProcess | None = None

    def start(self) -> LaunchedProcess:
        """Start code-server.

        Raises
        ------
        InterfaceUnavailable
            When it is not installed.
        OSError
            When it can't be started.
        """
        context = self.context
        if not server.is_installed():
            raise InterfaceUnavailable(
                f"{context.spec.title} is not installed where this session runs. Run `make vscode` there, or give the "
                "environment an image that has it, then start the session again."
            )
        if self._process is not None:  # it has ended, but what it started looks for it only every few seconds
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._port = free_port(_HOST)
        command = server.command(
            title=context.spec.title, port=self._port, home=context.home, run=context.run, sockets=context.sockets
        )
        extensions = context.spec.config.get("extensions")
        environ = server.environ_of(context.environ, extensions=extensions if isinstance(extensions, str) else None)
        self._process = context.launch(command, environ=environ, folder=context.home)
        return self._process

    @property
    def endpoint(self) -> Endpoint:
        """Its port. Its pages name all else relative to themselves."""
        return Endpoint(port=self._port, strips_base=True)

    def is_activity(self, method: str, path: str) -> bool:
        """Return whether a request is somebody's doing: each page asks for a key by itself."""
        return super().is_activity(method, path) and path != "/mint-key"

    def judge_of_frames(self, path: str) -> Callable[[bytes], bool] | None:
        """Return what reads the messages of VS Code's page, which sends some by itself; None for other programs' behind it."""
        return None if path.startswith(_OTHERS) else Judge()

    def document_url(self, path: str) -> str:
        """Return the address at which VS Code opens a folder, for a document the one that it is in."""
        place = self.context.home / path
        return f"?folder={quote(str(place if place.is_dir() else place.parent))}"

    async def until_ready(self, host: Host) -> None:
        """Wait until it answers.

        Raises
        ------
        InterfaceUnavailable
            When another program has the port: its pages must not be taken for the session's.
        """
        await host.until_healthy({"http": f"http://{_HOST}:{self._port}/healthz"})
        if not host.has_port(self._port):
            raise InterfaceUnavailable(f"{self.context.spec.title} needs port {self._port}, which another program has.")

    @property
    def titles(self) -> Mapping[int, str]:
        """What stands for the shells, and for all that is started in them."""
        return dict.fromkeys(self.shells, f"a terminal of {self.context.spec.title}")

    @property
    def shells(self) -> Iterable[int]:
        """The shells of its terminals."""
        return self._found.shells

    @property
    def own_processes(self) -> Iterable[int]:
        """Its servers: of pages, of extensions, of languages, of terminals."""
        return self._found.own

    @property
    def _found(self) -> Found:
        return processes.below(self._process.pid) if self._process is not None else Found()


INTERFACE = VSCode
