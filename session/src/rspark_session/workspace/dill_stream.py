"""Objects in a file as versions before this one wrote them: by dill, one frame each behind its name. They are read here.

To be removed when no session sleeps any more that such a version put to sleep.
"""

import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import dill  # type: ignore[import-not-found,import-untyped,unused-ignore]

from rspark_session.workspace.stream import Frame

_HEAD = struct.Struct("<IQ")  # length of the name, length of the pickle


def read(file: BinaryIO) -> Iterator[Frame]:
    """Yield the frames of a file. One that can't be read has a problem in place of a value."""
    window = _Window(file)
    unpickler = _unpickler(window)
    while head := file.read(_HEAD.size):
        name_length, length = _HEAD.unpack(head)
        name = file.read(name_length).decode()
        window.left = length
        try:
            value = unpickler.load()
        except Exception as problem:  # whatever a class of the person raises when it is read
            unpickler = _unpickler(window, unpickler)  # the old one is in the middle of something
            yield Frame(name, None, problem)
        else:
            yield Frame(name, value, None)
        window.skip()


def _unpickler(window: "_Window", before: Any = None) -> Any:
    # The file is the person's own. An object's class is what it was, not what has its name now (`ignore`).
    unpickler = dill.Unpickler(window, ignore=True)  # noqa: S301
    unpickler._main = sys.modules["__main__"]
    if before is not None:
        unpickler.memo = before.memo  # as it is: of a dict, CPython takes the length and forgets the content
    return unpickler


class _Window:
    """A file that ends where the frame ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.left = file, 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(data)
        return data

    def readline(self) -> bytes:
        data = self._file.readline(self.left)
        self.left -= len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def skip(self) -> None:
        while self.left and self.read(1 << 20):
            pass
