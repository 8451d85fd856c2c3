"""What a backend is asked to run, and what it observes of it.

What the agent itself is told, and what it reports, is the contract between hub and session (`rspark_contract`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.record import Record
from rspark_contract.specs import ComponentSpec, InterfaceSpec, Places, SecretFile, ServiceSpec
from rspark_contract.status import AgentState, AgentStatus
from rsparkhub.domain.environment import Options
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.user import name_in


@dataclass(frozen=True, kw_only=True)
class EnsembleSpec:
    """One generation of one session, or of one shared service.

    Everything in it is decided: two backends that get the same spec run the same thing.

    `uses` names the shared services that it may reach. Of an instance of a shared service, `service_name` is the service's, and
    `ports` are those on which it listens where it has an address of its own, by name, and `private_ports` those that no session
    reaches. With `unprivileged` the service has an account of its own where people have, and is not its hub's. `backends` has
    what its environment says to single backends, by their names; the agent has no use for that.
    `template` names a project that the home gets once.
    """

    id: str
    generation: int
    kind: Literal["session", "service"]
    user: str | None  # the id of a person: what is theirs alone is named after it
    base_path: str  # /s/<id>/
    secret: str
    hub_url: str
    token: str | None
    interface: InterfaceSpec | None
    beside: Mapping[str, InterfaceSpec] = field(default_factory=dict)
    services: tuple[ServiceSpec, ...] = ()
    components: tuple[ComponentSpec, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    files: tuple[SecretFile, ...] = ()
    image: str = ""
    cpu: float = 1.0
    memory: ByteSize = ByteSize(2**31)
    home_size: ByteSize = ByteSize(5 * 2**30)
    grace: timedelta = timedelta(seconds=60)
    resume: bool = False  # whether to bring back what the last suspend kept
    uses: tuple[str, ...] = ()
    service_name: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    private_ports: Mapping[str, int] = field(default_factory=dict)
    unprivileged: bool = False
    backends: Mapping[str, Options] = field(default_factory=dict)
    template: str | None = None

    @property
    def is_service(self) -> bool:
        """Whether it is an instance of a shared service, and not a session."""
        return self.kind == "service"

    def document(self, places: Places, *, image: str = "", forget: tuple[str, ...] = ()) -> EnsembleDocument:
        """Return what its agent is told.

        Parameters
        ----------
        places
            Where the backend runs it.
        image
            The image of the container it runs in, empty outside of one.
        forget
            Deleted sessions of the same home, of which the agent throws away what they kept.
        """
        return EnsembleDocument(
            id=self.id,
            generation=self.generation,
            kind=self.kind,
            user=None if self.user is None else name_in(self.user),
            base_path=self.base_path,
            secret=self.secret,
            hub_url=self.hub_url,
            token=self.token,
            places=places,
            interface=self.interface,
            beside=self.beside,
            services=self.services,
            components=self.components,
            environ=self.environ,
            files=self.files,
            image=image,
            cpu=self.cpu,
            memory=int(self.memory),
            home_size=int(self.home_size),
            grace=self.grace.total_seconds(),
            resume=self.resume,
            forget=forget,
            template=self.template,
        )

    def service(self, name: str) -> ServiceSpec | None:
        """Return what it says of a service; None when it doesn't use it."""
        return next((service for service in self.services if service.name == name), None)


#: What becomes of a generation whose agent lives.
LivePhase = Literal["starting", "up", "ending"]

_PHASES: dict[AgentState, LivePhase] = {
    AgentState.STARTING: "starting",
    AgentState.READY: "up",
    AgentState.SUSPENDING: "ending",
    AgentState.STOPPING: "ending",
    AgentState.ENDED: "ending",
    AgentState.FAILED: "ending",
}


def phase_of(status: AgentStatus) -> LivePhase:
    """Return the phase of a generation whose agent lives and reports this."""
    return _PHASES[status.state]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What a backend saw of one generation.

    `phase` is `absent` (nothing there), `starting` or `up` or `ending` (its agent lives), or `ended`. `status` is what its
    agent reports, `record` what it left when it ended: None where there is none that can be read. `code` is its exit code,
    `signal` the signal that killed it.

    `evicted`: it is gone because its place was taken away (a drain, a lost node), and not by its own doing: it goes on
    elsewhere. `unrecoverable`, of one that starts: waiting doesn't mend what `reason` says. `leftovers`, of one that is absent:
    something of it is there that `Backend.remove` takes away.
    """

    phase: Literal["absent", "starting", "up", "ending", "ended"]
    status: AgentStatus | None = None
    record: Record | None = None
    code: int | None = None
    signal: int | None = None
    reason: str | None = None  # a sentence for the person, where the backend knows one
    detail: str | None = None  # the line for the administrator
    evicted: bool = False
    unrecoverable: bool = False
    leftovers: bool = False
