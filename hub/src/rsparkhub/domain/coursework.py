"""The folder of a course: files that an instructor gives, what students hand in, and what comes back to each."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from rsparkhub.domain.errors import Conflict, InvalidInput

#: Bytes of one piece of a file, as it is stored.
PIECE = 256 * 1024
#: Bytes in UTF-8: file systems have 255 for a name, and a copy that is put beside gets some letters more.
LONGEST_NAME = 200
LONGEST_PATH = 400
_DEEPEST = 8
_SIGNS = frozenset(" .,()+@=~-_'\N{RIGHT SINGLE QUOTATION MARK}")
_ENOUGH = 4 * LONGEST_NAME  # letters; of a longer name this part is too long in every form
#: What Windows opens in the place of a file, whatever extension is behind it.
_DEVICES = frozenset({"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³")})
#: For descriptions: all of it is taken but devices of Windows, and besides marks of letters, as Hindi has them.
NAME = rf"\w(?:[\w .,()+@=~'-]{{0,{LONGEST_NAME - 2}}}[\w,()+@=~'-])?"
PATH = rf"{NAME}(?:/{NAME}){{0,{_DEEPEST - 1}}}"


#: Assignments of a course with due times of their own.
MOST_ASSIGNMENTS = 100
_YEARS = range(2001, 2200)
#: Files that a course gives, empty ones too: each session of its people reads the list of them all the time.
MOST_DATA = 5000


class FileKind(StrEnum):
    """What a file of a course is."""

    DATA = "data"
    HAND_IN = "hand-in"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True)
class CourseFile:
    """A file of a course, which never changes.

    `person` is the id of whose it is, the student's, and None of data; `by` is who put it here. `name` is a path of data, else
    a file's name. `due` is when hand-ins were due as it came, and `assignment` for which, where that had a time of its own.
    `of` is the hand-in that something returned is about.
    """

    id: str
    group: str  # an id
    kind: FileKind
    person: str | None
    by: str
    name: str
    size: int
    digest: str  # SHA-256
    created: datetime
    due: datetime | None = None
    of: str | None = None
    assignment: str | None = None

    @property
    def late(self) -> bool:
        """Whether it came after it was due."""
        return self.due is not None and self.created > self.due


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Work of a course that has a due time of its own. `lab1` is what is handed in as `lab1.Rmd` or `lab1.tar.gz`."""

    name: str
    due: datetime


@dataclass(frozen=True, kw_only=True)
class CourseFolder:
    """The folder of a course as somebody in the group sees it: whether they are an instructor, and which data it has.

    One that is open takes work; data are given, and work is given back, also while it is closed.
    """

    group: str
    instructor: bool
    is_open: bool
    due: datetime | None
    data: tuple[CourseFile, ...]
    assignments: tuple[Assignment, ...] = ()

    def due_next(self, now: datetime) -> datetime | None:
        """Return when work is due next; None where it takes none, or nothing is due any more."""
        times = [self.due, *(each.due for each in self.assignments)]
        return min((due for due in times if due is not None and due >= now), default=None) if self.is_open else None


@dataclass(frozen=True, kw_only=True)
class Room:
    """How much a course keeps: bytes of one file, bytes and number of a student's hand-ins, and bytes of all its data.

    `all` is how many bytes the files of all courses have together, whole or not.
    """

    file: int
    of_person: int
    hand_ins: int
    data: int
    all: int


def by_name(assignments: Iterable[Assignment]) -> dict[str, Assignment]:
    """Return assignments by their names, in which case makes no difference."""
    return {each.name.casefold(): each for each in assignments}


def assignment_of(file: str, named: Mapping[str, Assignment]) -> Assignment | None:
    """Return for which assignment of those `by_name` a file is handed in; None for work that has no due time of its own.

    It has the file's name, or what is left of that without one ending or more, the longest first. Case and spaces before
    an ending make no difference: who reads the name does not see them.
    """
    name = file.casefold()
    while name not in named and "." in name:
        name = name.rpartition(".")[0].rstrip()
    return named.get(name)


def check_due(due: datetime | None) -> datetime | None:
    """Return until when work is due; `Conflict` for a year that the store takes for damage, or that no clock has in UTC."""
    try:
        is_kept = due is None or due.astimezone(UTC).year in _YEARS
    except OverflowError:
        is_kept = False
    if not is_kept:
        raise Conflict(f"Work is due in a year from {_YEARS[0]} to {_YEARS[-1]}. Without a time it is never due.")
    return due


def check_name(name: str) -> str:
    """Return the name of a file that everybody can have in a folder, in the form (Unicode's NFC) in which it is kept.

    Raises
    ------
    InvalidInput
        When some system can't have a file of this name.
    """
    name = unicodedata.normalize("NFC", name[:_ENOUGH])
    if not (re.match(r"\w", name) and all(map(_is_taken, name))) or name.endswith((" ", ".")):
        raise InvalidInput(
            "A file is called by letters, digits, spaces and . , ( ) + @ = ~ - _ ', begins with a letter or a digit, and ends "
            "with no space or dot. Rename it, and try again."
        )
    if len(name.encode()) > LONGEST_NAME:
        raise InvalidInput(
            f"The name of a file has up to {LONGEST_NAME} bytes, which are as many letters of English. Shorten it."
        )
    if (device := name.partition(".")[0].rstrip()).upper() in _DEVICES:
        raise InvalidInput(f"{device} is a device on Windows, where no file can be called so. Rename it, and try again.")
    return name


def check_path(path: str) -> str:
    """Return a path below a folder, with a slash between names, in the form in which it is kept.

    Raises
    ------
    InvalidInput
        When it is too long, or `check_name` refuses a name in it.
    """
    names = path.split("/")
    if len(names) <= _DEEPEST:
        path = "/".join(check_name(name) for name in names)
    if len(names) > _DEEPEST or len(path.encode()) > LONGEST_PATH:
        raise InvalidInput(f"A path has up to {_DEEPEST} names and {LONGEST_PATH} bytes. Choose a shorter one.")
    return path


def _is_taken(letter: str) -> bool:
    return letter.isalnum() or letter in _SIGNS or unicodedata.category(letter) in ("Mn", "Mc")
