"""Messages of the Language Server Protocol on a stream: a head that gives the length in bytes, and JSON.

Source: the base protocol of the specification, version 3.17.
"""

import asyncio

#: Bytes of the longest message; the longest document that an editor checks has less.
MOST_BYTES = 2**25
_MOST_HEAD = 20  # lines of a head
_LENGTH = b"content-length"


class NoMessage(Exception):
    """What came is no message of the protocol."""


def framed(message: bytes) -> bytes:
    """Return a message with its head."""
    return b"Content-Length: %d\r\n\r\n%s" % (len(message), message)


async def read(stream: asyncio.StreamReader) -> bytes | None:
    """Return the next message; None at the end of the stream.

    Raises
    ------
    NoMessage
        When something else comes, or a message that is too long.
    """
    length = None
    for _ in range(_MOST_HEAD):
        try:
            line = await stream.readline()
        except ValueError as problem:  # longer than the stream's limit
            raise NoMessage("A line of a head is too long.") from problem
        if not line:
            return None
        name, _, value = line.partition(b":")
        if not line.strip():
            break
        if name.strip().lower() == _LENGTH:
            if not value.strip().isdigit():
                raise NoMessage("The length of a message is no number.")
            length = int(value)
    if length is None or length > MOST_BYTES:
        raise NoMessage("A message has no length, or one that is too large.")
    try:
        return await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
