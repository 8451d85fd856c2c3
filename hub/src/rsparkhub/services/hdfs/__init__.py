"""HDFS: one file system for all, on which each person has a home, and each session a token of its person's.

A session holds no key and no ticket: the steward, which runs beside the NameNode, gets a delegation token in the person's name
when a session starts, renews it while the session lives, and cancels it at its end.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec, FirstStart, SecretFile
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Requirements
from rsparkhub.services.base import Account, Credential, Instance, Service, ServiceSettings, SessionConfig
from rsparkhub.services.hdfs.steward import Steward

_ENDPOINT, _REGISTERED = "{run}/hdfs.json", "{run}/registered"
_SERVER = ComponentSpec(
    name="hdfs",
    title="HDFS",
    command=("{python}", "-m", "rspark_session.services.hdfs", "--data", "{data}", "--endpoint", _ENDPOINT),
    ready={"file": _ENDPOINT},
    stop_timeout=45.0,
    first_start=FirstStart(
        path="{data}/name.formatted", reason="At its first start HDFS makes its keys and formats its disk, which takes longer."
    ),
)
_DATANODE = ComponentSpec(
    name="datanode",
    title="DataNode",
    command=(
        "{python}", "-m", "rspark_session.services.hdfs.datanode",
        "--data", "{data}", "--ready", _REGISTERED, "--namenode", _ENDPOINT, "--host", "{host}",
    ),
    ready={"file": _REGISTERED},
    stop_timeout=45.0,
    first_start=FirstStart(
        path="{data}/blocks/current", reason="At its first start a DataNode formats its disk, which takes longer."
    ),
)  # fmt: skip
_MEMORY = ByteSize(2**30)


class HdfsSettings(ServiceSettings):
    """What the installation says to HDFS."""

    datanodes: int = Field(
        default=2, ge=1, le=64, description="DataNodes on Kubernetes, each with a volume of its own; one machine has one."
    )
    datanode_volume: ByteSize = Field(default=ByteSize(20 * 2**30), description="Disk space of each DataNode on Kubernetes.")
    replication: int = Field(
        default=2, ge=1, le=64, description="How many DataNodes have each block; where there are fewer, all of them."
    )


class HdfsOptions(ServiceOptions):
    #: A quota counts every block that is being written in full, so a smaller one lets nobody write several files at once.
    quota: ByteSize = Field(
        default=ByteSize(5 * 2**30),
        ge=2**30,
        description="What a person's home may hold, with its trash. The environment that they started last decides.",
    )


class Hdfs(Service[HdfsOptions]):
    name = "hdfs"
    title = "HDFS"
    mark = "HD"
    description = "HDFS, the file system of Hadoop."
    Options = HdfsOptions
    Settings = HdfsSettings
    scopes: ClassVar[Mapping[Scope, str]] = {"shared": "one file system, a home with a quota for each person"}
    ports: ClassVar[Mapping[str, int]] = {
        "rpc": 8020, "https": 9871, "steward": 9872, "data": 9866, "data-ipc": 9867, "data-https": 9865,
    }  # fmt: skip
    private_ports: ClassVar[Mapping[str, int]] = {"kdc": 10088}
    requires = Requirements(
        java=17,
        programs=("krb5kdc", "kdb5_util", "kadmin.local", "kinit", "curl", "openssl"),
        folders=("share/rspark/hadoop/jars", "share/rspark/hadoop/webapps"),
        installed_by="make hdfs",
    )
    issues_credentials = True
    renew_every = timedelta(hours=4)  # of the day that a token lives unrenewed

    @property
    def settings(self) -> HdfsSettings:
        """What this installation says to HDFS."""
        found = super().settings
        return found if isinstance(found, HdfsSettings) else HdfsSettings()

    def instances(self) -> tuple[Instance, ...]:
        """Return all of it in one on one machine, else a NameNode and DataNodes, which get their keys of it."""
        settings = self.settings
        if self.is_on_one_machine:
            return (Instance(id="hdfs", components=(_SERVER,), memory=_MEMORY, volume=settings.volume, unprivileged=True),)
        size = ("--datanodes", str(settings.datanodes), "--replication", str(settings.replication))
        server = replace(_SERVER, command=(*_SERVER.command, "--host", "{host}", "--name", "hdfs", *size))
        namenode = Instance(id="hdfs", components=(server,), memory=_MEMORY, volume=settings.volume)
        return (namenode, *(self._datanode(f"hdfs-data-{number}") for number in range(settings.datanodes)))

    def _datanode(self, name: str) -> Instance:
        component = replace(_DATANODE, command=(*_DATANODE.command, "--name", name))
        return Instance(id=name, components=(component,), memory=_MEMORY, volume=self.settings.datanode_volume, after="hdfs")

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        await Steward(endpoint).ensure_home(account.user, groups=account.groups)

    async def issue(self, endpoint: JsonObject, account: Account) -> JsonObject:
        """Return the token of a generation; from now on the home has the quota of its environment."""
        credential, steward = _credential(account), Steward(endpoint)
        if isinstance(credential.options, HdfsOptions):
            await steward.set_quota(account.user, int(credential.options.quota))
        return {"token": await steward.open(credential, account.user)}

    async def renew(self, endpoint: JsonObject, account: Account) -> None:
        await Steward(endpoint).renew(_credential(account))

    async def revoke(self, endpoint: JsonObject, account: Account) -> None:
        await Steward(endpoint).revoke(_credential(account))

    async def close_account(self, endpoint: JsonObject, *, user: str) -> None:
        await Steward(endpoint).close_account(user)

    async def remove_account(self, endpoint: JsonObject, *, user: str, archive: Path | None) -> None:
        """Delete a home; before, write it as `hdfs.tar` into the archive, if one is given."""
        steward = Steward(endpoint)
        await steward.close_account(user)
        if archive is not None:
            await steward.archive_home(user, archive / "hdfs.tar")
        await steward.remove_home(user)

    async def remove_group(self, endpoint: JsonObject, *, group: str, archive: Path | None) -> None:
        """Delete a group's folder; before, write it as `hdfs.tar` into the archive, if one is given."""
        steward = Steward(endpoint)
        if archive is not None:
            await steward.archive_group(group, archive / "hdfs.tar")
        await steward.remove_group(group)

    async def backup(self, endpoint: JsonObject, folder: Path) -> None:
        await Steward(endpoint).back_up(folder / "hdfs.tar")

    async def restore(self, endpoint: JsonObject, folder: Path) -> None:
        await Steward(endpoint).restore(folder / "hdfs.tar")

    def session_config(
        self,
        options: HdfsOptions,
        *,
        resources: Resources,
        endpoint: JsonObject | None = None,
        account: Account | None = None,
    ) -> SessionConfig:
        """Return where the file system is, which is no secret, and the token as a file."""
        if endpoint is None or account is None:
            raise ValueError("a session uses HDFS as a file system for all, with an account on it")
        known = ("host", "rpc", "https", "datanodes", "steward", "principal", "certificate")
        config = {name: endpoint[name] for name in known} | {"user": account.user, "replication": endpoint.get("replication", 1)}
        token = SecretFile(path="hdfs/token", content=str(_credential(account).issued["token"]))
        return SessionConfig(config=config, files=(token,))


def _credential(account: Account) -> Credential:
    if account.credential is None:
        raise ValueError("a session has a token of its own on HDFS")
    return account.credential


SERVICE = Hdfs
