"""From a forward-auth request to its answer: who is asking, and about which session, is looked up and cached for a second.

A second is one of the clock, or less where the setting `answer_lifetime` says so. So a right that is taken away is gone
when the next second begins, whatever becomes of the store's notifications; and memory holds no more than was asked within a
second, however many sessions there are.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qs, quote

from rsparkhub.auth import cookies
from rsparkhub.auth.auth_cache import AuthCache, Found, Lookup
from rsparkhub.auth.forward_auth import (
    NO_SUCH_SESSION,
    UNKNOWN_HOST,
    Allow,
    Answer,
    ForwardAuthRequest,
    GoOn,
    Redirect,
    Refuse,
    SignInAtSession,
    authorize,
    may_go_on,
)
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.session_address import RequestOrigin, request_origin, session_in_uri
from rsparkhub.auth.session_host import COOKIE, SessionHostSignIn
from rsparkhub.auth.tokens import LOGIN, is_plausible, token_in_header
from rsparkhub.auth.visits import Visits
from rsparkhub.domain.access import Action, Identity, may
from rsparkhub.domain.course import Course
from rsparkhub.domain.edge_contract import ENTER
from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.session import Session
from rsparkhub.domain.share import Share
from rsparkhub.settings import Settings, known_hosts
from rsparkhub.store import Store

T = TypeVar("T")

LONGEST_LIFETIME = timedelta(seconds=1)
_ENTER = f"{ENTER}?"
_MOST_TRIES = 5  # of a decision while rights are taken away
_MOST_TOKENS = 4  # in one query
_MOST_COOKIES = 4  # of one name; a page can set some, and each costs a question to the store


class Decision(NamedTuple):
    """What the edge is to do with a request; `keep` is for how many seconds from now it may do so with equal ones."""

    answer: Allow | Redirect | Refuse | GoOn
    keep: float = 0


class Authorizer:
    """Answers forward-auth requests.

    `clock` returns seconds since the epoch, and `for_visitors` whether what a session serves is made for who may only view it,
    and `viewable` whether it shows them something.
    """

    def __init__(
        self,
        *,
        store: Store,
        authenticator: Authenticator,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        for_visitors: Callable[[Session], bool] = lambda _: False,
        viewable: Callable[[Session], bool] = lambda _: False,
    ) -> None:
        self._store = store
        self._for_visitors = for_visitors
        self._viewable = viewable
        self._authenticator = authenticator
        self._sign_in = SessionHostSignIn(store.credentials, settings)
        self._settings = settings
        self._clock = clock
        self._cache = AuthCache(self._look_up)
        self._visits = Visits(store, "interface", now=lambda: datetime.now(UTC))
        self._hosts = known_hosts(settings)
        self._origins: dict[str, RequestOrigin] = {}
        self._lifetime = min(settings.answer_lifetime, LONGEST_LIFETIME).total_seconds()
        self._count = itertools.count(1)
        self._period = 0
        self._changes = 0
        self._revocations = 0

    def request(
        self,
        *,
        method: str,
        host: str,
        uri: str,
        html: bool = False,
        origin: str = "",
        upgrade: str = "",
        fetch_site: str = "",
        fetch_mode: str = "",
        fetch_dest: str = "",
        cookie: str = "",
        authorization: str = "",
        token: str = "",
        recheck: bool = False,
    ) -> ForwardAuthRequest:
        """Return what the edge said of a request, with its address read."""
        came_in = self._origins.get(host)
        if came_in is None:
            came_in = replace(request_origin(host, self._settings), known=self._hosts.knows(host))
            self._origins[host] = came_in
        return ForwardAuthRequest(
            method=method,
            came_in=came_in,
            uri=uri,
            session=session_in_uri(uri),
            html=html,
            origin=origin,
            upgrade=upgrade,
            fetch_site=fetch_site,
            fetch_mode=fetch_mode,
            fetch_dest=fetch_dest,
            cookie=cookie,
            authorization=authorization,
            token=token,
            recheck=recheck,
        )

    def decide_now(self, request: ForwardAuthRequest) -> Decision | None:
        """Decide from what is cached; return None where that doesn't suffice, and `decide` must be awaited."""
        end = self._start_period()
        if request.recheck or request.uri.startswith(_ENTER):
            return None
        answer = self._decide(request, self._cache.found)
        if isinstance(answer, Lookup | SignInAtSession) or self._is_news(answer):
            return None
        return Decision(answer, self._seconds_until(end))

    async def decide(self, request: ForwardAuthRequest) -> Decision:
        """Decide, after looking up what is not cached.

        Raises
        ------
        Unavailable
            When the store can't be asked.
        """
        if request.recheck:
            return Decision(await self._may_go_on(request))
        if request.came_in.known and request.came_in.session is not None and request.uri.startswith(_ENTER):
            return Decision(await self._enter(request, request.came_in.session))
        for _ in range(_MOST_TRIES):
            revocations = self._revocations
            decision = await self._decide_once(request)
            if revocations == self._revocations:  # else who asks may have been let in by what has been taken away meanwhile
                break
        return decision

    async def _decide_once(self, request: ForwardAuthRequest) -> Decision:
        found: dict[Lookup, Found] = {}
        end, changes = self._start_period(), self._changes
        while isinstance(answer := self._decide(request, found), Lookup):
            found[answer] = await self._cache.get(answer)
        if isinstance(answer, SignInAtSession):
            return Decision(await self._send_to_session_host(request, answer, found))
        if isinstance(answer, Allow) and answer.visit is not None:
            await self._visits.note(answer.visit)
        # What was looked up may be from before a change that the edge has been told of, and must not outlive it there.
        return Decision(answer, self._seconds_until(end) if changes == self._changes else 0)

    def _is_news(self, answer: Answer) -> bool:
        return isinstance(answer, Allow) and answer.visit is not None and not self._visits.is_noted(answer.visit)

    def forget_session(self, session_id: str) -> None:
        """Drop what is cached about a session that has changed."""
        self._changes += 1
        self._cache.forget(Lookup("session", "", session_id))

    def recheck(self) -> None:
        """Drop what is cached of who is asking: what lets somebody in may have been taken away."""
        self._changes += 1
        self._revocations += 1
        self._cache.clear()

    async def _may_go_on(self, request: ForwardAuthRequest) -> GoOn:
        if request.session is None:
            return GoOn(False)
        for lookup in _credentials(request, request.session):
            identity = await self._look_up(lookup)
            if isinstance(identity, Identity):
                session = await self._look_up(Lookup("session", "", request.session))
                if not isinstance(session, Session):
                    return GoOn(False)
                shares = await self._store.shares.of_session(session.id, now=datetime.now(UTC))
                courses = await self._store.courses.of_session(session.id) if identity.user.teaches else ()
                return may_go_on(
                    request,
                    session,
                    identity,
                    shares,
                    courses,
                    for_visitors=self._for_visitors(session),
                    viewable=self._viewable(session),
                )
        return GoOn(False)

    def _start_period(self) -> float:
        """Begin a new period when its time has come; return when the current one ends, in seconds since the epoch."""
        period = int(self._clock() / self._lifetime) if self._lifetime else next(self._count)
        if period != self._period:
            self._period = period
            self._cache.start_period(period)
            self._origins.clear()
        return (period + 1) * self._lifetime

    def _seconds_until(self, end: float) -> float:
        return max(0.0, end - self._clock()) if self._lifetime else 0.0

    def _decide(self, request: ForwardAuthRequest, found: dict[Lookup, Found]) -> Answer | Lookup:
        """Decide from what was found, or return what is to be looked up first."""
        if not request.came_in.known:
            return UNKNOWN_HOST
        if request.came_in.session is not None and (answer := _at_own_host(request, request.came_in.session, found)):
            return answer
        if request.session is None:
            return NO_SUCH_SESSION
        identity: Identity | None = None
        for lookup in _credentials(request, request.session):
            if lookup not in found:
                return lookup
            if isinstance(known := found[lookup], Identity):
                identity = known
                break
        if identity is None:
            return authorize(request, None, None)
        return self._decide_for(identity, request.session, request, found)

    def _decide_for(
        self, identity: Identity, session_id: str, request: ForwardAuthRequest, found: dict[Lookup, Found]
    ) -> Answer | Lookup:
        lookup = Lookup("session", "", session_id)
        if lookup not in found:
            return lookup
        session = found[lookup]
        if not isinstance(session, Session) or may(identity, Action.OPEN, session):
            return authorize(request, session if isinstance(session, Session) else None, identity)
        lookup = Lookup("shares", "", session_id)
        if lookup not in found:
            return lookup
        shares, courses = found[lookup], None
        if identity.user.teaches:
            lookup = Lookup("courses", "", session_id)
            if lookup not in found:
                return lookup
            courses = found[lookup]
        return authorize(
            request,
            session,
            identity,
            _of_type(Share, shares),
            _of_type(Course, courses),
            for_visitors=self._for_visitors(session),
            viewable=self._viewable(session),
        )

    async def _look_up(self, key: Lookup) -> Found:  # noqa: PLR0911  # a line a kind
        now = datetime.now(UTC)
        if key.what == "login":
            return await self._authenticator.from_cookie(key.secret, now=now)
        if key.what == "bearer":
            return await self._authenticator.from_bearer(key.secret, now=now)
        if key.what == "query":
            identity = await self._authenticator.from_bearer(key.secret, now=now)
            return None if identity is None else replace(identity, how="query")
        if key.what == "session_cookie":
            return await self._sign_in.identify(key.session, key.secret, now=now)
        if key.what == "shares":
            return await self._store.shares.of_session(key.session, now=now)
        if key.what == "courses":
            return await self._store.courses.of_session(key.session)
        try:
            return await self._store.sessions.get(key.session)
        except NotFound:
            return None

    async def _send_to_session_host(
        self, request: ForwardAuthRequest, answer: SignInAtSession, found: dict[Lookup, Found]
    ) -> Redirect | Refuse:
        """Send a browser to the session's own host, with a ticket for the sign-in that it showed."""
        for lookup in _credentials(request, answer.session):
            known = found.get(lookup)
            if lookup.what in {"login", "query"} and isinstance(known, Identity):
                now = datetime.now(UTC)
                ticket = await self._sign_in.make_ticket(answer.session, lookup.secret, known.user.name, now=now)
                query = f"ticket={quote(ticket)}&next={quote(answer.next, safe='/')}"
                return Redirect(url=request.came_in.session_url(answer.session, f"{ENTER}?{query}"))
        return NO_SUCH_SESSION

    async def _enter(self, request: ForwardAuthRequest, session_id: str) -> Redirect:
        """Take a ticket, and let the browser in; with one that doesn't work it asks the hub for another."""
        fields = parse_qs(request.uri.partition("?")[2])
        url = fields.get("next", [""])[0]
        if session_in_uri(url) != session_id or not (url.isascii() and url.isprintable()):
            url = f"/s/{session_id}/"
        value = await self._sign_in.take_ticket(session_id, fields.get("ticket", [""])[0], now=datetime.now(UTC))
        if value is None:
            return Redirect(url=url)
        lifetime, secure = self._settings.login_lifetime, request.came_in.secure
        return Redirect(url=url, set_cookie=cookies.set_session_cookie(value, lifetime=lifetime, secure=secure))


def _of_type(kind: type[T], found: Found) -> Sequence[T]:
    """Return those of what was found that are of a kind."""
    return [each for each in found if isinstance(each, kind)] if isinstance(found, tuple) else ()


def _at_own_host(request: ForwardAuthRequest, own: str, found: dict[Lookup, Found]) -> Answer | Lookup | None:
    """Return what is to be said at a session's own host whoever asks, or what is to be looked up first."""
    lookup = Lookup("session", "", own)
    if lookup not in found:
        return lookup
    if found[lookup] is None:
        return NO_SUCH_SESSION
    return Redirect(url=f"/s/{own}/") if request.uri == "/" else None


def _credentials(request: ForwardAuthRequest, session_id: str) -> list[Lookup]:
    """Return what shows who is asking, in the order in which it counts."""
    given: list[Lookup] = []
    if request.authorization and (token := token_in_header(request.authorization)):
        given.append(Lookup("bearer", token))
    if request.token:
        given += [Lookup("query", token) for token in request.token.split(" ")[:_MOST_TOKENS]]
    if not request.cookie:
        return given
    secure = request.came_in.secure
    if request.came_in.session is not None:
        values = cookies.session_logins(request.cookie, secure=secure)
        return given + [Lookup("session_cookie", value, session_id) for value in _plausible(values, COOKIE)]
    values = cookies.hub_logins(request.cookie, secure=secure, port=request.came_in.port)
    return given + [Lookup("login", value) for value in _plausible(values, LOGIN)]


def _plausible(values: Iterable[str], prefix: str) -> list[str]:
    """Return the cookies that are worth a question, each once; a page may have set others before them."""
    known = dict.fromkeys(value for value in values if is_plausible(value, prefix))
    return list(itertools.islice(known, _MOST_COOKIES))
