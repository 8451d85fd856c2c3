"""A share lets others into a session of its owner's: one person, or everybody in a group."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rsparkhub.domain.user import EVERYONE, User


class Role(StrEnum):
    """What a share lets somebody be in a session."""

    VIEWER = "viewer"  # reads what the interface shows, and changes and runs nothing
    EDITOR = "editor"  # does in the interface all that the owner does, and wakes the session and puts it to sleep

    @property
    def in_words(self) -> str:
        """What somebody is who has it, within a sentence."""
        return {Role.VIEWER: "a viewer", Role.EDITOR: "an editor"}[self]


def role_called(word: object) -> Role:
    """Return the role of a name; where it is the name of none, that which lets look, and no more."""
    return next((role for role in Role if role == word), Role.VIEWER)


@dataclass(frozen=True, kw_only=True)
class Share:
    """One share. Of `person` (an id) and `group` (a name) one is None; without `expires` it lasts until it is ended."""

    id: str
    session: str
    person: str | None = None
    group: str | None = None
    role: Role
    created: datetime
    expires: datetime | None = None

    def is_with(self, user: User) -> bool:
        """Return whether it lets this user in."""
        if self.group is not None:
            return self.group == EVERYONE or self.group in user.groups
        return self.person == user.id


def share_of(user: User, shares: Iterable[Share]) -> Share | None:
    """Return the share that lets a user do the most, and of those the one that lasts longest; None where there is none."""
    return max((share for share in shares if share.is_with(user)), key=_strength, default=None)


def _strength(share: Share) -> tuple[bool, bool, float]:
    lasting = 0.0 if share.expires is None else share.expires.timestamp()
    return share.role is Role.EDITOR, share.expires is None, lasting
