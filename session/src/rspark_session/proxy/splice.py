"""Two connections joined into one, byte by byte: what a websocket is after its handshake."""

import asyncio
from collections.abc import Callable
from typing import cast


class Splice(asyncio.Protocol):
    """One direction of two. Reads its own transport and writes the other's; when one side closes, so does the other."""

    def __init__(self, other: asyncio.Transport, *, on_data: Callable[[bytes], None] | None = None) -> None:
        self._other = other
        self._on_data = on_data
        self._own: asyncio.Transport | None = None

    def take(self, own: asyncio.Transport, already: bytes) -> None:
        """Join a connection of which some bytes had been read with the handshake."""
        self._own = own
        own.set_protocol(self)
        if already:
            self.data_received(already)
        own.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._other.write(data)
        if self._on_data:
            self._on_data(data)

    def eof_received(self) -> None:
        """Allow the transport to close; `connection_lost` then closes the other."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._other.close()

    def pause_writing(self) -> None:
        """Our own peer reads too slowly: stop reading what we write to it."""
        self._other.pause_reading()

    def resume_writing(self) -> None:
        if not self._other.is_closing():
            self._other.resume_reading()


def join(
    one: asyncio.Transport,
    from_one: bytes,
    two: asyncio.Transport,
    from_two: bytes,
    *,
    on_data: Callable[[bytes], None] | None = None,
) -> None:
    """Join two connections; `from_one` and `from_two` were read from them already. `on_data` sees what `one` sends."""
    Splice(two, on_data=on_data).take(one, from_one)
    Splice(one).take(two, from_two)
