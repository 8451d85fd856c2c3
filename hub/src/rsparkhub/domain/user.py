"""People: who they are, and what they may do."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Also fit for a PostgreSQL role, a folder and a Kubernetes label.
USER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
#: What `nth_id` returns, of people and of groups.
PERSON_ID = re.compile(rf"{USER_NAME.pattern}(\.[0-9]+)?")
#: The group that everybody is in, without being written down.
EVERYONE = "everyone"
_OWNING_GROUP = re.compile(rf"group\.(?P<id>{PERSON_ID.pattern})")
_REMOVED = re.compile(rf"(?P<name>{USER_NAME.pattern}) \(removed(?:, (?P<number>[0-9]{{1,9}}))?\)")


class Data(StrEnum):
    """What becomes of the data (home, databases) of a person or a group when they are removed."""

    KEEP = "keep"
    ARCHIVE = "archive"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class LeftData:
    """What may be left of a person or a group that was removed: a person's `home`, and services with data of theirs, by name.

    `owner` is the id. `data` is what becomes of it.
    """

    owner: str
    removed: datetime
    data: Data
    left: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody who may sign in.

    `id` is given once: what belongs to a person (sessions, home, databases, history) is found by it, so a later person of the
    same name gets none of that. The first person of a name has the name as id. `disabled` is since when they may not sign in.
    `teaches` are those of their groups of which they are an instructor.
    """

    name: str
    admin: bool
    created: datetime
    groups: frozenset[str] = frozenset()
    last_seen: datetime | None = None
    has_password: bool = False
    id: str = ""
    disabled: datetime | None = None
    full_name: str | None = None
    email: str | None = None
    teaches: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)


def nth_id(name: str, number: int) -> str:
    """Return the id of the first, second, … person or group of a name; no name has a dot in it."""
    return name if number == 1 else f"{name}.{number}"


def owner_of_group(group_id: str) -> str:
    """Return what stands in place of a person's id where a group has something; no person has such an id."""
    return f"group.{group_id}"


def group_of_owner(owner: str) -> str | None:
    """Return the id of the group that has something, None where it is a person."""
    match = _OWNING_GROUP.fullmatch(owner)
    return None if match is None else match["id"]


def name_in(person_id: str) -> str:
    """Return the name of the person who has, or had, an id."""
    return person_id.partition(".")[0]


def removed_label(person_id: str) -> str:
    """Return what who was removed is called, a person or a group: `ada (removed)`, and the second `ada (removed, 2)`."""
    name, _, number = person_id.partition(".")
    return f"{name} (removed, {number})" if number else f"{name} (removed)"


def id_of_label(label: str) -> str | None:
    """Return the id of a person or a group that was removed, by what they are called; None for a text of another form."""
    match = _REMOVED.fullmatch(label)
    return None if match is None else nth_id(match["name"], int(match["number"] or 1))
