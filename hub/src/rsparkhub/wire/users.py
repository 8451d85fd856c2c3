"""People, groups, tokens and sign-in on the wire."""

from datetime import datetime

from pydantic import Field

from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import Data
from rsparkhub.wire.course import MembershipView
from rsparkhub.wire.text import Answer, Ask, NewPassword, Password, PersonName, TokenName


class Login(Ask):
    name: str = Field(min_length=1, max_length=64)
    password: Password
    way: str | None = Field(
        default=None,
        max_length=64,
        description="How to sign in, of the ways that `GET /login` lists; `password` by default.",
    )


class WayToSignIn(Answer):
    """A way to sign in that the sign-in page offers."""

    name: str
    title: str
    fields: list[str] = Field(description="What a person fills in, in this order.")
    url: str | None = Field(
        default=None, description="Where a browser goes to sign in at another site, which takes `next`; null for a form."
    )


class Limits(Answer):
    sessions: int = Field(description="Sessions you may have, asleep or awake.")


class Me(Answer):
    """Who you are, and what you may do."""

    name: str
    admin: bool
    groups: list[str]
    limits: Limits
    version: str = Field(description="The hub's version.")
    images: bool = Field(description="Whether sessions run from images: what is changed outside of the home goes with them.")
    has_password: bool = Field(description="Whether you can sign in by a password; else only by a one-time link.")
    courses: list[MembershipView] = Field(
        default_factory=list, description="What your groups have to say: their instructors, their rule, their announcements."
    )
    scopes: list[Scope] = Field(
        default=[Scope.ALL],
        description="What the token with which you ask may do; `all` for a browser, none for a session's own token.",
    )


class SignedIn(Answer):
    token: str = Field(description="Send it as `Authorization: Bearer …`.")
    expires: datetime | None
    user: Me


class SignedOut(Answer):
    url: str | None = Field(
        default=None, description="Where the browser goes to sign out at the site too at which it signed in; null for nowhere."
    )


class UserView(Answer):
    name: str
    admin: bool
    groups: list[str]
    created: datetime
    last_seen: datetime | None
    has_password: bool
    disabled: datetime | None = Field(default=None, description="Since when they may not sign in; null when they may.")
    full_name: str | None = None
    email: str | None = None


class UserList(Answer):
    users: list[UserView]
    notice: str | None = Field(
        default=None,
        description="Whom people must trust, where nothing keeps one person's sessions from another's files, once there are two.",
    )


class NewUser(Ask):
    name: PersonName
    admin: bool = False
    password: NewPassword | None = Field(default=None, description="Without one, the person signs in by a link.")
    groups: list[PersonName] = Field(
        default_factory=list, max_length=200, description="Groups that they are in; one that is not there is made."
    )


class Roster(Ask):
    """A list of people who are to be added."""

    text: str = Field(
        min_length=1,
        max_length=400_000,
        description="A line each: name, full name, e-mail, group, role (member or instructor of the group), with commas, "
        "semicolons or tabs between them. The first line may name the columns; all but the name may be left out.",
        examples=["name,full name,e-mail,group\nada,Ada Lovelace,ada@example.org,stats-101"],
    )
    links: bool = Field(default=True, description="Whether a one-time sign-in link is made for each of them who is added.")
    check: bool = Field(default=False, description="Only check the list, and add nobody.")


class RosterProblemView(Answer):
    line: int = Field(description="From 1.")
    text: str


class RosterResult(Answer):
    """What came of a list: where something is wrong in it nobody is added."""

    problems: list[RosterProblemView]
    added: list[str]
    there: list[str] = Field(description="Who was there already; they are in their group too.")
    links: str = Field(description="The links as CSV, to print or to mail: name, full name, e-mail, link, until; else empty.")


class RemovedUserView(Answer):
    """Somebody who was removed, and of whom something is left."""

    id: str = Field(description="Given once: no later person of the name has it.", examples=["ada"])
    name: str = Field(description="What lists call them.", examples=["ada (removed)"])
    removed: datetime
    data: Data = Field(description="What becomes of what is left: it is kept, being archived, or being deleted.")
    left: list[str] = Field(description="What may be left: `home`, and services by name.", examples=[["home", "postgres"]])


class RemovedUserList(Answer):
    removed: list[RemovedUserView]


class RemovedGroupView(Answer):
    """A group that was removed, and of which something is left."""

    id: str = Field(description="Given once: no later group of the name has it.", examples=["stats-101"])
    name: str = Field(description="What lists call it.", examples=["stats-101 (removed)"])
    removed: datetime
    data: Data = Field(description="What becomes of what is left: it is kept, being archived, or being deleted.")
    left: list[str] = Field(description="Services on which it may have something, by name.", examples=[["hdfs", "postgres"]])


class RemovedGroupList(Answer):
    removed: list[RemovedGroupView]


class PasswordChange(Ask):
    password: NewPassword
    current: Password | None = Field(default=None, description="Your current password, when you change your own.")
    end_tokens: bool = Field(default=False, description="Whether the person's API tokens end too; browsers always do.")


class NewSignInLink(Ask):
    """How a link is to be. Without a body it is as the hub's settings say."""

    minutes: int | None = Field(
        default=None, ge=1, le=1440, description="How long it works; the hub's setting by default, and no longer than that."
    )


class SignInLink(Answer):
    url: str = Field(description="Signs the person in, once.")
    expires: datetime


class GroupView(Answer):
    name: str
    members: list[str]
    instructors: list[str] = Field(default_factory=list, description="Those of its members who are its instructors.")
    instructors_view: bool = Field(
        default=False, description="Whether instructors of the group look into the sessions of the others in it."
    )


class GroupList(Answer):
    groups: list[GroupView]


class NewGroup(Ask):
    name: PersonName
    members: list[PersonName] = Field(default_factory=list, max_length=10_000)


class Members(Ask):
    members: list[PersonName] = Field(max_length=10_000)


class TokenView(Answer):
    id: str
    name: str
    owner: str
    session: str | None = Field(description="The session that it is limited to.")
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    scopes: list[Scope] = Field(default=[Scope.ALL], description="What it may do.")


class TokenList(Answer):
    tokens: list[TokenView]


class BrowserView(Answer):
    """A browser in which a person is signed in."""

    id: str
    created: datetime
    expires: datetime


class BrowserList(Answer):
    browsers: list[BrowserView]


class NewToken(Ask):
    name: TokenName
    days: int | None = Field(default=None, ge=1, le=3650, description="How long it works; the hub's setting by default.")
    scopes: list[Scope] | None = Field(
        default=None,
        min_length=1,
        max_length=len(Scope),
        description="What it may do; by default all that whoever asks may. A token gives no scope that it doesn't have itself.",
        examples=[["sessions"]],
    )


class CreatedToken(TokenView):
    token: str = Field(description="Shown this once. Send it as `Authorization: Bearer …`.")
