"""The catalog on the wire."""

from typing import Literal

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


class ComponentView(Answer):
    """One thing an environment is made of."""

    kind: Literal["interface", "kernel", "service"]
    name: str = Field(examples=["postgres"])
    title: str = Field(description="What people call it.", examples=["PostgreSQL"])
    mark: str = Field(description="Two letters, where there is no room for the title.", examples=["Pg"])
    part: str | None = Field(
        default=None, description="The name it has among a session's `services`; null when it is no part of its own."
    )


class StartChoiceView(Answer):
    """One of the values of a choice."""

    value: str
    title: str


class StartOptionView(Answer):
    """What may be chosen at a start."""

    name: str = Field(examples=["size"])
    title: str
    description: str
    kind: Literal["choice", "number", "text", "yes-no"]
    default: bool | float | str = Field(description="What it is where nobody chooses.")
    choices: list[StartChoiceView] = Field(description="Of a choice.")
    least: float | None = Field(description="Of a number.")
    most: float | None = Field(description="Of a number.")


class EnvironmentView(Answer):
    """One environment that you may start."""

    name: str = Field(examples=["rspark"])
    title: str
    description: str
    interface: str = Field(examples=["jupyterlab"])
    interface_title: str = Field(default="", description="What people call the interface.", examples=["JupyterLab"])
    kernels: list[str] = Field(examples=[["r", "python", "bash"]])
    services: list[str] = Field(examples=[["spark", "postgres"]])
    components: list[ComponentView] = Field(
        default_factory=list, description="The interface, the kernels and the services with their titles, in this order."
    )
    resources: ResourcesView
    lifecycle: LifecycleView
    expected_start: float | None = Field(description="Seconds: the median of the last starts; null before the first.")
    expected_resume: float | None = Field(
        default=None, description="Seconds: the median of the last resumes of what was saved; null before the first."
    )
    options: list[StartOptionView] = Field(default_factory=list, description="What may be chosen at a start.")
    unavailable: str | None = Field(
        default=None, description="Why it can't be started here, and what to do, in a sentence or two; null when it can."
    )
    hidden: bool = Field(default=False, description="Whether the page where people start sessions leaves it out.")


class FileProblemView(Answer):
    """A file of the catalog that can't be read as it is."""

    path: str
    text: str = Field(description="What is wrong, on which line, and what is expected; one problem a line.")
    kept: str | None = Field(description="The environment that is still there as the file was before; null when it is gone.")


class EnvironmentList(Answer):
    environments: list[EnvironmentView]
    incomplete: bool = Field(default=False, description="Whether a file can't be read, so that something may be missing here.")
    problems: list[FileProblemView] = Field(
        default_factory=list, description="What is wrong with which files; only administrators are told."
    )
