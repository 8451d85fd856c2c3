"""Who asks, and whether they may: what each call says of itself in its signature.

`reader` lets in whoever is signed in, also a session by its own token; `person` people alone; `person_or_page` people, also where
they are signed in at a session's own host alone; `person_or_session` people, and sessions by their own tokens; `administrator`
those alone. Each takes the scope that an API token needs for the call; `Anybody` is for the few calls that every token may make.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request, params
from fastapi.security import APIKeyCookie, HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.requests import HTTPConnection

from rsparkhub import log_context
from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.origin import is_own
from rsparkhub.auth.cookies import hub_logins, session_logins
from rsparkhub.auth.http_origin import SAFE_METHODS
from rsparkhub.auth.revocation import grounds
from rsparkhub.auth.session_address import request_origin
from rsparkhub.auth.tokens import token_in_header
from rsparkhub.domain.access import Action, Coursework, Group, Identity, Installation, may
from rsparkhub.domain.course import Course, taught_by
from rsparkhub.domain.errors import NotAllowed, NotFound, NotSignedIn
from rsparkhub.domain.scope import Scope, enough_for, in_order
from rsparkhub.domain.session import Session
from rsparkhub.domain.share import Share, share_of
from rsparkhub.store.events import By

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="An API token, and the scopes of which it needs one.")


class _CookieInSchema(APIKeyCookie):
    """Says in the schema that there is a cookie. `request.cookies` is left alone: its parser's time grows with the square."""

    async def __call__(self, request: HTTPConnection) -> None:
        return None


_cookie = _CookieInSchema(
    name="rsparkhub",
    auto_error=False,
    scheme_name="cookie",
    description="A browser's sign-in; `__Host-rsparkhub` under TLS, else with the hub's port, as `rsparkhub-8000`. Unsafe "
    "methods need a same-origin `Origin`.",
)


async def identify(request: Request, context: AppContext) -> Identity:
    """Return who asks.

    Raises
    ------
    NotSignedIn
        When nobody is signed in, or what signed them in no longer does.
    NotAllowed
        When a page of another origin asks on behalf of a browser that is signed in.
    """
    header = request.headers.get("authorization")
    identity = await _from_cookie(request, context) if header is None else await _from_header(header, context)
    changes = request.method not in SAFE_METHODS
    log_context.bind(user=identity.user.name)
    if identity.how == "cookie" and changes and not is_own(request.headers, context.own_origins(request)):
        raise NotAllowed("Only the hub's own pages may change something for a browser that is signed in. Programs use a token.")
    return identity


def over_tls(request: Request) -> bool:
    """Whether the browser reached the hub over TLS; then its cookie is one that no other host can set."""
    return request.url.scheme == "https"


def browser_logins(request: Request) -> list[str]:
    """Return what a browser shows of its sign-in at the hub; another page of this host may have set more than one."""
    return hub_logins(request.headers.get("cookie", ""), secure=over_tls(request), port=request.url.port)


async def _from_header(header: str, context: AppContext) -> Identity:
    token = token_in_header(header)
    if token is not None:
        identity = await context.authenticator.from_bearer(token, now=context.now())
        if identity is not None:
            return identity
    raise NotSignedIn("This token does not work, or no longer. Make a new one and send it as Authorization: Bearer TOKEN.")


async def _from_cookie(request: Request, context: AppContext) -> Identity:
    came_in = request_origin(request.headers.get("host", ""), context.settings)
    if came_in.session is not None:
        for value in session_logins(request.headers.get("cookie", ""), secure=came_in.secure):
            if identity := await context.session_hosts.identify(came_in.session, value, now=context.now()):
                return identity
    else:
        for value in browser_logins(request):
            if identity := await context.authenticator.from_cookie(value, now=context.now()):
                return identity
    raise NotSignedIn("You are not signed in. Sign in, then try again.")


async def _anybody(
    request: Request,
    context: Context,
    token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[None, Depends(_cookie)],
) -> Identity:
    # The two schemes are here for the schema; which of them counts is decided in one place.
    return await identify(request, context)


SessionId = Annotated[str, Path(alias="id", description="The session's id.", examples=["kq4wz7m2xb"])]

Anybody = Annotated[Identity, Depends(_anybody)]


async def _reader(identity: Anybody, request: Request, needed: SecurityScopes) -> Identity:
    looks = request.method in SAFE_METHODS
    for scope in needed.scopes or [Scope.ALL]:
        if not identity.has_scope(Scope(scope), looks=looks):
            enough = " or ".join(enough_for(Scope(scope), looks=looks))
            raise NotAllowed(
                f"This needs a token with the scope {enough}, and this one has {', '.join(in_order(identity.scopes)) or 'none'}. "
                "Make another on the hub's page Account, or by `rsparkhub token create`."
            )
    return identity


_ONE_SESSION_ALONE = "A session's own token may only read that session. Use a token of yours."


async def _person(identity: Annotated[Identity, Depends(_reader)], request: Request, context: Context) -> Identity:
    if identity.session is not None:
        raise NotAllowed(_ONE_SESSION_ALONE)
    return _counted(identity, request, context)


async def _person_or_page(identity: Annotated[Identity, Depends(_reader)], request: Request, context: Context) -> Identity:
    if identity.session is not None and identity.how != "cookie":
        raise NotAllowed(_ONE_SESSION_ALONE)
    return _counted(identity, request, context)


async def _person_or_session(identity: Annotated[Identity, Depends(_reader)], request: Request, context: Context) -> Identity:
    return _counted(identity, request, context)


def _counted(identity: Identity, request: Request, context: AppContext) -> Identity:
    if request.method in SAFE_METHODS:
        return identity
    if identity.session is not None and identity.how == "cookie":
        # What the session shows may be a stranger's, whoever looks at it: it uses up nothing of what they have at the hub.
        context.page_rate.take(f"{identity.user.name} {identity.session}")
    elif not identity.user.admin:
        context.change_rate.take(identity.user.name)  # each writes what is kept: in the audit, if nowhere else
    return identity


async def _administrator(identity: Annotated[Identity, Depends(_person)]) -> Identity:
    if not may(identity, Action.CHANGE, Installation()):
        raise NotAllowed("Only administrators may do this. Ask one of them.")
    return identity


def reader(scope: Scope) -> params.Security:
    """Let in whoever is signed in, a session by its own token too, and of API tokens those with this scope."""
    return params.Security(_reader, scopes=[scope])


def person(scope: Scope) -> params.Security:
    """Let people in, and of their API tokens those with this scope."""
    return params.Security(_person, scopes=[scope])


def person_or_page(scope: Scope) -> params.Security:
    """Let people in as `person` does, and a browser at a session's own host: it may ask for what is about that session."""
    return params.Security(_person_or_page, scopes=[scope])


def person_or_session(scope: Scope) -> params.Security:
    """Let people in, and their sessions by their own tokens; the call says by `may` what of that is a session's to do."""
    return params.Security(_person_or_session, scopes=[scope])


def administrator(scope: Scope) -> params.Security:
    """Let administrators in, and of their API tokens those with this scope."""
    return params.Security(_administrator, scopes=[scope])


def by_now(identity: Identity, context: AppContext) -> By:
    """Return who does something now, for the audit."""
    return By(identity.user.id, context.now())


@dataclass(frozen=True, kw_only=True)
class Access:
    """A session with which somebody may do what they asked to do.

    `until` is when they may no longer by itself, and `keys` are those under which it is notified that they may not. `shares` are
    those by which they may, where it takes any.
    """

    session: Session
    until: datetime | None
    keys: tuple[str, ...]
    shares: tuple[Share, ...]
    courses: tuple[Course, ...]


async def courses_of(context: AppContext, identity: Identity, session: Session) -> tuple[Course, ...]:
    """Return the groups in which the owner of a session is taught, where whoever asks is an instructor."""
    return await context.store.courses.of_session(session.id) if identity.user.teaches else ()


def check_instructor(identity: Identity, group: str, *, to: Action) -> None:
    """Raise `NotAllowed` unless whoever asks is an instructor of this group, or an administrator; it need not exist."""
    if not may(identity, to, Group(group)):
        raise NotAllowed("Only instructors of this group, and administrators, may do this. Ask one of them.")


def check_course(identity: Identity, group: str | None, *, to: Action) -> None:
    """Raise `NotAllowed` unless whoever asks is in this group, themselves or by a session of theirs; it need not exist."""
    if not may(identity, to, Coursework(group)):
        raise NotAllowed("Only who is in this group reads its course folder, and hands in work to it. Ask its instructor.")


async def find_session(context: AppContext, identity: Identity, session_id: str, *, to: Action = Action.READ) -> Session:
    """Return a session with which whoever asks may do this; `find_access` says what is raised."""
    return (await find_access(context, identity, session_id, to=to)).session


async def find_access(context: AppContext, identity: Identity, session_id: str, *, to: Action = Action.READ) -> Access:
    """Return a session with which whoever asks may do this, and for how long.

    Raises
    ------
    NotFound
        When there is none, or it is somebody else's: an answer doesn't tell which.
    NotAllowed
        When it is shared with them, in a role that doesn't allow this.
    """
    missing = NotFound("There is no such session. It may have been deleted.")
    try:
        session = await context.store.sessions.get(session_id)
    except NotFound:
        raise missing from None
    keys, until = identity.keys, None
    shares: tuple[Share, ...] = ()
    courses: tuple[Course, ...] = ()
    if not may(identity, to, session):
        shares = await context.store.shares.of_session(session.id, now=context.now())
        courses = await courses_of(context, identity, session)
        if not may(identity, Action.READ, session, shares=shares, courses=courses):
            raise missing
        if not may(identity, to, session, shares=shares, courses=courses):
            share = share_of(identity.user, shares)
            if share is None:
                raise NotAllowed(
                    f"You are an instructor of {taught_by(identity.user, courses)[0].group}, who may not do this. Ask its owner."
                )
            raise NotAllowed(f"This session is shared with you as {share.role.in_words}, who may not do this. Ask its owner.")
        keys, until = grounds(identity, to, session, shares, courses)
    log_context.bind(session=session.id)
    return Access(session=session, until=until, keys=keys, shares=shares, courses=courses)
