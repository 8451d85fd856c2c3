"""The folder of a course: files that an instructor gives, what students hand in, and what comes back to each."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rsparkhub.domain.errors import InvalidInput

#: Bytes of one piece of a file, as it is stored.
PIECE = 256 * 1024
LONGEST_NAME = 128
LONGEST_PATH = 400
_DEEPEST = 8
#: A letter or a digit first: no hidden file, no option of a command line, nothing that leads out of a folder.
NAME = r"\w(?:[\w .,()+@=~-]{0,126}[\w,()+@=~-])?"
PATH = rf"{NAME}(?:/{NAME}){{0,{_DEEPEST - 1}}}"


class FileKind(StrEnum):
    """What a file of a course is."""

    DATA = "data"
    HAND_IN = "hand-in"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True)
class CourseFile:
    """A file of a course, which never changes.

    `person` is the id of whose it is, the student's, and None of data; `by` is who put it here. `name` is a path of data, else
    a file's name. `due` is when hand-ins were due as it came. `of` is the hand-in that something returned is about.
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

    @property
    def late(self) -> bool:
        """Whether it came after it was due."""
        return self.due is not None and self.created > self.due


@dataclass(frozen=True, kw_only=True)
class CourseFolder:
    """The folder of a course as somebody in the group sees it: whether they are an instructor, and which data it has."""

    group: str
    instructor: bool
    due: datetime | None
    data: tuple[CourseFile, ...]


@dataclass(frozen=True, kw_only=True)
class Room:
    """How much a course keeps: bytes of one file, bytes and number of a student's hand-ins, and bytes of all its data."""

    file: int
    of_person: int
    hand_ins: int
    data: int


def check_name(name: str) -> None:
    """Raise `InvalidInput` unless this is the name of a file that everybody can have in a folder."""
    if not re.fullmatch(NAME, name):
        raise InvalidInput(
            f"A file is called by letters, digits, spaces and . , ( ) + @ = ~ - _, up to {LONGEST_NAME} characters, "
            "and begins with a letter or a digit. Rename it, and try again."
        )


def check_path(path: str) -> None:
    """Raise `InvalidInput` unless this is a path below a folder, with a slash between names."""
    if len(path) > LONGEST_PATH or path.count("/") >= _DEEPEST:
        raise InvalidInput(f"A path has up to {_DEEPEST} names and {LONGEST_PATH} characters. Choose a shorter one.")
    for name in path.split("/"):
        check_name(name)
