"""How a password is kept: argon2id, in threads, since it takes long on purpose."""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rsparkhub.auth.fair_turns import FairTurns
from rsparkhub.domain.errors import InvalidInput

SHORTEST = 8
LONGEST = 1000
#: The least that OWASP advises (Password Storage Cheat Sheet): 19 MiB and two passes, some 25 ms of one core. Its authors' 64 MiB
#: and four lanes are ten times as dear, and a class signs in at nine.
_MEMORY, _PASSES, _LANES = 19 * 1024, 2, 1  # KiB
_AT_ONCE = max(2, min(os.cpu_count() or 1, 8))
_MOST_WAITING, _MOST_OF_ONE_ORIGIN = 1000, 100

T = TypeVar("T")


class Passwords:
    """Hashes and verifies. Whoever waits for that shares the cores fairly, by where they ask from."""

    def __init__(self, *, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY, parallelism=_LANES)
        self._turns = FairTurns(at_once=_AT_ONCE, most_of_one=_MOST_OF_ONE_ORIGIN, most=_MOST_WAITING)
        self._threads = ThreadPoolExecutor(_AT_ONCE, "password")

    async def hash(self, password: str, *, origin: str = "") -> str:
        """Hash a new password.

        Raises
        ------
        InvalidInput
            When it is too short or too long.
        TooManyAttempts
            When too many wait already.
        """
        if len(password) < SHORTEST:
            raise InvalidInput(f"A password has at least {SHORTEST} characters. Choose a longer one.")
        if len(password) > LONGEST:
            raise InvalidInput(f"A password has at most {LONGEST} characters. Choose a shorter one.")
        return await self._in_turn(origin, lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, hashed: str | None, password: str, *, like: str | None = None, origin: str = "") -> bool:
        """Return whether the password is the one of this hash; never when there is no hash.

        Without a hash as much is computed as for `like`, the hash of somebody else, or as for a new one: how long it takes says
        nothing of who exists.

        Raises
        ------
        TooManyAttempts
            When too many wait already.
        """
        return await self._in_turn(origin, lambda: self._verify(hashed, like, password[: LONGEST + 1]))

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(hashed)

    async def _in_turn(self, origin: str, compute: Callable[[], T]) -> T:
        async with self._turns.turn(origin):
            return await asyncio.get_running_loop().run_in_executor(self._threads, compute)

    def _verify(self, hashed: str | None, like: str | None, password: str) -> bool:
        if hashed is None and like is None:
            self._hasher.hash(_bytes(password))
            return False
        try:
            return self._hasher.verify(hashed or like or "", _bytes(password)) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    """Write it so that é is é, typed on whichever keyboard."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
