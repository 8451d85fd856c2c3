"""What sessions share: each service has a row of its own, started on first use, and kept while sessions may use it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rspark_contract.ensemble import SecretFile
from rspark_contract.status import ComponentState
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.errors import CannotStart, NotFound, Unavailable
from rsparkhub.domain.session import LIVE, Component, Session, State, Wanted
from rsparkhub.services.access import ServiceAccess
from rsparkhub.services.shared import SHARED, SharedService
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Granted:
    """Every shared service is up, and the person has an account on each."""

    access: ServiceAccess
    components: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A shared service is not up yet."""

    components: tuple[Component, ...]


class SharedServices:
    """Gives sessions access to shared services, and restarts a service that failed while sessions run."""

    def __init__(self, *, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._waiting: dict[str, set[str]] = {}
        self._pauses: dict[str, timedelta] = {}

    async def access(self, session: Session, environment: Environment) -> Granted | Pending:
        """Give what a session gets to use the services of its environment, starting those that do not run.

        Raises
        ------
        CannotStart
            When a service has failed since this session asked for it.
        """
        environ: dict[str, str] = {}
        files: list[SecretFile] = []
        components: list[Component] = []
        for service in shared_services(environment):
            row = await self._wanted_row(service, session)
            access = await self._admit(service, row, session)
            state, reason = ComponentState.READY, None
            if isinstance(access, ServiceAccess):
                environ |= access.environ
                files += access.files
            else:
                state, reason = ComponentState.STARTING, access
                self._waiting.setdefault(service.name, set()).add(session.id)
            components.append(Component(name=service.name, title=service.title, state=state, reason=reason))
        if any(part.state is ComponentState.STARTING for part in components):
            return Pending(components=tuple(components))
        return Granted(access=ServiceAccess(environ=environ, files=tuple(files)), components=tuple(components))

    def waiting_for(self, row: Session) -> set[str]:
        """Name the sessions that wait for the service of this row, which has changed; each is named once."""
        if row.kind != "service":
            return set()
        if row.state is State.RUNNING:
            self._pauses.pop(row.id, None)
        return self._waiting.pop(row.id, set())

    async def run(self) -> None:
        """Start again what failed, after a pause that grows, as long as sessions run that may use it."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._mend()
            except Unavailable as error:
                log.error("Shared services could not be looked at: %s", error)

    async def _mend(self) -> None:
        failed = await self._store.sessions.list(kind="service", states=[State.FAILED])
        failed = [row for row in failed if row.wanted is Wanted.RUNNING and row.ended]
        if not failed or not await self._store.sessions.list(live_only=True, limit=1):
            return
        now = self._clock()
        for row in failed:
            pause = self._pauses.setdefault(row.id, _SHORTEST_PAUSE)
            if row.ended and now >= row.ended + pause:
                self._pauses[row.id] = min(2 * pause, _LONGEST_PAUSE)
                await self._store.sessions.set_wanted(row.id, Wanted.RUNNING, by=None, reason="Sessions use it.", now=now)

    async def _wanted_row(self, service: SharedService, session: Session) -> Session:
        now = self._clock()
        try:
            row = await self._store.sessions.get(service.name)
        except NotFound:
            row, _ = await self._store.sessions.create(
                service.name, kind="service", owner=None, environment="", name=service.title, now=now
            )
        if row.state in LIVE and row.wanted is Wanted.RUNNING:
            return row
        if row.state is State.FAILED and row.ended and session.started and row.ended >= session.started:
            raise CannotStart(f"{service.title} could not be started. {row.reason or ''}".strip(), detail=row.detail)
        return await self._store.sessions.set_wanted(service.name, Wanted.RUNNING, by=None, reason="A session needs it.", now=now)

    async def _admit(self, service: SharedService, row: Session, session: Session) -> ServiceAccess | str | None:
        """Give access, or why not yet."""
        endpoint = row.endpoints.get(service.name)
        if row.state is not State.RUNNING or not isinstance(endpoint, dict) or session.owner is None:
            return None
        password = await self._store.accounts.password(session.owner, service.name)
        try:
            return await service.admit(endpoint, user=session.owner, password=password)
        except Unavailable as error:  # it may be ending just now: the next look tells
            log.warning("%s of %s: %s", service.title, session.owner, error)
            return str(error)


def shared_services(environment: Environment) -> list[SharedService]:
    """Name the shared services that an environment asks for.

    Raises
    ------
    CannotStart
        When this version has no such service.
    """
    services = environment.spec.services
    asked = [name for name in services.names() if name != "spark"]
    for name in asked:
        if name not in SHARED:
            raise CannotStart(f"This version of RSparkHub has no service {name}. Choose another environment.")
        if getattr(services, name).scope != "shared":
            raise CannotStart(f"This version of RSparkHub has {name} only as a shared service. Choose another environment.")
    return [SHARED[name] for name in asked]
