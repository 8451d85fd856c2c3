"""The catalog's entry: one file that describes an ensemble, the same on a laptop and on Kubernetes."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rsparkhub.domain.placement import Placement
from rsparkhub.domain.quantity import ByteSize, Duration

KERNEL_TITLES = {"r": "R", "python": "Python", "bash": "bash"}

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", description="lower case, digits and hyphens")]
Kernel = Literal["r", "python", "bash"]
Scope = Literal["session", "shared"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Metadata(_Strict):
    name: Name = Field(description="How the environment is called in commands and addresses.")
    title: str = Field(min_length=1, max_length=60, description="What the catalog's card says.")
    description: str = Field(default="", max_length=300, description="One sentence under the title.")


class WebInterface(_Strict):
    """Any command that serves HTTP on a port."""

    command: tuple[str, ...] = Field(
        min_length=1, description="The command; `{port}` and `{base}` stand for its port and its path."
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="A fixed port; without it a free one is given.")


class Web(_Strict):
    web: WebInterface = Field(description="Any web program.")


InterfaceName = Literal["rc2", "rstudio", "jupyterlab", "vscode", "shiny", "terminal"]


class Resources(_Strict):
    cpu: float = Field(default=1, gt=0, le=1024, description="Cores.")
    memory: ByteSize = Field(default=ByteSize(2**31), description="Memory of the whole ensemble.")


class SparkService(_Strict):
    mode: Literal["local", "standalone", "kubernetes"] = Field(default="local", description="Where Spark computes.")
    workers: int = Field(default=1, ge=0, le=1000, description="Executors at the start; `local` has none.")
    max: int = Field(default=1, ge=0, le=1000, description="Executors at the most.")
    memory: ByteSize = Field(default=ByteSize(2**30), description="Memory of the driver, or of each executor.")


class PostgresService(_Strict):
    scope: Scope = Field(default="shared", description="`shared`: one server, a role and a database for each person.")


class HdfsService(_Strict):
    scope: Scope = Field(default="shared", description="`shared`: one file system, a folder for each person.")
    quota: ByteSize = Field(default=ByteSize(5 * 2**30), description="What a person may keep on it.")


class HiveService(_Strict):
    scope: Scope = Field(default="shared", description="`shared`: one server, a database for each person.")


class Services(_Strict):
    spark: SparkService | None = Field(default=None, description="Apache Spark.")
    postgres: PostgresService | None = Field(default=None, description="PostgreSQL.")
    hdfs: HdfsService | None = Field(default=None, description="The distributed file system; not in this version.")
    hive: HiveService | None = Field(default=None, description="SQL on files; not in this version.")

    def names(self) -> tuple[str, ...]:
        """Names of the services that the environment asks for, in the order they are listed."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


class Home(_Strict):
    size: ByteSize = Field(default=ByteSize(5 * 2**30), description="What a person's home may hold, where a backend has limits.")


class Lifecycle(_Strict):
    idle: Duration = Field(default=timedelta(hours=2), description="Asleep after this time without a person's doing.")
    suspended: Duration = Field(default=timedelta(days=7), description="Stopped after this time asleep.")
    longest: Duration = Field(default=timedelta(hours=24), description="The longest run in one go; then asleep.")
    grace: Duration = Field(default=timedelta(seconds=60), description="How long saving and ending may take.")


class Access(_Strict):
    groups: tuple[str, ...] = Field(default=("everyone",), min_length=1, description="Who sees it in the catalog.")


class EnvironmentSpec(_Strict):
    interface: InterfaceName | Web = Field(description="What the browser opens.")
    image: str = Field(default="", max_length=300, description="The image; the process backend runs this machine's R.")
    kernels: tuple[Kernel, ...] = Field(default=("r", "python", "bash"), description="Languages on offer.")
    resources: Resources = Field(default=Resources(), description="What one session may use.")
    services: Services = Field(default=Services(), description="The data systems at hand.")
    home: Home = Field(default=Home(), description="The person's files.")
    lifecycle: Lifecycle = Field(default=Lifecycle(), description="When it sleeps and when it ends.")
    warm: int = Field(default=0, ge=0, le=100, description="How many wait, started, for the next person.")
    access: Access = Field(default=Access(), description="Who may start it.")
    kubernetes: Placement = Field(
        default=Placement(), description="Where on a cluster it runs, and what it may reach there; other backends ignore it."
    )


class Environment(_Strict):
    """One environment, as its YAML file says it."""

    api_version: Literal["rsparkhub/v1"] = Field(alias="apiVersion", description="The version of this form.")
    kind: Literal["Environment"] = Field(description="What the file describes.")
    metadata: Metadata = Field(description="How it is called.")
    spec: EnvironmentSpec = Field(description="What it is.")

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def interface(self) -> str:
        """Name of the interface: `jupyterlab`, `terminal`, `web`, …"""
        return self.spec.interface if isinstance(self.spec.interface, str) else "web"

    def allows(self, groups: frozenset[str]) -> bool:
        """Whether a person in these groups may start it."""
        return "everyone" in self.spec.access.groups or not groups.isdisjoint(self.spec.access.groups)
