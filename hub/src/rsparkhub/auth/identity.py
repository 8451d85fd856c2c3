"""Who is asking, and how somebody comes to be known.

Every question costs one indexed query, and none of the answers is kept here: what is taken away is gone at once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from rsparkhub.auth import tokens
from rsparkhub.auth.passwords import Passwords
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import InvalidInput, NotFound, NotSignedIn, Unavailable
from rsparkhub.domain.session import LIVE, Wanted
from rsparkhub.domain.user import USER_NAME, User
from rsparkhub.settings import Settings
from rsparkhub.store import Store
from rsparkhub.store.credentials import Token
from rsparkhub.store.users import SEEN_EVERY

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Login:
    """A sign-in that was just made: `token` is the cookie's value, and also works as a bearer token."""

    token: str
    expires: datetime
    user: User


class Authenticator:
    """Tells who is asking, and signs people in and out."""

    def __init__(self, store: Store, settings: Settings, *, passwords: Passwords | None = None) -> None:
        self._store = store
        self._settings = settings
        self._passwords = passwords or Passwords()

    async def from_cookie(self, value: str, *, now: datetime) -> Identity | None:
        """Tell who carries this cookie."""
        user = await self._of_login(value, now)
        return None if user is None else Identity(user=user, how="cookie")

    async def from_bearer(self, token: str, *, now: datetime) -> Identity | None:
        """Tell who carries this token: a sign-in's, an API token, or a session's own."""
        if tokens.is_plausible(token, tokens.SESSION):
            return await self._of_session(token)
        if tokens.is_plausible(token, tokens.TOKEN):
            user = await self._store.credentials.token(tokens.digest(token), now=now)
            await self._seen(user, now)
        else:
            user = await self._of_login(token, now)
        return None if user is None else Identity(user=user, how="token")

    async def make_link(self, name: str, *, now: datetime, lifetime: timedelta | None = None) -> str:
        """Make the token of a one-time sign-in link; NotFound when there is no such person."""
        link = tokens.new_secret(tokens.LINK)
        expires = now + (lifetime or self._settings.link_lifetime)
        await self._store.credentials.add_link(name, digest=tokens.digest(link), expires=expires, now=now)
        return link

    async def sign_in_with_link(self, link: str, *, now: datetime) -> Login:
        """Use up a one-time link.

        Raises
        ------
        NotSignedIn
            When it was used, has run out, or never was one.
        """
        login, expires = tokens.new_secret(tokens.LOGIN), now + self._settings.login_lifetime
        name = None
        if tokens.is_plausible(link, tokens.LINK):
            name = await self._store.credentials.take_link(
                tokens.digest(link), login_digest=tokens.digest(login), login_expires=expires, now=now
            )
        if name is None:
            raise NotSignedIn("This sign-in link was used before or has run out. Ask for a new one.")
        return await self._welcome(name, login, expires, now)

    async def sign_in_with_password(self, name: str, password: str, address: str | None, *, now: datetime) -> Login:
        """Sign in a person who knows their password; `address` is where they ask from.

        Raises
        ------
        NotSignedIn
            When the name or the password is wrong; which of them is not told, not even by the time it takes.
        TooManyAttempts
            When too many were wrong, for this name or from this address.
        """
        name = name.strip().lower()
        of_name = f"name {name}" if USER_NAME.fullmatch(name) else None
        of_address = _address_key(address)
        most, pause = self._settings.login_attempts, self._settings.login_pause
        if of_address:  # a class may share one address
            await self._store.attempts.begin([of_address], most=PEOPLE_PER_ADDRESS * most, pause=pause, now=now)
        if of_name:
            await self._store.attempts.begin([of_name], most=most, pause=pause, now=now)
        hashed = await self._store.users.password_hash(name) if of_name else None
        if not await self._passwords.verify(hashed, password) or hashed is None or of_name is None:
            raise NotSignedIn(_WRONG)
        await self._store.attempts.succeeded(forget=of_name, one_less=of_address)
        login, expires = tokens.new_secret(tokens.LOGIN), now + self._settings.login_lifetime
        # The password may have been changed, or the person removed, while it was being verified.
        if not await self._store.credentials.add_login(
            name, digest=tokens.digest(login), expires=expires, now=now, password_hash=hashed
        ):
            raise NotSignedIn(_WRONG)
        if self._passwords.is_outdated(hashed):
            await self._store.users.renew_password_hash(name, old=hashed, new=await self._passwords.hash(password))
        return await self._welcome(name, login, expires, now)

    async def sign_out(self, token: str) -> None:
        """End a sign-in, told by its cookie's value or its bearer token; one that has ended already is no error."""
        if tokens.is_plausible(token, tokens.LOGIN):
            await self._store.credentials.remove_login(tokens.digest(token))

    async def hash_password(self, password: str) -> str:
        """Hash the password of a person who is about to be added; InvalidInput when it is too short or too long."""
        return await self._passwords.hash(password)

    async def set_password(self, name: str, password: str | None) -> None:
        """Give a person a password, or take it away; every browser that is signed in as them is signed out.

        Raises
        ------
        InvalidInput
            When the password is too short or too long.
        NotFound
            When there is no such person.
        """
        await self._store.users.set_password_hash(name, None if password is None else await self._passwords.hash(password))

    async def make_token(self, person: str, *, name: str, now: datetime, lifetime: timedelta | None = None) -> tuple[Token, str]:
        """Make an API token; what opens the door is the second, and is told this once.

        Raises
        ------
        InvalidInput
            When the name is empty or too long, or the lifetime longer than the setting allows.
        NotFound
            When there is no such person.
        """
        name, most = name.strip(), self._settings.token_lifetime
        if not 1 <= len(name) <= 60:
            raise InvalidInput("A token's name has 1 to 60 characters. Say what it is for.")
        lifetime = most if lifetime is None else lifetime
        if not timedelta() < lifetime <= most:
            raise InvalidInput(f"A token works for at most {most.days} days. Choose a shorter time.")
        secret = tokens.new_secret(tokens.TOKEN)
        token = await self._store.credentials.add_token(
            person, name=name, digest=tokens.digest(secret), expires=now + lifetime, now=now
        )
        return token, secret

    async def _of_login(self, token: str, now: datetime) -> User | None:
        if not tokens.is_plausible(token, tokens.LOGIN):
            return None
        user = await self._store.credentials.login(tokens.digest(token), now=now)
        await self._seen(user, now)
        return user

    async def _of_session(self, token: str) -> Identity | None:
        """Tell whose session speaks; it is not that person who is here, so they are not seen."""
        found = await self._store.credentials.owner_of_session(tokens.session_id_in(token))
        if found is None:
            return None
        session, owner = found
        if session.state not in LIVE or session.wanted is Wanted.DELETED or not tokens.is_token_of(session, token):
            return None
        return Identity(user=owner, how="token", session=session.id)

    async def _welcome(self, name: str, login: str, expires: datetime, now: datetime) -> Login:
        try:
            user = await self._store.users.get(name)
        except NotFound as error:  # removed at this very moment, and the sign-in with them
            raise NotSignedIn(_WRONG) from error
        await self._seen(user, now)
        return Login(token=login, expires=expires, user=user)

    async def _seen(self, user: User | None, now: datetime) -> None:
        if user is None or (user.last_seen is not None and user.last_seen > now - SEEN_EVERY):
            return
        try:
            await self._store.users.seen(user.name, now)
        except Unavailable as error:  # who may come in may come in, also when the disk is full
            log.warning("It was not noted that %s was here: %s", user.name, error)


#: How many people's wrong passwords one address is allowed: a class may sit behind one.
PEOPLE_PER_ADDRESS = 10
_WRONG = "The name or the password is wrong. Check both, or ask an administrator for a sign-in link."


def _address_key(address: str | None) -> str | None:
    """Count an IPv6 address by its network of 64 bits, since whoever has one address has all of these."""
    try:
        parsed = ip_address(address or "")
    except ValueError:  # a Unix socket has no address
        return None
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return f"address {parsed.ipv4_mapped}"
        return f"address {parsed.exploded[:19]}::/64"
    return f"address {parsed}"
