"""Asks the agents of sessions that start, often: a person waits. Those that are ready are left alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.look import address_of, is_over
from rsparkhub.backends.kubernetes.pods import Pod, Pods

_EVERY = 0.1  # seconds
_MOST_AT_ONCE = 20

Ask = Callable[[EnsembleRef, Pod], Awaitable[dict[str, Any] | None]]


class Starting:
    """Remembers what starting agents said last, and gives those that say something new."""

    def __init__(self, pods: Pods, ask: Ask) -> None:
        self._pods = pods
        self._ask = ask
        self._ready: set[EnsembleRef] = set()
        self._said: dict[EnsembleRef, Any] = {}

    def saw(self, ref: EnsembleRef, status: dict[str, Any]) -> None:
        """Take note of what an agent said to somebody else."""
        if status.get("state") != "starting":
            self._ready.add(ref)
            self._said.pop(ref, None)

    def forget(self, ref: EnsembleRef) -> None:
        self._ready.discard(ref)
        self._said.pop(ref, None)

    async def look(self) -> AsyncIterator[EnsembleRef]:
        """Give each generation whose agent has something new to say, until it is ready."""
        turn = 0
        while True:
            await asyncio.sleep(_EVERY)
            starting = [(ref, pod) for ref, pod in self._pods.all() if self._asked(ref, pod)]
            if len(starting) > _MOST_AT_ONCE:  # each in its turn
                turn = (turn + _MOST_AT_ONCE) % len(starting)
                starting = (starting[turn:] + starting[:turn])[:_MOST_AT_ONCE]
            answers = await asyncio.gather(*(self._ask(ref, pod) for ref, pod in starting), return_exceptions=True)
            for (ref, _), answer in zip(starting, answers, strict=True):
                if isinstance(answer, dict) and self._is_news(ref, answer):
                    yield ref

    def _asked(self, ref: EnsembleRef, pod: Pod) -> bool:
        deleted = pod["metadata"].get("deletionTimestamp")
        return ref not in self._ready and not deleted and not is_over(pod) and address_of(pod) is not None

    def _is_news(self, ref: EnsembleRef, status: dict[str, Any]) -> bool:
        said = (status.get("state"), [(part.get("name"), part.get("state")) for part in status.get("parts") or []])
        news = self._said.get(ref) != said
        self._said[ref] = said
        self.saw(ref, status)
        return news
