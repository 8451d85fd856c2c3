"""Unpacks a ZIP archive into a folder that is new: beside the archive, and under its name or the next that is free.

All is looked at before anything is written, and it is written where nobody looks: the folder gets its name when it is whole.
What a server that was killed has left there is removed by the next. A folder can get a name on its own file system only: an
archive that lies on another than the home is written in a hidden folder beside it.
"""

import errno
import os
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from rspark_session import home_space
from rspark_session.rc2 import protocol
from rspark_session.rc2.refusal import Refusal

#: Files and folders of the largest archive.
MOST_FILES = 100_000
#: How much larger than an archive its content can be, by what ZIP's own compression can do; more is a trap.
_MOST_GROWTH = 1100
_RESERVE = 2**24  # bytes that stay free in the home
_PIECE = 2**18  # bytes
_OFTEN = 0.1  # seconds between two words on how it goes
_LONGEST_NAME, _LONGEST_PATH = 255, 4096  # bytes
_DEEPEST = 256  # folders in each other; what is done with one takes as many steps
_UTF8, _LOCKED = 0x800, 0x1  # flags of an entry


@dataclass(frozen=True)
class _Entry:
    """A file or folder of an archive, and where it goes."""

    info: zipfile.ZipInfo
    path: PurePosixPath


def unpack(home: Path, path: str, *, aside: Path) -> Generator[protocol.Unpacked, None, None]:
    """Unpack an archive, in the folder `aside` until it is whole; yield how it goes, the last of another type than `progress`."""
    archive = home / path
    try:
        if "\0" in path or ".." in Path(path).parts or not archive.resolve().is_relative_to(home.resolve()):
            raise Refusal("The archive is not in your home.")
        yield from _unpack(home, archive, aside)
    except Refusal as problem:
        yield protocol.Unpacked(type="failed", text=str(problem))
    except (zipfile.BadZipFile, zlib.error, EOFError) as problem:
        yield protocol.Unpacked(type="failed", text=f"{archive.name} is no ZIP archive, or is damaged: {problem}.")
    except (NotImplementedError, RuntimeError) as problem:
        yield protocol.Unpacked(type="failed", text=f"{archive.name} can't be unpacked here: {problem}.")
    except OSError as problem:
        full = home_space.is_full(home, problem)
        text = home_space.sentence(home) if full else f"{archive.name} can't be unpacked: {problem.strerror or problem}."
        yield protocol.Unpacked(type="failed", text=text)


def _unpack(home: Path, archive: Path, aside: Path) -> Generator[protocol.Unpacked, None, None]:
    with zipfile.ZipFile(archive) as opened:
        entries = _checked(opened, archive, home)
        size = sum(entry.info.file_size for entry in entries)
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = _unfinished(aside, archive.parent)
        try:
            files = written = 0
            yield protocol.Unpacked(type="progress", all_bytes=size)
            said = time.monotonic()
            for entry in entries:
                for piece in _write(opened, entry, unfinished):
                    written += piece
                    if time.monotonic() - said > _OFTEN:
                        said = time.monotonic()
                        yield protocol.Unpacked(type="progress", files=files, bytes=written, all_bytes=size)
                files += not entry.info.is_dir()
            unfinished.chmod(0o777 & ~_umask())
            folder = _named(_content_of(unfinished, archive.stem), archive.parent, archive.stem)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    yield protocol.Unpacked(type="done", files=files, bytes=written, all_bytes=size, folder=folder.relative_to(home).as_posix())


def _checked(opened: zipfile.ZipFile, archive: Path, home: Path) -> list[_Entry]:
    """Return what is in an archive; raise `Refusal` when any of it may not be unpacked."""
    infos = opened.infolist()
    if not infos:
        raise Refusal(f"{archive.name} is empty.")
    if len(infos) > MOST_FILES:
        raise Refusal(f"{archive.name} has more than {MOST_FILES:,} files. Unpack it in a terminal.")
    size = sum(info.file_size for info in infos)
    if size > _MOST_GROWTH * archive.stat().st_size:
        raise Refusal(
            f"{archive.name} would grow to more than {_MOST_GROWTH} times its size, as harmful archives do; it is left alone."
        )
    room = os.statvfs(archive.parent)
    free = room.f_bavail * room.f_frsize - _RESERVE
    if size > free:
        raise Refusal(
            f"{archive.name} takes {_megabytes(size)} when it is unpacked, and your home has {_megabytes(max(free, 0))} left."
        )
    entries = [_Entry(info, _place(info, archive)) for info in infos]
    _check_names(entries, archive)
    return entries


def _place(info: zipfile.ZipInfo, archive: Path) -> PurePosixPath:
    """Return where an entry goes; raise `Refusal` when it is no file or folder, or leads out."""
    name = info.filename
    if not info.flag_bits & _UTF8:  # most programs write UTF-8 also where they don't say so
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    name = name.replace("\\", "/")
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_PATH:
        raise Refusal(f"{archive.name} is not unpacked: a name in it is too long.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or name[1:2] == ":" or ".." in parts or not parts:
        raise Refusal(f"{archive.name} is not unpacked: {name!r} in it leads out of its folder.")
    if any(len(part.encode("utf-8", "surrogateescape")) > _LONGEST_NAME for part in parts):
        raise Refusal(f"{archive.name} is not unpacked: a name in it is too long.")
    if len(parts) > _DEEPEST:
        raise Refusal(f"{archive.name} is not unpacked: a file in it lies in more than {_DEEPEST - 1} folders.")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refusal(f"{archive.name} is not unpacked: {name!r} in it is a link, or no file.")
    if info.flag_bits & _LOCKED:
        raise Refusal(f"{archive.name} is locked with a password. Unpack it in a terminal: unzip asks for it.")
    return PurePosixPath(*parts)


def _check_names(entries: list[_Entry], archive: Path) -> None:
    """Raise `Refusal` when two files have one name, or a file lies in another."""
    files = set[PurePosixPath]()
    for entry in entries:
        if not entry.info.is_dir():
            if entry.path in files:
                raise Refusal(f"{archive.name} is not unpacked: it has {str(entry.path)!r} twice.")
            files.add(entry.path)
    for entry in entries:
        if not files.isdisjoint(entry.path.parents) or (entry.info.is_dir() and entry.path in files):
            raise Refusal(f"{archive.name} is not unpacked: {str(entry.path)!r} lies in a file.")


def _write(opened: zipfile.ZipFile, entry: _Entry, folder: Path) -> Iterator[int]:
    """Write a file or folder, and yield the bytes of each piece."""
    target = folder / entry.path
    if entry.info.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry.info) as packed, target.open("xb") as file:
        while piece := packed.read(_PIECE):
            file.write(piece)
            yield len(piece)
        if entry.info.external_attr >> 16 & stat.S_IXUSR:
            os.fchmod(file.fileno(), 0o777 & ~_umask())


def _unfinished(aside: Path, parent: Path) -> Path:
    """Return a new folder that can be renamed to one of `parent`: in `aside`, or hidden in `parent` if that is mounted apart."""
    beside = Path(tempfile.mkdtemp(dir=parent, prefix=".unpacking-"))
    try:
        # To try it is the one way to know: two mounts of one device are apart, too.
        return beside.rename(aside / beside.name)
    except OSError:
        return beside


def _content_of(folder: Path, name: str) -> Path:
    """Return the folder that gets the archive's name: the one in it, where that is all and is named so already."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].name == name and inside[0].is_dir() else folder


def _named(folder: Path, parent: Path, name: str) -> Path:
    """Give a folder a name that is free, and return it."""
    for number in count(1):
        target = parent / (name if number == 1 else f"{name}-{number}")
        try:
            target.mkdir()
        except FileExistsError:
            continue
        try:
            return folder.rename(target)  # in the place of the empty one, at once; not where somebody has filled it meanwhile
        except OSError as problem:
            with suppress(OSError):
                target.rmdir()
            if problem.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    raise AssertionError


def _umask() -> int:
    """Return which rights new files don't get; read where setting it would be seen by other threads."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o077


def _megabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"
