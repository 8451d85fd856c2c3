"""Guesses are counted, by name and by address, over all hubs."""

import asyncio
from datetime import datetime, timedelta

import pytest
from store_scene import OpenStore

from rsparkhub.domain.errors import TooManyAttempts
from rsparkhub.store import Store

PAUSE = timedelta(minutes=5)


async def _guess(store: Store, *keys: str, now: datetime, most: int = 3) -> bool:
    try:
        await store.attempts.begin(keys, most=most, pause=PAUSE, now=now)
    except TooManyAttempts:
        return False
    return True


async def test_after_so_many_guesses_there_is_a_pause(store: Store, noon: datetime) -> None:
    assert [await _guess(store, "ada", now=noon) for _ in range(4)] == [True, True, True, False]
    with pytest.raises(TooManyAttempts, match="Wait 4 minutes") as refusal:
        await store.attempts.begin(["ada"], most=3, pause=PAUSE, now=noon + timedelta(seconds=61.5))
    assert refusal.value.retry_after == 239
    assert await _guess(store, "bob", now=noon)


async def test_to_ask_during_the_pause_does_not_make_it_longer(store: Store, noon: datetime) -> None:
    for _ in range(3):
        await _guess(store, "ada", now=noon)
    assert not await _guess(store, "ada", now=noon + PAUSE - timedelta(seconds=1))
    assert [await _guess(store, "ada", now=noon + PAUSE) for _ in range(4)] == [True, True, True, False]


async def test_an_attempt_that_has_to_wait_for_one_key_does_not_count_for_another(store: Store, noon: datetime) -> None:
    for _ in range(3):
        await _guess(store, "name", now=noon)
    for _ in range(9):
        assert not await _guess(store, "name", "address", now=noon)
    assert [await _guess(store, "address", now=noon) for _ in range(4)] == [True, True, True, False]


async def test_a_right_password_forgets_the_name_and_is_taken_off_the_address(store: Store, noon: datetime) -> None:
    for _ in range(3):
        await _guess(store, "name", "address", now=noon)
    await store.attempts.succeeded(forget="name", one_less="address")
    await store.attempts.succeeded(forget="unknown", one_less=None)
    assert [await _guess(store, "address", now=noon) for _ in range(2)] == [True, False]
    assert await _guess(store, "name", now=noon)


async def test_a_thousand_guesses_at_once_are_not_a_thousand_guesses(
    store: Store, open_another: OpenStore, noon: datetime
) -> None:
    stores = [store, await open_another(), await open_another()]
    allowed = await asyncio.gather(
        *(_guess(stores[number % 3], "ada", f"address {number % 2}", now=noon, most=5) for number in range(40))
    )
    assert sum(allowed) == 5
