"""The catalog's entry: what describes an ensemble, the same on a laptop and on Kubernetes.

It knows no interface, service or backend by name: `rsparkhub.catalog.schema` reads a file with those that there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rsparkhub.domain.quantity import ByteSize, Duration
from rsparkhub.domain.requirements import Requirements
from rsparkhub.domain.start_options import StartOption
from rsparkhub.domain.user import EVERYONE

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", description="lower case, digits and hyphens")]
Kernel = Literal["r", "python", "bash"]
#: `session`: the session's own, which ends with it; `shared`: one for all, on which each person has an account.
Scope = Literal["session", "shared"]


def _module(name: str) -> str:
    if not name.isidentifier():
        raise ValueError("a module of Python is named by letters, digits and underscores")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Metadata(_Strict):
    name: Name = Field(description="How the environment is called in commands and addresses.")
    title: str = Field(min_length=1, max_length=60, description="What the catalog's card says.")
    description: str = Field(default="", max_length=300, description="One sentence under the title.")
    optional: bool = Field(
        default=False,
        description="Whether it may stand in the catalog of an installation that is not up to it: it then says why it can't be "
        "started. `make up` installs nothing for it.",
    )
    hidden: bool = Field(
        default=False,
        description="Whether the page where people start sessions leaves it out; its sessions, links and commands go on.",
    )


class Resources(_Strict):
    cpu: float = Field(default=1, gt=0, le=1024, description="Cores.")
    memory: ByteSize = Field(default=ByteSize(2**31), description="Memory of the whole ensemble.")


class Home(_Strict):
    size: ByteSize = Field(default=ByteSize(5 * 2**30), description="What a person's home may hold, where a backend has limits.")


class Lifecycle(_Strict):
    idle: Duration = Field(default=timedelta(hours=2), description="Asleep after this time without a person's doing.")
    suspended: Duration = Field(default=timedelta(days=7), description="Stopped after this time asleep.")
    longest: Duration = Field(default=timedelta(hours=24), description="The longest run in one go; then asleep.")
    grace: Duration = Field(default=timedelta(seconds=60), description="How long saving and ending may take.")


class Access(_Strict):
    groups: tuple[str, ...] = Field(default=(EVERYONE,), min_length=1, description="Who sees it in the catalog.")


class Options(_Strict):
    """What an environment says to one interface, service or backend: the block under its name."""


class ServiceOptions(Options):
    """What an environment says to a service."""

    scope: Scope = Field(description="Whose it is.")


class SessionRequirements(_Strict):
    """What an environment needs of the place where its sessions run, beside what its interface and services need."""

    python: tuple[Annotated[str, AfterValidator(_module)], ...] = Field(
        default=(), max_length=50, description="Modules of the sessions' Python."
    )
    installed_by: str = Field(
        min_length=1, max_length=100, description="The command that installs it where RSparkHub is installed: `make tensorflow`."
    )

    def of_sessions(self) -> Requirements:
        """Return them as interfaces and services say theirs."""
        return Requirements(python=self.python, installed_by=self.installed_by)


@dataclass(frozen=True, kw_only=True)
class InterfaceChoice:
    """The interface of an environment.

    `mark` is what stands for it where there is no room for its title; `viewable` says whether it shows something to who may only
    read from it, and `for_visitors` whether they use its websockets too.
    """

    name: str
    title: str
    mark: str
    options: Options
    viewable: bool = True
    for_visitors: bool = False


@dataclass(frozen=True, kw_only=True)
class ServiceChoice:
    """One service that an environment asks for.

    `mark` is what stands for it where there is no room for its title; `is_component` says whether a session shows it as a
    component of its own, and not as something that starts inside of a kernel.
    """

    name: str
    title: str
    mark: str
    options: ServiceOptions
    is_component: bool

    @property
    def is_shared(self) -> bool:
        """Whether it is one for all, and not the session's own."""
        return self.options.scope == "shared"


@dataclass(frozen=True, kw_only=True)
class EnvironmentSpec:
    """What an environment is.

    `beside` has the interfaces that are opened beside the first, by the names in their paths. `backends` has what it says to
    single backends, by their names; `template` names the project of the session's image that a home gets once. `options` has
    what a person may choose at a start, by name. `requires` is what it needs of where its sessions run, if it says so.
    """

    interface: InterfaceChoice
    beside: Mapping[str, InterfaceChoice]
    image: str
    kernels: tuple[Kernel, ...]
    resources: Resources
    services: Mapping[str, ServiceChoice]
    home: Home
    lifecycle: Lifecycle
    access: Access
    backends: Mapping[str, Options]
    template: str | None = None
    options: Mapping[str, StartOption] = field(default_factory=dict)
    requires: SessionRequirements | None = None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment of the catalog; `unavailable` says in a sentence or two why this installation can't start it."""

    metadata: Metadata
    spec: EnvironmentSpec
    unavailable: str | None = None

    @property
    def name(self) -> str:
        """Its name in commands and addresses."""
        return self.metadata.name

    def allows(self, groups: frozenset[str]) -> bool:
        """Whether a person in these groups may start it."""
        return EVERYONE in self.spec.access.groups or not groups.isdisjoint(self.spec.access.groups)
