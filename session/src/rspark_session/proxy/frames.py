"""The frames that a browser sends over a websocket (RFC 6455, 5.2), read beside their way through."""

from collections.abc import Iterator

_LENGTHS = {126: 2, 127: 8}  # of the length that follows, by what stands in its place
_DATA = (0, 1, 2)  # the kinds of frames that carry data: text, binary, and what goes on with either


class TooLong(Exception):
    """A frame is longer than a reader of frames keeps."""


class FrameReader:
    """Takes in the bytes of one direction as they come, and gives the data of each frame that is whole.

    Frames of control (pings, pongs, closes) are left out. A frame of more than `most` bytes is not read.
    """

    def __init__(self, *, most: int = 2**24) -> None:
        self._most = most
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take in what was read, and yield the data of the frames that are whole now.

        Raises
        ------
        TooLong
            At a frame of more bytes than are kept.
        """
        self._waiting += data
        while (found := self._head()) is not None:
            start, length = found
            if length > self._most:
                raise TooLong
            if len(self._waiting) < start + length:
                return
            masked = bytes(self._waiting[start : start + length])
            mask = bytes(self._waiting[start - 4 : start]) if self._waiting[1] & 0x80 else b""
            carries_data = self._waiting[0] & 0x0F in _DATA
            del self._waiting[: start + length]
            if carries_data:
                yield _unmasked(masked, mask) if mask else masked

    def _head(self) -> tuple[int, int] | None:
        """Return where the data of the next frame begin, and their length; None where its head is not whole."""
        waiting = self._waiting
        if len(waiting) < 2:
            return None
        more = _LENGTHS.get(waiting[1] & 0x7F, 0)
        start = 2 + more + (4 if waiting[1] & 0x80 else 0)
        if len(waiting) < start:
            return None
        return start, int.from_bytes(waiting[2 : 2 + more]) if more else waiting[1] & 0x7F


def _unmasked(data: bytes, mask: bytes) -> bytes:
    """Return data without their mask; as one large number, which Python does at once."""
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(repeated)).to_bytes(len(data))
