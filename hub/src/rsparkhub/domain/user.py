"""People: who they are, and what they may do."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Also fit for a PostgreSQL role, a folder and a Kubernetes label.
USER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
#: What `nth_id` returns.
PERSON_ID = re.compile(rf"{USER_NAME.pattern}(\.[0-9]+)?")
#: The group that everybody is in, without being written down.
EVERYONE = "everyone"
_REMOVED = re.compile(rf"(?P<name>{USER_NAME.pattern}) \(removed(?:, (?P<number>[0-9]{{1,9}}))?\)")


class Data(StrEnum):
    """What becomes of a person's data (home, databases) when they are removed."""

    KEEP = "keep"
    ARCHIVE = "archive"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class LeftData:
    """What may be left of somebody who was removed: `home`, and services on which they have data, by name.

    `data` is what becomes of it.
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

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)


def nth_id(name: str, number: int) -> str:
    """Return the id of the first, second, … person of a name; no name has a dot in it."""
    return name if number == 1 else f"{name}.{number}"


def name_in(person_id: str) -> str:
    """Return the name of the person who has, or had, an id."""
    return person_id.partition(".")[0]


def removed_label(person_id: str) -> str:
    """Return what a person who was removed is called: `ada (removed)`, and the second of that name `ada (removed, 2)`."""
    name, _, number = person_id.partition(".")
    return f"{name} (removed, {number})" if number else f"{name} (removed)"


def id_of_label(label: str) -> str | None:
    """Return the id of a person who was removed, by what they are called; None for a text of another form."""
    match = _REMOVED.fullmatch(label)
    return None if match is None else nth_id(match["name"], int(match["number"] or 1))
