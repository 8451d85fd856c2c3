"""Following the agents of sessions that start; the agents are stand-ins that answer as they are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from rspark_contract.status import AgentStatus, read_status
from rsparkhub.agents import StatusAnswer
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.objects.names import Object
from rsparkhub.backends.kubernetes.watching.readiness import AT_ONCE, PAUSE, ReadinessFollower
from rsparkhub.domain.errors import Unavailable


class KnownPods:
    """Pods as the watch knows them."""

    def __init__(self, *names: str) -> None:
        self.pods: dict[EnsembleRef, Object] = {EnsembleRef(name, 1): running() for name in names}

    def get(self, ref: EnsembleRef) -> Object | None:
        return self.pods.get(ref)

    def items(self) -> list[tuple[EnsembleRef, Object]]:
        return list(self.pods.items())


class StandInAgents:
    """Agents of which each says one status after another; the last one stays, and who knows it waits."""

    def __init__(self, **said: list[Any]) -> None:
        self.said = said
        self.asked: list[tuple[str, str | None, int]] = []
        self.most = self.now = 0

    async def ask(self, ref: EnsembleRef, _pod: Object, known: str | None, seconds: int) -> StatusAnswer | None:
        self.asked.append((ref.id, known, seconds))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._answer(ref, known, seconds)
        finally:
            self.now -= 1

    async def _answer(self, ref: EnsembleRef, known: str | None, seconds: int) -> StatusAnswer | None:
        said = self.said[ref.id]
        if not said:
            if known is not None:
                await asyncio.sleep(seconds)
            return None
        status = said.pop(0)
        if isinstance(status, Exception):
            raise status
        return None if status is None else StatusAnswer(status=status, etag=f'"{len(said)}"')


def running() -> Object:
    return {"metadata": {"name": "a"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running", "podIP": "10.0.0.1"}}


def says(state: str, *parts: str) -> AgentStatus | None:
    return reported({"state": state, "parts": [{"name": f"part-{number}", "state": part} for number, part in enumerate(parts)]})


def reported(status: dict[str, Any]) -> AgentStatus | None:
    return read_status(json.dumps(status))


@asynccontextmanager
async def followed(
    pods: KnownPods, agents: StandInAgents, *, at_once: int = AT_ONCE
) -> AsyncIterator[tuple[ReadinessFollower, AsyncIterator[EnsembleRef]]]:
    follower = ReadinessFollower(pods, agents.ask, at_once=at_once)
    async with asyncio.timeout(10), aclosing(follower.changes()) as news:
        yield follower, news


async def some(news: AsyncIterator[EnsembleRef], count: int) -> list[str]:
    return [(await anext(news)).id for _ in range(count)]


async def silent(news: AsyncIterator[EnsembleRef]) -> None:
    """Nothing more is heard."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(news), 0.5)


async def test_what_is_new_is_given_until_it_is_ready() -> None:
    agents = StandInAgents(
        a=[says("starting", "waiting"), says("starting", "waiting"), says("starting", "starting"), says("ready", "ready")]
    )
    async with followed(KnownPods("a"), agents) as (_, news):
        assert await some(news, 3) == ["a", "a", "a"]
        await silent(news)
    assert agents.asked == [("a", None, 10), ("a", '"3"', 10), ("a", '"2"', 10), ("a", '"1"', 10)]


async def test_an_agent_that_is_not_there_yet_is_asked_again() -> None:
    agents = StandInAgents(a=[None, Unavailable("no secret"), None, says("ready")])
    async with followed(KnownPods("a"), agents) as (_, news):
        assert await some(news, 1) == ["a"]


async def test_one_that_says_nothing_sensible_harms_nobody() -> None:
    mad = [reported({"state": "starting", "parts": said}) for said in (7, ["x"], [{"name": {}}], [[[]]])]
    agents = StandInAgents(a=[*mad, reported({"state": []})], b=[None, None, None, None, says("ready")])
    async with followed(KnownPods("a", "b"), agents) as (_, news):
        assert await some(news, 1) == ["b"]


async def test_an_agent_that_is_heard_otherwise_or_gone_is_left_alone() -> None:
    pods, agents = KnownPods("a", "b"), StandInAgents(a=[says("starting")] * 1000, b=[says("starting")] * 1000)
    async with followed(pods, agents) as (follower, news):
        await some(news, 2)
        follower.saw(EnsembleRef("a", 1), says("ready"))
        del pods.pods[EnsembleRef("b", 1)]
        await asyncio.sleep(0.2)
        before = len(agents.asked)
        await asyncio.sleep(0.3)
        assert len(agents.asked) == before


async def test_one_that_says_something_else_each_time_is_not_asked_without_end() -> None:
    agents = StandInAgents(a=[says("starting", "waiting", *["ready"] * (number % 2)) for number in range(1000)])
    async with followed(KnownPods("a"), agents) as (_, news):
        await some(news, 1)
        await asyncio.sleep(1)
    assert len(agents.asked) <= 1 / PAUSE + 2


async def test_many_are_asked_in_turn_and_none_waits_long() -> None:
    names = [f"s{number}" for number in range(9)]
    agents = StandInAgents(**{name: [says("starting"), says("ready")] for name in names})
    async with followed(KnownPods(*names), agents, at_once=3) as (_, news):
        assert sorted(await some(news, 18)) == sorted(names * 2)
    assert agents.most <= 3
    assert {seconds for _, known, seconds in agents.asked if known is None} == {0}
