"""What a handout consists of: files by their paths, each known by the hash that Git has for its content."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

_POINTER = b"version https://git-lfs.github.com/spec/"
_LONGEST_POINTER = 1024  # bytes, by the specification


class HandoutProblem(Exception):
    """A handout can't be brought. The message is for the person: what is wrong, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one handout may be: bytes on the way and in all, files, and seconds that it may take to get them."""

    bytes: int = 2**30
    files: int = 20_000
    seconds: float = 600.0


class Kind(StrEnum):
    """What a file is."""

    FILE = "file"
    PROGRAM = "program"
    LINK = "link"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a handout; `hash` is Git's of its content, and `size` its bytes."""

    kind: Kind
    hash: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is to be brought: entries by their paths, what was left out with the reason, and a word for this version of it."""

    version: str
    entries: Mapping[str, Entry]
    left_out: Sequence[str] = ()


class Source(ABC):
    """Where a handout comes from."""

    @abstractmethod
    def contents(self) -> Contents:
        """Get it, and return what is in it; raise `HandoutProblem` when that can't be had."""

    @contextmanager
    def open(self) -> Iterator["Source"]:
        """Be ready to `read` many files."""
        yield self

    @abstractmethod
    def read(self, path: str, entry: Entry) -> bytes:
        """Return the content of a file; of a link, where it leads."""


def blob_hash(content: bytes) -> str:
    """Return the hash that Git has for a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def is_lfs_pointer(content: bytes) -> bool:
    """Return whether a content only says where Git LFS has the real one (git-lfs, docs/spec.md)."""
    return len(content) < _LONGEST_POINTER and content.startswith(_POINTER) and b"\noid sha256:" in content


def leads_outside(path: str, target: str) -> bool:
    """Return whether a link at this path could lead out of the folder of the handout.

    It may go up and then down. `..` after a name is refused, since that name may be a link itself.
    """
    if target.startswith("/") or not target or "\0" in target:
        return True
    parts = target.split("/")
    up = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    return up > path.count("/") or ".." in parts[up:] or any(part.lower() == ".git" for part in parts)
