"""The folder of one course in a home: copies of what is given, beside what is the person's own.

A copy is read-only, and known by the digest of what was brought. What somebody made of theirs is never lost: it gets another name
when the course gives a new version. Nothing is reached through a link, and of folders only those of given files are touched.
"""

import errno
import hashlib
import itertools
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable, decode
from rspark_session.files import write_whole

#: What is there, and what was left out with the reason: in the folder itself, so that it goes with it.
LIST = ".files.json"
_PART = (".brought-", ".part")
_LONGEST_PART = 24 * 3600.0  # seconds after which nobody goes on with one
_PIECE = 256 * 1024
_NAME = re.compile(r"\w[^/\x00-\x1f\x7f]*")
_DIGEST = re.compile("[0-9a-f]{64}")
_MOST_BYTES = 64 * 2**20  # of the list
_READ_ONLY = 0o444
_OPEN = 0o755
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, kw_only=True)
class GivenFile:
    """A file that a course gives: its id, which is another one when it changes, and where it lies below `data`."""

    id: str
    path: str
    size: int

    @classmethod
    def parse(cls, value: object) -> "GivenFile":
        """Read one; `Unreadable` where its path leads out of the folder."""
        fields = Fields(value)
        path = fields.required("path", reading.text(500))
        if not _leads_inside(path):
            raise Unreadable("a path that leads elsewhere")
        return cls(id=fields.required("id", reading.name), path=path, size=fields.required("size", reading.integer(0, 2**40)))


class LeftOut(Exception):
    """A file, or a course, is not brought; the message is for the person, who can do something about it."""


#: Yields what the file of an id consists of; raises `LeftOut` where that can't be had.
Fetch = Callable[[str], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class _Copy:
    """What was brought: the file's id, and the SHA-256 of its content."""

    id: str
    digest: str


class CourseFolder:
    """`~/courses/NAME/data`."""

    def __init__(self, home: Path, group: str) -> None:
        self._home = home
        self._folder = home / "courses" / group / "data"
        self._had: dict[str, _Copy] = {}
        self._kept = b""  # of the list, as it is on the disk

    def update(self, files: Mapping[str, GivenFile], fetch: Fetch) -> dict[str, str]:
        """Have what is given, and no longer what isn't; return what is left out by its path, with a sentence.

        What is left out keeps nothing else from coming, and is tried again the next time. A course that is left out as a whole
        has the path "".
        """
        try:
            if not files and not (self._is_there() and os.path.lexists(self._folder / LIST)):
                return {}
            self._make(self._folder)
            self._read()
            return self._update(files, fetch)
        except LeftOut as reason:
            return {"": str(reason)}
        except OSError as problem:
            return {"": _sentence(problem)}

    def _update(self, files: Mapping[str, GivenFile], fetch: Fetch) -> dict[str, str]:
        for folder in self._folders({*files, *self._had}):
            _open_again(folder)
            _clear(folder)
        for path in sorted(self._had.keys() - files.keys()):
            self._take_away(path)
            del self._had[path]
        left_out: dict[str, str] = {}
        for path, file in sorted(files.items()):
            had = self._had.get(path)
            if had is not None and had.id == file.id and os.path.lexists(self._folder / path):
                continue
            try:
                self._had[path] = _Copy(id=file.id, digest=self._put(file, had, fetch))
                self._write(left_out)
            except LeftOut as reason:
                left_out[path] = str(reason)
            except OSError as problem:
                left_out[path] = _sentence(problem)
        if not files:
            self._leave()
            return left_out
        try:
            self._write(left_out)
        except OSError as problem:
            left_out.setdefault("", _sentence(problem))
        return left_out

    def _is_there(self) -> bool:
        """Return whether the folder is there, through no link."""
        return all(_is_folder(folder) for folder in self._way(self._folder))

    def _way(self, folder: Path) -> list[Path]:
        """Return the folders from the home to this one, without the home."""
        return [folder, *itertools.takewhile(lambda parent: parent != self._home, folder.parents)][::-1]

    def _folders(self, paths: Iterable[str]) -> list[Path]:
        """Return the folders that are there on the way to files of these paths; none that lies behind a link."""
        below = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}
        folders = [self._folder / each for each in sorted(below | {"."})]  # each comes after the one that it is in
        found: list[Path] = []
        for folder in folders:
            if _is_folder(folder) and (folder == self._folder or folder.parent in found):
                found.append(folder)
        return found

    def _make(self, folder: Path) -> None:
        for each in self._way(folder):
            with suppress(FileExistsError):
                each.mkdir(_OPEN)
            if not _is_folder(each):
                raise LeftOut(f"You have something else called {each.relative_to(self._home)}. Rename it, and the data come.")

    def _put(self, file: GivenFile, had: _Copy | None, fetch: Fetch) -> str:
        """Bring a file, which is in its place when it is whole; return its digest."""
        place = self._folder / file.path
        self._make(place.parent)
        found = _mode(place)
        if found is not None and (not stat.S_ISREG(found) or (had is None and found & 0o222)):
            raise LeftOut("You have something else of this name there. Rename yours, and the one of the course comes.")
        with _part(place.parent) as part:
            digest = _fill(part, file, fetch)
            found = _mode(place)
            if found is not None and stat.S_ISREG(found):
                there = _digest(place)
                if there == digest:
                    return digest
                if had is None or had.digest != there:
                    _put_aside(place)
            part.replace(place)
        return digest

    def _take_away(self, path: str) -> None:
        """Delete a copy that nobody changed, and the folders that are empty then."""
        place = self._folder / path
        if not all(_is_folder(folder) for folder in self._way(place.parent)):
            return
        with suppress(OSError):  # there are others in the folder; or it can't be deleted, and becomes the person's own
            found = _mode(place)
            if found is not None:
                if not stat.S_ISREG(found) or _digest(place) != self._had[path].digest:
                    return
                place.unlink()
            for parent in place.parents:
                if parent == self._folder:
                    break
                parent.rmdir()

    def _leave(self) -> None:
        """Go from a course that gives nothing; what is the person's own stays."""
        with suppress(OSError):
            (self._folder / LIST).unlink()
            self._folder.rmdir()
            self._folder.parent.rmdir()

    def _read(self) -> None:
        """Read what was brought; a list that can't be read is as none."""
        with suppress(OSError, ValueError):
            descriptor = os.open(self._folder / LIST, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                self._kept = file.read(_MOST_BYTES + 1)
            files = Fields(decode(self._kept, most=_MOST_BYTES)).required("files", _copies)
            self._had = {path: copy for path, copy in files.items() if _leads_inside(path)}

    def _write(self, left_out: Mapping[str, str]) -> None:
        files = {path: asdict(copy) for path, copy in sorted(self._had.items())}
        content = json.dumps({"files": files, "left_out": left_out}).encode()
        if content != self._kept:
            write_whole(self._folder / LIST, content, mode=_READ_ONLY, durable=False)
            self._kept = content


def _leads_inside(path: str) -> bool:
    return all(_NAME.fullmatch(name) for name in path.split("/"))


def _copies(value: object) -> dict[str, _Copy]:
    if not isinstance(value, dict):
        raise Unreadable("these are no files")
    return {path: _copy(copy) for path, copy in value.items()}


def _copy(value: object) -> _Copy:
    fields = Fields(value)
    return _Copy(id=fields.required("id", reading.name), digest=fields.required("digest", reading.matching(_DIGEST)))


def _mode(path: Path) -> int | None:
    """Return the mode of what is there, of a link its own; None where nothing is."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _open_again(folder: Path) -> None:
    """Let a folder be deleted by who owns it; versions before closed these."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not os.fstat(descriptor).st_mode & stat.S_IWUSR:
                os.fchmod(descriptor, _OPEN)
        finally:
            os.close(descriptor)


def _clear(folder: Path) -> None:
    """Delete parts of files that somebody was killed over."""
    begin, end = _PART
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(begin) and entry.name.endswith(end):
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < time.time() - _LONGEST_PART:
                        Path(entry.path).unlink()


@contextmanager
def _part(folder: Path) -> Iterator[Path]:
    """Make a file that nobody else has, for as long as it is not moved."""
    descriptor, name = tempfile.mkstemp(prefix=_PART[0], suffix=_PART[1], dir=folder)
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _fill(part: Path, file: GivenFile, fetch: Fetch) -> str:
    """Write into a part what is fetched, and return the digest of it; `LeftOut` where that is not the whole file."""
    digest = hashlib.sha256()
    written = 0
    with part.open("r+b") as into:
        _take_room(into.fileno(), file.size)
        for piece in fetch(file.id):
            written += len(piece)
            if written > file.size:
                break
            digest.update(piece)
            into.write(piece)
        into.flush()
        if written != file.size or os.fstat(into.fileno()).st_size != file.size:
            raise LeftOut("It did not come whole. It is tried again.")
        os.fchmod(into.fileno(), _READ_ONLY)
    return digest.hexdigest()


def _take_room(descriptor: int, size: int) -> None:
    """Have a home that is full say so before anything is sent."""
    try:
        if size:
            os.posix_fallocate(descriptor, 0, size)
    except OSError as problem:  # not every disk can tell
        if problem.errno in _FULL:
            raise


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _put_aside(place: Path) -> None:
    """Give what is the person's a name that nothing has: `flights (yours).csv`."""
    for number in itertools.count(1):
        aside = place.with_name(f"{place.stem} (yours{f' {number}' if number > 1 else ''}){place.suffix}")
        try:
            os.link(place, aside)  # it is there under both names until the new one is in its place
        except FileExistsError:
            continue
        except OSError:  # a disk without hard links
            if os.path.lexists(aside):
                continue
            place.rename(aside)
        return


def _sentence(problem: OSError) -> str:
    if problem.errno in _FULL:
        return "Your home is full. Delete files that you don't need, and it comes."
    if problem.errno == errno.ENAMETOOLONG:
        return "Its name is too long for the disk of your home. Ask your instructor for a shorter one."
    return f"It can't be written: {problem.strerror or problem}. Tell your administrator."
