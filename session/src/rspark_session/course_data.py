"""Data of a person's courses: read-only copies in `~/courses/NAME/data` of what instructors gave.

Copies belong to the person, who can do with them what they like and harms nobody: what counts is at the hub. What can be written
in these folders is the person's own, and is neither replaced nor deleted.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from rspark_contract import reading
from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.reading import Fields, Unreadable, decode
from rspark_session.files import write_whole

_log = logging.getLogger(__name__)

#: Seconds between two looks at what there is.
EVERY = 120.0
_PATIENCE = 60.0
_MOST_BYTES = 16 * 2**20  # of a list
_PIECE = 256 * 1024
_LIST = ".files.json"
_GROUP = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_NAME = re.compile(r"\w[^/\x00-\x1f\x7f]*")
_WRITABLE, _CLOSED = 0o755, 0o555


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
        if not all(_NAME.fullmatch(name) for name in path.split("/")):
            raise Unreadable("a path that leads elsewhere")
        return cls(id=fields.required("id", reading.name), path=path, size=fields.required("size", reading.integer(0, 2**40)))


#: Opens a file of a group, by the file's id.
Fetch = Callable[[str, str], BinaryIO]


def keep_up_to_date(document: EnsembleDocument) -> None:
    """Bring what a session's person has of their courses, now and every few minutes, until the process ends."""
    if document.token is not None and document.user is not None:
        threading.Thread(target=_keep, args=(document, document.token), name="course-data", daemon=True).start()


def _keep(document: EnsembleDocument, token: str) -> None:
    hub = Hub(document.hub_url, token)
    waiting = threading.Event()
    while True:
        try:
            with hub.open("/courses") as answer:
                given = read_list(answer.read(_MOST_BYTES))
            bring(document.places.home, given, lambda group, file: hub.open(f"/groups/{group}/data/{file}"))
        except (OSError, ValueError) as problem:  # the hub may restart, or be of a version that knows no courses
            _log.info("The data of courses are not brought now: %s", problem)
        waiting.wait(EVERY)


class Hub:
    """The API of a session's hub, as far as its token opens it. The token goes to this address alone: no redirect is followed."""

    def __init__(self, url: str, token: str) -> None:
        self._url = urlsplit(url)
        self._token = token

    def open(self, path: str) -> BinaryIO:
        """Return what the hub answers to GET, to be read and closed.

        Raises
        ------
        OSError
            When it can't be reached, or refuses.
        """
        from http.client import HTTPConnection, HTTPException, HTTPSConnection  # noqa: PLC0415  # no start waits for them

        connects = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = connects(self._url.netloc, timeout=_PATIENCE)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Connection": "close"}
            connection.request("GET", f"{self._url.path.rstrip('/')}/hub/api{path}", headers=headers)
            answer = connection.getresponse()
        except HTTPException as problem:
            connection.close()
            raise OSError(f"the hub answers something else: {problem}") from problem
        except OSError:
            connection.close()
            raise
        if answer.status != 200:
            answer.close()
            raise OSError(f"the hub answers {answer.status}")
        return cast("BinaryIO", answer)


def read_list(content: bytes) -> dict[str, list[GivenFile]]:
    """Return what each course gives, from the hub's answer."""
    files = reading.readable_items(GivenFile.parse, most=100_000)
    found = {}
    for course in Fields(decode(content, most=_MOST_BYTES)).required("courses", reading.items(Fields, most=10_000)):
        group = course.required("group", reading.name)
        if _GROUP.fullmatch(group):
            found[group] = list(course.required("data", files))
    return found


def bring(home: Path, given: Mapping[str, list[GivenFile]], fetch: Fetch) -> None:
    """Have in a home what each course gives, and no longer what none does.

    Raises
    ------
    OSError
        When the hub can't be reached or the disk is full; what is there by then is whole.
    """
    courses = home / "courses"
    for group in sorted({*given, *(path.parent.parent.name for path in courses.glob(f"*/data/{_LIST}"))}):
        files = {file.path: file for file in given.get(group, [])}
        folder = courses / group / "data"
        had = _read_had(folder)
        if {path: file.id for path, file in files.items()} == had and all((folder / path).exists() for path in files):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with _opened(folder):
            for path in had.keys() - files.keys():
                _take_away(folder, path)
            has = {path: had[path] for path in had.keys() & files.keys() if had[path] == files[path].id}
            for path, file in sorted(files.items()):
                if path not in has or not (folder / path).exists():
                    if _put(folder, file, partial(fetch, group)):
                        has[path] = file.id
                    write_whole(folder / _LIST, json.dumps(has), mode=0o444, durable=False)
            write_whole(folder / _LIST, json.dumps(has), mode=0o444, durable=False)
        if not files:
            with suppress(OSError):  # something of the person's is there
                folder.chmod(_WRITABLE)
                (folder / _LIST).unlink()
                folder.rmdir()


def _read_had(folder: Path) -> dict[str, str]:
    try:
        value = json.loads((folder / _LIST).read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {path: file for path, file in value.items() if isinstance(file, str) and _leads_inside(path)}


def _leads_inside(path: str) -> bool:
    return all(_NAME.fullmatch(name) for name in path.split("/"))


@contextmanager
def _opened(folder: Path) -> Iterator[None]:
    """Let folders be written to, and close them again at the end."""
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
        each.chmod(_WRITABLE)
    try:
        yield
    finally:
        for each in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
            each.chmod(_CLOSED)


def _put(folder: Path, file: GivenFile, fetch: Callable[[str], BinaryIO]) -> bool:
    """Fetch a file, which is there when it is whole; return False where something of the person's is in its place."""
    place = folder / file.path
    if not _is_ours(place):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f".{place.name}.part")
    aside.unlink(missing_ok=True)
    try:
        with fetch(file.id) as content, aside.open("xb") as into:
            while piece := content.read(_PIECE):
                into.write(piece)
            if into.tell() != file.size:
                raise OSError(f"{file.path} did not come whole")
        aside.chmod(0o444)
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)
    return True


def _take_away(folder: Path, path: str) -> None:
    place = folder / path
    if _is_ours(place):
        place.unlink(missing_ok=True)
        with suppress(OSError):  # there are others
            for parent in place.parents:
                if parent == folder:
                    break
                parent.rmdir()


def _is_ours(place: Path) -> bool:
    """Return whether nothing is there, or a file that nobody made writable."""
    try:
        mode = place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return not any(parent.is_file() for parent in place.parents)
    return place.is_file() and not place.is_symlink() and not mode & 0o222
