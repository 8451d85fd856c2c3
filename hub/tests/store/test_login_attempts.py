"""Guesses are counted, by name and address, over all hubs; they slow who guesses."""

import asyncio
from datetime import datetime, timedelta

from store_scene import OpenStore

from rsparkhub.domain.errors import TooManyAttempts
from rsparkhub.store import Store
from rsparkhub.store.login_attempts import FORGET_AFTER, KNOWN_FOR, Attempt

LONGEST = timedelta(seconds=60)
ADA = Attempt(name="ada", address="192.0.2.7")


async def guess(store: Store, attempt: Attempt, *, now: datetime, free: int = 3, free_of_address: int = 1000) -> int:
    """Count a guess; return how many seconds it has to wait, 0 for one that was counted."""
    try:
        await store.attempts.begin(attempt, free=free, free_of_address=free_of_address, longest=LONGEST, now=now)
    except TooManyAttempts as refusal:
        return refusal.retry_after
    return 0


async def test_after_so_many_guesses_the_pauses_double(store: Store, noon: datetime) -> None:
    assert [await guess(store, ADA, now=noon) for _ in range(5)] == [0, 0, 0, 1, 1]
    assert await guess(store, ADA, now=noon + timedelta(seconds=1)) == 0
    assert await guess(store, ADA, now=noon + timedelta(seconds=2)) == 1
    assert await guess(store, ADA, now=noon + timedelta(seconds=3)) == 0
    assert await guess(store, ADA, now=noon + timedelta(seconds=3)) == 4
    assert await guess(store, Attempt(name="bob", address=ADA.address), now=noon) == 0
    assert await guess(store, Attempt(name="ada", address="192.0.2.8"), now=noon) == 0
    assert await guess(store, Attempt(name="ada", address=None), now=noon) == 0


async def test_to_ask_during_the_pause_does_not_make_it_longer(store: Store, noon: datetime) -> None:
    for _ in range(3):
        await guess(store, ADA, now=noon)
    for tenth in range(10):
        assert await guess(store, ADA, now=noon + timedelta(seconds=tenth / 10)) == 1
    assert await guess(store, ADA, now=noon + timedelta(seconds=1)) == 0


async def test_an_attempt_that_has_to_wait_for_its_name_does_not_count_for_its_address(store: Store, noon: datetime) -> None:
    other = Attempt(name="bob", address=ADA.address)
    for _ in range(3):
        await guess(store, ADA, now=noon, free_of_address=5)
    for _ in range(9):
        assert await guess(store, ADA, now=noon, free_of_address=5) == 1
    assert [await guess(store, other, now=noon, free_of_address=5) for _ in range(3)] == [0, 0, 1]


async def test_a_right_password_forgets_the_name_and_is_taken_off_the_address(store: Store, noon: datetime) -> None:
    for _ in range(3):
        await guess(store, ADA, now=noon, free_of_address=3)
    await store.attempts.succeeded(ADA, now=noon)
    await store.attempts.succeeded(Attempt(name=None, address=None), now=noon)
    other = Attempt(name="bob", address=ADA.address)
    assert [await guess(store, other, now=noon, free_of_address=3) for _ in range(2)] == [0, 1]
    assert await guess(store, ADA, now=noon, free_of_address=3) == 0, "it has signed in here"


async def test_guesses_are_forgotten_and_who_was_here_is_not(store: Store, noon: datetime) -> None:
    await store.attempts.succeeded(ADA, now=noon)
    other, now = Attempt(name=None, address=ADA.address), noon
    while (wait := await guess(store, other, now=now, free_of_address=3)) < LONGEST.total_seconds():
        now += timedelta(seconds=wait)
    assert await guess(store, ADA, now=now, free_of_address=3) == 0
    assert await guess(store, other, now=now + FORGET_AFTER, free_of_address=3) == 0
    for _ in range(3):
        await guess(store, other, now=noon + KNOWN_FOR, free_of_address=3)
    assert await guess(store, ADA, now=noon + KNOWN_FOR, free_of_address=3) == 1


async def test_a_thousand_guesses_at_once_are_not_a_thousand_guesses(
    store: Store, open_another: OpenStore, noon: datetime
) -> None:
    stores = [store, await open_another(), await open_another()]
    waits = await asyncio.gather(*(guess(stores[number % 3], ADA, now=noon, free=5) for number in range(40)))
    assert sum(wait == 0 for wait in waits) == 5
