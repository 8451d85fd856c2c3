"""Objects in a file, one frame each, by one pickler whose memory spans them all.

So two names for one list are still one list after the sleep, and yet an object that can't be saved, or can't be read
again, takes no other along. For that, frames say where each value goes in the memory (`LONG_BINPUT`); the usual opcode,
`MEMOIZE`, counts instead, and would count wrongly after a frame that was left out.

dill treats the kernel's own globals as such only for a pickler whose module has "dill" in its name.
"""

import pickle
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import dill  # type: ignore[import-not-found,import-untyped,unused-ignore]

from rspark_session.workspace import enums
from rspark_session.workspace.unsaveable import Unsaveable, kind_of, kind_of_named

_HEAD = struct.Struct("<IQ")  # length of the name, length of the pickle
_INDEX = struct.Struct("<I")


class _Pickler(dill.Pickler):  # type: ignore[misc]  # dill has no types
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, protocol=5, byref=False, recurse=False)
        self._main = sys.modules["__main__"]

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if kind := kind_of(obj):
            raise Unsaveable(obj, kind)
        if enums.is_from_kernel(obj) and id(obj) not in self.memo:
            self.save_reduce(enums.make, enums.arguments(obj), obj=obj)
        else:
            super().save(obj, save_persistent_id)

    def memoize(self, obj: Any) -> None:
        index = len(self.memo)
        self.write(pickle.LONG_BINPUT + _INDEX.pack(index))
        self.memo[id(obj)] = index, obj

    def forget_after(self, length: int) -> None:
        """Remove from the memory what was met since it had this length, and the work that was put off."""
        while len(self.memo) > length:
            self.memo.popitem()
        self._postproc.clear()


class Writer:
    """Writes frames to a file that can be truncated."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pickler = _Pickler(file)

    def write(self, name: str, value: Any) -> None:
        """Write one object; when that fails, nothing of it is in the file.

        Raises
        ------
        Unsaveable
            When it holds something that can't be restored.
        Exception
            Whatever else its pickling raises.
        """
        start, known = self._file.tell(), len(self._pickler.memo)
        try:
            if kind := kind_of_named(value):
                raise Unsaveable(value, kind)
            label = name.encode()
            self._file.write(_HEAD.pack(len(label), 0) + label)
            body = self._file.tell()
            self._pickler.dump(value)
        except BaseException:
            self._pickler.forget_after(known)
            self._file.seek(start)
            self._file.truncate()
            raise
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_HEAD.pack(len(label), end - body))
        self._file.seek(end)


class Frame(NamedTuple):
    """One name, and its value or the problem in reading it."""

    name: str
    value: Any
    problem: Exception | None


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
