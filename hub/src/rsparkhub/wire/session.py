"""Sessions on the wire."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import ConfigDict, Field

from rspark_contract.status import ComponentState
from rsparkhub.domain.access import Action
from rsparkhub.domain.quantity import parse_duration
from rsparkhub.domain.session import State, Wanted
from rsparkhub.wire.text import Answer, Ask, JsonObject, Line, Option, OptionName, PersonName, Title


class SessionStart(Ask):
    """What a person asks for."""

    environment: str = Field(min_length=1, max_length=40, description="Its name in the catalog.", examples=["rspark"])
    name: Title | None = Field(default=None, description="What you call it; the environment's title by default.")
    reuse: bool = Field(
        default=False, description="Take your session of this environment where you have one, and wake it; a new one otherwise."
    )
    owner: PersonName | None = Field(
        default=None,
        description="Whose session it is, for administrators: they start what this person may start. Yours by default.",
    )
    project: Line | None = Field(
        default=None, description="Refused: files are brought by `/sessions/{id}/handouts`, once the session runs."
    )
    options: dict[OptionName, Option] = Field(
        default_factory=dict,
        max_length=32,
        description="Values of options that the environment has, by name; the others are at their defaults. A session that is "
        "taken by `reuse` keeps its own.",
        json_schema_extra={"additionalProperties": False},  # no names of another form
    )


class Consent(Ask):
    """What a person agrees to lose. Without a body it is nothing."""

    confirm: bool = Field(default=False, description="End what computes. Otherwise the answer is 409 where something does.")


class SleepConsent(Consent):
    """What a person agrees to lose by a sleep."""

    force: bool = Field(default=False, description="Sleep also where something could not be kept. It includes `confirm`.")


class Extension(Ask):
    """How long a session's sleep is put off."""

    by: str = Field(
        default="2h",
        pattern=r"^([1-9][0-9]{0,3}m|[1-9][0-9]?h)$",
        description="How much later it sleeps, in minutes or hours.",
        examples=["30m", "2h"],
    )

    @property
    def duration(self) -> timedelta:
        """How much later it sleeps."""
        return parse_duration(self.by)


class Renaming(Ask):
    """What of a session is to be another."""

    name: Title = Field(description="What you call it.")


class SleepTimeView(Answer):
    """When a session goes to sleep by itself, if nobody uses it until then."""

    at: datetime
    why: Literal["idle", "longest"] = Field(description="Because nobody uses it, or because of its longest run.")
    can_extend: bool = Field(description="Whether it can be put off now.")


class ServiceView(Answer):
    """One part of the ensemble: the interface or a service."""

    name: str = Field(examples=["interface", "postgres"])
    title: str
    state: ComponentState
    reason: str | None = None


class WarningView(Answer):
    """What will happen to the session soon, unless a person does something; or what has long not happened (`stuck`)."""

    kind: Literal["idle", "longest", "stuck"]
    at: datetime = Field(description="When it goes to sleep; of `stuck`, since when it is under way.")
    text: str


class LostObjectView(Answer):
    """An object of a kernel's memory that was not saved, or did not come back."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    name: str
    class_name: str = Field(default="", alias="class", description="What it was.", examples=["PqConnection"])
    why: str = Field(default="", description="A sentence for the person.")
    failed: bool = Field(default=False, description="Whether it was data; false of a kind that is never kept.")


class SavedKernelView(Answer):
    """What a sleep saved of one kernel."""

    id: str = ""
    name: str = Field(default="", description="The kernel's name in Jupyter.", examples=["ir"])
    language: str = Field(default="", examples=["R"])
    path: str | None = Field(default=None, description="The notebook it belongs to; null for a console.")
    objects: int = 0
    bytes: int = 0
    lost: list[LostObjectView] = Field(default_factory=list)


class SavedView(Answer):
    """What a sleep saved."""

    kernels: list[SavedKernelView] = Field(default_factory=list)
    terminals: int = Field(default=0, description="How many terminals were open.")


class RestoredKernelView(Answer):
    """What a wake brought back of one kernel."""

    id: str = ""
    name: str = Field(default="", description="The kernel's name in Jupyter.", examples=["ir"])
    language: str = Field(default="", examples=["R"])
    path: str | None = Field(default=None, description="The notebook it belongs to; null for a console.")
    objects: int = 0
    lost: list[LostObjectView] = Field(default_factory=list)
    reason: str | None = Field(default=None, description="Why it did not get back what was saved.")


class RestoredView(Answer):
    """What a wake brought back."""

    kernels: list[RestoredKernelView] = Field(default_factory=list)
    terminals: int = Field(default=0, description="How many terminals were opened again.")
    reason: str | None = Field(default=None, description="Why nothing came back.")


class SleepRefusedView(Answer):
    """A sleep that was given up, because something would have been lost."""

    at: datetime
    reason: str = Field(
        description="Why, as it stands behind “Not put to sleep:”.", examples=["could not keep `x` (Your home is full)."]
    )
    lost: list[LostObjectView] = Field(default_factory=list, description="What could not be kept; nothing where it computes.")


class LastExitView(Answer):
    code: int | None = Field(description="0 when everything was saved and ended in order.")
    ended: list[str] = Field(default_factory=list, description="What computed when it was ended.")
    saved: SavedView | None = Field(description="What was kept of each kernel, and what could not be.")
    at: datetime


class VisitView(Answer):
    """That somebody looked into the session whose it is not."""

    by: str = Field(description="Who: an instructor, or an administrator.")
    group: str | None = Field(description="The group of which they are an instructor; null for an administrator.")
    to: Literal["interface", "log"] = Field(description="What they looked at.")
    at: datetime = Field(description="When this was last written down; it is so once an hour.")


class BesideView(Answer):
    """An interface of a session beside the first; it starts when it is first opened."""

    name: str = Field(examples=["shell"])
    title: str = Field(examples=["Terminal"])
    url: str = Field(examples=["/s/kq4wz7m2xb/interfaces/shell/"])


class SessionView(Answer):
    """One person's running, sleeping or ended ensemble of one environment."""

    id: str = Field(examples=["kq4wz7m2xb"])
    owner: str
    name: str
    environment: str
    title: str = Field(description="The environment's title.")
    interface: str | None = Field(description="Null when the environment is no longer in the catalog.")
    interface_title: str | None = Field(default=None, description="What people call the interface.", examples=["JupyterLab"])
    beside: list[BesideView] = Field(default_factory=list, description="What else of it the browser can open.")
    viewable: bool = Field(default=False, description="Whether it shows something to who may only look.")
    state: State
    wanted: Wanted
    reason: str | None = Field(description="Why it is so, for the person.")
    detail: str | None = Field(description="The log line that an administrator needs.")
    queue_position: int | None = Field(description="1 is next; null when it does not wait.")
    url: str = Field(description="Where the interface is.", examples=["/s/kq4wz7m2xb/"])
    created: datetime
    started: datetime | None = Field(description="When this run began to start.")
    ready: datetime | None
    ended: datetime | None
    last_activity: datetime | None = Field(description="When a person last did something in it.")
    busy: bool = Field(description="Whether a kernel, R or Spark computes.")
    busy_with: list[str]
    memory: int | None = Field(description="Bytes in use.")
    cpu: float | None = Field(description="Cores in use.")
    memory_limit: int | None = Field(description="Bytes.")
    cpu_limit: float | None = Field(description="Cores.")
    cost: str | None = Field(default=None, description="What the run has cost, where prices are known.")
    generation: int = Field(description="How many times it has been started.")
    last_exit: LastExitView | None
    sleep_refused: SleepRefusedView | None = Field(
        default=None, description="Why this run was not put to sleep the last time that it should."
    )
    restored: RestoredView | None = Field(description="What of the last run's work was brought back.")
    sleeps: SleepTimeView | None = Field(default=None, description="Null for one that computes, or doesn't run.")
    kept_until: datetime | None = Field(
        default=None, description="When a sleeping session is stopped, and loses the work that was saved; files stay."
    )
    services: list[ServiceView] = Field(description="All parts of the ensemble, the interface included.")
    warnings: list[WarningView]
    visits: list[VisitView] = Field(
        default_factory=list, description="Who looked into it without being let in by a share, the last first; ten at most."
    )
    project: str | None
    options: JsonObject = Field(description="The values of its environment's options, by name.")
    may: list[Action] | None = Field(
        default=None,
        description="What whoever asked may do with it; a token needs the scope too. Null where it is told to several, in lists "
        "and streams.",
        examples=[["read", "view"]],
    )

    @property
    def settled(self) -> bool:
        """Whether it is where it stays until somebody asks for something else."""
        if self.wanted is Wanted.DELETED:
            return False  # soon it is no more
        if self.state is State.RUNNING:
            return self.wanted is Wanted.RUNNING
        if self.state is State.SUSPENDED:
            return self.wanted is not Wanted.STOPPED
        return self.state in {State.STOPPED, State.FAILED}


class SessionList(Answer):
    sessions: list[SessionView]
    next: str | None = Field(default=None, description="When there are more: what to send as `after`.")


class LogServices(Answer):
    services: list[str] = Field(description="The parts that have a log.", examples=[["interface", "agent"]])
