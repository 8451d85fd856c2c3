"""PostgreSQL: one server for all, on which each person and each group has a role and a database; or a session's own."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, field_validator

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec, FirstStart, SecretFile
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.quantity import ByteSize, Duration
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Credential, Instance, Service, ServiceSettings, SessionConfig

if TYPE_CHECKING:
    from rsparkhub.services.postgres.account import Limits

#: Names that a person may have, and that PostgreSQL or the sample database has already taken.
TAKEN = frozenset({"postgres", "flights", "template0", "template1", "public", "none"})

_ENDPOINT = "{run}/postgres.json"
_COMMAND = ("{python}", "-m", "rspark_session.services.postgres", "--endpoint", _ENDPOINT)


class PostgresSettings(ServiceSettings):
    """What the installation says to PostgreSQL."""

    url: str | None = Field(
        default=None,
        description="A server that others run, `postgresql://ADMINISTRATOR:PASSWORD@HOST:PORT/DATABASE?sslmode=require`: the "
        "shared one is there, and none is started. The administrator makes roles and databases. It has no sample database, and "
        "people make no databases there.",
    )
    programs: Path | None = Field(
        default=None,
        description="The folder of pg_dump and psql where the hub runs, of the server's major version or a later one; by default "
        "those beside the server, or the newest of Debian's.",
    )
    connections: int = Field(default=20, ge=1, description="Connections that one session may have open.")
    most_connections: int = Field(default=200, ge=10, description="Connections that the server takes in all.")
    statement_timeout: Duration = Field(
        default=timedelta(hours=4), description="A statement that takes longer is cancelled; people may set it otherwise."
    )
    temporary_files: ByteSize = Field(
        default=ByteSize(5 * 2**30), description="Disk space that one connection may use to sort and join."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        parts = urlsplit(value) if value else None
        if parts and not (parts.scheme in {"postgresql", "postgres"} and parts.hostname and parts.username and parts.password):
            raise ValueError("it is not of the form postgresql://ADMINISTRATOR:PASSWORD@HOST:PORT/DATABASE")
        return value


class Postgres(Service[ServiceOptions]):
    name = "postgres"
    title = "PostgreSQL"
    mark = "Pg"
    description = "PostgreSQL."
    Settings = PostgresSettings
    scopes: ClassVar[Mapping[Scope, str]] = {
        "shared": "one server, a role and a database for each person and each group",
        "session": "a server of the session's own, whose data are kept until the session is deleted",
    }
    ports: ClassVar[Mapping[str, int]] = {"postgres": 5432}
    requires = Requirements(python=("psycopg",), r=("DBI", "RPostgreSQL", "dbplyr"))
    issues_credentials = True

    @property
    def settings(self) -> PostgresSettings:
        """What this installation says to PostgreSQL."""
        found = super().settings
        return found if isinstance(found, PostgresSettings) else PostgresSettings()

    def instances(self) -> tuple[Instance, ...]:
        if self.settings.url:
            return ()
        most = str(self.settings.most_connections)
        server = ComponentSpec(
            name="postgres",
            title=self.title,
            command=(*_COMMAND, "--data", "{data}", "--host", "{host}", "--connections", most),
            ready={"file": _ENDPOINT},
            stop_timeout=30.0,
            first_start=_first_start("{data}"),
        )
        return (Instance(id="postgres", components=(server,), volume=self.settings.volume),)

    def external(self) -> JsonObject | None:
        if not self.settings.url:
            return None
        parts = urlsplit(self.settings.url)
        endpoint: JsonObject = {
            "external": True,
            "host": parts.hostname,
            "port": parts.port or 5432,
            "admin": unquote(parts.username or ""),
            "admin_password": unquote(parts.password or ""),
            "database": unquote(parts.path.lstrip("/")) or "postgres",
        }
        if self.settings.programs:
            endpoint["programs"] = str(self.settings.programs)
        if mode := parse_qs(parts.query).get("sslmode"):
            endpoint["sslmode"] = mode[-1]
        return endpoint

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        from rsparkhub.services.postgres.account import ensure  # noqa: PLC0415  the hub, which makes none, needs no client

        role = role_of(account.user)
        await ensure(endpoint, role=role, user=account.user, groups=account.groups, limits=self._limits())

    async def close_account(self, endpoint: JsonObject, *, user: str) -> None:
        from rsparkhub.services.postgres.account import close  # noqa: PLC0415

        await close(endpoint, role=role_of(user))

    async def remove_account(self, endpoint: JsonObject, *, user: str, archive: Path | None) -> None:
        from rsparkhub.services.postgres.account import remove  # noqa: PLC0415

        await remove(endpoint, role=role_of(user), archive=archive)

    async def remove_group(self, endpoint: JsonObject, *, group: str, archive: Path | None) -> None:
        """Drop a group's role and database; before, dump it into the archive, if one is given."""
        from rsparkhub.services.postgres.account import remove  # noqa: PLC0415
        from rsparkhub.services.postgres.dump import GROUP  # noqa: PLC0415

        await remove(endpoint, role=GROUP + group, archive=archive)

    async def issue(self, endpoint: JsonObject, account: Account) -> JsonObject:
        from rsparkhub.services.postgres.account import open_login  # noqa: PLC0415

        role, credential = role_of(account.user), _credential(account)
        login = login_of(role, credential)
        await open_login(endpoint, role=role, login=login, password=credential.secret, limits=self._limits())
        return {"login": login}

    async def revoke(self, endpoint: JsonObject, account: Account) -> None:
        from rsparkhub.services.postgres.account import close_login  # noqa: PLC0415

        role = role_of(account.user)
        await close_login(endpoint, role=role, login=login_of(role, _credential(account)))

    async def backup(self, endpoint: JsonObject, folder: Path) -> None:
        from rsparkhub.services.postgres.dump import dump_all  # noqa: PLC0415

        await dump_all(endpoint, folder)

    async def restore(self, endpoint: JsonObject, folder: Path) -> None:
        from rsparkhub.services.postgres.account import close_login  # noqa: PLC0415
        from rsparkhub.services.postgres.dump import LOGIN, restore_all  # noqa: PLC0415

        for login in await restore_all(endpoint, folder):
            await close_login(endpoint, role=login.rpartition(LOGIN)[0], login=login)

    def session_components(self, options: ServiceOptions) -> tuple[ComponentSpec, ...]:
        if options.scope == "shared":
            return ()
        server = ComponentSpec(
            name="postgres",
            title=self.title,
            command=(
                *_COMMAND,
                "--data",
                "{keep}/postgres",
                "--port",
                "{port:postgres}",
                "--owner",
                "rspark",
                "--pgpass",
                "{run}/pgpass",
            ),
            ready={"file": _ENDPOINT},
            stop_timeout=30.0,
            first_start=_first_start("{keep}/postgres"),
        )
        return (server,)

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
            if options.scope == "shared":
                raise ValueError("a session uses the server for all with an account on it")
            environ = {"PGHOST": "127.0.0.1", "PGPORT": "{port:postgres}", "PGUSER": "rspark", "PGDATABASE": "rspark"}
            return SessionConfig(environ=environ | {"PGPASSFILE": "{run}/pgpass"})
        role, credential = role_of(account.user), _credential(account)
        login, host, port = login_of(role, credential), str(endpoint["host"]), str(endpoint["port"])
        # The wildcard: the same account also opens the sample database. On this machine it has the name that books type, and
        # where services have names, that of the first RSpark.
        hosts = [host]
        if host == "127.0.0.1":
            hosts.append("localhost")
        elif not endpoint.get("external"):
            hosts.append("postgres")
        lines = [":".join([_escaped(known), port, "*", _escaped(login), _escaped(credential.secret)]) for known in hosts]
        environ = {"PGHOST": host, "PGPORT": port, "PGUSER": login, "PGDATABASE": role, "PGPASSFILE": "{run}/pgpass"}
        if "sslmode" in endpoint:
            environ["PGSSLMODE"] = str(endpoint["sslmode"])
        return SessionConfig(environ=environ, files=(SecretFile(path="pgpass", content="".join(f"{line}\n" for line in lines)),))

    def _limits(self) -> "Limits":
        from rsparkhub.services.postgres.account import Limits  # noqa: PLC0415

        return Limits(
            connections=self.settings.connections,
            settings={
                # Each INSERT by itself would wait for the disk. What the last half second committed may be lost when the server
                # crashes, and nothing else: the data stay sound.
                "synchronous_commit": "off",
                "idle_in_transaction_session_timeout": "2h",
                "statement_timeout": f"{round(self.settings.statement_timeout.total_seconds() * 1000)}ms",
                "temp_file_limit": f"{self.settings.temporary_files // 1024}kB",
            },
        )


def _first_start(data: str) -> FirstStart:
    """Return what a server does once in the folder `data`."""
    reason = "At its first start PostgreSQL makes its database files and loads the sample tables, which takes longer."
    return FirstStart(path=f"{data}/cluster", reason=reason)


def role_of(user: str) -> str:
    """Return a person's role and database: their id, or a name that no id is where that is taken."""
    taken = user in TAKEN or user.startswith("pg_")
    return f"user.{user}" if taken else user


def login_of(role: str, credential: Credential) -> str:
    """Return the role with which one generation of a session logs in."""
    return f"{role}~{credential.session}.{credential.generation}"


def _credential(account: Account) -> Credential:
    if account.credential is None:
        raise Unavailable("PostgreSQL has no password for this session.")
    return account.credential


def _escaped(field: str) -> str:
    """Return a field of a password file, in which colons and backslashes have a meaning."""
    return field.replace("\\", "\\\\").replace(":", "\\:")


SERVICE = Postgres
