"""Observing many generations at once, on a backend whose ensembles answer as they are told."""

import asyncio
from contextlib import aclosing
from unittest.mock import patch

import pytest

from rsparkhub.backends.base import AT_ONCE, Backend, EnsembleRef
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.errors import Unavailable

UP = Observed(phase="up")


class Answering(Backend):
    """Answers `up`, but for the generations that hang, and for those of which an error is raised."""

    def __init__(self, *, hanging: int = 0, broken: dict[str, Exception] | None = None) -> None:
        self.hanging = {f"s{number}" for number in range(hanging)}
        self.broken = broken or {}
        self.now = self.most = 0

    async def observe(self, ref: EnsembleRef) -> Observed:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await (asyncio.Event().wait() if ref.id in self.hanging else asyncio.sleep(0))
            if ref.id in self.broken:
                raise self.broken[ref.id]
        finally:
            self.now -= 1
        return UP


def answering(**more: object) -> Answering:
    with patch.object(Answering, "__abstractmethods__", frozenset()):
        return Answering(**more)  # type: ignore[arg-type]


def refs(count: int) -> list[EnsembleRef]:
    return [EnsembleRef(f"s{number}", 1) for number in range(count)]


async def test_one_that_does_not_answer_holds_up_no_other() -> None:
    seen = []
    async with asyncio.timeout(5), aclosing(answering(hanging=1).observe_many(refs(100))) as results:  # type: ignore[type-var]
        async for ref, observed in results:
            assert observed is UP
            seen.append(ref.id)
            if len(seen) == 99:
                break
    assert "s0" not in seen


async def test_not_more_are_observed_at_once_than_may_be() -> None:
    backend = answering(hanging=AT_ONCE - 2)
    async with asyncio.timeout(5), aclosing(backend.observe_many(refs(100))) as results:  # type: ignore[type-var]
        for _ in range(100 - backend.most - AT_ONCE + 2):
            await anext(results)
    assert backend.most == AT_ONCE
    assert backend.now == 0, "who stops reading leaves nothing at work"


async def test_one_that_can_not_be_observed_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    backend = answering(broken={"s1": Unavailable("The node is away."), "s2": OSError("no route")})
    assert {ref.id async for ref, _ in backend.observe_many(refs(4))} == {"s0", "s3"}
    assert "s1.1 can't be observed now: The node is away." in caplog.text


async def test_an_error_of_our_own_is_logged_and_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    backend = answering(broken={"s1": ZeroDivisionError("a defect")})
    assert {ref.id async for ref, _ in backend.observe_many(refs(4))} == {"s0", "s2", "s3"}
    assert "s1.1 can't be observed: ZeroDivisionError('a defect')" in caplog.text


async def test_none_is_no_work() -> None:
    assert [ref async for ref in answering().observe_many([])] == []
