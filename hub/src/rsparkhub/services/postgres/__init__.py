"""PostgreSQL: one server for all, on which each person has a role and a database of the same name."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from rspark_contract.ensemble import ComponentSpec, SecretFile
from rspark_contract.reading import JsonObject
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Instance, Service, SessionConfig

#: Names that a person may have, and that PostgreSQL or the sample database has already taken.
TAKEN = frozenset({"postgres", "flights", "template0", "template1", "public", "none"})

_ENDPOINT = "{run}/postgres.json"
_SERVER = ComponentSpec(
    name="postgres",
    title="PostgreSQL",
    command=(
        "{python}", "-m", "rspark_session.services.postgres", "--data", "{data}", "--endpoint", _ENDPOINT, "--host", "{host}",
    ),
    ready={"file": _ENDPOINT},
    stop_timeout=30.0,
)  # fmt: skip


class Postgres(Service[ServiceOptions]):
    name = "postgres"
    title = "PostgreSQL"
    mark = "Pg"
    description = "PostgreSQL."
    scopes: ClassVar[Mapping[Scope, str]] = {"shared": "one server, a role and a database for each person"}
    ports: ClassVar[Mapping[str, int]] = {"postgres": 5432}
    requires = Requirements(python=("psycopg",), r=("DBI", "RPostgreSQL", "dbplyr"))

    def instances(self) -> tuple[Instance, ...]:
        return (Instance(id="postgres", components=(_SERVER,)),)

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        from rsparkhub.services.postgres.account import ensure  # noqa: PLC0415  the hub, which makes none, needs no client

        await ensure(endpoint, role=role_of(account.user), user=account.user, password=account.password)

    async def close_account(self, endpoint: JsonObject, *, user: str) -> None:
        from rsparkhub.services.postgres.account import close  # noqa: PLC0415

        await close(endpoint, role=role_of(user))

    async def remove_account(self, endpoint: JsonObject, *, user: str, archive: Path | None) -> None:
        from rsparkhub.services.postgres.account import remove  # noqa: PLC0415

        await remove(endpoint, role=role_of(user), archive=archive)

    def session_config(
        self,
        options: ServiceOptions,
        *,
        resources: Resources,
        endpoint: JsonObject | None = None,
        account: Account | None = None,
    ) -> SessionConfig:
        """Return what libpq reads, so that nothing needs a password or an address in code."""
        if endpoint is None or account is None:
            raise ValueError("a session uses PostgreSQL as a server for all, with an account on it")
        role, host, port = role_of(account.user), str(endpoint["host"]), str(endpoint["port"])
        # The wildcard: the same account also opens the sample database. Where services have names, it has that of the first
        # RSpark.
        hosts = [host] if host == "127.0.0.1" else [host, "postgres"]
        lines = [":".join([_escaped(known), port, "*", _escaped(role), _escaped(account.password)]) for known in hosts]
        return SessionConfig(
            environ={"PGHOST": host, "PGPORT": port, "PGUSER": role, "PGDATABASE": role, "PGPASSFILE": "{run}/pgpass"},
            files=(SecretFile(path="pgpass", content="".join(f"{line}\n" for line in lines)),),
        )


def role_of(user: str) -> str:
    """Return a person's role and database: their id, or a name that no id is where that is taken."""
    taken = user in TAKEN or user.startswith("pg_")
    return f"user.{user}" if taken else user


def _escaped(field: str) -> str:
    """Return a field of a password file, in which colons and backslashes have a meaning."""
    return field.replace("\\", "\\\\").replace(":", "\\:")


SERVICE = Postgres
