"""What the history of all sessions tells beside each one's own: how long starts take, what was
announced, and how runs ended.

It is read from the store's events, once each, when somebody asks. Nothing of it has to be kept.
"""

import asyncio
from collections import Counter, defaultdict, deque
from datetime import datetime
from statistics import median

from rsparkhub.domain.cull import Notice
from rsparkhub.domain.event import Event
from rsparkhub.domain.session import State
from rsparkhub.store import Store

_REMEMBERED = 5000  # events before this process's time that are read for the times of starts
_STARTS = 20  # the last ones that count
_PAGE = 1000

_BEGINS = frozenset({State.STARTING, State.RESUMING})


class StartTimes:
    """How long each environment's last starts took: from the beginning of a start until it was running."""

    def __init__(self) -> None:
        self._environments: dict[str, str] = {}
        self._begun: dict[str, datetime] = {}
        self._seconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_STARTS))

    def take(self, event: Event) -> None:
        """Take one event, in the order of events."""
        if event.kind == "created":
            self._environments[event.session] = event.data["environment"]
        elif event.kind == "wanted" and event.data["wanted"] == "deleted":
            self._environments.pop(event.session, None)
            self._begun.pop(event.session, None)
        elif event.kind == "state":
            self._take_state(event, State(event.data["state"]))

    def _take_state(self, event: Event, state: State) -> None:
        if state in _BEGINS:
            self._begun[event.session] = event.at
            return
        begun = self._begun.pop(event.session, None)
        environment = self._environments.get(event.session)
        if state is State.RUNNING and begun is not None and environment is not None:
            self._seconds[environment].append((event.at - begun).total_seconds())

    def expected(self, environment: str) -> float | None:
        """Return the median of the last starts in seconds; None before the first."""
        seconds = self._seconds.get(environment)
        return round(median(seconds), 1) if seconds else None


class Notices:
    """The notices that were given to sessions of what will end them."""

    def __init__(self) -> None:
        self._given: dict[str, dict[str, Notice]] = {}

    def take(self, event: Event) -> None:
        """Take one event; a start, an end or a deletion ends what was told before."""
        if event.kind == "warning":
            notice = Notice(
                kind=event.data["kind"],
                generation=event.data["generation"],
                given=event.at,
                at=datetime.fromisoformat(event.data["at"]),
                text=event.data["text"],
            )
            self._given.setdefault(event.session, {})[notice.kind] = notice
        elif event.kind == "state" or (event.kind == "wanted" and event.data["wanted"] == "deleted"):
            self._given.pop(event.session, None)

    def of(self, session: str) -> tuple[Notice, ...]:
        """Return the newest notice of each kind."""
        return tuple(self._given.get(session, {}).values())


class Counters:
    """How often sessions started, failed and ended, since this process began."""

    def __init__(self) -> None:
        self.starts = 0
        self.failures = 0
        self.ends: Counter[str] = Counter()  # exit code → how often

    def take(self, event: Event) -> None:
        """Take one event."""
        if event.kind != "state":
            return
        state = State(event.data["state"])
        if state in _BEGINS:
            self.starts += 1
        elif state is State.FAILED:
            self.failures += 1
        if "code" in event.data:
            code = event.data["code"]
            self.ends["none" if code is None else str(code)] += 1


class History:
    """Reads the store's events on, each once, into `start_times`, `notices` and `tally`."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self._reading = asyncio.Lock()
        self._read: int | None = None
        self._began_at = 0
        self.start_times = StartTimes()
        self.notices = Notices()
        self.counters = Counters()

    async def begin(self) -> None:
        """Count from now on."""
        self._began_at = await self._store.events.latest_id()
        self._read = max(0, self._began_at - _REMEMBERED)

    async def catch_up(self) -> None:
        """Read what happened since the last time."""
        async with self._reading:
            if self._read is None:
                await self.begin()
            while page := await self._store.events.since(None, self._read or 0, limit=_PAGE):
                for event in page:
                    self._take(event)
                self._read = page[-1].id

    def _take(self, event: Event) -> None:
        self.start_times.take(event)
        self.notices.take(event)
        if event.id > self._began_at:
            self.counters.take(event)
