"""The catalog on the wire."""

from pydantic import Field

from rsparkhub.domain.quantity import Duration
from rsparkhub.wire.text import Answer


class ResourcesView(Answer):
    cpu: float = Field(description="Cores.")
    memory: int = Field(description="Bytes.")


class LifecycleView(Answer):
    idle: Duration = Field(description="Asleep after this time without a person's doing.")
    suspended: Duration = Field(description="Stopped after this time asleep.")
    longest: Duration = Field(description="The longest run in one go.")
    grace: Duration = Field(description="How long saving and ending may take.")


class EnvironmentView(Answer):
    """One environment that you may start."""

    name: str = Field(examples=["rspark"])
    title: str
    description: str
    interface: str = Field(examples=["jupyterlab"])
    kernels: list[str] = Field(examples=[["r", "python", "bash"]])
    services: list[str] = Field(examples=[["spark", "postgres"]])
    resources: ResourcesView
    lifecycle: LifecycleView
    expected_start: float | None = Field(description="Seconds: the median of the last starts; null before the first.")


class EnvironmentList(Answer):
    environments: list[EnvironmentView]
