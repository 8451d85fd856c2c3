"""A person's password on each shared service: made once, by nobody, for no one to remember."""

import secrets

import sqlalchemy as sa

from rsparkhub.store.database import Database
from rsparkhub.store.tables import accounts

_GET = sa.select(accounts.c.password).where(
    accounts.c.person == sa.bindparam("b_person"), accounts.c.service == sa.bindparam("b_service")
)


class Accounts:
    """Keeps the passwords. They are kept as they are, since a session needs them as they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def password(self, person: str, service: str) -> str:
        """Give a person's password on a service; the first who asks makes it, and everybody gets the same."""
        make = self._database.insert(accounts).on_conflict_do_nothing().returning(accounts.c.password)
        while True:
            found = await self._database.read(_GET, {"b_person": person, "b_service": service})
            if not found:
                values = {"person": person, "service": service, "password": secrets.token_urlsafe(24)}
                found = await self._database.change(make, values)
            if found:
                return str(found[0][0])
