"""Data of a person's courses: read-only copies in `~/courses/NAME/data` of what instructors gave.

Copies belong to the person, who can do with them what they like and harms nobody: what counts is at the hub. Each course and each
file is tried by itself, and what could not be brought is said in a file beside them.
"""

import fcntl
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from rspark_contract import reading
from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.reading import Fields, decode
from rspark_session.course_folder import LIST, CourseFolder, GivenFile, LeftOut
from rspark_session.files import write_whole

_log = logging.getLogger(__name__)

#: Seconds between two looks at what there is.
EVERY = 120.0
_PATIENCE = 60.0
_MOST_AWAY = 3
_MOST_BYTES = 16 * 2**20  # of a list
_PIECE = 256 * 1024
_GROUP = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_LOCK = Path(".local/share/rspark/courses.lock")

#: Where a person reads what of their data is missing, below `~/courses`; no group is called so.
NOTE = "what is missing.txt"
_NOTE_BEGIN = "This is missing from the data of your courses. It is tried every two minutes. This file goes when all is there."

#: Yields what a file of a group consists of, by the file's id; raises `LeftOut` where that can't be had.
Fetch = Callable[[str, str], Iterator[bytes]]


def keep_up_to_date(document: EnsembleDocument) -> None:
    """Bring what a session's person has of their courses, now and every few minutes, until the process ends."""
    if document.token is not None and document.user is not None:
        hub, home = Hub(document.hub_url, document.token), document.places.home
        threading.Thread(target=keep, args=(hub, home, threading.Event()), name="course-data", daemon=True).start()


def keep(hub: "Hub", home: Path, ended: threading.Event, *, every: float = EVERY) -> None:
    """Bring what there is again and again, whatever happens, until it is `ended`. What goes wrong is in the log once."""
    told = ""
    while not ended.is_set():
        try:
            with hub.open("/courses") as answer:
                given = read_list(answer.read(_MOST_BYTES))
            left_out = bring(home, given, lambda group, file: hub.pieces(f"/groups/{group}/data/{file}"))
            said = "".join(f"\n{path}: {sentence}" for path, sentence in left_out.items())
            if said and said != told:
                _log.warning("Of the data of courses is left out:%s", said)
        except (OSError, ValueError) as problem:  # the hub may restart, or be of a version that knows no courses
            said = str(problem)
            if said != told:
                _log.info("The data of courses are not brought now: %s", said)
        except Exception as problem:  # whatever it is, it must not end this for the rest of the session
            said = repr(problem)
            if said != told:
                _log.exception("The data of courses are not brought now")
        told = said
        ended.wait(every)


class Hub:
    """The API of a session's hub, as far as its token opens it. The token goes to this address alone: no redirect is followed."""

    def __init__(self, url: str, token: str) -> None:
        self._url = urlsplit(url)
        self._token = token
        self._away = 0  # how many times in a row nobody answered

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
            raise OSError(f"it answers something else: {problem}") from problem
        except OSError:
            connection.close()
            self._away += 1
            raise
        self._away = 0
        if answer.status != 200:
            answer.close()
            raise OSError(f"it answers {answer.status}")
        return cast("BinaryIO", answer)

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield what the hub answers to GET.

        Raises
        ------
        LeftOut
            When it doesn't come. A hub that can't be reached is not asked for one file after another.
        """
        from http.client import HTTPException  # noqa: PLC0415  # no start waits for it

        try:
            if self._away >= _MOST_AWAY:
                raise OSError("it can't be reached")
            with self.open(path) as answer:
                while piece := answer.read(_PIECE):
                    yield piece
        except (OSError, HTTPException) as problem:
            raise LeftOut(f"The hub did not send it: {problem}. It is tried again.") from problem


def read_list(content: bytes) -> dict[str, list[GivenFile]]:
    """Return what each course gives, from the hub's answer."""
    files = reading.readable_items(GivenFile.parse, most=100_000)
    found = {}
    for course in Fields(decode(content, most=_MOST_BYTES)).required("courses", reading.items(Fields, most=10_000)):
        group = course.required("group", reading.name)
        if _GROUP.fullmatch(group):
            found[group] = list(course.required("data", files))
    return found


def bring(home: Path, given: Mapping[str, list[GivenFile]], fetch: Fetch) -> dict[str, str]:
    """Have in a home what each course gives, and no longer what none does.

    Another session of the person that has the same home and is about it now is left to it.

    Returns
    -------
    dict
        What is left out, by its path below `~/courses`, with a sentence for the person.
    """
    try:
        lock = _lock(home)
    except BlockingIOError:
        return {}
    courses = home / "courses"
    left_out = {}
    try:
        for group in sorted({*given, *_brought(courses)}):
            files = {file.path: file for file in given.get(group, [])}
            for path, sentence in CourseFolder(home, group).update(files, partial(fetch, group)).items():
                left_out["/".join(filter(None, (group, "data", path)))] = sentence
        if not courses.is_symlink():
            with suppress(OSError):  # the log has it too
                _note(courses, left_out)
    finally:
        if lock is not None:
            os.close(lock)
    return left_out


def _lock(home: Path) -> int | None:
    """Keep other sessions from bringing the same; None on a disk that has no locks, where parts of files have names of their own.

    Raises
    ------
    BlockingIOError
        When another one is about it.
    """
    lock = home / _LOCK
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _brought(courses: Path) -> list[str]:
    """Return of which courses something was brought."""
    try:
        return [course.name for course in courses.iterdir() if os.path.lexists(course / "data" / LIST)]
    except OSError:
        return []


def _note(courses: Path, left_out: Mapping[str, str]) -> None:
    """Say beside the courses what is left out of them; a file of this name that somebody else wrote stays."""
    note = courses / NOTE
    there = ""
    if os.path.lexists(note):
        if note.is_symlink() or not note.is_file():
            return
        there = note.read_text(encoding="utf-8", errors="replace")
        if not there.startswith(_NOTE_BEGIN):
            return
    lines = [f"{path}: {sentence}\n" for path, sentence in sorted(left_out.items())]
    said = "".join((f"{_NOTE_BEGIN}\n\n", *lines)) if lines else ""
    if not said:
        note.unlink(missing_ok=True)
    elif said != there:
        write_whole(note, said, mode=0o644, durable=False)
