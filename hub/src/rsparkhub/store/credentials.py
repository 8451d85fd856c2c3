"""Ways to sign in, as digests: one-time links, browser sign-ins, API tokens.

The store never sees a secret, only its digest, so that a copy of the database signs nobody in.
"""

import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rsparkhub.domain.errors import NotFound, NotSignedIn, TooManyRequests, Unavailable
from rsparkhub.domain.event import PeopleEventKind, PersonData, TokenData
from rsparkhub.domain.scope import EVERYTHING, Scope, in_order, read_scopes, written
from rsparkhub.domain.session import Session
from rsparkhub.domain.user import User
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.notifier import Notifier, key_of_secret
from rsparkhub.store.rows import SESSION_COLUMNS, to_session
from rsparkhub.store.tables import logins, members, sessions, sign_in_links, tokens, users
from rsparkhub.store.users import USER_COLUMNS, insert_user, to_users

log = logging.getLogger(__name__)

#: How exactly it is known when a token was last used.
USED_EVERY = timedelta(minutes=1)
DISABLED = "An administrator has disabled this user. Your sessions and files are kept. Ask an administrator."
#: Of one user: API tokens, and browsers that are signed in.
MOST_TOKENS, MOST_LOGINS = 100, 100

_DIGEST: sa.BindParameter[str] = sa.bindparam("b_digest")
_NOW: sa.BindParameter[datetime] = sa.bindparam("b_now")
_PERSON_OF_LOGIN = (
    sa.select(*USER_COLUMNS)
    .select_from(logins.join(users).outerjoin(members))
    .where(logins.c.digest == _DIGEST, logins.c.expires > _NOW, users.c.disabled.is_(None))
)
_PERSON_OF_TOKEN = (
    sa.select(*USER_COLUMNS, tokens.c.last_used, tokens.c.scopes)
    .select_from(tokens.join(users).outerjoin(members))
    .where(tokens.c.digest == _DIGEST, tokens.c.expires > _NOW, users.c.disabled.is_(None))
)
_OWNER_OF_SESSION = (
    sa.select(*SESSION_COLUMNS, *USER_COLUMNS)
    .select_from(sessions.join(users, users.c.id == sessions.c.owner).outerjoin(members))
    .where(sessions.c.id == sa.bindparam("b_id"), users.c.disabled.is_(None))
)
_STILL_HAS = (
    sa.select(users.c.name)
    .where(
        users.c.name == sa.bindparam("b_user_name"),
        users.c.password_hash == sa.bindparam("b_hash"),
        users.c.disabled.is_(None),
    )
    .with_for_update(read=True)
)
_TO_SIGN_IN = sa.select(users.c.disabled).where(users.c.name == sa.bindparam("b_user_name")).with_for_update(read=True)
_TAKE_LINK = (
    sa.delete(sign_in_links)
    .where(sign_in_links.c.digest == _DIGEST, sign_in_links.c.expires > _NOW)
    .returning(sign_in_links.c.user_name)
)
_LINK = sa.select(sign_in_links.c.user_name).where(sign_in_links.c.digest == _DIGEST, sign_in_links.c.expires > _NOW)
_USE_TOKEN = sa.update(tokens).where(tokens.c.digest == _DIGEST).values(last_used=_NOW)
_REMOVE_LOGIN = sa.delete(logins).where(logins.c.digest == _DIGEST).returning(logins.c.digest, logins.c.site)
_END_LOGIN = (
    sa.delete(logins)
    .where(logins.c.user_name == sa.bindparam("b_user_name"), logins.c.digest.like(sa.bindparam("b_begin")))
    .returning(logins.c.digest)
)
_TOKENS_OF = sa.select(sa.func.count()).where(tokens.c.user_name == sa.bindparam("b_user_name"), tokens.c.expires > _NOW)
_NEWEST_LOGINS = (
    sa.select(logins.c.digest)
    .where(logins.c.user_name == sa.bindparam("b_user_name"))
    .order_by(logins.c.created.desc(), logins.c.digest)
    .limit(MOST_LOGINS - 1)
)
#: Who signs in again and again, as a program may, is signed out where it was longest ago.
_END_OLDEST_LOGINS = sa.delete(logins).where(
    logins.c.user_name == sa.bindparam("b_user_name"), logins.c.digest.not_in(_NEWEST_LOGINS)
)
_REMOVE_TOKEN = (
    sa.delete(tokens)
    .where(tokens.c.id == sa.bindparam("b_id"), tokens.c.user_name == sa.bindparam("b_user_name"))
    .returning(tokens.c.digest, tokens.c.name)
)
_ID_OF = sa.select(users.c.id).where(users.c.name == sa.bindparam("b_user_name"))
_LOGIN_ID = re.compile(r"l[0-9a-f]{12}")
_TOKENS = sa.select(
    tokens.c.id, tokens.c.user_name, tokens.c.name, tokens.c.created, tokens.c.expires, tokens.c.last_used, tokens.c.scopes
)


@dataclass(frozen=True, kw_only=True)
class Token:
    """An API token, without its secret."""

    id: str
    user_name: str
    name: str
    created: datetime
    expires: datetime
    last_used: datetime | None = None
    scopes: frozenset[Scope] = EVERYTHING


@dataclass(frozen=True, kw_only=True)
class TokenHolder:
    """Who showed an API token, and what it may do."""

    user: User
    scopes: frozenset[Scope]


@dataclass(frozen=True, kw_only=True)
class SignedInBrowser:
    """A browser in which somebody is signed in."""

    id: str
    created: datetime
    expires: datetime


class Credentials:
    """Stores what lets users in. What has expired lets nobody in, and is swept away when the next one is made.

    What is made or ended `by` somebody stands in the audit.
    """

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def add_link(self, user_name: str, *, digest: str, expires: datetime, by: By | None = None, now: datetime) -> None:
        """Store a one-time link; NotFound when there is no such user."""
        values = {"digest": digest, "user_name": user_name, "created": now, "expires": expires}
        await self._add(sign_in_links, values, now, note=PersonData(change="link"), by=by)

    async def link(self, digest: str, *, now: datetime) -> str | None:
        """Return whom a link would sign in, and leave it as it is; None when it doesn't work."""
        found = await self._database.read(_LINK, {"b_digest": digest, "b_now": now})
        return str(found[0][0]) if found else None

    async def take_link(
        self, digest: str, *, login_digest: str, login_expires: datetime, session: str | None = None, now: datetime
    ) -> str | None:
        """Use up a link and make a browser sign-in of it, in one step; return the user, or None when it doesn't work.

        `session` is the session at whose own host the browser signs in; None is the hub.

        Of any number of requests at the same moment, one gets the user.
        """

        async def work(connection: Connection) -> str | None:
            taken = await connection.rows(_TAKE_LINK, {"b_digest": digest, "b_now": now})
            if not taken:
                return None
            user_name = str(taken[0][0])
            login = {"digest": login_digest, "user_name": user_name, "created": now, "expires": login_expires, "session": session}
            await connection.rows(sa.insert(logins), login)
            return user_name

        return await self._database.write(work)

    async def add_login(self, user_name: str, *, digest: str, expires: datetime, now: datetime, password_hash: str) -> bool:
        """Store a browser's sign-in of a user whose password still is this one; return whether it is."""

        async def work(connection: Connection) -> bool:
            # Locked: a password that changes meanwhile ends this sign-in too, and one that has changed forbids it.
            if not await connection.rows(_STILL_HAS, {"b_user_name": user_name, "b_hash": password_hash}):
                return False
            await insert_login(connection, user_name, digest=digest, expires=expires, now=now)
            return True

        return await self._database.write(work)

    async def add_vouched_login(
        self, user_name: str, *, digest: str, expires: datetime, make_person: bool, now: datetime
    ) -> bool:
        """Store a browser's sign-in of somebody for whom another system vouches; return whether there is such a user.

        With `make_person` somebody who is not there is added, which stands in the audit.

        Raises
        ------
        NotSignedIn
            When they are disabled.
        """

        async def work(connection: Connection) -> bool:
            found = await connection.rows(_TO_SIGN_IN, {"b_user_name": user_name})
            if not found and make_person:
                person_id = await insert_user(connection, self._database, user_name, now=now)
                if person_id is not None:
                    note = PersonData(change="added", admin=False)
                    insert_of_people(connection, "person", note, by=By(person_id, now), owner=person_id)
                found = await connection.rows(_TO_SIGN_IN, {"b_user_name": user_name})
            if not found:
                return False
            if found[0][0] is not None:
                raise NotSignedIn(DISABLED)
            await insert_login(connection, user_name, digest=digest, expires=expires, now=now)
            return True

        return await self._database.write(work)

    async def login(self, digest: str, *, now: datetime) -> User | None:
        """Return the user of a browser's sign-in, while it lasts."""
        users = to_users(await self._database.read(_PERSON_OF_LOGIN, {"b_digest": digest, "b_now": now}))
        return users[0] if users else None

    async def remove_login(self, digest: str) -> str | None:
        """End a browser's sign-in; return at which site it was made, `WAY:SITE`, None for here."""
        removed = await self._database.change(_REMOVE_LOGIN, {"b_digest": digest})
        await self._revoked(removed)
        return removed[0][1] if removed else None

    async def logins(self, user_name: str, *, now: datetime) -> list[SignedInBrowser]:
        """Return the browsers in which a user is signed in, the oldest first."""
        # A session's host has a sign-in of its own for each browser (auth/session_host.py), which ends with that at the hub.
        query = sa.select(logins.c.digest, logins.c.created, logins.c.expires).where(
            logins.c.user_name == user_name, logins.c.expires > now, logins.c.session.is_(None)
        )
        found = await self._database.read(query.order_by(logins.c.created, logins.c.digest))
        return [SignedInBrowser(id=_id_of(row[0]), created=row[1], expires=row[2]) for row in found]

    async def end_login(self, id: str, *, user_name: str, by: By | None = None) -> None:  # noqa: A002
        """End a browser's sign-in of this user; NotFound when there is none with this id."""
        values = {"b_user_name": user_name, "b_begin": f"{id.removeprefix('l')}%"}

        async def work(connection: Connection) -> Sequence[AnyRow]:
            ended = await connection.rows(_END_LOGIN, values) if _LOGIN_ID.fullmatch(id) else []
            if not ended:
                raise NotFound(f"There is no sign-in {id}.")
            await self._note(connection, PersonData(change="browser"), user_name, by=by)
            return ended

        await self._revoked(await self._database.write(work))

    async def add_token(
        self,
        user_name: str,
        *,
        name: str,
        digest: str,
        expires: datetime,
        scopes: frozenset[Scope] = EVERYTHING,
        by: By | None = None,
        now: datetime,
    ) -> Token:
        """Store an API token.

        Raises
        ------
        NotFound
            When there is no such user.
        TooManyRequests
            When the user has `MOST_TOKENS` that work already.
        """
        token = Token(id=f"t{secrets.token_hex(6)}", user_name=user_name, name=name, created=now, expires=expires, scopes=scopes)
        values = {
            "id": token.id,
            "digest": digest,
            "user_name": user_name,
            "name": name,
            "created": now,
            "expires": expires,
            "scopes": written(scopes),
        }
        if (await self._database.read(_TOKENS_OF, {"b_user_name": user_name, "b_now": now}))[0][0] >= MOST_TOKENS:
            raise TooManyRequests(f"You have {MOST_TOKENS} tokens, which is the most there may be. Delete one that nothing uses.")
        note = TokenData(change="made", name=name, scopes=[*in_order(scopes)])
        await self._add(tokens, values, now, note=note, by=by)
        return token

    async def token(self, digest: str, *, now: datetime) -> TokenHolder | None:
        """Return whose an API token is, while it lasts, and write that it was used; to the minute."""
        found = await self._database.read(_PERSON_OF_TOKEN, {"b_digest": digest, "b_now": now})
        if not found:
            return None
        last_used, scopes = found[0][-2:]
        if last_used is None or last_used < now - USED_EVERY:
            try:
                await self._database.change(_USE_TOKEN, {"b_digest": digest, "b_now": now})
            except Unavailable as error:  # a token works also when the disk is full
                log.warning("It was not noted that a token was used: %s", error)
        return TokenHolder(user=to_users(found)[0], scopes=read_scopes(scopes))

    async def tokens(self, user_name: str, *, now: datetime) -> list[Token]:
        """Return the API tokens of a user that still work, the oldest first."""
        query = _TOKENS.where(tokens.c.user_name == user_name, tokens.c.expires > now)
        found = await self._database.read(query.order_by(tokens.c.created, tokens.c.id))
        return [Token(**{**row._mapping, "scopes": read_scopes(row.scopes)}) for row in found]

    async def remove_token(self, id: str, *, user_name: str, by: By | None = None) -> None:  # noqa: A002
        """Revoke an API token of this user; NotFound when they have none with this id."""

        async def work(connection: Connection) -> Sequence[AnyRow]:
            removed = await connection.rows(_REMOVE_TOKEN, {"b_id": id, "b_user_name": user_name})
            if not removed:
                raise NotFound(f"There is no token {id}.")
            await self._note(connection, TokenData(change="ended", name=removed[0][1]), user_name, by=by)
            return removed

        await self._revoked(await self._database.write(work))

    async def owner_of_session(self, session_id: str) -> tuple[Session, User] | None:
        """Return a session and its owner, for a session that signs in by itself."""
        found = await self._database.read(_OWNER_OF_SESSION, {"b_id": session_id})
        if not found:
            return None
        return to_session(found[0]), to_users(found, skip=len(SESSION_COLUMNS))[0]

    async def _note(self, connection: Connection, data: PersonData | TokenData, user_name: str, *, by: By | None) -> None:
        """Write into the audit what somebody did, at the end of a transaction."""
        if by is not None:
            owner = str((await connection.rows(_ID_OF, {"b_user_name": user_name}))[0][0])
            kind: PeopleEventKind = "token" if "name" in data else "person"
            insert_of_people(connection, kind, data, by=by, owner=owner)

    async def _revoked(self, digests: Sequence[AnyRow]) -> None:
        await self._notifier.notify(*(key_of_secret(row[0]) for row in digests), about="revoked")

    async def _add(
        self, table: sa.Table, values: dict[str, Any], now: datetime, *, note: PersonData | TokenData, by: By | None
    ) -> None:
        async def work(connection: Connection) -> None:
            await _sweep(connection, table, now)
            await connection.rows(sa.insert(table), values)
            await self._note(connection, note, values["user_name"], by=by)

        try:
            await self._database.write(work)
        except IntegrityError as error:
            raise NotFound(f"There is no user called {values['user_name']}.") from error


def _id_of(digest: str) -> str:
    """Return by what people call a sign-in; nothing that could be shown to be let in follows from it."""
    return f"l{digest[:12]}"


async def insert_login(
    connection: Connection, user_name: str, *, digest: str, expires: datetime, site: str | None = None, now: datetime
) -> None:
    """Write a browser's sign-in at the hub in a transaction; `site` is where they signed in, NULL for here."""
    await _sweep(connection, logins, now)
    await connection.rows(_END_OLDEST_LOGINS, {"b_user_name": user_name})
    values = {"digest": digest, "user_name": user_name, "created": now, "expires": expires, "site": site}
    await connection.rows(sa.insert(logins), values)


async def _sweep(connection: Connection, table: sa.Table, now: datetime) -> None:
    await connection.rows(sa.delete(table).where(table.c.expires <= _NOW), {"b_now": now})
