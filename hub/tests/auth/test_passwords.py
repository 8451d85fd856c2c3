"""How a password is kept."""

import asyncio
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from rsparkhub.auth.passwords import Passwords
from rsparkhub.domain.errors import InvalidInput

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
    await passwords.verify(None, "wrong")
    somebodys, nobodys = (extract_parameters(one) for one in verified)
    assert somebodys == nobodys


async def test_passwords_are_kept_by_argon2id_with_the_memory_that_its_authors_advise() -> None:
    parameters = extract_parameters(await Passwords().hash("correct horse"))
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 64 * 1024


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
