"""Does what the plan says: thin code, in which every step may be done again."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rspark_contract.ensemble import INTERFACE, component_beside
from rsparkhub.auth.tokens import session_token
from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.builder import Builder
from rsparkhub.catalog import Catalog
from rsparkhub.controller.shared_services import Pending, SharedServices
from rsparkhub.domain.ensemble import EnsembleSpec, Observed
from rsparkhub.domain.errors import CannotStart, NotFound
from rsparkhub.domain.plan import Admit, Apply, Begin, End, Kill, Purge, Remove, Settle, Step, fail
from rsparkhub.domain.session import Component, Session, Sleep, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Done:
    """The row after a step, and when the session is due again; `row` is None when there is none any more.

    `wanted` is what the session is to be from now on, for `reason`, where the step decided that.
    """

    row: Session | None
    requeue_after: timedelta | None
    wanted: Wanted | None = None
    sleep: Sleep = Sleep.KEPT
    reason: str | None = None


class Steps:
    """Does steps on sessions whose lease the caller holds."""

    def __init__(
        self,
        *,
        store: Store,
        backend: Backend,
        catalog: Catalog,
        services: SharedServices,
        builder: Builder,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._backend = backend
        self._catalog = catalog
        self._services = services
        self._builder = builder
        self._settings = settings
        self._clock = clock

    async def do(self, step: Step, session: Session, observed: Observed, *, grace: timedelta) -> Done:
        """Do one step; `session` is the row as it is, `step.after` as it will be."""
        ref = EnsembleRef(session.id, session.generation)
        match step:
            case Admit() | Begin():
                return Done(row=with_secret(step.after), requeue_after=step.requeue_after)
            case Apply():
                return await self._apply(step, session)
            case End(ending=ending):
                await self._backend.end(ref, ending, grace)
            case Kill():
                await self._backend.kill(ref)
            case Settle():
                await self._settle(step, ref, observed, user=session.owner)
            case Remove(forget=forget):
                if forget:
                    await self._backend.forget_session(session.id, user=session.owner)
                await self._backend.remove(ref)
            case Purge():
                await self._purge(session)
                return Done(row=None, requeue_after=None)
        return Done(
            row=step.after,
            requeue_after=step.requeue_after,
            wanted=step.wanted,
            sleep=step.sleep,
            reason=step.reason or (step.after.reason if step.wanted else None),
        )

    async def _apply(self, step: Apply, session: Session) -> Done:
        try:
            found = await self._ensemble(session)
            if isinstance(found, Pending):
                pauses = [pause for pause in (step.requeue_after, found.again_after) if pause is not None]
                waiting = replace(session, components=found.components, reason=found.reason)
                return Done(row=waiting, requeue_after=min(pauses, default=None))
            spec, components = found
            await self._backend.apply(spec)
        except CannotStart as error:
            log.error("%s of %s could not be started: %s (%s)", session.id, session.owner, error, error.detail)
            settle = fail(session, reason=str(error), detail=error.detail, now=self._clock())
            return await self.do(settle, session, Observed(phase="ended"), grace=timedelta())
        return Done(row=replace(session, components=components, reason=None), requeue_after=step.requeue_after)

    async def _ensemble(self, session: Session) -> Pending | tuple[EnsembleSpec, tuple[Component, ...]]:
        """Return what to run, and the components that its user sees waiting until the agent reports more."""
        if session.is_service:
            service, instance = self._services.instance_of(session)
            endpoint = await self._services.endpoint_before(service, instance)
            if isinstance(endpoint, Pending):
                return endpoint
            spec = self._builder.service(session, service, instance, endpoint=endpoint)
            return spec, tuple(Component(name=each.name, title=each.title) for each in spec.components)
        try:
            environment = self._catalog.get(session.environment)
        except NotFound as error:
            raise CannotStart(
                f"The environment {session.environment} is no longer in the catalog. Ask your administrator for it.",
                detail=str(error),
            ) from error
        opened = (
            Component(name=INTERFACE, title=environment.spec.interface.title),
            *(Component(name=component_beside(name), title=each.title) for name, each in environment.spec.beside.items()),
        )
        granted = await self._services.grant(session, environment)
        if isinstance(granted, Pending):
            return replace(granted, components=(*granted.components, *opened))
        spec = self._builder.session(session, environment, grants=granted.grants, token=session_token(session))
        own = tuple(Component(name=each.name, title=each.title) for each in spec.components)
        return spec, (*granted.components, *own, *opened)

    async def _settle(self, step: Settle, ref: EnsembleRef, observed: Observed, *, user: str | None) -> None:
        if observed.phase != "absent":
            await self._backend.kill(ref)  # nothing is alive by now; where its shim was killed too, something may be
            tails = await self._backend.log_tails(ref)
            if tails:
                await self._store.logs.keep(ref.id, ref.generation, tails)
        if step.forget:
            await self._backend.forget_session(ref.id, user=user)

    async def _purge(self, session: Session) -> None:
        for ref in await self._backend.list(session_id=session.id):
            await self._backend.kill(ref)
        await self._backend.forget_session(session.id, user=session.owner)
        await self._store.sessions.purge(session.id)


def with_secret(session: Session) -> Session:
    """Return the row of a generation that begins with the secret that its agent and the edge share."""
    return replace(session, secret=secrets.token_urlsafe(32))
