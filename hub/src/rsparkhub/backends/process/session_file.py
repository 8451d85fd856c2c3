"""Reads files below a folder of sessions, which belong to their people.

In the place of a file or of a folder on the way to it there may be a link to somebody else's, a pipe that is never written to, or
a device: none of them is opened, nor a file that has another name somewhere. A file of any length is read to a bound.
"""

import os
import stat
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


def read_bytes(path: Path, *, below: Path, most: int, owner: int | None = None) -> bytes:
    """Read the first `most` bytes of a file; nothing when there is no plain file, or a link is on the way from `below` to it.

    With `owner`, nothing when it belongs to another account.
    """
    try:
        descriptor = _open(path, below, owner=owner)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most)


def read_tail(path: Path, *, below: Path, most: int) -> str:
    """Read the last `most` bytes of such a file as text, from the begin of a line where it is cut."""
    try:
        descriptor = _open(path, below)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - most))
        data = file.read(most)
    if size > most:
        data = data.partition(b"\n")[2] or data
    return data.decode("utf-8", "replace")


def names_in(folder: Path, *, below: Path) -> list[str]:
    """Return the names in a folder, sorted; none when it is gone, or a link is on the way from `below` to it."""
    try:
        descriptor = _open_folder(folder, below)
    except OSError:
        return []
    try:
        return sorted(os.listdir(descriptor))  # noqa: PTH208  no path leads there but this
    finally:
        os.close(descriptor)


def _open(path: Path, below: Path, *, owner: int | None = None) -> int:
    folder = _open_folder(path.parent, below)
    try:
        file = os.open(path.name, _FILE, dir_fd=folder)
    finally:
        os.close(folder)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1 or owner not in (None, found.st_uid):
        os.close(file)
        raise FileNotFoundError(f"{path} is no plain file of its account's")
    return file


def _open_folder(path: Path, below: Path) -> int:
    folder = os.open(below, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for step in path.relative_to(below).parts:
        try:
            inner = os.open(step, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder
