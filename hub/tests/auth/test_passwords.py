"""How a password is kept."""

import asyncio
import threading
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from rsparkhub.auth.fair_threads import FairThreads
from rsparkhub.auth.fair_turns import FairTurns
from rsparkhub.auth.passwords import Passwords
from rsparkhub.domain.errors import InvalidInput, TooManyAttempts

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(hasher=CHEAP)


async def test_a_password_is_verified(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert "correct" not in hashed
    assert await passwords.verify(hashed, "correct horse")
    assert not await passwords.verify(hashed, "correct Horse")
    assert not await passwords.verify(hashed, "")
    assert hashed != await passwords.hash("correct horse")


async def test_nobodys_password_is_never_right(passwords: Passwords) -> None:
    assert not await passwords.verify(None, "nobody")
    assert not await passwords.verify("no hash", "nobody")


async def test_as_much_is_computed_for_nobody_as_for_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Noting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
            verified.append(str(hash))
            return super().verify(hash, password)

    passwords = Passwords(hasher=Noting(time_cost=1, memory_cost=64, parallelism=1))
    hashed = await passwords.hash("correct horse")
    await passwords.verify(hashed, "wrong")
    await passwords.verify(None, "wrong", like=await passwords.hash("another horse"))
    somebodys, nobodys = (extract_parameters(one) for one in verified)
    assert somebodys == nobodys


async def test_passwords_are_kept_by_argon2id_with_the_least_that_owasp_advises() -> None:
    parameters = extract_parameters(await Passwords().hash("correct horse"))
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19 * 1024, 2, 1)


async def test_as_much_is_computed_for_nobody_as_for_somebody_whose_hash_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Noting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
            verified.append(str(hash))
            return super().verify(hash, password)

    old = PasswordHasher(time_cost=3, memory_cost=128, parallelism=1).hash("correct horse")
    passwords = Passwords(hasher=Noting(time_cost=1, memory_cost=64, parallelism=1))
    assert not await passwords.verify(None, "correct horse", like=old), "it is somebody else's"
    assert verified == [old]


async def test_a_flood_from_one_origin_holds_up_another_by_a_turn() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("correct horse")
    flood = [asyncio.create_task(passwords.verify(hashed, "wrong", origin="192.0.2.7")) for _ in range(60)]
    await asyncio.sleep(0)
    assert await passwords.verify(hashed, "correct horse", origin="192.0.2.8")
    assert sum(task.done() for task in flood) < 20
    await asyncio.gather(*flood)


async def test_no_more_wait_than_there_is_room_for() -> None:
    passwords = Passwords()
    answers = await asyncio.gather(
        *(passwords.verify(None, "wrong", origin="192.0.2.7") for _ in range(300)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, TooManyAttempts)]
    assert 150 < len(refused) < 300
    assert refused[0].retry_after == 5
    assert await passwords.verify(await passwords.hash("correct horse"), "correct horse")


async def test_who_gives_up_while_waiting_takes_no_turn_along() -> None:
    turns = FairTurns(at_once=1, most_of_one=9, most=9)
    order: list[str] = []

    async def work(origin: str) -> None:
        async with turns.turn(origin):
            order.append(origin)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work(origin)) for origin in ("a", "a", "a", "b", "c", "a")]
    await asyncio.sleep(0)
    tasks[4].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["a", "a", "b", "a", "a"]
    await asyncio.wait_for(work("last"), 1)


async def test_one_origin_that_may_not_have_every_turn_never_holds_up_another() -> None:
    turns, go_on = FairTurns(at_once=3, at_once_of_one=2, most_of_one=9, most=9), asyncio.Event()
    order: list[str] = []

    async def work(origin: str) -> None:
        async with turns.turn(origin):
            order.append(origin)
            await go_on.wait()

    many = [asyncio.create_task(work("a")) for _ in range(5)]
    await asyncio.sleep(0)
    assert order == ["a", "a"]
    other = asyncio.create_task(work("b"))
    await asyncio.sleep(0)
    assert order == ["a", "a", "b"]
    go_on.set()
    await asyncio.wait_for(asyncio.gather(*many, other), 9)
    assert order == ["a", "a", "b", "a", "a", "a"]


async def test_a_thread_has_its_turn_until_it_ends_also_when_nobody_waits_for_it() -> None:
    threads, begun, may_end = FairThreads("test", at_once=2), threading.Semaphore(0), threading.Event()

    def work() -> None:
        begun.release()
        may_end.wait(60)

    for _ in range(2):  # the second finds no turn: one of two is another origin's
        with pytest.raises(TimeoutError):
            await threads.run(work, origin="a", seconds=0.1)
    assert begun.acquire(timeout=60)
    assert not begun.acquire(blocking=False)
    assert await threads.run(lambda: "another's", origin="b", seconds=60) == "another's"
    may_end.set()
    assert await threads.run(lambda: "mine", origin="a", seconds=60) == "mine"


@pytest.mark.parametrize(("password", "said"), [("short", "at least 8"), ("", "at least 8"), ("x" * 1001, "at most 1000")])
async def test_a_password_that_is_too_short_or_too_long_is_refused(passwords: Passwords, password: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await passwords.hash(password)


async def test_a_letter_is_the_same_however_it_was_typed(passwords: Passwords) -> None:
    assert await passwords.verify(await passwords.hash("caf\u00e9 noir"), "cafe\u0301 noir")
    assert await passwords.verify(await passwords.hash("half \ud83d of a smile"), "half \ud83d of a smile")


async def test_a_very_long_guess_is_not_the_password_that_it_begins_with(passwords: Passwords) -> None:
    longest = "x" * 1000
    hashed = await passwords.hash(longest)
    assert await passwords.verify(hashed, longest)
    assert not await passwords.verify(hashed, longest * 1000)


async def test_the_loop_goes_on_while_a_password_is_hashed() -> None:
    passwords, turns = Passwords(), 0
    hashing = asyncio.create_task(passwords.hash("correct horse"))
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10


async def test_a_hash_made_with_other_parameters_is_outdated(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert not passwords.is_outdated(hashed)
    assert Passwords().is_outdated(hashed)
    assert await Passwords().verify(hashed, "correct horse")
