"""From a question of the edge to its answer: who is asking, and about which session, is looked up and kept for a second.

A second is one of the clock, or less where the setting `answer_lifetime` says so. So a right that is taken away is gone
when the next second begins, whatever becomes of the store's bell; and memory holds no more than was asked within a second,
however many sessions there are.
"""

import asyncio
import itertools
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, quote

from rsparkhub.auth import cookies, entrance
from rsparkhub.auth.entrance import Entrance
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.kept import Found, Kept, LookUp
from rsparkhub.auth.passes import Passes
from rsparkhub.auth.question import NO_SUCH_SESSION, Allow, Answer, Enter, Question, Redirect, answer
from rsparkhub.auth.session_address import Place, place_of, session_in
from rsparkhub.domain.access import Identity
from rsparkhub.domain.door import ENTER
from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.session import Session
from rsparkhub.settings import Settings
from rsparkhub.store import Store

LONGEST_LIFETIME = timedelta(seconds=1)
_ENTER = f"{ENTER}?"
_SWEEP_AFTER = 1.5  # seconds: the second in which a pass was given is over then
_MOST_COOKIES = 4  # of one name; a page can set some, and each costs a question to the store
_BEARER = re.compile(r"(?:bearer|token) +(\S+) *", re.IGNORECASE)  # Jupyter's clients say `token`


class Asked(NamedTuple):
    """A question, with what shows who is asking."""

    question: Question
    cookie: str = ""
    authorization: str = ""


class Answering:
    """Answers questions; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        store: Store,
        authenticator: Authenticator,
        settings: Settings,
        passes: Passes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._authenticator = authenticator
        self._entrance = Entrance(store.credentials, settings)
        self._settings = settings
        self._passes = passes
        self._clock = clock
        self._kept = Kept(self._look_up)
        self._asked: set[tuple[str, str, str]] = set()  # host, credential and session that were asked about this second
        self._places: dict[str, Place] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._lifetime = min(settings.answer_lifetime, LONGEST_LIFETIME).total_seconds()
        self._count = itertools.count(1)
        self._period = 0

    def place(self, host: str) -> Place:
        """Tell where a host is."""
        place = self._places.get(host)
        if place is None:
            place = self._places[host] = place_of(host, self._settings)
        return place

    def answer_now(self, asked: Asked) -> Answer | None:
        """Answer from what is kept; None when that doesn't suffice, and `answer` must be asked."""
        self._turn()
        if asked.question.uri.startswith(_ENTER):
            return None
        said = self._answer(asked, self._kept.found)
        if isinstance(said, LookUp):
            return None
        answered, credential = said
        if isinstance(answered, Enter):
            return None
        if isinstance(answered, Allow):
            self._give_pass(asked.question, answered, credential)
        return answered

    async def answer(self, asked: Asked) -> Answer:
        """Answer, after looking up what is not kept.

        Raises
        ------
        Unavailable
            When the store can't be asked.
        """
        place = self.place(asked.question.host)
        if place.session is not None and asked.question.uri.startswith(_ENTER):
            return await self._enter(asked.question, place, place.session)
        found: dict[LookUp, Found] = {}
        self._turn()
        while isinstance(said := self._answer(asked, found), LookUp):
            found[said] = await self._kept.get(said)
        answered, _ = said
        if isinstance(answered, Enter):
            return await self._send_there(asked, answered, place, found)
        return answered

    def forget_session(self, session_id: str) -> None:
        """Forget what is kept about a session that has changed, and take back its passes."""
        self._kept.forget(LookUp("session", "", session_id))
        self._passes.take_back(session_id)

    def _turn(self) -> None:
        period = int(self._clock() / self._lifetime) if self._lifetime else next(self._count)
        if period != self._period:
            self._period = period
            self._kept.turn(period)
            self._asked.clear()
            self._places.clear()
            self._passes.turn(period if self._lifetime == 1 else 0)

    def _answer(self, asked: Asked, found: dict[LookUp, Found]) -> tuple[Answer, str] | LookUp:
        """Answer from what was found, and name the credential that was good; or tell what is to be looked up first."""
        question, place = asked.question, self.place(asked.question.host)
        session_id = session_in(question.uri)
        if session_id is None:
            return NO_SUCH_SESSION, ""
        identity, session, credential = None, None, ""
        for look_up, shown in _credentials(asked, place, session_id):
            if look_up not in found:
                return look_up
            if isinstance(known := found[look_up], Identity):
                identity, credential = known, shown
                break
        if identity is not None:
            look_up = LookUp("session", "", session_id)
            if look_up not in found:
                return look_up
            session = known if isinstance(known := found[look_up], Session) else None
        return answer(question, session, identity, place), credential

    def _give_pass(self, question: Question, allow: Allow, credential: str) -> None:
        """Give a pass to what is asked a second time in this second: what is asked once would never use it.

        What was allowed is as fresh as a pass must be: it was looked up in this very second.
        """
        if self._lifetime != 1 or not self._passes.possible or allow.sandboxed or not question.is_plain:
            return
        host, session_id = host_without_port(question.host), session_in(question.uri) or ""
        if (host, credential, session_id) not in self._asked:
            self._asked.add((host, credential, session_id))
            return
        self._passes.give(
            second=self._period,
            host=host,
            credential=credential,
            session=session_id,
            upstream=allow.upstream,
            secret=allow.secret,
        )
        if self._sweep is None:  # so that none is left lying when nobody asks any more
            self._sweep = asyncio.get_running_loop().call_later(_SWEEP_AFTER, self._swept)

    def _swept(self) -> None:
        self._sweep = None
        self._turn()

    async def _look_up(self, key: LookUp) -> Found:
        now = datetime.now(UTC)
        if key.what == "login":
            return await self._authenticator.from_cookie(key.secret, now=now)
        if key.what == "bearer":
            return await self._authenticator.from_bearer(key.secret, now=now)
        if key.what == "entrance":
            return await self._entrance.identify(key.session, key.secret, now=now)
        try:
            return await self._store.sessions.get(key.session)
        except NotFound:
            return None

    async def _send_there(self, asked: Asked, said: Enter, place: Place, found: dict[LookUp, Found]) -> Answer:
        """Send a browser to the session's own host, with a ticket for the sign-in that it showed."""
        for look_up, _ in _credentials(asked, place, said.session):
            known = found.get(look_up)
            if look_up.what == "login" and isinstance(known, Identity):
                now = datetime.now(UTC)
                ticket = await self._entrance.ticket(said.session, look_up.secret, known.user.name, now=now)
                query = f"ticket={quote(ticket)}&next={quote(said.next, safe='/')}"
                return Redirect(url=place.session_url(said.session, f"{ENTER}?{query}"))
        return NO_SUCH_SESSION

    async def _enter(self, question: Question, place: Place, session_id: str) -> Answer:
        """Take a ticket, and let the browser in; with one that doesn't work it asks the hub for another."""
        fields = parse_qs(question.uri.partition("?")[2])
        url = fields.get("next", [""])[0]
        if session_in(url) != session_id or not (url.isascii() and url.isprintable()):
            url = f"/s/{session_id}/"
        value = await self._entrance.cookie(session_id, fields.get("ticket", [""])[0], now=datetime.now(UTC))
        if value is None:
            return Redirect(url=url)
        set_cookie = entrance.set_cookie(value, lifetime=self._settings.login_lifetime, secure=place.secure)
        return Redirect(url=url, set_cookie=set_cookie)


def host_without_port(host: str) -> str:
    """Give what Caddy calls `{http.request.host}`."""
    match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*)):\d*", host)
    return host if match is None else match[1] or match[2] or ""


def _credentials(asked: Asked, place: Place, session_id: str) -> list[tuple[LookUp, str]]:
    """Give what shows who is asking, in the order in which it counts, each with the name it has in a pass."""
    given: list[tuple[LookUp, str]] = []
    if match := _BEARER.fullmatch(asked.authorization):
        given.append((LookUp("bearer", match[1]), f"bearer={match[1]}"))
    if not asked.cookie:
        return given
    if place.session is not None:
        name = entrance.cookie_name(secure=place.secure)
        values = cookies.values_of(name, asked.cookie)[:_MOST_COOKIES]
        return given + [(LookUp("entrance", value, session_id), f"{name}={value}") for value in values]
    name = cookies.cookie_name(secure=place.secure)
    values = cookies.values_of(name, asked.cookie)[:_MOST_COOKIES]
    return given + [(LookUp("login", value), f"{name}={value}") for value in values]
