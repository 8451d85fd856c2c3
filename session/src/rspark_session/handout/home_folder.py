"""The folder of a handout in a person's home: what is there, and how a file gets there whole.

Every path is walked from the folder, and no link on the way is followed: what a person put in the place of a folder may lead
anywhere. A file is written beside and then renamed, so whatever is killed when leaves the old one or the new one.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rspark_session.handout.files import Entry, Kind, blob_hash

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_PIECE = 2**20


class InTheWay(Exception):
    """A person has something else where a folder would have to be; the message is its path."""


class HomeFolder:
    """A folder; `growing` is another on the same disk, where files are written first."""

    def __init__(self, folder: Path, *, growing: Path) -> None:
        self._top = os.open(folder, _FOLDER)
        growing.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._growing = growing / "file"

    def close(self) -> None:
        """Close the folder."""
        os.close(self._top)

    def entry(self, path: str) -> Entry | None:
        """Return what is at a path; None where nothing is. A folder, or what else is no file, has no hash.

        Raises
        ------
        InTheWay
            When a file or a link is where a folder of the path would be.
        """
        try:
            with self._parent(path) as (parent, name):
                found = os.lstat(name, dir_fd=parent)
                if stat.S_ISLNK(found.st_mode):
                    target = os.fsencode(os.readlink(name, dir_fd=parent))
                    return Entry(kind=Kind.LINK, hash=blob_hash(target), size=len(target))
                if not stat.S_ISREG(found.st_mode):
                    return Entry(kind=Kind.FILE, hash="", size=0)
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
                with os.fdopen(descriptor, "rb") as file:
                    content = file.read()
                return Entry(kind=Kind.FILE, hash=blob_hash(content), size=len(content))
        except FileNotFoundError:
            return None
        except PermissionError:  # it is there, and is not to be read: so it is theirs
            return Entry(kind=Kind.FILE, hash="", size=0)

    def add(self, path: str, kind: Kind, content: bytes) -> bool:
        """Write a new file; return whether nothing was in its place.

        Raises
        ------
        InTheWay
            When a file or a link is where a folder of the path would be.
        OSError
            When it can't be written; nothing of it is left then.
        """
        with self._parent(path, make=True) as (parent, name):
            self._grow(kind, content)
            try:
                os.link(self._growing, name, dst_dir_fd=parent, follow_symlinks=False)
            except FileExistsError:
                return False
            except OSError as problem:
                if problem.errno not in _NO_LINKS:
                    raise
                with contextlib.suppress(FileNotFoundError):  # a disk without hard links
                    os.lstat(name, dir_fd=parent)
                    return False
                os.rename(self._growing, name, dst_dir_fd=parent)
            finally:
                self._growing.unlink(missing_ok=True)
            return True

    def replace(self, path: str, kind: Kind, content: bytes) -> None:
        """Write a file in the place of another; raise as `add` does."""
        with self._parent(path, make=True) as (parent, name):
            self._grow(kind, content)
            os.rename(self._growing, name, dst_dir_fd=parent)

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty then."""
        with contextlib.suppress(FileNotFoundError), self._parent(path) as (parent, name):
            os.unlink(name, dir_fd=parent)
        folder = path
        with contextlib.suppress(OSError, InTheWay):
            while folder := folder.rpartition("/")[0]:
                with self._parent(folder) as (parent, name):
                    os.rmdir(name, dir_fd=parent)

    def _grow(self, kind: Kind, content: bytes) -> None:
        self._growing.unlink(missing_ok=True)
        if kind is Kind.LINK:
            self._growing.symlink_to(os.fsdecode(content))
            return
        mode = 0o777 if kind is Kind.PROGRAM else 0o666
        descriptor = os.open(self._growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Open the folder that a path is in, and return it with the name in there."""
        *folders, name = path.split("/")
        here = os.dup(self._top)
        try:
            for at, folder in enumerate(folders):
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(folder, dir_fd=here)
                try:
                    inner = os.open(folder, _FOLDER, dir_fd=here)
                except OSError as problem:
                    if problem.errno in (errno.ENOTDIR, errno.ELOOP):
                        raise InTheWay("/".join(folders[: at + 1])) from problem
                    raise
                os.close(here)
                here = inner
            yield here, name
        finally:
            os.close(here)
