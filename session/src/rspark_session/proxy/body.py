"""A body on its way through: what was read waits here until it is written, and then its source is slowed down."""

import asyncio

_MOST_WAITING = 2**18  # bytes


class BodyBroken(Exception):
    """The sender went away before its body was whole."""


class Body:
    """A stream of bytes with one writer and one reader."""

    def __init__(self, source: asyncio.ReadTransport) -> None:
        self._source = source
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._paused = False
        self._arrived = asyncio.Event()
        self._broken = False
        self.complete = False  # the last byte has arrived

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._chunks.append(data)
        self._waiting += len(data)
        if self._waiting > _MOST_WAITING and not self._paused:
            self._paused = True
            self._source.pause_reading()
        self._arrived.set()

    def end(self) -> None:
        """Mark the end: this was all."""
        self.complete = True
        self._arrived.set()

    def fail(self) -> None:
        """Mark that no more will come, though it should."""
        self._broken = not self.complete
        self._arrived.set()

    async def read(self) -> bytes:
        """Wait for data and return what has arrived, at least a byte; nothing at the end.

        Raises
        ------
        BodyBroken
            When the sender went away before the end.
        """
        while not self._chunks:
            if self.complete:
                return b""
            if self._broken:
                raise BodyBroken
            self._arrived.clear()
            await self._arrived.wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._waiting = 0
        if self._paused:
            self._paused = False
            self._source.resume_reading()
        return data

    async def read_all(self, most: int) -> bytes | None:
        """Wait for the whole body and return it; None when it is longer than `most` bytes.

        Raises
        ------
        BodyBroken
            When the sender went away before the end.
        """
        data = b""
        while piece := await self.read():
            data += piece
            if len(data) > most:
                return None
        return data
