"""The connection of a console to its kernel: Jupyter's messages, each read once."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

import zmq
from jupyter_client.session import Session

_log = logging.getLogger(__name__)

Message = Mapping[str, Any]
_NUDGE = 0.1  # seconds between two tries whether the kernel is heard
_ON_ITS_WAY = 0.05  # seconds in which what a kernel printed before it asked arrives: that comes by another connection


class KernelChannels:
    """Sends requests to a kernel and passes on what it says. A kernel that is started anew is reached as before."""

    def __init__(
        self,
        kernel: Any,
        *,
        on_output: Callable[[Message], None],
        on_reply: Callable[[Message], None],
        on_question: Callable[[Message], None],
    ) -> None:
        self.session = Session(key=kernel.session.key, signature_scheme=kernel.session.signature_scheme)
        self._handlers = {"iopub": on_output, "shell": on_reply, "stdin": on_question, "control": on_reply}
        identity = self.session.bsession
        self._streams: dict[str, Any] = {}
        for channel in self._handlers:
            stream = self._streams[channel] = getattr(kernel, f"connect_{channel}")(identity=identity)
            stream.on_recv(lambda frames, channel=channel: self._receive(channel, frames))
        self._heard = asyncio.Event()
        self._probes: set[str] = set()

    async def until_heard(self) -> None:
        """Wait until the kernel answers, and what it prints arrives here."""
        self._heard.clear()
        while not self._heard.is_set():
            self._probes.add(self.send("shell", "kernel_info_request", {}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_NUDGE):
                    await self._heard.wait()
        self._probes.clear()

    def send(self, channel: str, kind: str, content: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> str:
        """Send a request and return its id."""
        message = self.session.msg(kind, content=dict(content), metadata=dict(metadata or {}))
        self.session.send(self._streams[channel], message)
        identity: str = message["header"]["msg_id"]
        return identity

    def close(self) -> None:
        """Close the connection."""
        for stream in self._streams.values():
            if not stream.closed():
                stream.close(linger=0)

    def _receive(self, channel: str, frames: list[Any]) -> None:
        try:
            _, frames = self.session.feed_identities(frames, copy=True)
            message = self.session.deserialize(frames, content=True, copy=True)
        except Exception as problem:  # whatever a kernel sends, the next message is read
            _log.warning("a message of a kernel can't be read: %s", problem)
            return
        if channel == "iopub" and message["parent_header"].get("msg_id") in self._probes:
            self._heard.set()
            return
        if channel == "stdin":
            asyncio.get_running_loop().call_later(_ON_ITS_WAY, self._pass_question, message)
        else:
            self._handlers[channel](message)

    def _pass_question(self, message: Message) -> None:
        """Pass on a question after what was printed before it."""
        output = self._streams["iopub"]
        if not output.closed():
            output.flush(zmq.POLLIN)
            self._handlers["stdin"](message)
