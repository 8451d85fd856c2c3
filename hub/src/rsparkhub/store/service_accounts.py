"""A person's account on each shared service: its password, made once at random for nobody to remember, and what is wanted of it.

The hub writes what is wanted, in the transaction that removes, disables or enables the person; a controller brings it about when
the service runs, and writes that it has.
"""

import secrets
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from rsparkhub.domain.user import Data
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import group_ids, members, service_accounts, users

AccountState = Literal["open", "closed", "keep", "archive", "delete"]

_COLUMNS = (
    service_accounts.c.owner,
    service_accounts.c.service,
    service_accounts.c.password,
    service_accounts.c.wanted,
    service_accounts.c.applied,
    service_accounts.c.revision,
    service_accounts.c.applied_revision,
)
_OWNER = service_accounts.c.owner == sa.bindparam("b_owner")
_ONE = (_OWNER, service_accounts.c.service == sa.bindparam("b_service"))
_GET = sa.select(*_COLUMNS).where(*_ONE)
_USER = sa.select(users.c.disabled).where(users.c.id == sa.bindparam("b_owner")).with_for_update(key_share=True)
_ID = sa.func.coalesce(users.c.id, users.c.name)
_GROUPS = (
    sa.select(group_ids.c.id)
    .join(members, members.c.group == group_ids.c.name)
    .join(users, users.c.name == members.c.user_name)
    .where(sa.bindparam("b_owner") == _ID, group_ids.c.removed.is_(None))
    .order_by(group_ids.c.id)
)
_BEHIND = (
    sa.select(*_COLUMNS)
    .where(
        sa.or_(
            service_accounts.c.wanted != service_accounts.c.applied,
            service_accounts.c.revision != service_accounts.c.applied_revision,
        )
    )
    .order_by(*_COLUMNS[:2])
)
#: Owner, service and what is wanted, of each account that people and groups that were removed have left.
LEFT_ACCOUNTS = (
    sa.select(service_accounts.c.owner, service_accounts.c.service, service_accounts.c.wanted)
    .where(
        sa.or_(
            service_accounts.c.wanted == Data.KEEP.value,
            sa.and_(
                service_accounts.c.wanted.in_([Data.ARCHIVE.value, Data.DELETE.value]),
                service_accounts.c.wanted != service_accounts.c.applied,
            ),
        )
    )
    .order_by(service_accounts.c.service)
)
_DISCARD = (
    sa.update(service_accounts)
    .where(_OWNER, service_accounts.c.wanted == Data.KEEP.value)
    .values(wanted=sa.bindparam("b_wanted"))
)
_SET_WANTED = sa.update(service_accounts).where(_OWNER).values(wanted=sa.bindparam("b_wanted"))
_SET_APPLIED = (
    sa.update(service_accounts)
    .where(*_ONE)
    .values(applied=sa.bindparam("b_applied"), applied_revision=sa.bindparam("b_revision"))
)
_ALL_BEHIND = (
    sa.update(service_accounts)
    .where(service_accounts.c.service == sa.bindparam("b_service"))
    .values(revision=service_accounts.c.revision + 1)
)
_MEMBERS_CHANGED = (
    sa.update(service_accounts)
    .where(
        service_accounts.c.owner.in_(
            sa.select(_ID).join(members, members.c.user_name == users.c.name).where(members.c.group == sa.bindparam("b_group"))
        )
    )
    .values(revision=service_accounts.c.revision + 1)
)


@dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """An account; `owner` is a person's id, or what `owner_of_group` returns of a group that was removed.

    It is as it should be when `applied` is `wanted`, and so are the revisions.
    """

    owner: str
    service: str
    password: str
    wanted: AccountState
    applied: AccountState
    revision: int = 0
    applied_revision: int = 0


class ServiceAccounts:
    """Stores the accounts. Passwords are stored as they are, since a session needs them as they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, owner: str, service: str) -> ServiceAccount:
        """Return a person's account on a service; the first call makes its password, and all later ones return the same."""
        which = {"b_owner": owner, "b_service": service}
        found = await self._database.read(_GET, which)
        if found:
            return ServiceAccount(**found[0]._mapping)

        async def work(connection: Connection) -> ServiceAccount:
            # Locked: whoever removes or disables the person meanwhile does so before this, or finds the account.
            user = await connection.rows(_USER, {"b_owner": owner})
            wanted = "keep" if not user else "closed" if user[0][0] else "open"
            make = self._database.insert(service_accounts).on_conflict_do_nothing()
            await connection.rows(make, {
                "owner": owner, "service": service, "password": secrets.token_urlsafe(24), "wanted": wanted, "applied": "open",
            })  # fmt: skip
            return ServiceAccount(**(await connection.rows(_GET, which))[0]._mapping)

        return await self._database.write(work)

    async def groups(self, owner: str) -> tuple[str, ...]:
        """Return the ids of the groups that a person is in now, in order."""
        return tuple(row[0] for row in await self._database.read(_GROUPS, {"b_owner": owner}))

    async def behind(self) -> list[ServiceAccount]:
        """Return the accounts that are not as they should be."""
        return [ServiceAccount(**row._mapping) for row in await self._database.read(_BEHIND)]

    async def all_behind(self, service: str) -> None:
        """Write that no account on a service may be taken to be as it should be: each is brought about anew."""
        await self._database.change(_ALL_BEHIND, {"b_service": service})

    async def set_applied(self, account: ServiceAccount, applied: AccountState) -> None:
        """Write what a controller has brought about of an account, with the groups of `account.revision` or later ones."""
        values = {
            "b_owner": account.owner, "b_service": account.service, "b_applied": applied, "b_revision": account.revision,
        }  # fmt: skip
        await self._database.change(_SET_APPLIED, values)


async def discard_accounts(connection: Connection, owner: str, data: Data) -> None:
    """Write that all accounts that were kept of an owner that was removed are to be archived or deleted, in a transaction."""
    await connection.rows(_DISCARD, {"b_owner": owner, "b_wanted": data.value})


async def want_accounts(connection: Connection, owner: str, wanted: Literal["open", "closed"] | Data) -> None:
    """Write what is wanted of all accounts of a person, at the end of a transaction."""
    await connection.rows(_SET_WANTED, {"b_owner": owner, "b_wanted": str(wanted)})


async def members_changed(connection: Connection, group: str) -> None:
    """Write that accounts of those who are in a group now have other groups: before somebody leaves it, and after one joins."""
    await connection.rows(_MEMBERS_CHANGED, {"b_group": group})
