"""Follows the agents of sessions that start, since a person waits: each is asked to answer when it has something new to say.

An agent is followed from the moment that its pod has an address, as the watch tells, until it is ready; then it is left alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from rspark_contract.status import AgentState, AgentStatus
from rsparkhub.agents import StatusAnswer
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.judging.observe import address_of, is_over
from rsparkhub.backends.kubernetes.objects.names import Object
from rsparkhub.domain.errors import Unavailable

PAUSE = 0.05  # seconds between two questions to one agent: it may not be there yet, or say that all is new each time
AT_ONCE = 40
_WAIT = 10  # seconds that an agent may wait with its answer, where there are not so many that each must wait for its turn
_MOST_A_SECOND = 400  # questions to all agents that start, while none of them can wait
_FRESH = 1.0  # seconds for which a status need not be asked for again

#: Asks the agent of a generation for something else than what is known by its ETag, within so many seconds.
Ask = Callable[[EnsembleRef, Object, str | None, int], Awaitable[StatusAnswer | None]]
_Said = tuple[AgentState, list[tuple[str, str]]]


class KnownPods(Protocol):
    """The pods that there are, without asking."""

    def get(self, key: EnsembleRef) -> Object | None:
        """Return a pod; None when there is none."""

    def items(self) -> list[tuple[EnsembleRef, Object]]:
        """Return all of them."""


class ReadinessFollower:
    """Yields the generations whose agents report something new while they start, and has their last status.

    Parameters
    ----------
    pods
        What the watch knows.
    ask
        Asks an agent.
    at_once
        How many agents are asked at the same time.
    """

    def __init__(self, pods: KnownPods, ask: Ask, *, at_once: int = AT_ONCE) -> None:
        self._pods = pods
        self._ask = ask
        self._at_once = at_once
        self._ready: set[EnsembleRef] = set()
        self._said: dict[EnsembleRef, _Said] = {}
        self._statuses: dict[EnsembleRef, tuple[float, AgentStatus]] = {}
        self._following: dict[EnsembleRef, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(at_once)
        self._news: asyncio.Queue[EnsembleRef] = asyncio.Queue()

    def saw(self, ref: EnsembleRef, status: AgentStatus) -> None:
        """Take note of what an agent reported, whoever asked."""
        self._statuses[ref] = (time.monotonic(), status)
        if status.state is not AgentState.STARTING:
            self._ready.add(ref)
            self._said.pop(ref, None)

    def fresh_status(self, ref: EnsembleRef) -> AgentStatus | None:
        """Return what an agent reported a moment ago; None when it is to be asked."""
        at, status = self._statuses.get(ref, (0.0, None))
        return status if time.monotonic() - at <= _FRESH else None

    def expire(self, ref: EnsembleRef) -> None:
        """Ask the agent itself the next time: it has been told something."""
        self._statuses.pop(ref, None)

    def forget(self, ref: EnsembleRef) -> None:
        """Forget a generation that has ended."""
        self._ready.discard(ref)
        self._said.pop(ref, None)
        self._statuses.pop(ref, None)

    def update(self, ref: EnsembleRef) -> None:
        """Begin to follow an agent, where what the watch has told of its pod says that it can be asked now."""
        pod = self._pods.get(ref)
        if pod is None or ref in self._following or not self._is_asked(ref, pod):
            return
        task = self._following[ref] = asyncio.create_task(self._follow(ref))
        task.add_done_callback(lambda _: self._following.pop(ref))

    async def changes(self) -> AsyncIterator[EnsembleRef]:
        """Yield each generation whose agent reports something new, until it is ready."""
        for ref, _ in self._pods.items():
            self.update(ref)
        try:
            while True:
                yield await self._news.get()
        finally:
            for task in list(self._following.values()):
                task.cancel()

    async def _follow(self, ref: EnsembleRef) -> None:
        etag: str | None = None
        while (pod := self._pods.get(ref)) is not None and self._is_asked(ref, pod):
            async with self._turns:
                wait = _WAIT if len(self._following) <= self._at_once else 0
                try:
                    answer = await self._ask(ref, pod, etag, wait)
                except Unavailable:  # its secret can't be read; whoever observes the generation says so
                    answer = None
            if answer is not None:
                etag = answer.etag
                if self._is_news(ref, answer.status):
                    self._news.put_nowait(ref)
            if ref not in self._ready:
                await asyncio.sleep(max(PAUSE, len(self._following) / _MOST_A_SECOND))

    def _is_asked(self, ref: EnsembleRef, pod: Object) -> bool:
        deleted = pod["metadata"].get("deletionTimestamp")
        return ref not in self._ready and not deleted and not is_over(pod) and address_of(pod) is not None

    def _is_news(self, ref: EnsembleRef, status: AgentStatus) -> bool:
        said = (status.state, [(component.name, str(component.state)) for component in status.components])
        news = self._said.get(ref) != said
        self._said[ref] = said
        self.saw(ref, status)
        return news
