"""The server's end of the control channel to the agent. The agent's end is in `rspark_session.interfaces.jupyter_server`."""

import asyncio
import logging
import socket
from collections.abc import Callable

from rspark_contract.reading import Unreadable
from rspark_session.jupyter.messages import MOST_BYTES, Report, Request, decode_request, encode

_log = logging.getLogger(__name__)


class ControlChannel:
    """Sends reports to the agent, and passes on what it requests."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)  # kernels have no business here
        self._writer: asyncio.StreamWriter | None = None
        self._unsent: list[bytes] = []

    async def serve(self, on_request: Callable[[Request], None]) -> None:
        """Call `on_request` with each request until the agent is gone."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=MOST_BYTES)
        for line in self._unsent:
            self._writer.write(line)
        self._unsent.clear()
        try:
            while line := await reader.readline():
                try:
                    on_request(decode_request(line))
                except Unreadable as problem:
                    _log.warning("a request of the agent can't be read: %s", problem)
        except ConnectionError:
            return
        finally:
            self._writer.close()

    def send(self, report: Report) -> None:
        """Send a report, or queue it until the channel is open. When the agent is gone, the report is dropped."""
        line = encode(report)
        if self._writer is None:
            self._unsent.append(line)
        elif not self._writer.is_closing():
            self._writer.write(line)
