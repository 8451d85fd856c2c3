"""How a password is kept: argon2id, in a thread, since it takes long on purpose."""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rsparkhub.domain.errors import InvalidInput

SHORTEST = 8
LONGEST = 1000
_AT_ONCE = 2  # each takes a core and 64 MiB: more at once would let strangers fill the memory


class Passwords:
    """Hashes and verifies. To verify against nobody's hash takes as long as against somebody's."""

    def __init__(self, *, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """Hash a new password.

        Raises
        ------
        InvalidInput
            When it is too short or too long.
        """
        if len(password) < SHORTEST:
            raise InvalidInput(f"A password has at least {SHORTEST} characters. Choose a longer one.")
        if len(password) > LONGEST:
            raise InvalidInput(f"A password has at most {LONGEST} characters. Choose a shorter one.")
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether the password is the one of this hash; never when there is no hash."""
        async with self._places:
            return await asyncio.to_thread(self._verify, hashed, password[: LONGEST + 1])

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str | None, password: str) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash(b"nobody")
        try:
            return self._hasher.verify(hashed or self._nobodys, _bytes(password)) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    """Write it so that é is é, typed on whichever keyboard."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
