"""A group with instructors: what they may do for the others in it, and in it alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rsparkhub.domain.user import User

#: Characters of the link of an announcement.
LONGEST_LINK = 4000


class MemberRole(StrEnum):
    """What somebody is in a group."""

    MEMBER = "member"
    INSTRUCTOR = "instructor"


@dataclass(frozen=True, kw_only=True)
class Course:
    """A group in which somebody is taught: a member, who is neither an instructor of it nor an administrator.

    `instructors_view` is the group's rule: whether its instructors look into the sessions of those whom they teach.
    """

    group: str
    instructors_view: bool = False


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What an instructor tells a group; `link` starts work that is handed out, as a path of the hub."""

    text: str
    link: str | None
    by: str  # an id
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A group as somebody in it sees it: what they are there, its rule, and its announcement."""

    group: str
    role: MemberRole
    instructors_view: bool
    announcement: Announcement | None = None


def taught_by(user: User, courses: Iterable[Course]) -> list[Course]:
    """Return those courses of which a user is an instructor, by name."""
    return sorted((course for course in courses if course.group in user.teaches), key=lambda course: course.group)
