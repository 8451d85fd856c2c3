"""Who may do what: one rule, asked by the API for each call and by the edge for each request to a session.

`may` knows no HTTP. Whether a request can be believed at all (its cookie, its origin) is decided before, and how a refusal is
told (403, or 404 so that an answer doesn't tell what exists) after.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from rsparkhub.domain.environment import Environment
from rsparkhub.domain.session import Session, Wanted
from rsparkhub.domain.user import User


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A user, and how they showed who they are; `session` is set when a session speaks for its owner by its own token.

    `keys` are those under which it is notified that this may no longer hold.
    """

    user: User
    how: Literal["cookie", "token", "query"]  # by a query anybody may send a browser
    session: str | None = None
    keys: tuple[str, ...] = field(default=(), compare=False)


class Action(StrEnum):
    """What somebody wants to do with a thing."""

    READ = "read"
    CHANGE = "change"
    OPEN = "open"  # of a session: reach its interface through the edge
    START = "start"  # of an environment: have a session of it run


@dataclass(frozen=True)
class OwnedBy:
    """All that belongs to one user (sessions, usage, tokens, the profile), by their id; with None, to everybody."""

    owner: str | None


@dataclass(frozen=True)
class Installation:
    """Users, groups and the audit: what administrators alone have to do with."""


Thing = Session | Environment | OwnedBy | Installation


def may(identity: Identity, action: Action, thing: Thing) -> bool:
    """Return whether somebody may do this.

    - Administrators may do everything that is anybody's to do.
    - A user may read, change and open their own sessions, and start the environments of their groups.
    - A session's own token reads and opens that session, and nothing else.
    - A session that is being deleted can be read until it is gone, and not opened. Shared services are nobody's.
    """
    if identity.session is not None:
        return isinstance(thing, Session) and thing.id == identity.session and _may_with_session_token(action, thing)
    match thing:
        case Session():
            return _may_with_session(identity.user, action, thing)
        case Environment():
            return action in (Action.READ, Action.START) and (identity.user.admin or thing.allows(identity.user.groups))
        case OwnedBy(owner=owner):
            return identity.user.admin or owner == identity.user.id
        case Installation():
            return identity.user.admin


def _may_with_session_token(action: Action, session: Session) -> bool:
    return action in (Action.READ, Action.OPEN) and _is_there_to(action, session)


def _may_with_session(user: User, action: Action, session: Session) -> bool:
    return _is_there_to(action, session) and (user.admin or session.owner == user.id)


def _is_there_to(action: Action, session: Session) -> bool:
    """Return whether the session is one that anybody may do this with."""
    return not session.is_service and not (action is Action.OPEN and session.wanted is Wanted.DELETED)
