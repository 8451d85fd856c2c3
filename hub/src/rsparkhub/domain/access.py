"""Who may do what: one rule, asked by the API for each call and by the edge for each request to a session.

`may` knows no HTTP. Whether a request can be believed at all (its cookie, its origin) is decided before, and how a refusal is
told (403, or 404 so that an answer doesn't tell what exists) after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from rsparkhub.domain.course import Course, taught_by
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.scope import EVERYTHING, Scope, enough_for
from rsparkhub.domain.session import Session, Wanted
from rsparkhub.domain.share import Role, Share, share_of
from rsparkhub.domain.user import User


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A user, and how they showed who they are.

    `session` is set where they are let into that session alone: a session speaks for its owner by its own token, or a browser is
    signed in at a session's own host.

    `keys` are those under which it is notified that this may no longer hold. `scopes` are those of the API token that they
    showed; whatever else they show has no limit of this kind.
    """

    user: User
    how: Literal["cookie", "token", "query"]  # by a query anybody may send a browser
    session: str | None = None
    keys: tuple[str, ...] = field(default=(), compare=False)
    scopes: frozenset[Scope] = EVERYTHING

    def has_scope(self, needed: Scope, *, looks: bool = False) -> bool:
        """Return whether their token may do what needs this scope; whether they themselves may, `may` says."""
        return Scope.ALL in self.scopes or not self.scopes.isdisjoint(enough_for(needed, looks=looks))


class Action(StrEnum):
    """What somebody wants to do with a thing."""

    READ = "read"
    CHANGE = "change"  # of a session: delete and share it too
    VIEW = "view"  # of a session: have its interface show something, through the edge
    OPEN = "open"  # of a session: use its interface, through the edge
    READ_LOG = "read-log"  # of a session
    RUN = "run"  # of a session: wake it, and put off its sleep
    SUSPEND = "suspend"  # of a session: put it to sleep
    STOP = "stop"  # of a session: end it, without saving what is in memory
    START = "start"  # of an environment: have a session of it run


@dataclass(frozen=True)
class OwnedBy:
    """All that belongs to one user (sessions, usage, tokens, the profile), by their id; with None, to everybody."""

    owner: str | None


@dataclass(frozen=True)
class Installation:
    """Users, groups and the audit: what administrators alone have to do with."""


@dataclass(frozen=True)
class Group:
    """What of a group is its instructors' to do: see who is in it and their sessions, add people, announce.

    Who its instructors are, and its rule, is a matter of the installation.
    """

    name: str


@dataclass(frozen=True)
class Coursework:
    """What of a course everybody in its group has to do with: its data, and what they hand in themselves.

    With None, of those of their groups that have any.
    """

    group: str | None


Thing = Session | Environment | OwnedBy | Installation | Group | Coursework


#: What a share lets somebody do with the session.
_BY_SHARE: Mapping[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset({Action.READ, Action.VIEW}),
    Role.EDITOR: frozenset({Action.READ, Action.VIEW, Action.OPEN, Action.READ_LOG, Action.RUN, Action.SUSPEND}),
}
#: What an instructor does with the sessions of those whom they teach; by the group's rule, they look into them too.
_BY_COURSE = frozenset({Action.READ, Action.SUSPEND, Action.STOP})
#: What may be done with a session by whoever is let into it alone.
_IN_ONE_SESSION = frozenset({Action.READ, Action.VIEW, Action.OPEN, Action.READ_LOG})
#: The same for a browser at a session's own host: its page says when the session sleeps, and wakes it.
_AT_ITS_HOST = _IN_ONE_SESSION | {Action.RUN, Action.SUSPEND}


def may(  # noqa: PLR0911  # a line a thing
    identity: Identity,
    action: Action,
    thing: Thing,
    *,
    shares: Iterable[Share] = (),
    courses: Iterable[Course] = (),
    viewable: bool = False,
) -> bool:
    """Return whether somebody may do this.

    `shares` are those of the session that have not run out, and `courses` those in which its owner is taught. `viewable` is
    whether what the session serves shows something to who only looks: of nothing else a group's rule opens the interface.

    - Administrators may do everything that is anybody's to do.
    - A user may do everything with their own sessions, and start the environments of their groups.
    - With a session that is shared with them, a user may do what the role in the share allows.
    - An instructor may see the sessions of those whom they teach, put them to sleep and stop them, and by the group's rule look
      into them; of the group they see who is in it, and add and announce. With another group they may do nothing.
    - Who is in a group reads what its course gives them, and hands in work. Administrators read it.
    - A session's own token reads and opens that session, hands in its owner's work and reads what the course gives them, and does
      nothing else. A browser at a session's own host wakes it and puts it to sleep too, for as long as its user may.
    - A session that is being deleted can be read until it is gone, and not opened. Shared services are nobody's.
    """
    if identity.session is not None:
        if isinstance(thing, Coursework) and identity.how == "token":
            return _may_with_coursework(identity.user, thing)
        allowed = _AT_ITS_HOST if identity.how == "cookie" else _IN_ONE_SESSION
        if not (isinstance(thing, Session) and thing.id == identity.session and action in allowed):
            return False
    match thing:
        case Session():
            return _is_there_to(action, thing) and _may_with_session(
                identity.user, action, thing, shares, courses, viewable=viewable
            )
        case Environment():
            return action in (Action.READ, Action.START) and (identity.user.admin or thing.allows(identity.user.groups))
        case OwnedBy(owner=owner):
            return identity.user.admin or owner == identity.user.id
        case Installation():
            return identity.user.admin
        case Group(name=name):
            return identity.user.admin or name in identity.user.teaches
        case Coursework():
            return (identity.user.admin and action is Action.READ) or _may_with_coursework(identity.user, thing)


def actions_with(
    identity: Identity, session: Session, *, shares: Sequence[Share] = (), courses: Sequence[Course] = ()
) -> tuple[Action, ...]:
    """Return what somebody may do with a session, so that a page can leave out what would be refused."""
    return tuple(
        action
        for action in Action
        if action is not Action.START and may(identity, action, session, shares=shares, courses=courses)
    )


def _may_with_coursework(user: User, thing: Coursework) -> bool:
    return thing.group is None or thing.group in user.groups


def _may_with_session(
    user: User, action: Action, session: Session, shares: Iterable[Share], courses: Iterable[Course], *, viewable: bool
) -> bool:
    if user.admin or session.owner == user.id:
        return True
    share = share_of(user, shares)
    if share is not None and action in _BY_SHARE[share.role]:
        return True
    taught = taught_by(user, courses)
    if action is Action.VIEW:
        return viewable and not session.opens_several and any(course.instructors_view for course in taught)
    return bool(taught) and action in _BY_COURSE


def _is_there_to(action: Action, session: Session) -> bool:
    """Return whether the session is one that anybody may do this with."""
    return not session.is_service and not (action in (Action.VIEW, Action.OPEN) and session.wanted is Wanted.DELETED)
