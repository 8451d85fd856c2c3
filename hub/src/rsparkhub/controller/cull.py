"""Puts to sleep what nobody uses, and what has run its longest; warns before."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.domain.cull import Change, Nothing, Notice, Verdict, Warn, decide
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.errors import NotFound, RsparkhubError
from rsparkhub.domain.observation import apply_observation
from rsparkhub.domain.session import Session, State
from rsparkhub.store import NewEvent, Store

log = logging.getLogger(__name__)

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(minutes=2)


class Cull:
    """Looks at each session when something may be due for it, and says what it wants from now on."""

    def __init__(
        self,
        *,
        store: Store,
        backend: Backend,
        lifecycle: Callable[[Session], Lifecycle],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._backend = backend
        self._lifecycle = lifecycle
        self._clock = clock
        self._notices: dict[str, tuple[Notice, ...]] = {}
        self._next = clock() + _LONGEST
        self._sooner = asyncio.Event()

    def saved(self, row: Session) -> None:
        """Look sooner when something is due for this row sooner."""
        verdict = self._decide(row, self._lifecycle(row), self._clock())
        if isinstance(verdict, Nothing) and verdict.until is not None and verdict.until < self._next:
            self._next = verdict.until
            self._sooner.set()

    async def run(self) -> None:
        while True:
            self._next = self._clock() + _LONGEST
            try:
                following = await self.look()
                if following is not None:
                    self._next = min(self._next, following)
            except RsparkhubError as error:
                log.error("What nobody uses could not be seen: %s", error)
            await self._wait()

    async def _wait(self) -> None:
        """Wait until something is due; at least a moment, so that nothing is looked at in a circle."""
        await asyncio.sleep(_SHORTEST.total_seconds())
        while (pause := (self._next - self._clock()).total_seconds()) > 0:
            self._sooner.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._sooner.wait()

    async def look(self) -> datetime | None:
        """Do what is due now, and tell when something may be due next."""
        rows = await self._store.sessions.list(states=[State.RUNNING, State.SUSPENDED])
        self._notices = {row.id: self._notices[row.id] for row in rows if row.id in self._notices}
        lifecycles = {row.environment: self._lifecycle(row) for row in {row.environment: row for row in rows}.values()}
        times = [time for row in rows if (time := await self._examine(row, lifecycles[row.environment])) is not None]
        return min(times, default=None)

    async def _examine(self, row: Session, lifecycle: Lifecycle) -> datetime | None:
        now = self._clock()
        verdict = self._decide(row, lifecycle, now)
        if not isinstance(verdict, Nothing):  # the row may be some seconds old, and the notices another controller's
            row = await self._fresh(row)
            self._notices[row.id] = await self._notices_of(row)
            verdict = self._decide(row, lifecycle, now)
        if isinstance(verdict, Warn):
            await self._warn(row, verdict.notice, now)
            return verdict.notice.at
        if isinstance(verdict, Change):
            log.info("%s of %s: %s", row.id, row.owner, verdict.reason)
            await self._change(row, verdict, now)
            return None
        return verdict.until

    def _decide(self, row: Session, lifecycle: Lifecycle, now: datetime) -> Verdict:
        if row.busy:  # a notice for being idle is void from now on
            self._notices[row.id] = tuple(n for n in self._notices.get(row.id, ()) if n.kind != "idle")
        return decide(row, lifecycle, notices=self._notices.get(row.id, ()), now=now)

    async def _fresh(self, row: Session) -> Session:
        if row.state is not State.RUNNING:
            return row
        return apply_observation(row, await self._backend.observe(EnsembleRef(row.id, row.generation)))

    async def _notices_of(self, row: Session) -> tuple[Notice, ...]:
        """Read the notices of this run, which a controller before this one may have given."""
        events = await self._store.events.since(row.id, 0)
        given = (event for event in events if event.kind == "warning" and event.data.get("generation") == row.generation)
        return tuple(
            Notice(
                kind=event.data["kind"],
                generation=row.generation,
                given=event.at,
                at=datetime.fromisoformat(event.data["at"]),
                text=event.data["text"],
            )
            for event in given
        )

    async def _warn(self, row: Session, notice: Notice, now: datetime) -> None:
        data = {"kind": notice.kind, "generation": notice.generation, "at": notice.at.isoformat(), "text": notice.text}
        try:
            await self._store.events.add(row.id, NewEvent(kind="warning", data=data), now=now)
        except NotFound:  # deleted meanwhile
            return
        self._notices[row.id] = (*self._notices.get(row.id, ()), replace(notice, given=now))

    async def _change(self, row: Session, change: Change, now: datetime) -> None:
        try:
            await self._store.sessions.set_wanted(row.id, change.wanted, by=None, reason=change.reason, now=now)
        except NotFound:  # deleted meanwhile
            return
