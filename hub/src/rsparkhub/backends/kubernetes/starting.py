"""Follows the agents of sessions that start, since a person waits: each is asked to answer when it has something new to say.

Those that are ready are left alone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from rspark_contract.status import AgentState, AgentStatus
from rsparkhub.agents import StatusAnswer
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.look import address_of, is_over
from rsparkhub.backends.kubernetes.pods import Pod, Pods
from rsparkhub.domain.errors import Unavailable

_EVERY = 0.1  # seconds between two looks for pods that are new
_PAUSE = 0.05  # seconds between two questions to one agent: it may not be there yet, or say that all is new each time
_MOST_AT_ONCE = 40
_WAIT = 10  # seconds that an agent may wait with its answer, where there are not so many that each must wait for its turn

#: Asks the agent of a generation for something else than what is known by a mark, within so many seconds.
Ask = Callable[[EnsembleRef, Pod, str | None, int], Awaitable[StatusAnswer | None]]


class Starting:
    """Remembers what starting agents said last, and gives those that say something new."""

    def __init__(self, pods: Pods, ask: Ask) -> None:
        self._pods = pods
        self._ask = ask
        self._ready: set[EnsembleRef] = set()
        self._said: dict[EnsembleRef, Any] = {}
        self._following: dict[EnsembleRef, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    def saw(self, ref: EnsembleRef, status: AgentStatus) -> None:
        """Take note of what an agent said to somebody else."""
        if status.state is not AgentState.STARTING:
            self._ready.add(ref)
            self._said.pop(ref, None)

    def forget(self, ref: EnsembleRef) -> None:
        self._ready.discard(ref)
        self._said.pop(ref, None)

    async def look(self) -> AsyncIterator[EnsembleRef]:
        """Give each generation whose agent has something new to say, until it is ready."""
        news: asyncio.Queue[EnsembleRef] = asyncio.Queue()
        try:
            while True:
                for ref, pod in self._pods.all():
                    if ref not in self._following and self._is_asked(ref, pod):
                        self._following[ref] = asyncio.create_task(self._follow(ref, news))
                        self._following[ref].add_done_callback(lambda _, ref=ref: self._following.pop(ref))  # type: ignore[misc]
                try:
                    ref = await asyncio.wait_for(news.get(), _EVERY)
                except TimeoutError:
                    continue
                yield ref
        finally:
            for task in list(self._following.values()):
                task.cancel()

    async def _follow(self, ref: EnsembleRef, news: asyncio.Queue[EnsembleRef]) -> None:
        mark: str | None = None
        while (pod := self._pods.known(ref)) is not None and self._is_asked(ref, pod):
            async with self._turns:
                wait = _WAIT if len(self._following) <= _MOST_AT_ONCE else 0
                try:
                    answer = await self._ask(ref, pod, mark, wait)
                except Unavailable:  # its secret can't be read; whoever looks at the generation says so
                    answer = None
            if answer is not None:
                mark = answer.etag
                if self._is_news(ref, answer.status):
                    news.put_nowait(ref)
            await asyncio.sleep(_PAUSE)

    def _is_asked(self, ref: EnsembleRef, pod: Pod) -> bool:
        deleted = pod["metadata"].get("deletionTimestamp")
        return ref not in self._ready and not deleted and not is_over(pod) and address_of(pod) is not None

    def _is_news(self, ref: EnsembleRef, status: AgentStatus) -> bool:
        said = (status.state, [(component.name, component.state) for component in status.components])
        news = self._said.get(ref) != said
        self._said[ref] = said
        self.saw(ref, status)
        return news
