"""What sessions share: each service has a row of its own, started on first use, and kept while sessions may use it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from rspark_contract.reading import JsonObject
from rspark_contract.status import ComponentState
from rsparkhub.builder import Grant
from rsparkhub.domain.environment import Environment, ServiceOptions
from rsparkhub.domain.errors import CannotStart, NotFound, Unavailable
from rsparkhub.domain.session import LIVE, Component, Session, State, Wanted
from rsparkhub.services.base import Account, AnyService, Credential, Instance
from rsparkhub.store import Store
from rsparkhub.store.session_credentials import SessionCredential

log = logging.getLogger(__name__)

#: Starts of a service that fail one after the other before the sessions that wait for it fail too.
MOST_FAILED_STARTS = 2


@dataclass(frozen=True, kw_only=True)
class Times:
    """When a service that failed is looked at and started again.

    `look` is how often services are looked at that failed while sessions use them. Between two restarts there is a pause, which
    doubles from `shortest` to `longest`; a session that waits for the service has it started after `retry`, which doubles too. No
    account takes longer than `account`.
    """

    look: timedelta = timedelta(seconds=10)
    shortest: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(minutes=5)
    retry: timedelta = timedelta(seconds=1)
    account: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, kw_only=True)
class Granted:
    """Every shared service is up, and the person has an account on each."""

    grants: Mapping[str, Grant]
    components: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A shared service is not up yet. `reason` says why to the person, where it is not only starting.

    Without `again_after` the session waits until a service changes.
    """

    components: tuple[Component, ...]
    reason: str | None = None
    again_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class _Away:
    """One service can't be used yet; the fields are those of `Pending`.

    `slow_because` says why it takes long to start, which is shown at the service and is no reason of the session.
    """

    reason: str | None = None
    again_after: timedelta | None = None
    slow_because: str | None = None


class SharedServices:
    """Gives sessions access to shared services, and restarts a service that failed while sessions run.

    A service may fail and be back in a moment, and a session that starts meanwhile waits for it, for as long as a start may take.
    It fails with the service only when that can't be started, several times in a row.
    """

    def __init__(
        self,
        *,
        store: Store,
        services: Mapping[str, AnyService],
        clock: Callable[[], datetime],
        times: Times = Times(),
    ) -> None:
        self._store = store
        self._services = services
        self._clock = clock
        self._times = times
        self._waiting: dict[str, set[str]] = {}
        self._pauses: dict[str, timedelta] = {}
        self._restarting: set[str] = set()

    async def grant(self, session: Session, environment: Environment) -> Granted | Pending:
        """Return the way to each shared service of the environment, with the person's account on it; start those that do not run.

        Raises
        ------
        CannotStart
            When a service could not be started several times in a row, the last time since this session asked for it; or when it
            has no account for this person and never will.
        """
        grants: dict[str, Grant] = {}
        away: list[_Away] = []
        components: list[Component] = []
        for service, options in self._shared(environment):
            found = await self._access(service, options, session)
            if isinstance(found, Grant):
                grants[service.name] = found
                components.append(Component(name=service.name, title=service.title, state=ComponentState.READY))
                continue
            away.append(found)
            reason = found.reason or found.slow_because
            components.append(Component(name=service.name, title=service.title, state=ComponentState.STARTING, reason=reason))
        if not away:
            return Granted(grants=grants, components=tuple(components))
        missing = reduce(_both, away)
        return Pending(components=tuple(components), reason=missing.reason, again_after=missing.again_after)

    async def _access(self, service: AnyService, options: ServiceOptions, session: Session) -> Grant | _Away:
        rows: list[Session] = []
        for instance in service.instances():
            if any(row.id == instance.after and row.state is not State.RUNNING for row in rows):
                break  # it would wait, and its time to start would run
            # Before the row is read: what changes from now on wakes the session.
            self._waiting.setdefault(instance.id, set()).add(session.id)
            row = await self._wanted_row(instance, service, session)
            if isinstance(row, _Away):
                return row
            rows.append(row)
        endpoint = endpoint_of(service, rows)
        if any(row.state is not State.RUNNING for row in rows) or endpoint is None or session.owner is None:
            restarts = any(row.id in self._restarting for row in rows)
            return _Away(reason=_restarting(service) if restarts else None, slow_because=_slow_because(rows))
        granted = await self._ensure_account(service, endpoint, options, session, session.owner)
        if isinstance(granted, Grant):
            for row in rows:
                self._waiting.get(row.id, set()).discard(session.id)
        return granted

    def _shared(self, environment: Environment) -> list[tuple[AnyService, ServiceOptions]]:
        return [(self._services[name], choice.options) for name, choice in environment.spec.services.items() if choice.is_shared]

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

    async def endpoint_before(self, service: AnyService, instance: Instance) -> JsonObject | Pending | None:
        """Return the endpoint that an instance needs to start, None where it needs none; `Pending` until that one is ready."""
        if instance.after is None:
            return None
        try:
            row = await self._store.sessions.get(instance.after)
        except NotFound:
            return Pending(components=(), again_after=self._times.retry)
        endpoint = endpoint_of(service, [row]) if row.state is State.RUNNING else None
        return endpoint or Pending(components=(), again_after=self._times.retry)

    def waiting_for(self, row: Session) -> set[str]:
        """Name the sessions that wait for the service of this row, which has changed; each is named once."""
        if not row.is_service:
            return set()
        if row.state is State.RUNNING:
            self._pauses.pop(row.id, None)
            self._restarting.discard(row.id)
        elif row.state is State.FAILED:
            self._restarting.add(row.id)
        return self._waiting.pop(row.id, set())

    async def run(self) -> None:
        """Start again what failed, after a pause that grows, as long as sessions run that may use it."""
        while True:
            await asyncio.sleep(self._times.look.total_seconds())
            try:
                await self.mend()
            except Unavailable as error:
                log.error("Shared services could not be looked at: %s", error)

    async def mend(self) -> None:
        """Start again what failed long enough ago, once."""
        failed = await self._store.sessions.list(kind="service", states=[State.FAILED])
        failed = [row for row in failed if row.wanted is Wanted.RUNNING and row.ended]
        if not failed or not await self._store.sessions.list(live_only=True, limit=1):
            return
        now = self._clock()
        for row in failed:
            pause = self._pauses.setdefault(row.id, self._times.shortest)
            if row.ended and now >= row.ended + pause:
                self._pauses[row.id] = min(2 * pause, self._times.longest)
                await self._store.sessions.set_wanted(row.id, Wanted.RUNNING, by=None, reason="Sessions use it.", now=now)

    async def _wanted_row(self, instance: Instance, service: AnyService, session: Session) -> Session | _Away:
        """Return the row of an instance, which is wanted to run from now on.

        One that failed since this session asked for it is started again after a pause: it may have been ready until then, or what
        kept it from starting may be over.
        """
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
            self._restarting.add(row.id)
            failed = await self._store.runs.failed_starts(row.id)
            if failed >= MOST_FAILED_STARTS:
                raise CannotStart(f"{service.title} could not be started. {row.reason or ''}".strip(), detail=row.detail)
            again = row.ended + self._times.retry * 2**failed
            if now < again:
                return _Away(reason=_restarting(service), again_after=again - now)
        return await self._store.sessions.set_wanted(instance.id, Wanted.RUNNING, by=None, reason="A session needs it.", now=now)

    async def _ensure_account(
        self, service: AnyService, endpoint: JsonObject, options: ServiceOptions, session: Session, owner: str
    ) -> Grant | _Away:
        """Return the way to the service with the person's account on it; what fails but with `CannotStart` is tried again."""
        stored = await self._store.accounts.get(owner, service.name)
        needed = await needed_endpoints(self._store, service, self._services)
        if needed is None:  # it has just ended, or is not ready yet
            return _Away(again_after=self._times.retry)
        groups = await self._store.accounts.groups(owner)
        account = Account(user=owner, password=stored.password, groups=groups, needed=needed)
        if stored.wanted != "open":
            raise CannotStart(f"Your account on {service.title} is closed. Ask your administrator.")
        try:
            async with asyncio.timeout(self._times.account.total_seconds()):
                await service.ensure_account(endpoint, account)
                if (await self._store.accounts.get(owner, service.name)).wanted != "open":  # closed meanwhile
                    await service.close_account(endpoint, user=owner)
                    raise CannotStart(f"Your account on {service.title} is closed. Ask your administrator.")
                if service.issues_credentials:
                    account = await self._with_credential(service, endpoint, options, session, account)
        except CannotStart:
            raise
        except Unavailable as error:  # it may be ending just now: the next look tells
            log.warning("%s of %s: %s", service.title, owner, error)
            return _Away(reason=str(error), again_after=self._times.retry)
        except Exception as error:  # a service's own module, perhaps another package's
            log.warning("%s of %s: %r", service.title, owner, error)
            return _Away(reason=f"{service.title} does not answer at the moment.", again_after=self._times.retry)
        return Grant(endpoint=endpoint, account=account)

    async def _with_credential(
        self, service: AnyService, endpoint: JsonObject, options: ServiceOptions, session: Session, account: Account
    ) -> Account:
        """Return the account with a credential for this generation of the session, which the service knows."""
        stored = await self._store.session_credentials.get(session.id, session.generation, service.name, owner=account.user)
        issued = await service.issue(endpoint, replace(account, credential=replace(to_credential(stored), options=options)))
        stored = await self._store.session_credentials.set_issued(stored, issued, now=self._clock())
        return replace(account, credential=to_credential(stored))


def endpoint_of(service: AnyService, rows: Iterable[Session]) -> JsonObject | None:
    """Return where a shared service listens: as the settings say, else as one of its instances does; None when none does."""
    if (external := service.external()) is not None:
        return external
    return next((found for row in rows if (found := row.endpoints.get(service.name)) is not None), None)


async def running_endpoint(store: Store, service: AnyService) -> JsonObject | None:
    """Return where a shared service listens; None unless all its instances run."""
    rows: list[Session] = []
    known = {row.id: row for row in await store.sessions.list(kind="service")}
    for instance in service.instances():
        row = known.get(instance.id)
        if row is None or row.state is not State.RUNNING:
            return None
        rows.append(row)
    return endpoint_of(service, rows)


async def needed_endpoints(
    store: Store, service: AnyService, services: Mapping[str, AnyService]
) -> Mapping[str, JsonObject] | None:
    """Return where the shared services listen that a service needs, by their names; None unless all of them run."""
    found: dict[str, JsonObject] = {}
    for other in (services[name] for name in service.needs if name in services):
        if not other.instances() and other.external() is None:
            continue  # it is never shared
        endpoint = await running_endpoint(store, other)
        if endpoint is None:
            return None
        found[other.name] = endpoint
    return found


def to_credential(stored: SessionCredential) -> Credential:
    """Return what a service is told of a credential."""
    return Credential(session=stored.session, generation=stored.generation, secret=stored.secret, issued=stored.issued or {})


def _restarting(service: AnyService) -> str:
    return f"{service.title} is restarting. This session starts as soon as it is back."


def _slow_because(rows: Iterable[Session]) -> str | None:
    """Return why the first of the instances that start takes long, in its own words; None where none does."""
    starting = (each for row in rows if row.state is State.STARTING for each in row.components)
    return next((each.reason for each in starting if each.state is ComponentState.STARTING and each.reason), None)


def _both(one: _Away, other: _Away) -> _Away:
    """Return why of two services neither can be used, and when the first of them is to be tried again."""
    pauses = [each.again_after for each in (one, other) if each.again_after is not None]
    reasons = [each.reason for each in (one, other) if each.reason is not None]
    return _Away(reason=" ".join(reasons) or None, again_after=min(pauses, default=None))
