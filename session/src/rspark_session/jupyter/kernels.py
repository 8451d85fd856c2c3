"""The kernels of the server: they report their state, and run their setup code before anybody's."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import zmq
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from rspark_session.jupyter.execution import CodeFailed, run
from rspark_session.jupyter.ledger import KernelIdentity, KernelLedger
from rspark_session.jupyter.provisioner import Provisioner
from rspark_session.jupyter.reporter import ActivityReporter
from rspark_session.jupyter.warm_kernel import WarmKernel

#: Milliseconds between two tries to reach a kernel that still starts; ZeroMQ's own are 100, a good part of R's whole start.
_RECONNECT = 10
_SETUP_DEADLINE = 600.0  # seconds that a kernel may take to start, and to run its setup code, a restore among it


KernelEvent = Literal["restarting", "restarted", "removed"]


class Kernels(AsyncMappingKernelManager):
    """Reports when a kernel's state changes, records crashes, and makes clients wait until a kernel is set up.

    `warm_kernel` is what the agent started ahead, until it is taken or ended.
    """

    reporter: ActivityReporter
    ledger: KernelLedger
    warm_kernel: WarmKernel | None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        #: Called with a kernel's id and what somebody has done with it, whoever it was.
        self.listeners: list[Callable[[str, KernelEvent], None]] = []
        self.context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT)

    async def wait_usable(self, kernel_id: str) -> None:
        """Wait until a kernel has run its setup code and is restored, or has failed to."""
        with contextlib.suppress(CodeFailed):  # who restores it reports why
            await self.wait_set_up(kernel_id)
        await self.ledger.wait_restored(kernel_id)

    async def wait_set_up(self, kernel_id: str) -> None:
        """Wait until a kernel has run its setup code.

        Raises
        ------
        CodeFailed
            When it could not.
        """
        provisioner = _provisioner_of(self.get_kernel(kernel_id)) if kernel_id in self else None
        if provisioner is None or (setup := provisioner.setup) is None:
            return
        await asyncio.wait([setup])
        failure = CodeFailed("It was started anew meanwhile.") if setup.cancelled() else setup.result()
        if failure is not None:
            raise failure

    def take_warm_kernel(self, name: str, folder: Path) -> WarmKernel | None:
        """Return the warm kernel when one of that name is wanted in the folder, and end one that doesn't match the folder."""
        if self.warm_kernel is None or self.warm_kernel.name != name:
            return None
        if not self.warm_kernel.matches(folder):
            self.end_warm_kernel()
        warm, self.warm_kernel = self.warm_kernel, None
        return warm

    def end_warm_kernel(self) -> None:
        """End the warm kernel, if it is still there."""
        if self.warm_kernel is not None:
            self.warm_kernel.end()
            self.warm_kernel = None
            self.reporter.changed()

    def start_watching_activity(self, kernel_id: str) -> None:
        """Watch a kernel's state and its crashes, and run its setup code."""
        super().start_watching_activity(kernel_id)
        kernel = self.get_kernel(kernel_id)
        kernel.observe(self._state_changed, "execution_state")
        self.add_restart_callback(kernel_id, lambda: self._crashed(kernel_id))
        provisioner = _provisioner_of(kernel)
        code = [self.ledger.take_setup_code(kernel_id)]
        if provisioner is not None:
            code.insert(0, provisioner.setup_code)
            provisioner.setup_code = None
            if any(code):  # in one message: each of them costs R its part
                work = self._set_up(kernel, "\n".join(filter(None, code)))
                provisioner.setup = asyncio.get_running_loop().create_task(work)
        self.reporter.changed()

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that was shut down."""
        self.ledger.clear_prompt(kernel_id)
        self.reporter.changed()
        removed = super().remove_kernel(kernel_id)
        self._call_listeners(kernel_id, "removed")
        return removed

    async def restart_kernel(self, kernel_id: str, now: bool = False) -> Any:  # type: ignore[override]  # as Jupyter Server has it
        """Start a kernel anew."""
        self._call_listeners(kernel_id, "restarting")
        restarted = await super().restart_kernel(kernel_id, now=now)
        self._call_listeners(kernel_id, "restarted")
        return restarted

    def _call_listeners(self, kernel_id: str, event: KernelEvent) -> None:
        for listener in list(self.listeners):
            listener(kernel_id, event)

    async def _set_up(self, kernel: Any, code: str) -> CodeFailed | None:
        try:
            await run(kernel, code, seconds=_SETUP_DEADLINE)
        except CodeFailed as failure:  # if it died, it is started anew with its folder and environment, but without its memory
            self.log.warning("kernel %s did not run its setup code: %s", kernel.kernel_id, failure)
            return failure
        if kernel.execution_state == "starting":  # what it said of itself came before anybody listened
            kernel.execution_state = "idle"
        return None

    def _state_changed(self, change: Any) -> None:
        if change["new"] != "busy":
            self.ledger.clear_prompt(change["owner"].kernel_id)
        self.reporter.changed()

    def _handle_kernel_died(self, kernel_id: str) -> None:
        kernel: Any = self.get_kernel(kernel_id)
        self.ledger.record_abandoned(
            KernelIdentity(id=kernel_id, name=kernel.kernel_name, language=kernel.kernel_spec.language, path=None)
        )
        super()._handle_kernel_died(kernel_id)

    def _crashed(self, kernel_id: str) -> None:
        if (provisioner := _provisioner_of(self.get_kernel(kernel_id))) is not None:
            provisioner.crashed = True
        self.ledger.record_crash(kernel_id, datetime.now(UTC))
        self.reporter.changed()


def _provisioner_of(kernel: Any) -> Provisioner | None:
    """Return the provisioner of a kernel; None for one that ends, and for a person's own kernel that brings another kind."""
    return kernel.provisioner if isinstance(kernel.provisioner, Provisioner) else None
