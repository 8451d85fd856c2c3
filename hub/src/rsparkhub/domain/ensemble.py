"""What a backend is asked to run, as plain data, and the file that the agent reads inside.

`EnsembleSpec.to_json` is the contract between the hub and what runs inside a session; `session/` reads it and knows
nothing else of the hub.
"""

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal

from rsparkhub.domain.placement import Placement
from rsparkhub.domain.quantity import ByteSize


@dataclass(frozen=True, kw_only=True)
class SecretFile:
    """A file with mode 0600 inside the run folder; `path` is relative to it. A backend may keep it as a Secret."""

    path: str
    content: str


@dataclass(frozen=True, kw_only=True)
class PartSpec:
    """A command of the ensemble beyond its interface.

    `ready` says when it is healthy: `{"file": path}` (exists; its JSON object is the part's endpoint), `{"http": url}`
    or `{"tcp": "host:port"}`. `{run}`, `{home}`, `{keep}`, `{data}`, `{python}` and `{host}` stand in `command` and `ready`
    for the run folder, the home, the folder kept over generations, a service's data, the Python of the session, and the
    address to listen on.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    ready: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 20.0  # seconds


@dataclass(frozen=True, kw_only=True)
class InterfaceSpec:
    kind: str  # jupyterlab, terminal, web, …
    title: str
    kernels: tuple[str, ...] = ()
    command: tuple[str, ...] = ()  # of `web`
    port: int | None = None


@dataclass(frozen=True, kw_only=True)
class EnsembleSpec:
    """One generation of one session, or of one shared service.

    Everything in it is decided: two backends that get the same spec run the same thing.
    """

    id: str
    generation: int
    kind: Literal["session", "service"]
    user: str | None
    base_path: str  # /s/<id>/
    secret: str
    hub_url: str
    token: str | None
    interface: InterfaceSpec | None
    spark: dict[str, Any] | None = None  # {"mode": "local", "memory": bytes, "cores": n}
    parts: tuple[PartSpec, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    files: tuple[SecretFile, ...] = ()
    image: str = ""
    cpu: float = 1.0
    memory: ByteSize = ByteSize(2**31)
    home_size: ByteSize = ByteSize(5 * 2**30)
    grace: timedelta = timedelta(seconds=60)
    resume: bool = False  # whether to bring back what the last suspend kept
    placement: Placement = Placement()  # where on a cluster it runs; the agent has no use for it

    def to_json(self) -> dict[str, Any]:
        """Give the data of the agent's file: JSON types only, `grace` in seconds, sizes in bytes."""
        data = asdict(self)
        del data["placement"]
        data["grace"] = self.grace.total_seconds()
        data["memory"], data["home_size"] = int(self.memory), int(self.home_size)
        return data


Ending = Literal["suspend", "stop"]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What a backend saw of one generation.

    `phase` is `absent` (nothing there), `starting` or `up` or `ending` (its agent lives), or `ended`. `status` is the
    agent's own (session/docs: agent status), `record` what it left when it ended; `code` its exit code, `signal` the
    signal that killed it.

    `evicted`: it is gone because its place was taken away (a drain, a lost node), and not by its own doing: it goes on
    elsewhere. `unrecoverable`, of one that starts: waiting doesn't mend what `reason` says. `leftovers`, of one that is absent:
    something of it is there that `Backend.remove` takes away.
    """

    phase: Literal["absent", "starting", "up", "ending", "ended"]
    status: dict[str, Any] | None = None
    record: dict[str, Any] | None = None
    code: int | None = None
    signal: int | None = None
    reason: str | None = None  # a sentence for the person, where the backend knows one
    detail: str | None = None  # the line for the administrator
    evicted: bool = False
    unrecoverable: bool = False
    leftovers: bool = False
