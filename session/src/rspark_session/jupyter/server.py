"""The server itself: its configuration, its start, and what the agent asks of it."""

import asyncio
import gc
from pathlib import Path
from typing import Any, cast

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import ensure_async
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from rspark_session.jupyter import kernelspecs
from rspark_session.jupyter.contents import Contents
from rspark_session.jupyter.kernels import Connection, Kernels
from rspark_session.jupyter.line import Line
from rspark_session.jupyter.presence import Presence
from rspark_session.jupyter.sleep import Sleep
from rspark_session.jupyter.spare import Spare
from rspark_session.jupyter.told import Told
from rspark_session.jupyter.wake import Wake

#: The extension with the pages of each kind of interface, and where they begin.
_PAGES = {"jupyterlab": ("rspark_session.jupyter.lab", "/lab"), "terminal": ("rspark_session.terminal", "/terminal/")}


#: Seconds for which a kernel is kept for who asks for R: it has the memory of one, and most ask at once or not at all.
_SPARE_FOR = 120.0


class OfferedKernels(KernelSpecManager):
    """Knows the kernels in one folder and no others."""

    ensure_native_kernel = False


class Server(ServerApp):
    """A Jupyter server that the agent starts, hears from, and puts to sleep."""

    def attend(self, asked: Told, line: Line, presence: Presence) -> None:
        """Set what must be known before the server is made."""
        self.told = asked
        self.line = line
        self.presence = presence
        self.spare = Spare(asked.spare, home=asked.home) if asked.spare else None
        self.unrestored: set[str] = set()  # kernels that could not be brought back

    def init_configurables(self) -> None:
        super().init_configurables()
        self.kernels.presence = self.presence
        self.kernels.spare = self.spare
        cast(Contents, self.contents_manager).presence = self.presence
        cast(OfferedKernels, self.kernel_spec_manager).kernel_dirs = [str(self.told.run / "kernels")]

    @property
    def kernels(self) -> Kernels:
        """Kernels by their ids."""
        return cast(Kernels, self.kernel_manager)

    @property
    def terminals(self) -> dict[str, Any]:
        """Shells by their names."""
        return cast(dict[str, Any], self._terminals.terminals)

    def open_terminal(self, name: str, folder: str | None) -> None:
        """Start a shell of that name, in that folder if there is one."""
        self._terminals.create(name=name, cwd=folder or str(self.told.home))

    @property
    def _terminals(self) -> Any:
        return self.web_app.settings["terminal_manager"]

    async def files_of_kernels(self) -> dict[str, str]:
        """Give the file that each kernel was started for."""
        sessions = await self.session_manager.list_sessions()
        return {session["kernel"]["id"]: session["path"] for session in sessions}

    async def _post_start(self) -> None:
        await super()._post_start()
        self.presence.server = self
        self.presence.changed()
        self._listening = asyncio.ensure_future(self._listen())
        asyncio.get_running_loop().call_later(_SPARE_FOR, self.kernels.end_spare)
        wake = Wake(self)
        if self.told.restore:
            await wake.begin(self.told.restore)
        self.line.tell({"ready": True})
        gc.freeze()
        gc.enable()
        if self.told.restore:
            self.line.tell({"restored": await wake.finish()})

    async def _listen(self) -> None:
        await self.line.listen(self._asked)
        self.stop()  # the agent is gone, and with it everybody who could come in

    def _asked(self, message: dict[str, Any]) -> None:
        match message:
            case {"do": "save", "folder": str(folder), "within": float(seconds) | int(seconds)}:
                self._saving = asyncio.ensure_future(self._save(Path(folder), seconds))
            case {"do": "end"}:
                self.stop()
            case _:
                self.log.warning("the agent asks something unknown: %s", message)

    async def _save(self, folder: Path, seconds: float) -> None:
        self.line.tell({"saved": await Sleep(self).save(folder, seconds=seconds)})

    async def cleanup_kernels(self) -> None:
        """End all kernels at the same time. They may close their files; one that doesn't end is made to."""
        self.kernels.end_spare()
        await ensure_async(self.kernel_manager.shutdown_all(now=False))


def config(asked: Told) -> Config:
    """Give the settings of the server; a person's own files may add to them, never change them."""
    extensions = {"rspark_session.jupyter.terminals": True, _PAGES[asked.kind][0]: True}
    return Config(
        {
            "ServerApp": {
                "sock": str(asked.socket),
                "sock_mode": "0600",
                "base_url": asked.base,
                "default_url": _PAGES[asked.kind][1],
                "root_dir": str(asked.home),
                "preferred_dir": str(asked.home),
                "jpserver_extensions": extensions,
                "kernel_manager_class": Kernels,
                "kernel_websocket_connection_class": Connection,
                "kernel_spec_manager_class": OfferedKernels,
                "contents_manager_class": Contents,
                "allow_root": True,
                "allow_remote_access": True,  # the edge knows its names; here only the agent comes in
                "trust_xheaders": True,
                "open_browser": False,
                "quit_button": False,
                "shutdown_no_activity_timeout": 0,
                "terminals_enabled": True,
                "terminado_settings": {"shell_command": ["/bin/bash", "--rcfile", str(Path(__file__).parent / "bashrc")]},
                "websocket_ping_interval": 30_000,
                "websocket_ping_timeout": 30_000,
                "authenticate_prometheus": True,
            },
            "IdentityProvider": {"token": asked.token},
            "MappingKernelManager": {"cull_idle_timeout": 0, "default_kernel_name": _first(asked)},
            "KernelManager": {"transport": "ipc", "shutdown_wait_time": 2.0},
            "TerminalManager": {"cull_inactive_timeout": 0},
        }
    )


def _first(asked: Told) -> str:
    return kernelspecs.known()[asked.kernels[0]].name if asked.kernels else "python3"


def serve(asked: Told) -> None:
    """Start the server and stay until it ends."""
    line = Line(asked.line)
    kernelspecs.write(asked.run / "kernels", asked.kernels)
    server = Server.instance(config=config(asked))
    server.attend(asked, line, Presence(line))
    server.initialize(argv=[], find_extensions=False)
    server.start()
