"""Hive: tables that all sessions share, in a database for each person and each group, with their files in HDFS.

What runs is Hive's metastore alone. Queries run in the session's own Spark, as its person: so no server acts for others, and
the rights are those of HDFS and of the metastore's guard. Each generation of a session has a secret, which its clients show.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Unreadable
from rspark_contract.specs import ComponentSpec, FirstStart, SecretFile
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Credential, Instance, Service, SessionConfig
from rsparkhub.services.steward import StewardClient

_ENDPOINT = "{run}/hive.json"
_SERVER = ComponentSpec(
    name="hive",
    title="Hive",
    command=("{python}", "-m", "rspark_session.services.hive", "--data", "{data}", "--endpoint", _ENDPOINT, "--host", "{host}"),
    ready={"file": _ENDPOINT},
    stop_timeout=30.0,
    first_start=FirstStart(
        path="{data}/db", reason="At its first start Hive makes the schema of its database, which takes longer."
    ),
)
#: What is archived is as it was said.
_TABLES = reading.items(reading.json_object(depth=8, values=2**20, letters=2**24), most=2**20)
_NAMES = reading.items(reading.text(128), most=1000)


class Hive(Service[ServiceOptions]):
    name = "hive"
    title = "Hive"
    mark = "HI"
    description = "Hive, tables in HDFS that Spark, R and Python share."
    scopes: ClassVar[Mapping[Scope, str]] = {"shared": "one metastore, a database for each person and each group"}
    needs = ("hdfs", "spark")
    requires = Requirements(
        python=("pyspark",),
        java=17,
        programs=("openssl",),
        folders=("share/rspark/jars/hive",),
        installed_by="make hive",
    )
    ports: ClassVar[Mapping[str, int]] = {"metastore": 9083, "steward": 9084}
    issues_credentials = True

    def instances(self) -> tuple[Instance, ...]:
        return (
            Instance(id="hive", components=(_SERVER,), memory=ByteSize(2**30), volume=self.settings.volume, unprivileged=True),
        )

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        hdfs = account.needed["hdfs"]
        place = f"hdfs://{hdfs['host']}:{hdfs['rpc']}"
        await _steward(endpoint).ask("PUT", f"/accounts/{account.user}", {"groups": list(account.groups), "hdfs": place})

    async def issue(self, endpoint: JsonObject, account: Account) -> JsonObject:
        """Let a generation of a session in; return the databases of its person, their own first."""
        credential, steward = _credential(account), _steward(endpoint)
        asked: JsonObject = {"user": account.user, "secret": credential.secret}
        try:
            answer = await steward.ask("PUT", _path(credential), asked)
            return {"databases": list(answer.required("databases", _NAMES))}
        except Unreadable as problem:
            raise Unavailable(steward.unreadable) from problem

    async def revoke(self, endpoint: JsonObject, account: Account) -> None:
        await _steward(endpoint).ask("DELETE", _path(_credential(account)))

    async def close_account(self, endpoint: JsonObject, *, user: str) -> None:
        await _steward(endpoint).ask("POST", f"/accounts/{user}/close")

    async def remove_account(self, endpoint: JsonObject, *, user: str, archive: Path | None) -> None:
        """Delete a person's database; before, write which tables it had as `hive.json` into the archive, if one is given.

        The tables' files are in the person's home in HDFS, and go where that goes.
        """
        steward = _steward(endpoint)
        await steward.ask("POST", f"/accounts/{user}/close")
        if archive is not None:
            found: Fields = await steward.ask("GET", f"/accounts/{user}/tables")
            _write(archive / "hive.json", found)
        await steward.ask("DELETE", f"/accounts/{user}")

    async def remove_group(self, endpoint: JsonObject, *, group: str, archive: Path | None) -> None:
        """Delete a group's database; before, write which tables it had as `hive.json` into the archive, if one is given.

        The tables' files are in the group's folder in HDFS, and go where that goes.
        """
        steward = _steward(endpoint)
        if archive is not None:
            found: Fields = await steward.ask("GET", f"/groups/{group}/tables")
            _write(archive / "hive.json", found)
        await steward.ask("DELETE", f"/groups/{group}")

    async def backup(self, endpoint: JsonObject, folder: Path) -> None:
        """Write all that is known of tables; their files are HDFS's, with a backup of its own."""
        await _steward(endpoint).download("/backup", folder / "hive.tar")

    async def restore(self, endpoint: JsonObject, folder: Path) -> None:
        await _steward(endpoint).upload(folder / "hive.tar", "/backup")

    def session_config(
        self,
        options: ServiceOptions,
        *,
        resources: Resources,
        endpoint: JsonObject | None = None,
        account: Account | None = None,
    ) -> SessionConfig:
        """Return where the metastore is and which databases are the person's, and the session's secret as a file."""
        if endpoint is None or account is None:
            raise ValueError("a session uses Hive as a service for all, with an account on it")
        credential = _credential(account)
        config: JsonObject = {name: endpoint[name] for name in ("host", "port", "steward", "certificate")}
        config |= {"user": account.user, "session": credential.session, "generation": credential.generation}
        config["databases"] = credential.issued["databases"]
        return SessionConfig(config=config, files=(SecretFile(path="hive/secret", content=credential.secret),))


def _steward(endpoint: JsonObject) -> StewardClient:
    return StewardClient(endpoint, "Hive")


def _credential(account: Account) -> Credential:
    if account.credential is None:
        raise ValueError("a session has a secret of its own on Hive")
    return account.credential


def _path(credential: Credential) -> str:
    return f"/credentials/{credential.session}/{credential.generation}"


def _write(file: Path, found: Fields) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(found.get("tables", _TABLES, ()), indent=1))


SERVICE = Hive
