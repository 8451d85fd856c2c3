"""The kernels of the server and the websockets to them, with an eye on what a person does and what computes."""

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import zmq
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Instance

from rspark_session.jupyter.activity import is_by_person, read_message
from rspark_session.jupyter.execution import CodeFailed, run
from rspark_session.jupyter.presence import Presence
from rspark_session.jupyter.provisioner import Provisioner
from rspark_session.jupyter.spare import Spare

#: Milliseconds between two tries to reach a kernel that still starts; ZeroMQ's own are 100, a good part of R's whole start.
_RECONNECT = 10
_LONGEST = 600.0  # seconds that a kernel may take to start, and to get its memory back


class Kernels(AsyncMappingKernelManager):
    """Tells when a kernel's state changes, remembers crashes, and holds clients until a kernel has its memory back."""

    presence = Instance(Presence)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT)
        self.waiting_for_input: set[str] = set()
        self.crashed: dict[str, datetime] = {}
        self.dead: list[dict[str, Any]] = []  # kernels that crashed again and again, and were given up
        self.waking: dict[str, asyncio.Future[None]] = {}
        self.first: dict[str, str] = {}  # code that a kernel which is about to start shall run before anybody's
        self.spare: Spare | None = None

    async def until_awake(self, kernel_id: str) -> None:
        """Wait until a kernel that was asleep has its memory back, and a spare one its folder."""
        with contextlib.suppress(CodeFailed):  # who wakes it tells why
            await self.obeyed(kernel_id)
        if waking := self.waking.get(kernel_id):
            await asyncio.shield(waking)

    async def obeyed(self, kernel_id: str) -> None:
        """Wait until a kernel has run what it must run before anybody's code.

        Raises
        ------
        CodeFailed
            When it could not.
        """
        provisioner = _provisioner_of(self.get_kernel(kernel_id)) if kernel_id in self else None
        if provisioner is None or (obeying := provisioner.obeying) is None:
            return
        await asyncio.wait([obeying])
        failure = CodeFailed("It was started anew meanwhile.") if obeying.cancelled() else obeying.result()
        if failure is not None:
            raise failure

    def take_spare(self, name: str, folder: Path) -> Spare | None:
        """Give away the spare kernel when one of that name is wanted in the folder. One that doesn't fit is of no more use."""
        if self.spare is None or self.spare.name != name:
            return None
        if not self.spare.fits(folder):
            self.end_spare()
        spare, self.spare = self.spare, None
        return spare

    def end_spare(self) -> None:
        """End the spare kernel, if it is still there."""
        if self.spare is not None:
            self.spare.end()
            self.spare = None
            self.presence.changed()

    def start_watching_activity(self, kernel_id: str) -> None:
        """Watch its state, and whether it is started anew because it crashed."""
        super().start_watching_activity(kernel_id)
        kernel = self.get_kernel(kernel_id)
        kernel.observe(self._state_changed, "execution_state")
        self.add_restart_callback(kernel_id, lambda: self._has_crashed(kernel_id))
        provisioner = _provisioner_of(kernel)
        code = [self.first.pop(kernel_id, None)]
        if provisioner is not None:
            code.insert(0, provisioner.orders)
            provisioner.orders = None
            if any(code):  # in one message: each of them costs R its part
                work = self._obey(kernel, "\n".join(filter(None, code)))
                provisioner.obeying = asyncio.get_running_loop().create_task(work)
        self.presence.changed()

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget what is known of it."""
        self.waiting_for_input.discard(kernel_id)
        self.presence.changed()
        return super().remove_kernel(kernel_id)

    async def _obey(self, kernel: Any, code: str) -> CodeFailed | None:
        try:
            await run(kernel, code, seconds=_LONGEST)
        except CodeFailed as failure:  # if it died, it is started anew with all that it must know, but for its memory
            self.log.warning("kernel %s did not run what it must run first: %s", kernel.kernel_id, failure)
            return failure
        if kernel.execution_state == "starting":  # what it said of itself came before anybody listened
            kernel.execution_state = "idle"
        return None

    def _state_changed(self, change: Any) -> None:
        if change["new"] != "busy":
            self.waiting_for_input.discard(change["owner"].kernel_id)
        self.presence.changed()

    def _handle_kernel_died(self, kernel_id: str) -> None:
        kernel: Any = self.get_kernel(kernel_id)
        self.dead.append({"id": kernel_id, "name": kernel.kernel_name, "language": kernel.kernel_spec.language, "path": None})
        super()._handle_kernel_died(kernel_id)

    def _has_crashed(self, kernel_id: str) -> None:
        self.crashed[kernel_id] = datetime.now(UTC)
        self.presence.changed()


def _provisioner_of(kernel: Any) -> Provisioner | None:
    return cast("Provisioner | None", kernel.provisioner)  # one that ends has none any more


class Connection(ZMQChannelsWebsocketConnection):
    """A websocket to a kernel."""

    async def prepare(self) -> None:
        await self.multi_kernel_manager.until_awake(self.kernel_id)
        await super().prepare()

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Hand it on, then look whether a person sent it."""
        super().handle_incoming_message(incoming_msg)
        try:
            channel, kind, content = read_message(incoming_msg)
        except (LookupError, ValueError):  # no message of a kernel; the kernel will say so
            return
        if channel == "stdin":
            self.multi_kernel_manager.waiting_for_input.discard(self.kernel_id)
            self.multi_kernel_manager.presence.changed()
        if is_by_person(channel, kind, content):
            self.multi_kernel_manager.presence.activity()

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Hand it on, and note a kernel that asks its person something: it waits and doesn't compute."""
        if getattr(stream, "channel", None) == "stdin":
            self.multi_kernel_manager.waiting_for_input.add(self.kernel_id)
            self.multi_kernel_manager.presence.changed()
        super().handle_outgoing_message(stream, outgoing_msg)
