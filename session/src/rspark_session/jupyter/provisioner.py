"""How a kernel's process comes to be: it is started, as Jupyter does, or the spare one is taken."""

import asyncio
from pathlib import Path
from subprocess import Popen
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from rspark_session.jupyter.execution import CodeFailed
from rspark_session.jupyter.spare import Spare


class Provisioner(LocalProvisioner):
    """Takes the spare kernel where it fits.

    `orders` is code that one that was taken must run before anybody's, and `obeying` is a kernel running such code.
    """

    _spare: Spare | None = None
    orders: str | None = None
    obeying: asyncio.Task[CodeFailed | None] | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Let the kernel's manager know how the spare one is reached, before it writes that into a file of its own."""
        kernel: Any = self.parent
        if self.pid is None:  # one that is started again is reached as before
            self._spare = kernel.parent.take_spare(kernel.kernel_name, _folder(kwargs))
        if self._spare is not None:
            kernel.load_connection_info(self._spare.connection)
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Take the process that is there, or start one."""
        spare, self._spare = self._spare, None
        if self.obeying is not None:
            self.obeying.cancel()  # who was told is gone, and the next one starts with all that it must know
        if spare is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = cast("Popen[bytes]", spare.process)  # all that is asked of one
        self.pid = self.pgid = spare.process.pid
        self.cwd = _folder(kwargs)
        self.orders = spare.orders(_folder(kwargs), kwargs["env"])
        return self.connection_info


def _folder(asked: dict[str, Any]) -> Path:
    return Path(asked.get("cwd") or Path.cwd())
