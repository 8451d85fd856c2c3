"""Shares of sessions: who else than its owner is let into one."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rsparkhub.domain.errors import Conflict, NotFound, TooManyRequests
from rsparkhub.domain.event import ShareData
from rsparkhub.domain.session import Session, Wanted
from rsparkhub.domain.share import Role, Share, role_called
from rsparkhub.domain.user import EVERYONE, User, name_in
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.notifier import Notifier, key_of_shares
from rsparkhub.store.rows import SESSION_COLUMNS, to_session
from rsparkhub.store.tables import groups, sessions, shares, users

#: Of one session.
MOST_SHARES = 100
LONGEST = timedelta(days=3650)

_COLUMNS = tuple(shares.c[name] for name in ("id", "session", "person", "group", "role", "created", "expires"))
_NOW: sa.BindParameter[datetime] = sa.bindparam("b_now")
_SESSION: sa.BindParameter[str] = sa.bindparam("b_session")
_LASTS = sa.or_(shares.c.expires.is_(None), shares.c.expires > _NOW)
_OF_SESSION = sa.select(*_COLUMNS).where(shares.c.session == _SESSION, _LASTS).order_by(shares.c.created, shares.c.id)
_WITH = (
    sa.select(*SESSION_COLUMNS, *_COLUMNS)
    .select_from(shares.join(sessions))
    .where(
        sa.or_(
            shares.c.person == sa.bindparam("b_person"),
            shares.c.group.in_(sa.bindparam("b_groups", expanding=True)),
        ),
        _LASTS,
        sessions.c.wanted != Wanted.DELETED.value,
        sessions.c.owner != sa.bindparam("b_person"),
    )
    .order_by(sessions.c.created.desc(), sessions.c.id.desc())
    .limit(sa.bindparam("b_limit"))
)
_SESSION_FOR_UPDATE = (
    sa.select(sessions.c.owner)
    .where(sessions.c.id == _SESSION, sessions.c.kind == "session", sessions.c.wanted != Wanted.DELETED.value)
    .with_for_update()
)
_ID_OF = sa.select(users.c.id).where(users.c.name == sa.bindparam("b_name"))
#: Locked: a group that is removed meanwhile takes its shares with it, and leaves none to the next of its name.
_GROUP = sa.select(groups.c.name).where(groups.c.name == sa.bindparam("b_name")).with_for_update(read=True)
_SWEEP = sa.delete(shares).where(shares.c.session == _SESSION, shares.c.expires <= _NOW)
_COUNT = sa.select(sa.func.count()).where(shares.c.session == _SESSION)
_END = sa.delete(shares).where(shares.c.id == sa.bindparam("b_id"), shares.c.session == _SESSION).returning(*_COLUMNS)


class Shares:
    """Reads and writes shares; what is changed stands in the audit, and whoever it may concern is notified."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def of_session(self, session_id: str, *, now: datetime) -> tuple[Share, ...]:
        """Return the shares of a session that have not run out, the oldest first."""
        found = await self._database.read(_OF_SESSION, {"b_session": session_id, "b_now": now})
        return tuple(_to_share(row) for row in found)

    async def with_user(self, user: User, *, now: datetime, limit: int = 1000) -> list[tuple[Session, Share]]:
        """Return the sessions of others that a user is let into, newest first, each with every share that lets them in."""
        values = {"b_person": user.id, "b_groups": sorted({*user.groups, EVERYONE}), "b_now": now, "b_limit": limit}
        rows = await self._database.read(_WITH, values)
        return [(to_session(row), _to_share(row[len(SESSION_COLUMNS) :])) for row in rows]

    async def set(
        self,
        session_id: str,
        *,
        person: str | None = None,
        group: str | None = None,
        role: Role,
        expires: datetime | None = None,
        by: By,
    ) -> Share:
        """Share a session with the person of a name, or with a group; a share that there is gets the role and the end.

        Raises
        ------
        NotFound
            When there is no such session, person or group.
        Conflict
            When it is the person's own, or would end in the past, or later than anything is planned.
        TooManyRequests
            When it has `MOST_SHARES` shares.
        """
        if expires is not None and not by.at < expires <= by.at + LONGEST:
            raise Conflict("A share ends at a time to come, in ten years at most. Choose one, or none.")

        async def work(connection: Connection) -> Share:
            owner = await self._lock(connection, session_id)
            whom = await _id_of(connection, person) if person is not None else None
            if whom is not None and whom == owner:
                raise Conflict(f"This session is {person}'s own.")
            if group not in {None, EVERYONE} and not await connection.rows(_GROUP, {"b_name": group}):
                raise NotFound(f"There is no group called {group}.")
            await connection.rows(_SWEEP, {"b_session": session_id, "b_now": by.at})
            new_id = f"h{secrets.token_hex(6)}"
            wanted = Share(
                id=new_id, session=session_id, person=whom, group=group, role=role, created=by.at, expires=expires
            )  # fmt: skip
            made = await self._put(connection, wanted)
            if (await connection.rows(_COUNT, {"b_session": session_id}))[0][0] > MOST_SHARES:
                raise TooManyRequests(f"A session has at most {MOST_SHARES} shares. End one, or share it with a group.")
            await self._note(connection, "set", made, by=by, owner=owner)
            return made

        made = await self._database.write(work)
        await self._notifier.notify(key_of_shares(session_id), about="revoked")  # an editor may be a viewer now
        return made

    async def end(self, session_id: str, share_id: str, *, by: By) -> None:
        """End a share of a session; NotFound where it has none of this id."""

        async def work(connection: Connection) -> None:
            owner = await self._lock(connection, session_id)
            ended = await connection.rows(_END, {"b_id": share_id, "b_session": session_id})
            if not ended:
                raise NotFound("There is no such share. It may have ended.")
            await self._note(connection, "ended", _to_share(ended[0]), by=by, owner=owner)

        await self._database.write(work)
        await self._notifier.notify(key_of_shares(session_id), about="revoked")

    async def _lock(self, connection: Connection, session_id: str) -> str | None:
        found = await connection.rows(_SESSION_FOR_UPDATE, {"b_session": session_id})
        if not found:
            raise NotFound("There is no such session. It may have been deleted.")
        owner: str | None = found[0][0]
        return owner

    async def _put(self, connection: Connection, wanted: Share) -> Share:
        """Write a share, or into the one that there is with the same person or group its role and its end."""
        values: dict[str, Any] = {"role": wanted.role.value, "expires": wanted.expires}
        names = ("id", "session", "person", "group", "created")
        statement = self._database.insert(shares).values({name: getattr(wanted, name) for name in names} | values)
        same = ["session", "group" if wanted.person is None else "person"]
        statement = statement.on_conflict_do_update(index_elements=same, set_=values)
        return _to_share((await connection.rows(statement.returning(*_COLUMNS)))[0])

    async def _note(self, connection: Connection, change: Any, share: Share, *, by: By, owner: str | None) -> None:
        said = ShareData(change=change, role=share.role.value)
        if share.person is not None:
            said["person"] = name_in(share.person)
        if share.group is not None:
            said["group"] = share.group
        if share.expires is not None:
            said["expires"] = share.expires.isoformat()
        insert_of_people(connection, "share", said, by=by, owner=owner, session=share.session)


async def _id_of(connection: Connection, name: str) -> str:
    found = await connection.rows(_ID_OF, {"b_name": name})
    if not found:
        raise NotFound(f"There is no user called {name}.")
    return str(found[0][0])


def _to_share(row: AnyRow | Collection[Any]) -> Share:
    """Return the share of a row."""
    share_id, session, person, group, role, created, expires = row
    return Share(
        id=share_id, session=session, person=person, group=group, role=role_called(role), created=created, expires=expires
    )  # fmt: skip
