"""Forward auth: may a request to a session pass the edge, and where to?

Pure: the request, the session's row and who is asking in, the answer out. Who is asking has been looked up; nothing here
waits. The rules, in the order in which they are tried:

1. The address must be one of a session, without `..` in it, at a known host where this session is served. At the host of a
   session that does not exist there is nothing.
2. Whoever is not signed in is sent to sign in, or told so. An API token must have the scope `sessions`, whatever is asked.
3. A session that is not theirs, not shared with them, and not one that they look into as an instructor by the group's rule, does
   not exist for them. The rule opens only what shows something to who only looks: no session with several interfaces.
4. Whoever is known by a cookie may be a page that somebody else wrote: it may read only from its own origin, and change
   something or open a websocket only with an `Origin` that is its own.
5. Whoever may only view a session reads from it: no method that changes something, and no websocket, unless what the session
   serves is made for visitors.
6. A session that doesn't run has nothing to show; the hub's page about it has.
7. A token in the query works for a program. Anybody may have a browser open an address with one, so there it leads to the
   session's own host, where that is, and opens nothing under the hub's name.
8. Where sessions have hosts of their own, a browser goes there, and never gets a session's content under the hub's name.

The edge repeats an `Allow` to requests that differ in the path alone (`domain/edge_contract.py`), so of a path without `.`
segments an `Allow` must say nothing but its session.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import quote

from rsparkhub.auth.http_origin import SAFE_METHODS
from rsparkhub.auth.revocation import grounds
from rsparkhub.auth.session_address import RequestOrigin, has_dot_segments
from rsparkhub.auth.visits import Visit, visit_of
from rsparkhub.domain.access import Action, Identity, may
from rsparkhub.domain.course import Course
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.domain.share import Share


class ForwardAuthRequest(NamedTuple):  # many are made in a second, and a tuple is made faster than a dataclass
    """A request as the edge saw it; header fields that the client did not send are empty."""

    method: str
    came_in: RequestOrigin
    uri: str  # path and query, as they were sent
    session: str | None  # the id in the path
    html: bool = False  # whether the client accepts HTML
    origin: str = ""
    upgrade: str = ""
    fetch_site: str = ""
    fetch_mode: str = ""
    fetch_dest: str = ""
    cookie: str = ""
    authorization: str = ""
    token: str = ""  # those of the query, which is not in `uri` any more, with a space between them
    recheck: bool = False  # of one that was let in, and goes on

    @property
    def changes(self) -> bool:
        """Whether it may change something: by its method, or as a websocket, on which anything may be said."""
        return self.method not in SAFE_METHODS or bool(self.upgrade)

    @property
    def is_navigation(self) -> bool:
        """Whether a browser opens a page with it: it says so, or, without TLS, asks for HTML."""
        if self.method not in {"GET", "HEAD"} or self.upgrade:
            return False
        return self.fetch_mode == "navigate" if self.fetch_mode else self.html


@dataclass(frozen=True, kw_only=True)
class Allow:
    """Pass it on. `sandboxed`: what comes back must not act in a browser, since it comes under the hub's own name.

    `keys` are those under which it is notified that who asked may no longer be let in, and `until` is when they may no longer by
    itself. `visit` is set at another's session.
    """

    upstream: str
    secret: str
    sandboxed: bool = False
    keys: tuple[str, ...] = ()
    until: datetime | None = None
    visit: Visit | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Send the browser elsewhere, with a cookie perhaps."""

    url: str
    set_cookie: str | None = None


@dataclass(frozen=True, kw_only=True)
class SignInAtSession:
    """Send the browser to the session's own host, with a ticket; `next` is the path there."""

    session: str
    next: str


@dataclass(frozen=True)
class GoOn:
    """Of a request that was let in: whether it may go on."""

    good: bool


@dataclass(frozen=True, kw_only=True)
class Refuse:
    status: Literal[400, 401, 403, 404, 421, 424, 503]
    code: str
    detail: str


Answer = Allow | Redirect | SignInAtSession | Refuse

NO_SUCH_SESSION = Refuse(
    status=404, code="not-found", detail="There is no such session. Your sessions are listed on the page of the hub, /hub/."
)
UNKNOWN_HOST = Refuse(
    status=421,
    code="misdirected-request",
    detail="This is no name of this hub. Open it by its own, or let an administrator add this one to the setting host_names.",
)
_DOT_SEGMENTS = Refuse(
    status=400, code="bad-request", detail="A session's address has no `.` or `..` in its path. Write it without."
)
_UPGRADE = Refuse(
    status=400, code="bad-request", detail="Only an upgrade to a websocket is passed on to a session. Ask without one."
)
_NOT_SIGNED_IN = Refuse(
    status=401, code="not-signed-in", detail="Sign in at /hub/, or send an API token: `Authorization: Bearer …`."
)
_FOREIGN = Refuse(
    status=403, code="not-allowed", detail="A page of another origin asks for this session, and may not. Open the session itself."
)
_NO_ORIGIN = Refuse(
    status=403,
    code="not-allowed",
    detail="With a cookie, this needs an `Origin` header that is the session's own. Programs send an API token instead.",
)
_SOMEONE_ELSES = Refuse(
    status=403,
    code="not-allowed",
    detail="At this address a session's pages could act as you, and this session is another person's. Its log and its state are "
    "on the hub's page. To go in, send an API token, or let sessions have hosts of their own (the setting `session_origin`).",
)
_VIEW_ONLY = Refuse(
    status=403,
    code="not-allowed",
    detail="You may only look at this session, and this would change something in it. Ask its owner to make you an editor.",
)
_NO_SCOPE = Refuse(
    status=403,
    code="not-allowed",
    detail="This token may not open sessions: that needs the scope sessions. Make one that has it, on the hub's page Account.",
)
_OWN_HOST = Refuse(
    status=403,
    code="not-allowed",
    detail="In a browser this session has an address of its own. Open it from the page of the hub, /hub/.",
)


_SEVERAL = Refuse(
    status=403,
    code="not-allowed",
    detail="This session opens several interfaces, and who may only look is shown none of them. Ask its owner to make you an "
    "editor.",
)


def authorize(  # noqa: PLR0911  # a rule each
    request: ForwardAuthRequest,
    session: Session | None,
    identity: Identity | None,
    shares: Sequence[Share] = (),
    courses: Sequence[Course] = (),
    *,
    for_visitors: bool = False,
    viewable: bool = False,
) -> Answer:
    """Return what the edge is to do with a request.

    `session` is the row of the session that its path names, `shares` are those of it that have not run out, and `courses` those
    in which its owner is taught; they count for nobody who may open it without them. With `for_visitors` who may only view it
    uses its websockets too; where it is not `viewable`, the rule of a group shows nothing of it.
    """
    if refusal := _refuse_address(request):
        return refusal
    if identity is None:
        return _sign_in(request)
    if not identity.has_scope(Scope.SESSIONS):
        return _NO_SCOPE
    if (
        session is None
        or session.id != request.session
        or not may(identity, Action.VIEW, session, shares=shares, courses=courses, viewable=viewable)
    ):
        return NO_SUCH_SESSION
    if identity.how == "cookie" and (refusal := _refuse_cookie(request)):
        return refusal
    if not _may(request, identity, session, shares, courses, for_visitors=for_visitors, viewable=viewable):
        return _SEVERAL if session.opens_several else _VIEW_ONLY
    if not _is_up(session):
        return _not_running(request, session)
    answer = _let_in(request, session, identity)
    if isinstance(answer, Allow) and session.owner != identity.user.id:
        answer = replace(answer, visit=visit_of(identity.user, session, courses))
        if not may(identity, Action.OPEN, session):
            action = _action(request, session, for_visitors=for_visitors)
            keys, until = grounds(identity, action, session, shares, courses, viewable=viewable)
            return replace(answer, keys=keys, until=until)
    return answer


def may_go_on(
    request: ForwardAuthRequest,
    session: Session | None,
    identity: Identity | None,
    shares: Sequence[Share] = (),
    courses: Sequence[Course] = (),
    *,
    for_visitors: bool = False,
    viewable: bool = False,
) -> GoOn:
    """Return whether a request that was let in may go on: who asked is still somebody who may ask it of the session."""
    if identity is None or session is None:
        return GoOn(False)
    return GoOn(_may(request, identity, session, shares, courses, for_visitors=for_visitors, viewable=viewable))


def _may(
    request: ForwardAuthRequest,
    identity: Identity,
    session: Session,
    shares: Sequence[Share],
    courses: Sequence[Course],
    *,
    for_visitors: bool,
    viewable: bool,
) -> bool:
    action = _action(request, session, for_visitors=for_visitors)
    return identity.has_scope(Scope.SESSIONS) and may(
        identity, action, session, shares=shares, courses=courses, viewable=viewable
    )


def _action(request: ForwardAuthRequest, session: Session, *, for_visitors: bool) -> Action:
    """Return what a request does with a session: look, or more."""
    # One may be made for looking at, and the next show the whole home; the edge asks about a session, and not about one of them.
    looks = not session.opens_several and (not request.changes or (for_visitors and request.method in SAFE_METHODS))
    return Action.VIEW if looks else Action.OPEN


def _refuse_address(request: ForwardAuthRequest) -> Refuse | None:
    if not request.came_in.known:
        return UNKNOWN_HOST
    if request.session is None or request.came_in.session not in {None, request.session}:
        return NO_SUCH_SESSION
    if has_dot_segments(request.uri):
        return _DOT_SEGMENTS
    if request.upgrade and request.upgrade.lower() != "websocket":
        return _UPGRADE
    return None


def _sign_in(request: ForwardAuthRequest) -> Answer:
    if not request.is_navigation:
        return _NOT_SIGNED_IN
    came_in = request.came_in
    if came_in.session is not None:  # the hub knows the browser, perhaps, and gives it a ticket; else it lets it sign in
        return Redirect(url=came_in.hub_url(request.uri))
    return Redirect(url=came_in.hub_url(f"/hub/?next={quote(request.uri, safe='/')}"))


def _is_up(session: Session) -> bool:
    is_running = session.state is State.RUNNING and session.wanted is Wanted.RUNNING
    return is_running and session.upstream is not None and session.secret is not None


def _refuse_cookie(request: ForwardAuthRequest) -> Refuse | None:
    """Refuse what a page of another origin makes a browser send."""
    if request.origin:
        return None if request.came_in.is_own_origin(request.origin) else _FOREIGN
    if request.changes and request.fetch_site != "same-origin":
        return _FOREIGN if request.fetch_site else _NO_ORIGIN
    opened = request.is_navigation and request.fetch_dest in {"", "document"}
    return _FOREIGN if request.fetch_site in {"cross-site", "same-site"} and not opened else None


def _not_running(request: ForwardAuthRequest, session: Session) -> Answer:
    if request.is_navigation:
        return Redirect(url=request.came_in.hub_url(f"/hub/sessions/{session.id}"))
    return Refuse(
        status=424,  # not 409: JupyterLab takes it for a kernel that rests, and tries again until the session is awake
        code="conflict",
        detail=f"The session {session.name} {_how_it_is(session)}. See /hub/sessions/{session.id}; there it can be started.",
    )


def _with_tokens(uri: str, tokens: str) -> str:
    """Return an address with the tokens that its query had: a program that follows the redirect has no other way in."""
    query = "&".join(f"token={quote(token, safe='')}" for token in tokens.split(" "))
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def _how_it_is(session: Session) -> str:
    if session.state is State.RUNNING:
        return (State.SUSPENDING if session.wanted is Wanted.SUSPENDED else State.STOPPING).in_words
    return session.state.in_words


def _let_in(request: ForwardAuthRequest, session: Session, identity: Identity) -> Answer:
    path, mark, query = request.uri.partition("?")
    uri = f"{path}/{mark}{query}" if path == f"/s/{session.id}" else request.uri
    if not request.came_in.apart and identity.how == "cookie" and session.owner != identity.user.id:
        return _SOMEONE_ELSES
    under_the_hubs_name = request.came_in.apart and request.came_in.session is None and identity.how == "cookie"
    if under_the_hubs_name and request.is_navigation:
        return SignInAtSession(session=session.id, next=uri)
    if under_the_hubs_name and request.fetch_mode:
        return _OWN_HOST
    if identity.how == "query" and request.is_navigation:
        own = request.came_in.apart and identity.session is None
        return SignInAtSession(session=session.id, next=uri) if own else Redirect(url=uri)
    if uri != request.uri:
        return Redirect(url=_with_tokens(uri, request.token) if identity.how == "query" else uri)
    sandboxed = under_the_hubs_name or (identity.how == "query" and request.came_in.session is None)
    assert session.upstream is not None  # it is up
    assert session.secret is not None
    return Allow(upstream=session.upstream, secret=session.secret, sandboxed=sandboxed, keys=identity.keys)
