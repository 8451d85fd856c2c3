"""A list of people as it is pasted or read from a file: who is to be added, and what is wrong in which line. Pure."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rsparkhub.domain.course import MemberRole
from rsparkhub.domain.user import EVERYONE, USER_NAME

MOST_ROWS, MOST_PROBLEMS = 2000, 100
_LONGEST_LINE = 2000  # characters
_SAMPLE = 100  # lines that show what stands between fields
_LONGEST = 200  # characters of a full name or an address
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: What stands for a letter that whoever read the file as UTF-8, as browsers do, could not read.
_UNREAD = "\ufffd"
#: Columns in their order where the first line doesn't name them.
_COLUMNS = ("name", "full_name", "email", "group", "role")
_HEADINGS = {
    "name": "name", "user": "name", "username": "name", "user name": "name", "login": "name",
    "full name": "full_name", "full_name": "full_name",
    "email": "email", "e-mail": "email", "mail": "email", "email address": "email", "e-mail address": "email",
    "group": "group", "class": "group",
    "role": "role",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RosterRow:
    """One person of a list; `line` is where they stand in it, from 1."""

    line: int
    name: str
    full_name: str | None = None
    email: str | None = None
    group: str | None = None
    instructor: bool | None = None  # of the group; None leaves whoever is in it what they are


@dataclass(frozen=True)
class RosterProblem:
    """What is wrong in a line."""

    line: int
    text: str


def read_roster(text: str) -> tuple[list[RosterRow], list[RosterProblem]]:
    """Return the people in a list, and what is wrong with it; fields are parted by commas, semicolons or tabs.

    The first line may name the columns: name, full name, e-mail, group, role. Else they stand in this order, and all but the name
    may be left out. Empty lines are passed over. After `MOST_PROBLEMS` the rest isn't read.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    columns: Sequence[str] = _COLUMNS
    rows, problems, seen = list[RosterRow](), list[RosterProblem](), dict[str, int]()
    first = True
    for number, fields in _fields(lines):
        if first:
            first, headings = False, _without_end(fields)
            if named := _headings(headings):
                columns = named
                continue
            if wrong := _wrong_heading(headings):
                return rows, [RosterProblem(number, wrong)]
        if len(problems) >= MOST_PROBLEMS:
            return rows, [*problems, RosterProblem(number, "So much is wrong that the rest was not read.")]
        if len(rows) >= MOST_ROWS:
            return rows, [*problems, RosterProblem(number, f"A list has at most {MOST_ROWS} people. Give the rest another one.")]
        found = {column: field for column, field in zip(columns, fields, strict=False) if field and column}
        wrong = _wrong(found, more=len([field for field in fields[len(columns) :] if field]))
        if not wrong and found["name"] in seen:
            wrong = f"{found['name']} stands in line {seen[found['name']]} too. Leave one of the two."
        if wrong:
            problems.append(RosterProblem(number, wrong))
            continue
        seen[found["name"]] = number
        role = found.pop("role", None)
        instructor = None if role is None else role == MemberRole.INSTRUCTOR
        rows.append(RosterRow(line=number, instructor=instructor, **found))
    return rows, problems


def _fields(lines: Sequence[str]) -> Iterable[tuple[int, list[str]]]:
    """Yield the fields of each line that has some, with the line's number."""
    sample = "\n".join(lines[:_SAMPLE])
    delimiter = max("\t;,", key=sample.count)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = next(csv.reader([line[:_LONGEST_LINE]], delimiter=delimiter, skipinitialspace=True), [])
        yield number, [field.strip() for field in fields]


def _without_end(fields: Sequence[str]) -> Sequence[str]:
    """Return a line without the empty fields at its end, which spreadsheets write to the width of the widest line."""
    last = max((at for at, field in enumerate(fields, 1) if field), default=0)
    return fields[:last]


def _headings(fields: Sequence[str]) -> list[str] | None:
    """Return the columns that a line names; None where it is no line of headings."""
    named = [_HEADINGS.get(field.lower(), "") for field in fields]
    return named if "name" in named and all(named) and len(set(named)) == len(named) and len(named) > 1 else None


def _wrong_heading(fields: Sequence[str]) -> str | None:
    """Return what is wrong with a line that names columns, and others than there are; None where it names none.

    Such a list comes from elsewhere. Taken for a person's, the line would add one who is called `username`.
    """
    named = [_HEADINGS.get(field.lower()) for field in fields]
    if len(fields) < 2 or not any(
        column == "name" and field.lower() != "user" for column, field in zip(named, fields, strict=True)
    ):
        return None
    for at, (column, field) in enumerate(zip(named, fields, strict=True)):
        if column is None or column in named[:at]:
            return (
                f"{field[:40] or 'An empty heading'} is no column, or is there twice. "
                "The columns are name, full name, e-mail, group and role."
            )
    return None


def _wrong(found: dict[str, str], *, more: int) -> str | None:  # noqa: PLR0911  # a sentence each
    name, email, group = found.get("name", ""), found.get("email"), found.get("group")
    if any(_UNREAD in value for value in found.values()):
        return "It has letters that can't be read. Save the list as CSV in UTF-8."
    if more:
        return "There are more fields than columns. Put a field with a comma in it into quotes."
    if not USER_NAME.fullmatch(name):
        return f"{name[:40] or 'An empty name'} is no name: it has a lower-case letter, then letters, digits, - or _, 32 at most."
    if any(len(value) > _LONGEST or _CONTROL.search(value) for value in found.values()):
        return f"A field has at most {_LONGEST} characters, and none that can't be printed."
    if email is not None and not _EMAIL.fullmatch(email):
        return f"{email[:60]} is no e-mail address."
    if group == EVERYONE:
        return "Everybody is in the group everyone. Leave it out."
    role = found.get("role")
    if role is not None and role not in set(MemberRole):
        return f"{role[:40]} is no role: it is member or instructor."
    if role == MemberRole.INSTRUCTOR and group is None:
        return "An instructor is one of a group. Name the group too."
    if group is not None and not USER_NAME.fullmatch(group):
        return f"{group[:40]} is no name of a group: it has a lower-case letter, then letters, digits, - or _, 32 at most."
    return None
