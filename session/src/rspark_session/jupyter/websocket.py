"""The websocket from a page to a kernel: it waits until the kernel is usable, and reports what a person does."""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from rspark_session.jupyter.activity import is_by_person, read_message
from rspark_session.jupyter.kernels import Kernels


class KernelWebsocket(ZMQChannelsWebsocketConnection):
    """A websocket to a kernel."""

    @property
    def _kernels(self) -> Kernels:
        kernels: Kernels = self.multi_kernel_manager
        return kernels

    async def prepare(self) -> None:
        await self._kernels.wait_usable(self.kernel_id)
        await super().prepare()

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Pass a message on to the kernel, then report whether a person sent it."""
        super().handle_incoming_message(incoming_msg)
        try:
            channel, message_type, content = read_message(incoming_msg)
        except (LookupError, ValueError):  # no message of a kernel; the kernel will say so
            return
        if channel == "stdin":
            self._kernels.ledger.clear_prompt(self.kernel_id)
            self._kernels.reporter.changed()
        if is_by_person(channel, message_type, content):
            self._kernels.reporter.activity()

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Pass a message on to the page, and record a kernel that prompts its person: it waits and doesn't compute."""
        if getattr(stream, "channel", None) == "stdin":
            self._kernels.ledger.record_prompt(self.kernel_id)
            self._kernels.reporter.changed()
        super().handle_outgoing_message(stream, outgoing_msg)
