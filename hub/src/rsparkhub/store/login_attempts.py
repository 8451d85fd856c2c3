"""How often a password was guessed wrong, by name and address; in the store, so that several hubs count as one.

An attempt is slowed, and nobody is locked out: what somebody guesses at an address slows that name there, and nowhere else.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from rsparkhub.domain.errors import TooManyAttempts
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import login_attempts

#: Failures are forgotten so long after the last one.
FORGET_AFTER = timedelta(minutes=15)
#: Where somebody has signed in, their name is known so long.
KNOWN_FOR = timedelta(days=30)

_KNOWN = "known "
_FORGET_OLD = sa.delete(login_attempts).where(
    sa.or_(
        login_attempts.c.last <= sa.bindparam("b_known_before", type_=login_attempts.c.last.type),
        sa.and_(
            login_attempts.c.last <= sa.bindparam("b_before", type_=login_attempts.c.last.type),
            login_attempts.c.key.not_like(f"{_KNOWN}%"),
        ),
    )
)
_IS_KNOWN = sa.select(sa.func.count()).where(login_attempts.c.key == sa.bindparam("b_key"))
_COUNT = (
    sa.update(login_attempts)
    .where(login_attempts.c.key == sa.bindparam("b_key"))
    .values(count=login_attempts.c.count + 1, last=sa.bindparam("b_now"))
)
_FORGET = sa.delete(login_attempts).where(login_attempts.c.key == sa.bindparam("b_key"))
_ONE_LESS = (
    sa.update(login_attempts)
    .where(login_attempts.c.key == sa.bindparam("b_key"), login_attempts.c.count > 0)
    .values(count=login_attempts.c.count - 1)
)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Where a password is tried: a name, and the address that it comes from.

    `address` is None where there is none, as on a Unix socket; `name` is None for one that nobody can have.
    """

    name: str | None
    address: str | None

    @property
    def pair(self) -> str | None:
        """Return the key of this name at this address."""
        return None if self.name is None else f"name {self.name} at {self.address}"


class LoginAttempts:
    """Counts attempts to sign in.

    An attempt counts before its password is checked, so that a thousand at the same moment are not a thousand guesses; one that
    was right is taken off again. After so many wrong ones the next has to wait a second, and each wrong one after it doubles
    that. Who has to wait does not wait longer for asking. A name that has signed in at an address is not slowed by others there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, attempt: Attempt, *, free: int, free_of_address: int, longest: timedelta, now: datetime) -> None:
        """Count an attempt, of its name at its address and of its address.

        Parameters
        ----------
        free, free_of_address
            How many wrong attempts cost no time: for one name at one address, and for an address.
        longest
            The longest wait between two attempts.

        Raises
        ------
        TooManyAttempts
            When it has to wait; then it is not counted.
        """
        free_of: Mapping[str, int] = {
            key: most for key, most in ((attempt.pair, free), (_of_address(attempt.address), free_of_address)) if key is not None
        }
        # An upsert that changes nothing locks the row, and returns it as it is.
        insert = self._database.insert(login_attempts).values(key=sa.bindparam("b_key"), count=0, last=sa.bindparam("b_now"))
        lock = insert.on_conflict_do_update(index_elements=["key"], set_={"count": login_attempts.c.count}).returning(
            login_attempts.c.count, login_attempts.c.last
        )

        async def work(connection: Connection) -> None:
            await connection.rows(_FORGET_OLD, {"b_before": now - FORGET_AFTER, "b_known_before": now - KNOWN_FOR})
            known = attempt.pair is not None and (await connection.rows(_IS_KNOWN, {"b_key": _KNOWN + attempt.pair}))[0][0]
            waits = []
            for key in sorted(free_of):
                count, last = (await connection.rows(lock, {"b_key": key, "b_now": now}))[0]
                if not known or key == attempt.pair:
                    pause = _pause(count - free_of[key], longest)
                    waits.append(min(last + pause - now, pause))  # never longer, whatever another hub's clock says
            longest_wait = max(waits, default=timedelta())
            if longest_wait > timedelta():
                seconds = math.ceil(longest_wait.total_seconds())
                raise TooManyAttempts(
                    f"Too many wrong passwords. Wait {_in_words(seconds)}, then try again.", retry_after=seconds
                )
            for key in sorted(free_of):
                await connection.rows(_COUNT, {"b_key": key, "b_now": now})

        await self._database.write(work)

    async def succeeded(self, attempt: Attempt, *, now: datetime) -> None:
        """Forget the wrong attempts of this name at this address, where it is known now, and count the right one as none."""
        put = self._database.insert(login_attempts).values(key=sa.bindparam("b_key"), count=0, last=sa.bindparam("b_now"))
        known = put.on_conflict_do_update(index_elements=["key"], set_={"last": sa.bindparam("b_now")})

        async def work(connection: Connection) -> None:
            if attempt.pair is not None:
                await connection.rows(_FORGET, {"b_key": attempt.pair})
                await connection.rows(known, {"b_key": _KNOWN + attempt.pair, "b_now": now})
            if (of_address := _of_address(attempt.address)) is not None:
                await connection.rows(_ONE_LESS, {"b_key": of_address})

        await self._database.write(work)

    async def withdraw(self, attempt: Attempt) -> None:
        """Count an attempt no longer: nobody could say whether it was right."""

        async def work(connection: Connection) -> None:
            for key in sorted(filter(None, (attempt.pair, _of_address(attempt.address)))):
                await connection.rows(_ONE_LESS, {"b_key": key})

        await self._database.write(work)


def _of_address(address: str | None) -> str | None:
    return None if address is None else f"address {address}"


def _pause(wrong: int, longest: timedelta) -> timedelta:
    """Return how long to wait after so many wrong attempts beyond those that cost nothing."""
    return timedelta() if wrong < 0 else min(timedelta(seconds=2 ** min(wrong, 30)), longest)


def _in_words(seconds: int) -> str:
    if seconds < 60:
        return "a second" if seconds == 1 else f"{seconds} seconds"
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
