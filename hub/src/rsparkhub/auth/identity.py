"""Who is asking, and how somebody comes to be known.

Each look-up costs one indexed query, and nothing is cached here: what is taken away is gone at once.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rsparkhub.auth import tokens
from rsparkhub.auth.passwords import Passwords
from rsparkhub.auth.revocation import keys_of
from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.auth.sign_in.link import LinkSignIn
from rsparkhub.auth.sign_in.password import PasswordSignIn
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import Conflict, InvalidInput, NotFound, NotSignedIn, Unavailable
from rsparkhub.domain.event import SignInData
from rsparkhub.domain.scope import EVERYTHING, Scope
from rsparkhub.domain.session import LIVE, Wanted
from rsparkhub.domain.user import User
from rsparkhub.settings import Settings
from rsparkhub.store import Store
from rsparkhub.store.credentials import Token
from rsparkhub.store.events import By
from rsparkhub.store.users import SEEN_EVERY

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Login:
    """A sign-in that was just made: `token` is the cookie's value, and also works as a bearer token."""

    token: str
    expires: datetime
    user: User


class Authenticator:
    """Finds who is asking, and signs people in and out.

    `ways` are the ways to sign in, by name; the hub's own by default.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        passwords: Passwords | None = None,
        ways: Mapping[str, SignIn] | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._passwords = passwords or Passwords()
        self._ways = {way.name: way for way in (PasswordSignIn(), LinkSignIn())} if ways is None else ways

    async def from_cookie(self, value: str, *, now: datetime) -> Identity | None:
        """Return who carries this cookie."""
        user = await self._of_login(value, now)
        return None if user is None else Identity(user=user, how="cookie", keys=keys_of(user, tokens.digest(value)))

    async def from_bearer(self, token: str, *, now: datetime) -> Identity | None:
        """Return who carries this token: a sign-in's, an API token, or a session's own."""
        if tokens.is_plausible(token, tokens.SESSION):
            return await self._of_session(token)
        if tokens.is_plausible(token, tokens.TOKEN):
            return await self._of_token(token, now)
        user = await self._of_login(token, now)
        return None if user is None else Identity(user=user, how="token", keys=keys_of(user, tokens.digest(token)))

    async def make_link(self, name: str, *, by: By | None = None, now: datetime, lifetime: timedelta | None = None) -> str:
        """Make the token of a one-time sign-in link; NotFound when there is no such person, Conflict when they are disabled."""
        if (await self._store.users.get(name)).disabled:
            raise Conflict(f"{name} is disabled, so no link signs them in. Enable them first.")
        link = tokens.new_secret(tokens.LINK)
        expires = now + (lifetime or self._settings.link_lifetime)
        await self._store.credentials.add_link(name, digest=tokens.digest(link), expires=expires, by=by, now=now)
        return link

    async def whom_link_signs_in(self, link: str, *, now: datetime) -> str | None:
        """Return the name of the user whom a one-time link would sign in; it is not used up. None when it doesn't work."""
        if not tokens.is_plausible(link, tokens.LINK):
            return None
        return await self._store.credentials.link(tokens.digest(link), now=now)

    @property
    def ways(self) -> Mapping[str, SignIn]:
        """The ways to sign in, by name."""
        return self._ways

    async def sign_in(
        self, way: str, proof: Mapping[str, str], *, address: str | None, now: datetime, again: bool = False
    ) -> Login:
        """Sign somebody in; `proof` is what they show, and `address` is where they ask from.

        It stands in the audit, but for a person who is signed in and shows `again` who they are.

        Raises
        ------
        InvalidInput
            When there is no such way to sign in.
        NotSignedIn
            When the proof is not enough, or wrong.
        TooManyAttempts
            When too much was wrong before, for this name or from this address.
        """
        if way not in self._ways:
            raise InvalidInput(f"There is no way to sign in called {way}; there are {', '.join(self._ways)}.")
        login, expires = tokens.new_secret(tokens.LOGIN), now + self._settings.login_lifetime
        context = SignInContext(
            store=self._store,
            settings=self._settings,
            passwords=self._passwords,
            address=address,
            login_digest=tokens.digest(login),
            login_expires=expires,
            now=now,
        )
        name = await self._ways[way].sign_in(proof, context)
        try:
            user = await self._store.users.get(name)
        except NotFound as error:  # removed at this very moment, and the sign-in with them
            raise NotSignedIn("This user was removed. Ask an administrator.") from error
        await self._seen(user, now)
        if not again:
            site = proof.get("site")
            await self._note_sign_in(user, f"{way}:{site}" if site else way, now)
        return Login(token=login, expires=expires, user=user)

    async def sign_in_with_link(self, link: str, *, now: datetime) -> Login:
        """Use up a one-time link; `sign_in` says what is raised."""
        return await self.sign_in(LinkSignIn.name, {"token": link}, address=None, now=now)

    async def sign_in_with_password(
        self, name: str, password: str, address: str | None, *, now: datetime, again: bool = False
    ) -> Login:
        """Sign in a user who knows their password; `sign_in` says what is raised."""
        proof = {"name": name, "password": password}
        return await self.sign_in(PasswordSignIn.name, proof, address=address, now=now, again=again)

    async def sign_out(self, token: str) -> str | None:
        """End a sign-in, by its cookie's value or its bearer token; return at which site it was made, `WAY:SITE`, None for here.

        One that has ended already is no error.
        """
        if not tokens.is_plausible(token, tokens.LOGIN):
            return None
        return await self._store.credentials.remove_login(tokens.digest(token))

    async def hash_password(self, password: str) -> str:
        """Hash the password of a person who is about to be added; InvalidInput when it is too short or too long."""
        return await self._passwords.hash(password)

    async def set_password(self, name: str, password: str | None, *, end_tokens: bool = False, by: By | None = None) -> None:
        """Set or remove a password; every browser that is signed in as them is signed out, and with `end_tokens` every program.

        Raises
        ------
        InvalidInput
            When the password is too short or too long.
        NotFound
            When there is no such person.
        """
        hashed = None if password is None else await self._passwords.hash(password)
        await self._store.users.set_password_hash(name, hashed, end_tokens=end_tokens, by=by)

    async def make_token(
        self,
        person: str,
        *,
        name: str,
        scopes: frozenset[Scope] = EVERYTHING,
        by: By | None = None,
        now: datetime,
        lifetime: timedelta | None = None,
    ) -> tuple[Token, str]:
        """Make an API token; the second is its secret, which is returned this once.

        Raises
        ------
        InvalidInput
            When the name is empty or too long, or the lifetime longer than the setting allows.
        NotFound
            When there is no such person.
        """
        name, most = name.strip(), self._settings.token_lifetime
        if not 1 <= len(name) <= 60:
            raise InvalidInput("A token's name has 1 to 60 characters. Name what it is for.")
        lifetime = most if lifetime is None else lifetime
        if not timedelta() < lifetime <= most:
            raise InvalidInput(f"A token works for at most {most.days} days. Choose a shorter time.")
        secret = tokens.new_secret(tokens.TOKEN)
        token = await self._store.credentials.add_token(
            person, name=name, digest=tokens.digest(secret), expires=now + lifetime, scopes=scopes, by=by, now=now
        )
        return token, secret

    async def _of_token(self, token: str, now: datetime) -> Identity | None:
        digest = tokens.digest(token)
        holder = await self._store.credentials.token(digest, now=now)
        if holder is None:
            return None
        await self._seen(holder.user, now)
        return Identity(user=holder.user, how="token", keys=keys_of(holder.user, digest), scopes=holder.scopes)

    async def _of_login(self, token: str, now: datetime) -> User | None:
        if not tokens.is_plausible(token, tokens.LOGIN):
            return None
        user = await self._store.credentials.login(tokens.digest(token), now=now)
        await self._seen(user, now)
        return user

    async def _of_session(self, token: str) -> Identity | None:
        """Return whose session speaks; it is not that person who is here, so they are not seen."""
        found = await self._store.credentials.owner_of_session(tokens.session_id_in(token))
        if found is None:
            return None
        session, owner = found
        if session.state not in LIVE or session.wanted is Wanted.DELETED or not tokens.is_token_of(session, token):
            return None
        return Identity(user=owner, how="token", session=session.id, keys=keys_of(owner))

    async def _note_sign_in(self, user: User, way: str, now: datetime) -> None:
        try:
            await self._store.audit.write("sign-in", SignInData(way=way), by=By(user.id, now), owner=user.id)
        except Unavailable as error:
            log.warning("The audit has no line of a sign-in of %s: %s", user.name, error)

    async def _seen(self, user: User | None, now: datetime) -> None:
        if user is None or (user.last_seen is not None and user.last_seen > now - SEEN_EVERY):
            return
        try:
            await self._store.users.seen(user.name, now)
        except Unavailable as error:  # who may come in may come in, also when the disk is full
            log.warning("It was not noted that %s was here: %s", user.name, error)
