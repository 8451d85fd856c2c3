"""What a service is to the hub: the whole job description of a data system that sessions use."""

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from rspark_contract.ensemble import ComponentSpec, SecretFile
from rspark_contract.reading import JsonObject
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Requirements

O = TypeVar("O", bound=ServiceOptions)  # noqa: E741  the options of a service


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One ensemble of a shared service: a row, a process tree or a pod, and a volume of its own.

    `id` is that of its row and its host name; it is the service's name, or begins with it and a hyphen. The component that has
    the service's name writes the service's endpoint. `cpu` is in cores.
    """

    id: str
    components: tuple[ComponentSpec, ...]
    cpu: float = 1.0
    memory: ByteSize = ByteSize(2**31)
    volume: ByteSize = ByteSize(5 * 2**30)


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person's account on a shared service. The hub makes the password and keeps it: it is the same in each session.

    `user` is the person's id, which no later person of the same name has.
    """

    user: str
    password: str


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
    without arguments, and keeps no state: any controller may call it, at any time, and again after a crash in the middle of the
    last call.

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
    scopes
        The scopes that it has, the default first, each with what it means.
    ports
        The ports on which a shared one listens where it has an address of its own, by name; sessions reach no others.
    needs
        Names of the services that an environment must ask for beside it.
    requires
        What must be installed where its sessions run.

    Notes
    -----
    There is room for what no service does yet; each comes with the first that does it: `backup(endpoint, folder)` and
    `restore(endpoint, folder)`; settings for `instances`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    mark: ClassVar[str] = ""
    description: ClassVar[str]
    Options: ClassVar[type[ServiceOptions]] = ServiceOptions
    scopes: ClassVar[Mapping[Scope, str]]
    ports: ClassVar[Mapping[str, int]] = {}
    needs: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[Requirements] = Requirements()

    def capabilities(self, options: O) -> Mapping[str, str]:
        """Return what these options need of a backend beyond running ensembles: an option's key, and the capability's name."""
        return {}

    def instances(self) -> tuple[Instance, ...]:
        """Return what runs where it is shared: none for a service that is never shared."""
        return ()

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        """Make the person's account on a shared one, or mend what is there, so that the password works.

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
            The person's account on a shared one; None in scope `session`.
        """
        return SessionConfig()


#: A service of which only the name is known.
AnyService = Service[Any]
