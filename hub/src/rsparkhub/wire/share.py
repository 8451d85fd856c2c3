"""Shares of sessions on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from rsparkhub.domain.share import Role
from rsparkhub.wire.session import SessionView
from rsparkhub.wire.text import Answer, Ask, Moment, PersonName

_ROLE = "A viewer looks at what the interface shows; an editor works in it as the owner does."


Kind = Literal["person", "group"]


class NewShare(Ask):
    """With whom a session is to be shared: with one person, or with everybody in a group."""

    kind: Kind = Field(default="person", description="Whether `name` is a person's or a group's; the group `everyone` is one.")
    name: PersonName
    role: Role = Field(default=Role.VIEWER, description=_ROLE)
    expires: Moment | None = Field(default=None, description="When it ends by itself; without one, when it is ended.")


class ShareView(Answer):
    """Somebody who is let into a session."""

    id: str = Field(examples=["h4f1c9a7be2d8"])
    kind: Kind
    name: str = Field(description="The person's, or the group's.")
    role: Role = Field(description=_ROLE)
    created: datetime
    expires: datetime | None = Field(description="When it ends by itself; null where it does not.")


class ShareList(Answer):
    shares: list[ShareView]


class SharedSessionView(Answer):
    """A session of somebody else's that you are let into."""

    session: SessionView
    role: Role = Field(description=_ROLE)
    expires: datetime | None = Field(description="When it ends by itself; null where it does not.")


class SharedSessionList(Answer):
    sessions: list[SharedSessionView]
