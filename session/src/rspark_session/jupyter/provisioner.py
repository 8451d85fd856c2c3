"""How a kernel's process comes to be: it is started, as Jupyter does, or the warm one is taken.

A person's own files may end a kernel before it hears anything: `stop()` in `.Rprofile`, `exit` in `.bashrc`. So a file beside the
connection file says that a kernel starts, and the kernel removes it when all of that is read. Where it is still there after the
kernel ended by itself, the next one starts without them, and says so in its first cell.
"""

import asyncio
import contextlib
from pathlib import Path
from subprocess import Popen
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from rspark_session.jupyter import kernelspecs
from rspark_session.jupyter.execution import CodeFailed
from rspark_session.jupyter.warm_kernel import WarmKernel
from rspark_session.processes import memory_order


class Provisioner(LocalProvisioner):
    """Takes the warm kernel where it matches.

    `crashed` says that the last process ended by itself. `setup_code` is what a kernel that was taken must run before
    anybody's code, and `setup` is a kernel running such code.
    """

    _warm: WarmKernel | None = None
    crashed: bool = False
    setup_code: str | None = None
    setup: asyncio.Task[CodeFailed | None] | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Take the warm kernel, and set how it is reached before the kernel's manager writes that into a file of its own."""
        kernel: Any = self.parent
        if self.pid is None:  # one that is started again is reached as before
            self._warm = kernel.parent.take_warm_kernel(kernel.kernel_name, _folder(kwargs))
        if self._warm is not None:
            kernel.load_connection_info(self._warm.connection)
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Take the warm kernel's process, or start one."""
        warm, self._warm = self._warm, None
        if self.setup is not None:
            self.setup.cancel()  # it ran in a process that is gone, and the next one starts with its folder and environment
        if warm is None:
            if self._ended_while_it_started():
                cmd, added = kernelspecs.without_own_files(self.kernel_spec.language, cmd)
                kwargs["env"] = {**kwargs["env"], **added}
            launched = await super().launch_kernel(cmd, **kwargs)
            if self.pid is not None:
                memory_order.take_before_agent(self.pid, memory_order.WORKS)
            return launched
        memory_order.take_before_agent(warm.process.pid, memory_order.WORKS)
        self.process = cast("Popen[bytes]", warm.process)  # all that is used of one
        self.pid = self.pgid = warm.process.pid
        self.cwd = _folder(kwargs)
        self.setup_code = warm.setup_code(_folder(kwargs), kwargs["env"])
        return self.connection_info

    def _ended_while_it_started(self) -> bool:
        """Return whether the last process did, and note that one starts."""
        kernel: Any = self.parent
        starting = Path(f"{kernel.connection_file}{kernelspecs.STARTING}")
        crashed, self.crashed = self.crashed, False
        ended = crashed and starting.exists()
        with contextlib.suppress(OSError):  # a full disk: it starts all the same
            starting.touch(mode=0o600)
        return ended


def _folder(launch: dict[str, Any]) -> Path:
    return Path(launch.get("cwd") or Path.cwd())
