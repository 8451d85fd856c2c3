"""What runs in the server, for those who report, save and restore it: they get this, and not the server itself."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from jupyter_server.services.sessions.sessionmanager import SessionManager

from rspark_session.jupyter.kernels import Kernels
from rspark_session.jupyter.ledger import KernelLedger
from rspark_session.jupyter.messages import Processes
from rspark_session.jupyter.options import ServerOptions
from rspark_session.jupyter.terminals import Terminals


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Kernels, notebooks' sessions and terminals of a server that has started.

    `computing` returns the programs of its extensions that are work, with their titles, and `helpers` those that are not.
    """

    options: ServerOptions
    kernels: Kernels
    ledger: KernelLedger
    sessions: SessionManager
    terminals: Terminals
    log: logging.Logger
    computing: Callable[[], Mapping[int, str]]
    helpers: Callable[[], Iterable[int]]

    async def list_sessions(self) -> list[dict[str, Any]]:
        """Return Jupyter's models of the sessions: a notebook and its kernel each."""
        sessions: list[dict[str, Any]] = await self.sessions.list_sessions()
        return sessions

    async def notebooks(self) -> dict[str, str]:
        """Return the path of the file that each kernel was started for, by the kernel's id."""
        return {session["kernel"]["id"]: session["path"] for session in await self.list_sessions()}

    async def processes(self) -> Processes:
        """Return the titles of kernels, shells and programs of extensions, which of them compute, and the warm kernel."""
        notebooks = await self.notebooks()
        titles: dict[int, str] = {}
        busy = []
        for kernel_id in self.kernels.list_kernel_ids():
            kernel: Any = self.kernels.get_kernel(kernel_id)
            title = kernel_title(kernel.kernel_spec.display_name, notebooks.get(kernel_id))
            if pid := getattr(kernel.provisioner, "pid", None):
                titles[pid] = title
            if kernel.execution_state == "busy" and not self.ledger.is_prompting(kernel_id):
                busy.append(title)
        shells = {terminal.ptyproc.pid: f"terminal {name}" for name, terminal in self.terminals.terminals.items()}
        titles |= shells
        programs = self.computing()
        titles |= programs
        busy += programs.values()
        warm = self.kernels.warm_kernel
        return Processes(
            titles=titles,
            busy=tuple(busy),
            warm_kernel=warm.process.pid if warm else None,
            shells=tuple(shells),
            helpers=tuple(self.helpers()),
        )


def kernel_title(display_name: str, path: str | None) -> str:
    """Return a kernel's name as a person knows it: `R kernel, analysis.ipynb`."""
    return f"{display_name} kernel, {PurePosixPath(path).name}" if path else f"{display_name} kernel"
