"""What generations of sessions sign in with on shared services, from before the service hears of it until it has revoked it."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rspark_contract.reading import JsonObject
from rsparkhub.domain.session import LIVE
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.tables import session_credentials as credentials
from rsparkhub.store.tables import sessions

_COLUMNS = (
    credentials.c.session,
    credentials.c.generation,
    credentials.c.service,
    credentials.c.owner,
    credentials.c.secret,
    credentials.c.issued,
)
_ONE = (
    credentials.c.session == sa.bindparam("b_session"),
    credentials.c.generation == sa.bindparam("b_generation"),
    credentials.c.service == sa.bindparam("b_service"),
)
_GET = sa.select(*_COLUMNS).where(*_ONE)
_ISSUED = (
    sa.update(credentials)
    .where(*_ONE, credentials.c.issued.is_(None))
    .values(issued=sa.bindparam("b_issued", type_=credentials.c.issued.type), renewed=sa.bindparam("b_now"))
)
_RENEWED = sa.update(credentials).where(*_ONE).values(renewed=sa.bindparam("b_now"))
_REMOVE = sa.delete(credentials).where(*_ONE)
_LIVES = sa.exists().where(
    sessions.c.id == credentials.c.session,
    sessions.c.generation == credentials.c.generation,
    sessions.c.state.in_(sorted(LIVE)),
)
_ENDED = sa.select(*_COLUMNS).where(~_LIVES).order_by(*_COLUMNS[:3])
_LIVE_OF = sa.select(*_COLUMNS).where(credentials.c.service == sa.bindparam("b_service"), _LIVES).order_by(*_COLUMNS[:3])
_DUE = (
    sa.select(*_COLUMNS)
    .where(credentials.c.service == sa.bindparam("b_service"), credentials.c.renewed <= sa.bindparam("b_before"), _LIVES)
    .order_by(*_COLUMNS[:3])
)


@dataclass(frozen=True, kw_only=True)
class SessionCredential:
    """One generation's credential on one service. `issued` is None until the service has made something of `secret`."""

    session: str
    generation: int
    service: str
    owner: str
    secret: str
    issued: JsonObject | None = None

    @property
    def key(self) -> dict[str, str | int]:
        """What finds its row."""
        return {"b_session": self.session, "b_generation": self.generation, "b_service": self.service}


class SessionCredentials:
    """Stores them. Secrets are stored as they are, since the session needs them as they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, session: str, generation: int, service: str, *, owner: str) -> SessionCredential:
        """Return the credential of a generation; the first call makes its secret, and all later ones return the same."""
        which = {"b_session": session, "b_generation": generation, "b_service": service}
        if found := await self._database.read(_GET, which):
            return _read(found[0])

        async def work(connection: Connection) -> SessionCredential:
            make = self._database.insert(credentials).on_conflict_do_nothing()
            await connection.rows(make, {
                "session": session, "generation": generation, "service": service, "owner": owner,
                "secret": secrets.token_urlsafe(30),
            })  # fmt: skip
            return _read((await connection.rows(_GET, which))[0])

        return await self._database.write(work)

    async def set_issued(self, credential: SessionCredential, issued: JsonObject, *, now: datetime) -> SessionCredential:
        """Write what the service made of it, unless that is written already; return the credential as it is stored."""

        async def work(connection: Connection) -> SessionCredential:
            await connection.rows(_ISSUED, {**credential.key, "b_issued": issued, "b_now": now})
            return _read((await connection.rows(_GET, credential.key))[0])

        return await self._database.write(work)

    async def ended(self) -> list[SessionCredential]:
        """Return those whose generation has ended: they are to be revoked, and then removed."""
        return _read_all(await self._database.read(_ENDED))

    async def live(self, service: str) -> list[SessionCredential]:
        """Return those of a service whose sessions live."""
        return _read_all(await self._database.read(_LIVE_OF, {"b_service": service}))

    async def due(self, service: str, *, before: datetime) -> list[SessionCredential]:
        """Return those of a service whose sessions live, and that were last renewed before a time."""
        return _read_all(await self._database.read(_DUE, {"b_service": service, "b_before": before}))

    async def set_renewed(self, credential: SessionCredential, *, now: datetime) -> None:
        """Write when it was renewed."""
        await self._database.change(_RENEWED, {**credential.key, "b_now": now})

    async def remove(self, credential: SessionCredential) -> None:
        """Delete one that its service has revoked."""
        await self._database.change(_REMOVE, credential.key)


def _read_all(rows: Iterable[AnyRow]) -> list[SessionCredential]:
    return [_read(row) for row in rows]


def _read(row: AnyRow) -> SessionCredential:
    session, generation, service, owner, secret, issued = row
    return SessionCredential(
        session=session, generation=generation, service=service, owner=owner, secret=secret,
        issued=issued if isinstance(issued, dict) else None,
    )  # fmt: skip
