"""What sessions share: each service has a row of its own, started on first use, and kept while sessions may use it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rspark_contract.status import ComponentState
from rsparkhub.builder import Grant
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.errors import CannotStart, NotFound, Unavailable
from rsparkhub.domain.session import LIVE, Component, Session, State, Wanted
from rsparkhub.services.base import Account, AnyService, Instance
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Granted:
    """Every shared service is up, and the person has an account on each."""

    grants: Mapping[str, Grant]
    components: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A shared service is not up yet."""

    components: tuple[Component, ...]


class SharedServices:
    """Gives sessions access to shared services, and restarts a service that failed while sessions run."""

    def __init__(self, *, store: Store, services: Mapping[str, AnyService], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._services = services
        self._clock = clock
        self._waiting: dict[str, set[str]] = {}
        self._pauses: dict[str, timedelta] = {}

    async def grant(self, session: Session, environment: Environment) -> Granted | Pending:
        """Return the way to each shared service of the environment, with the person's account on it; start those that do not run.

        Raises
        ------
        CannotStart
            When a service has failed since this session asked for it.
        """
        grants: dict[str, Grant] = {}
        components: list[Component] = []
        for service in self._shared(environment):
            rows = [await self._wanted_row(instance, service, session) for instance in service.instances()]
            grant = await self._ensure_account(service, rows, session)
            state, reason = ComponentState.READY, None
            if isinstance(grant, Grant):
                grants[service.name] = grant
            else:
                state, reason = ComponentState.STARTING, grant
                for row in rows:
                    self._waiting.setdefault(row.id, set()).add(session.id)
            components.append(Component(name=service.name, title=service.title, state=state, reason=reason))
        if len(grants) < len(components):
            return Pending(components=tuple(components))
        return Granted(grants=grants, components=tuple(components))

    def _shared(self, environment: Environment) -> list[AnyService]:
        return [self._services[name] for name, choice in environment.spec.services.items() if choice.is_shared]

    def instance_of(self, row: Session) -> tuple[AnyService, Instance]:
        """Return the service whose row this is, and which of its instances.

        Raises
        ------
        CannotStart
            When there is no such service any more.
        """
        for service in self._services.values():
            for instance in service.instances():
                if instance.id == row.id:
                    return service, instance
        raise CannotStart(f"There is no service {row.id} in this version. Ask your administrator for it.")

    def waiting_for(self, row: Session) -> set[str]:
        """Name the sessions that wait for the service of this row, which has changed; each is named once."""
        if not row.is_service:
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

    async def _wanted_row(self, instance: Instance, service: AnyService, session: Session) -> Session:
        now = self._clock()
        try:
            row = await self._store.sessions.get(instance.id)
        except NotFound:
            row, _ = await self._store.sessions.create(
                instance.id, kind="service", owner=None, environment="", name=service.title, now=now
            )
        if row.state in LIVE and row.wanted is Wanted.RUNNING:
            return row
        if row.state is State.FAILED and row.ended and session.started and row.ended >= session.started:
            raise CannotStart(f"{service.title} could not be started. {row.reason or ''}".strip(), detail=row.detail)
        return await self._store.sessions.set_wanted(instance.id, Wanted.RUNNING, by=None, reason="A session needs it.", now=now)

    async def _ensure_account(self, service: AnyService, rows: list[Session], session: Session) -> Grant | str | None:
        """Return the way to the service, or why there is none yet, where a reason is known."""
        endpoint = next((found for row in rows if (found := row.endpoints.get(service.name)) is not None), None)
        if any(row.state is not State.RUNNING for row in rows) or endpoint is None or session.owner is None:
            return None
        password = await self._store.accounts.password(session.owner, service.name)
        account = Account(user=session.owner, password=password)
        try:
            await service.ensure_account(endpoint, account)
        except Unavailable as error:  # it may be ending just now: the next look tells
            log.warning("%s of %s: %s", service.title, session.owner, error)
            return str(error)
        return Grant(endpoint=endpoint, account=account)
