"""A user's password on each shared service: made once, at random, for nobody to remember."""

import secrets

import sqlalchemy as sa

from rsparkhub.store.database import Database
from rsparkhub.store.tables import service_accounts

_GET = sa.select(service_accounts.c.password).where(
    service_accounts.c.user_name == sa.bindparam("b_user_name"), service_accounts.c.service == sa.bindparam("b_service")
)


class ServiceAccounts:
    """Stores the passwords. They are stored as they are, since a session needs them as they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def password(self, user_name: str, service: str) -> str:
        """Return a user's password on a service; the first call makes it, and all later ones return the same."""
        make = self._database.insert(service_accounts).on_conflict_do_nothing().returning(service_accounts.c.password)
        while True:
            found = await self._database.read(_GET, {"b_user_name": user_name, "b_service": service})
            if not found:
                values = {"user_name": user_name, "service": service, "password": secrets.token_urlsafe(24)}
                found = await self._database.change(make, values)
            if found:
                return str(found[0][0])
