"""Sign-in at a session's own host, for a browser that is signed in at the hub.

The hub sends it there with a ticket, which works once, for this session alone, and for half a minute. The session's host
takes the ticket and sets a cookie of its own, which a browser sends to this host alone.

Both are kept as the store keeps every secret, as digests: the ticket as a one-time link and the cookie as a sign-in. But
the digest is of the secret together with the session and with the sign-in at the hub, so that neither opens anything else;
and the cookie works only while the sign-in at the hub does. So it is gone with a sign-out, without a table of its own.
"""

from datetime import datetime, timedelta

from rsparkhub.auth import tokens
from rsparkhub.auth.revocation import keys_of
from rsparkhub.domain.access import Identity
from rsparkhub.domain.scope import EVERYTHING
from rsparkhub.settings import Settings
from rsparkhub.store.credentials import Credentials

TICKET_LIFETIME = timedelta(seconds=30)
TICKET = "rsx_"
COOKIE = "rsc_"


class SessionHostSignIn:
    """Makes origin tickets, takes them, and finds who carries the cookies that came of them."""

    def __init__(self, credentials: Credentials, settings: Settings) -> None:
        self._credentials = credentials
        self._settings = settings

    async def make_ticket(self, session_id: str, login: str, user_name: str, *, now: datetime) -> str:
        """Make a ticket to a session for a browser that showed `login`: the hub's cookie, or an API token."""
        at_the_hub = tokens.digest(login)
        secret = tokens.new_secret(TICKET)
        expires = now + TICKET_LIFETIME
        await self._credentials.add_link(user_name, digest=_digest(secret, session_id, at_the_hub), expires=expires, now=now)
        return f"{secret}.{at_the_hub}"

    async def take_ticket(self, session_id: str, ticket: str, *, now: datetime) -> str | None:
        """Use up a ticket, and return the cookie; None when it was used, has run out, or is for another session."""
        if not tokens.is_plausible(ticket, TICKET):
            return None
        secret, _, at_the_hub = ticket.partition(".")
        cookie = tokens.new_secret(COOKIE)
        user_name = await self._credentials.take_link(
            _digest(secret, session_id, at_the_hub),
            login_digest=_digest(cookie, session_id, at_the_hub),
            login_expires=now + self._settings.login_lifetime,
            session=session_id,
            now=now,
        )
        return None if user_name is None else f"{cookie}.{at_the_hub}"

    async def identify(self, session_id: str, cookie: str, *, now: datetime) -> Identity | None:
        """Return who carries this cookie of this session, while they are signed in at the hub."""
        if not tokens.is_plausible(cookie, COOKIE):
            return None
        secret, _, at_the_hub = cookie.partition(".")
        there, scopes = await self._credentials.login(at_the_hub, now=now), EVERYTHING
        if there is None and (holder := await self._credentials.token(at_the_hub, now=now)):
            there, scopes = holder.user, holder.scopes
        here = await self._credentials.login(_digest(secret, session_id, at_the_hub), now=now)
        if here is None or there is None or here.name != there.name:
            return None
        return Identity(user=here, how="cookie", session=session_id, keys=keys_of(here, at_the_hub), scopes=scopes)


def _digest(secret: str, session_id: str, at_the_hub: str) -> str:
    return tokens.digest(f"{secret} of {session_id} with {at_the_hub}")
