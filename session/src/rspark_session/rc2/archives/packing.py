"""Packs files and folders of the home into a ZIP archive, which is sent while it is made: nothing of it is kept.

Links are left out, wherever they lead: an archive that follows them could hold what is not the person's, or never end.
"""

import errno
import os
import stat
import time
import zipfile
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from rspark_session.rc2 import protocol
from rspark_session.rc2.refusal import Refusal

#: Files and folders, and bytes, of the largest archive.
MOST_FILES, MOST_BYTES = 100_000, 20 * 2**30
_PIECE = 2**18  # bytes
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # that a ZIP archive can say
_TIMES = (0, 2**33)  # seconds, of which all calendars know the date; wider than what an archive can say
#: A file that is gone or may not be read is left out. All else (a broken disk, too many open files) ends the archive.
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class _Entry:
    """A file or folder, and its name in the archive."""

    path: Path
    name: str
    stat: os.stat_result


class _LeftOut(Exception):
    """A file is not packed."""


def plan(home: Path, paths: Sequence[str]) -> protocol.ArchivePlan:
    """Return what an archive of files and folders would be; raise `Refusal` when there can be none."""
    files = size = left_out = 0
    for number, entry in enumerate(_walk(home, paths), start=1):
        if entry is None:
            left_out += 1
        elif stat.S_ISREG(entry.stat.st_mode):
            files += 1
            size += entry.stat.st_size
        if number > MOST_FILES:
            raise Refusal(f"These are more than {MOST_FILES:,} files. Download fewer at a time, or pack them in a terminal.")
        if size > MOST_BYTES:
            raise Refusal(f"This is more than {MOST_BYTES // 2**30} GiB. Download less at a time.")
    if not files:
        raise Refusal("There is no file in it that can be packed.")
    chosen = _outermost(paths)
    name = chosen[0].name if len(chosen) == 1 else chosen[0].parent.name or "files"
    return protocol.ArchivePlan(name=f"{_readable(name)}.zip", files=files, bytes=size, left_out=left_out)


def pack(home: Path, paths: Sequence[str]) -> Generator[bytes, None, None]:
    """Yield an archive in pieces; raise `OSError` when a file can't be read to its end, `Refusal` when a chosen one is gone."""
    made = _Made()
    # A file that can only be written is one to which zipfile writes in one go.
    with zipfile.ZipFile(cast(BinaryIO, made), "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in _walk(home, paths):
            if entry is None:
                continue
            info = zipfile.ZipInfo(entry.name, _date(entry.stat.st_mtime))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (entry.stat.st_mode & 0xFFFF) << 16
            if stat.S_ISDIR(entry.stat.st_mode):
                archive.writestr(info, b"")
            else:
                with suppress(_LeftOut), _opened(entry) as file, archive.open(info, "w", force_zip64=True) as packed:
                    while piece := file.read(_PIECE):
                        packed.write(piece)
                        yield from made.pieces()
            yield from made.pieces()
    yield from made.pieces(all_of_it=True)


class _Made:
    """Where an archive is written to, and taken from."""

    def __init__(self) -> None:
        self._content = bytearray()

    def write(self, piece: bytes) -> int:
        self._content += piece
        return len(piece)

    def flush(self) -> None:
        """Do nothing: who sends it takes it."""

    def pieces(self, *, all_of_it: bool = False) -> Iterator[bytes]:
        if self._content and (all_of_it or len(self._content) >= _PIECE):
            piece = bytes(self._content)
            self._content.clear()
            yield piece


def _walk(home: Path, paths: Sequence[str]) -> Iterator[_Entry | None]:
    """Yield what is packed, folders before what is in them, and None for what is left out; raise `Refusal` for a wrong path."""
    root = home.resolve()
    for path in paths:
        chosen = home / path
        wrong = "\0" in path or Path(path).is_absolute() or ".." in Path(path).parts or chosen == home
        if wrong or not chosen.parent.resolve().is_relative_to(root):
            raise Refusal(f"{path!r} is not in your home.")
    outermost = _outermost(paths)
    for inside, name in zip(outermost, _names(outermost), strict=True):
        chosen = home / inside
        try:
            seen = chosen.lstat()
        except OSError as problem:
            raise Refusal(f"{chosen.name} is not there any more.") from problem
        yield from _entries(chosen, name, seen)


def _outermost(paths: Sequence[str]) -> list[PurePosixPath]:
    """Return each path once, without those that lie in a folder that is chosen too: they are packed with it."""
    chosen = dict.fromkeys(PurePosixPath(path) for path in paths)
    return [path for path in chosen if chosen.keys().isdisjoint(path.parents)]


def _names(paths: Collection[PurePosixPath]) -> list[str]:
    """Return what each is called in the archive: by its own name, or by its path from where all lie when two have one name."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    shared = os.path.commonpath([path.parent for path in paths])
    return [path.relative_to(shared).as_posix() for path in paths]


def _entries(chosen: Path, name: str, seen: os.stat_result) -> Iterator[_Entry | None]:
    waiting = [(chosen, name, seen)]
    while waiting:
        path, name, seen = waiting.pop()
        if stat.S_ISREG(seen.st_mode):
            yield _Entry(path, _readable(name), seen) if os.access(path, os.R_OK) else None
        elif stat.S_ISDIR(seen.st_mode):
            try:
                inside = sorted(os.scandir(path), key=lambda found: found.name, reverse=True)
            except OSError as problem:
                if problem.errno not in _GONE:
                    raise
                yield None
                continue
            yield _Entry(path, _readable(name) + "/", seen)
            for found in inside:
                with suppress(FileNotFoundError):  # removed meanwhile
                    waiting.append((Path(found.path), f"{name}/{found.name}", found.stat(follow_symlinks=False)))
        else:
            yield None


def _opened(entry: _Entry) -> BinaryIO:
    """Open a file that is still what it was; raise `_LeftOut` when it isn't, `OSError` when it can't be known."""
    try:
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno not in _GONE:
            raise
        raise _LeftOut from problem
    now = os.fstat(descriptor)
    if (now.st_dev, now.st_ino) != (entry.stat.st_dev, entry.stat.st_ino):
        os.close(descriptor)
        raise _LeftOut
    return os.fdopen(descriptor, "rb")


def _date(seconds: float) -> tuple[int, int, int, int, int, int]:
    """Return when a file was changed, or the nearest date that a ZIP archive can say."""
    return min(max(time.localtime(min(max(seconds, _TIMES[0]), _TIMES[1]))[:6], _EARLIEST), _LATEST)


def _readable(name: str) -> str:
    """Return a name as text: a name on Linux may be any bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
