"""The server itself: its configuration, its start, and what it does when the agent requests it."""

import asyncio
import gc
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from jupyter_core.paths import jupyter_data_dir
from jupyter_core.utils import ensure_async
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from rspark_session.jupyter import exports, kernelspecs
from rspark_session.jupyter.bound import bound
from rspark_session.jupyter.contents import Contents
from rspark_session.jupyter.control import ControlChannel
from rspark_session.jupyter.kernels import Kernels
from rspark_session.jupyter.ledger import KernelLedger
from rspark_session.jupyter.messages import (
    End,
    Ready,
    Request,
    SaveWorkspace,
    WorkspaceNotSaved,
    WorkspaceRestored,
    WorkspaceSaved,
)
from rspark_session.jupyter.offered_kernelspecs import OfferedKernelSpecs
from rspark_session.jupyter.options import ServerOptions
from rspark_session.jupyter.reporter import ActivityReporter
from rspark_session.jupyter.restoring import WorkspaceRestorer
from rspark_session.jupyter.runtime import Runtime
from rspark_session.jupyter.saving import WorkspaceSaver
from rspark_session.jupyter.terminals import Terminals
from rspark_session.jupyter.warm_kernel import WarmKernel
from rspark_session.jupyter.websocket import KernelWebsocket

#: Seconds after which a warm kernel that nobody requested is ended: it uses memory, and most ask for R at once or not at all.
_WARM_FOR = 120.0


@runtime_checkable
class WaitsForKernels(Protocol):
    """An extension that has work to do when the kernels of a sleep run again, before anybody is let in."""

    async def kernels_restored(self) -> None:
        """Do it."""


@runtime_checkable
class Computes(Protocol):
    """An extension that runs programs of its own, which are work while they run."""

    @property
    def computing(self) -> Mapping[int, str]:
        """Their titles by their pids."""
        ...


@runtime_checkable
class HasHelpers(Protocol):
    """An extension that runs programs which look things up for its pages, and are no work."""

    @property
    def helpers(self) -> Iterable[int]:
        """Their pids."""
        ...


class Server(ServerApp):
    """A Jupyter server that the agent starts, hears from, and puts to sleep."""

    options: ClassVar[ServerOptions]
    control: ClassVar[ControlChannel]
    reporter: ClassVar[ActivityReporter]
    ledger: ClassVar[KernelLedger]

    async def _post_start(self) -> None:
        await super()._post_start()
        runtime = self._runtime()
        self.reporter.start(runtime.processes)
        self._serving = asyncio.ensure_future(self._serve_control(runtime))
        asyncio.get_running_loop().call_later(_WARM_FOR, runtime.kernels.end_warm_kernel)
        restorer = WorkspaceRestorer(runtime, self.options.restore) if self.options.restore else None
        if restorer:
            await restorer.begin()
        for app in self._apps():
            if isinstance(app, WaitsForKernels):
                await app.kernels_restored()
        self.control.send(Ready())
        gc.freeze()
        gc.enable()
        if restorer:
            self.control.send(WorkspaceRestored(await restorer.finish()))

    def _runtime(self) -> Runtime:
        return Runtime(
            options=self.options,
            kernels=self._kernels,
            ledger=self.ledger,
            sessions=self.session_manager,
            terminals=cast(Terminals, self.web_app.settings["terminal_manager"]),
            log=cast(Any, self.log),  # traitlets says that it may be an adapter, too
            computing=self._computing,
            helpers=self._helpers,
        )

    def _apps(self) -> list[Any]:
        return [app for extension in self.extension_manager.extension_apps.values() for app in extension]

    def _computing(self) -> Mapping[int, str]:
        return {pid: title for app in self._apps() if isinstance(app, Computes) for pid, title in app.computing.items()}

    def _helpers(self) -> Iterable[int]:
        return [pid for app in self._apps() if isinstance(app, HasHelpers) for pid in app.helpers]

    @property
    def _kernels(self) -> Kernels:
        return cast(Kernels, self.kernel_manager)

    async def _serve_control(self, runtime: Runtime) -> None:
        def take(request: Request) -> None:
            match request:
                case SaveWorkspace(folder, within):
                    self._saving = asyncio.ensure_future(self._save(runtime, Path(folder), within))
                case End():
                    self.stop()

        await self.control.serve(take)
        self.stop()  # the agent is gone, and with it everybody who could come in

    async def _save(self, runtime: Runtime, folder: Path, within: float) -> None:
        try:
            saved = await WorkspaceSaver(runtime).save(folder, within=within)
        except OSError as problem:  # a full disk, most likely
            self.log.exception("the workspace could not be saved")
            self.control.send(WorkspaceNotSaved(problem.errno or 0, problem.strerror or str(problem)))
        else:
            self.control.send(WorkspaceSaved(saved))

    async def cleanup_kernels(self) -> None:
        """End all kernels at the same time. They may close their files; one that doesn't end is killed."""
        self._kernels.end_warm_kernel()
        await ensure_async(self.kernel_manager.shutdown_all(now=False))


def serve(options: ServerOptions) -> None:
    """Start the server and return when it has ended."""
    control = ControlChannel(options.control)
    reporter, ledger = ActivityReporter(control.send), KernelLedger()
    offered = options.run / "kernels"
    kernelspecs.write(offered, options.kernels)
    warm = WarmKernel(options.warm_kernel, home=options.home) if options.warm_kernel else None
    settings = config(
        options,
        kernels=bound(Kernels, reporter=reporter, ledger=ledger, warm_kernel=warm),
        kernel_specs=bound(
            OfferedKernelSpecs, folder=str(offered), own_folders=_own_kernels(), own_python=kernelspecs.own_python()
        ),
        contents=bound(Contents, reporter=reporter),
        terminals=bound(Terminals, reporter=reporter),
    )
    server_class = bound(Server, options=options, control=control, reporter=reporter, ledger=ledger)
    server = server_class.instance(config=settings)
    server.initialize(argv=[], find_extensions=False)
    server.start()


def config(
    options: ServerOptions,
    *,
    kernels: type[Kernels],
    kernel_specs: type[OfferedKernelSpecs],
    contents: type[Contents],
    terminals: type[Terminals],
) -> Config:
    """Return the settings of the server; a person's own files may add to them, never change them."""
    return Config(
        {
            "ServerApp": {
                "sock": str(options.socket),
                "sock_mode": "0600",
                "base_url": options.base_url,
                "default_url": options.default_url,
                "root_dir": str(options.home),
                "preferred_dir": str(options.home),
                "jpserver_extensions": {Terminals.__module__: True, options.extension: True},
                "kernel_manager_class": kernels,
                "kernel_websocket_connection_class": KernelWebsocket,
                "kernel_spec_manager_class": kernel_specs,
                "contents_manager_class": contents,
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
            # A trash in the home would hold the bytes that somebody deletes to make room, and nothing shows or empties it.
            "FileContentsManager": {"delete_to_trash": False, "always_delete_dir": True},
            "IdentityProvider": {"token": options.token},
            "MappingKernelManager": {"cull_idle_timeout": 0, "default_kernel_name": _default_kernel(options)},
            "KernelProvisionerFactory": {"default_provisioner_name": kernelspecs.PROVISIONER},
            "KernelManager": {"transport": "ipc", "shutdown_wait_time": 2.0},
            "TerminalsExtension": {"terminal_manager_class": terminals},
            "TerminalManager": {"cull_inactive_timeout": 0},
            **exports.settings(),
        }
    )


def _own_kernels() -> list[str]:
    """Return where `ipykernel install --user` and `--sys-prefix` put a person's kernels, and R's `IRkernel::installspec()`."""
    environment = os.environ.get("VIRTUAL_ENV")
    return [
        str(Path(folder, "kernels")) for folder in (jupyter_data_dir(), environment and f"{environment}/share/jupyter") if folder
    ]


def _default_kernel(options: ServerOptions) -> str:
    return kernelspecs.available()[options.kernels[0]].name if options.kernels else "python3"
