"""The server's end of the line to the agent: JSON lines. Its other end is `rspark_session.agent.jupyter`."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any


class Line:
    """Tells the agent things, and hands over what it asks."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)  # kernels have no business here
        self._writer: asyncio.StreamWriter | None = None
        self._early: list[bytes] = []

    async def listen(self, on_message: Callable[[dict[str, Any]], None]) -> None:
        """Hand over what the agent asks until it is gone."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket)
        for line in self._early:
            self._writer.write(line)
        self._early.clear()
        try:
            while line := await reader.readline():
                on_message(json.loads(line))
        except ConnectionError:
            return
        finally:
            self._writer.close()

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message, or keep it until the line is open."""
        line = json.dumps(message).encode() + b"\n"
        if self._writer is None:
            self._early.append(line)
        elif not self._writer.is_closing():
            self._writer.write(line)
