"""What a service is to the hub: the whole job description of a data system that sessions use."""

from abc import ABC
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec, SecretFile
from rsparkhub.domain.backend import ONE_MACHINE, BackendTraits
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.errors import InvalidInput
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Requirements

O = TypeVar("O", bound=ServiceOptions)  # noqa: E741  the options of a service


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One ensemble of a shared service: a row, a process tree or a pod, and a volume of its own.

    `id` is that of its row and its host name; it is the service's name, or begins with it and a hyphen. The component that has
    the service's name writes the service's endpoint. `cpu` is in cores. With `unprivileged` it runs, where root runs the hub,
    under a Unix account of its own. One that starts `after` another, named by its id, starts when that one is ready, and finds
    the service's endpoint in the file `{run}/<the other's id>.json`.
    """

    id: str
    components: tuple[ComponentSpec, ...]
    cpu: float = 1.0
    memory: ByteSize = ByteSize(2**31)
    volume: ByteSize = ByteSize(5 * 2**30)
    unprivileged: bool = False
    after: str | None = None


class ServiceSettings(BaseModel):
    """What an installation says to a service: the block under its name in `services` of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    volume: ByteSize = Field(
        default=ByteSize(5 * 2**30), description="Disk space of a shared one, where a backend gives it a volume of its own."
    )


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What one generation of a session signs in with on a shared service, and nothing else does.

    The hub makes `secret`, and stores it before the service hears of it. `issued` is what the service made of it, such as a
    token: what `Service.issue` returned, empty before. `options` is what the environment says to the service, which is known
    while a session starts.
    """

    session: str
    generation: int
    secret: str
    issued: JsonObject = field(default_factory=dict)
    options: ServiceOptions | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person's account on a shared service.

    `user` is the person's id, which no later person of the same name has. The hub makes `password` once and stores it; a service
    that issues credentials needs none. `groups` are the ids of the groups that the person is in now, without that of everybody.
    `credential` is that of the session that is about to start, None where it is about the account alone. `needed` has the
    endpoints of the shared services that this one needs (`Service.needs`), by their names.
    """

    user: str
    password: str
    groups: tuple[str, ...] = ()
    credential: Credential | None = None
    needed: Mapping[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """What a session gets to use one service: environment variables, secret files, and the words of its module in the session.

    `{run}`, `{home}`, `{port:NAME}` and the like stand in all of them for what only the agent knows (`rspark_contract.ensemble`).
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    files: tuple[SecretFile, ...] = ()
    config: JsonObject = field(default_factory=dict)


class Service(ABC, Generic[O]):
    """One data system that sessions use.

    A subclass that a module of this package calls `SERVICE`, or to which an entry point `rsparkhub.services` of another package
    leads, is all that the hub needs; its other half in the session is a module of `rspark_session.services`. It is made once,
    without arguments, and has no state but its `settings`: any controller may call it, at any time, and again after a crash in
    the middle of the last call.

    Attributes
    ----------
    name
        Its key under `services` in an environment, lower case; of a shared one also the id of its row and its host name.
    title
        What people see.
    mark
        Two letters for it where there is no room for the title; the title's first two by default.
    description
        One sentence for the reference.
    Options
        Its block in an environment, but for `scope`, which is made from `scopes`.
    Settings
        Its block in the settings of the installation.
    scopes
        The scopes that it has, the default first, each with what it means.
    ports
        The ports on which a shared one listens where it has an address of its own, by name; sessions reach no others.
    private_ports
        More ports, on which only the hub and the service's own instances speak to it.
    needs
        Names of the services that an environment must ask for beside it. Of shared ones it gets the endpoints (`Account.needed`).
    requires
        What must be installed where its sessions run.
    issues_credentials
        Whether each generation of a session has a credential of its own on a shared one (`issue`, `renew`, `revoke`).
    renew_every
        How often a credential is renewed while its session lives; None where it needs no renewal.
    settings
        What this installation says to it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    mark: ClassVar[str] = ""
    description: ClassVar[str]
    Options: ClassVar[type[ServiceOptions]] = ServiceOptions
    Settings: ClassVar[type[ServiceSettings]] = ServiceSettings
    scopes: ClassVar[Mapping[Scope, str]]
    ports: ClassVar[Mapping[str, int]] = {}
    private_ports: ClassVar[Mapping[str, int]] = {}
    needs: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[Requirements] = Requirements()
    issues_credentials: ClassVar[bool] = False
    renew_every: ClassVar[timedelta | None] = None

    @property
    def settings(self) -> ServiceSettings:
        """What this installation says to it: of its class `Settings`, the defaults before `configured`."""
        return self.__dict__.get("_settings") or self.Settings()

    @property
    def is_on_one_machine(self) -> bool:
        """Whether all instances of it and all sessions are on one machine, as they are before `configured`."""
        backend: BackendTraits | None = self.__dict__.get("_backend")
        return backend is None or ONE_MACHINE in backend.capabilities

    def configured(self, settings: ServiceSettings, backend: BackendTraits | None = None) -> Self:
        """Return it with the settings of an installation, and what can be said of its backend."""
        service = copy(self)
        service.__dict__["_settings"] = settings
        service.__dict__["_backend"] = backend
        return service

    def capabilities(self, options: O) -> Mapping[str, str]:
        """Return what these options need of a backend beyond running ensembles: an option's key, and the capability's name."""
        return {}

    def instances(self) -> tuple[Instance, ...]:
        """Return what runs where it is shared: none for one that is never shared, or that runs elsewhere."""
        return ()

    def external(self) -> JsonObject | None:
        """Return the endpoint of a shared one that others run, as the settings say; None where `instances` say what runs."""
        return None

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        """Make the person's account on a shared one, or mend what is there: the password works, the groups are theirs, no others.

        It is called before each start of a session, and when the person's groups have changed.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses.
        """

    async def close_account(self, endpoint: JsonObject, *, user: str) -> None:
        """Let a person in no more, end what is open, and keep all that is theirs; `ensure_account` lets them in again.

        `user` is the person's id. There may be no account.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses.
        """

    async def remove_account(self, endpoint: JsonObject, *, user: str, archive: Path | None) -> None:
        """Delete a person's account with all that is theirs alone; before, write it into `archive`, a folder, if given.

        What they made in what is others' goes to whom that belongs to. There may be no account.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses.
        """

    async def remove_group(self, endpoint: JsonObject, *, group: str, archive: Path | None) -> None:
        """Delete what a group has, which was removed; before, write it into `archive`, a folder, if given.

        `group` is its id. It may have nothing. Its members are in it no more, but their accounts may not be told yet.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses.
        """

    async def issue(self, endpoint: JsonObject, account: Account) -> JsonObject:
        """Make what `account.credential` says work, after `ensure_account`; return what is to be stored in its `issued`.

        It is called at each start of a session, also again for the same one: then `issued` is what the first call returned.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses.
        """
        return {}

    async def renew(self, endpoint: JsonObject, account: Account) -> None:
        """Lengthen the life of `account.credential`, whose session lives; called every `renew_every`.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses; it is tried again.
        """

    async def revoke(self, endpoint: JsonObject, account: Account) -> None:
        """End what `account.credential` opens: its session has ended, or begun another generation. It may be gone already.

        Raises
        ------
        Unavailable
            When the service can't be reached, or refuses; it is tried again.
        """

    async def backup(self, endpoint: JsonObject, folder: Path) -> None:
        """Write all that a shared one holds, of all people, into an empty folder: whole, and as of one moment where it can.

        Raises
        ------
        InvalidInput
            When it has no backup.
        Unavailable
            When the service can't be reached, or refuses.
        """
        raise InvalidInput(f"{self.title} has no backup.")

    async def restore(self, endpoint: JsonObject, folder: Path) -> None:
        """Make a shared one hold what `backup` wrote into a folder, also one of an earlier version, in place of what it has.

        Raises
        ------
        InvalidInput
            When it has no backup, or the folder has none that it can read.
        Unavailable
            When the service can't be reached, or refuses.
        """
        raise InvalidInput(f"{self.title} has no backup.")

    def session_components(self, options: O) -> tuple[ComponentSpec, ...]:
        """Return what runs inside each session that uses it: all of it in scope `session`, or a helper of a shared one."""
        return ()

    def session_config(
        self,
        options: O,
        *,
        resources: Resources,
        endpoint: JsonObject | None = None,
        account: Account | None = None,
    ) -> SessionConfig:
        """Return what a session gets to use it.

        Parameters
        ----------
        options
            The service's block in the environment.
        resources
            What the session may use of the machine.
        endpoint
            Where a shared one listens, in the words of its own component; None in scope `session`.
        account
            The person's account on a shared one, with what was issued to this session; None in scope `session`.
        """
        return SessionConfig()


#: A service of which only the name is known.
AnyService = Service[Any]
