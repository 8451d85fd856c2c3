"""How often somebody guessed a password wrong, by name and by address; in the store, so that several hubs count as one."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from rsparkhub.domain.errors import TooManyAttempts
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import login_attempts

_FORGET_OLD = sa.delete(login_attempts).where(login_attempts.c.last <= sa.bindparam("b_before"))
_FORGET = sa.delete(login_attempts).where(login_attempts.c.key == sa.bindparam("b_key"))
_ONE_LESS = (
    sa.update(login_attempts)
    .where(login_attempts.c.key == sa.bindparam("b_key"), login_attempts.c.count > 0)
    .values(count=login_attempts.c.count - 1)
)


class LoginAttempts:
    """Counts attempts to sign in.

    An attempt counts before its password is checked, so that a thousand at the same moment are not a thousand guesses;
    one that was right is taken off again. After `most` of them the next has to wait until `pause` after the last, and
    then the count begins anew. Who has to wait does not wait longer for asking.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, keys: Sequence[str], *, most: int, pause: timedelta, now: datetime) -> None:
        """Count an attempt under each of the keys.

        Raises
        ------
        TooManyAttempts
            When one of the keys had `most` already; then this one is not counted.
        """
        count = self._database.insert(login_attempts).values(key=sa.bindparam("b_key"), count=1, last=sa.bindparam("b_now"))
        last = sa.case((login_attempts.c.count >= most, login_attempts.c.last), else_=sa.bindparam("b_now"))
        count = count.on_conflict_do_update(index_elements=["key"], set_={"count": login_attempts.c.count + 1, "last": last})
        counting = count.returning(login_attempts.c.count, login_attempts.c.last)

        async def work(connection: Connection) -> None:
            await connection.rows(_FORGET_OLD, {"b_before": now - pause})
            counted = [(await connection.rows(counting, {"b_key": key, "b_now": now}))[0] for key in sorted(keys)]
            waits = [last + pause - now for number, last in counted if number > most]
            if waits:
                seconds = max(1, math.ceil(max(waits).total_seconds()))
                raise TooManyAttempts(
                    f"Too many wrong passwords. Wait {_in_words(seconds)}, then try again.", retry_after=seconds
                )

        await self._database.write(work)

    async def succeeded(self, *, forget: str, one_less: str | None) -> None:
        """Forget what was counted under a name, and take the right attempt off what was counted under an address."""

        async def work(connection: Connection) -> None:
            await connection.rows(_FORGET, {"b_key": forget})
            if one_less is not None:
                await connection.rows(_ONE_LESS, {"b_key": one_less})

        await self._database.write(work)


def _in_words(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
