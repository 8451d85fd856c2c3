"""A file of the home as a replacement may change it, and how it is written: whole or not at all."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

#: Bytes of the largest file in which something is replaced.
LARGEST = 2**23


class NotReplaceable(Exception):
    """Nothing can be replaced in a file. The message says why."""


class Gone(NotReplaceable):
    """The file is there no more."""


@dataclass(frozen=True)
class Found:
    """What a file was when it was read."""

    path: Path
    content: bytes
    stat: os.stat_result
    version: str


def version_of(content: bytes) -> str:
    """Return the name of a content: its SHA-256, as Jupyter's contents API has it."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def refusals() -> Iterator[None]:
    """Raise `NotReplaceable` in the place of what the system says."""
    try:
        yield
    except FileNotFoundError as problem:
        raise Gone("It is not there any more.") from problem
    except PermissionError as problem:
        raise NotReplaceable("You may not write it.") from problem
    except OSError as problem:
        raise NotReplaceable(f"It can't be written: {problem.strerror}.") from problem


def read(home: Path, path: str) -> Found:
    """Read a file of the home; raise `NotReplaceable` for all in which nothing may be replaced."""
    file = home / path
    with refusals():
        if "\0" in path or ".." in Path(path).parts or not file.parent.resolve().is_relative_to(home.resolve()):
            raise NotReplaceable("It is not in your home.")
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode):
                raise NotReplaceable("It is no file.")
            if seen.st_nlink > 1:
                raise NotReplaceable("It has another name as well (a hard link), and is left as it is.")
            if seen.st_size > LARGEST:
                raise NotReplaceable("It is larger than 8 MiB, and is left as it is.")
            content = opened.read(LARGEST + 1)
        if not os.access(file, os.W_OK):
            raise NotReplaceable("You may not write it.")
    check_text(content)
    return Found(file, content, seen, version_of(content))


def check_text(content: bytes) -> None:
    """Raise `NotReplaceable` when a content is not UTF-8 text of a size in which things are replaced."""
    if len(content) > LARGEST:
        raise NotReplaceable("It is larger than 8 MiB, and is left as it is.")
    try:
        content.decode()
    except UnicodeDecodeError as problem:
        raise NotReplaceable("It is not UTF-8 text, and is left as it is.") from problem


def write(found: Found, content: bytes) -> None:
    """Write a file that was read in one step, with its rights; raise `NotReplaceable` when it was changed meanwhile."""
    with refusals():
        descriptor, name = tempfile.mkstemp(prefix=".rspark-", dir=found.path.parent)
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                with suppress(PermissionError):  # a group that the person is no member of
                    os.fchown(descriptor, found.stat.st_uid, found.stat.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(found.stat.st_mode))
                file.flush()
                os.fsync(descriptor)
            now = found.path.lstat()
            if _identity(now) != _identity(found.stat):
                raise NotReplaceable("It has changed meanwhile. Search again.")
            beside.replace(found.path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def _identity(seen: os.stat_result) -> tuple[int, int, int, int]:
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns
