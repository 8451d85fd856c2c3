"""How often somebody may make something, so that a loop that makes and deletes fills neither the store nor the audit."""

import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from rsparkhub.domain.errors import TooManyRequests

_MOST_REMEMBERED = 10_000


class Rate:
    """Counts in the memory of one hub: `burst` at once, and as many again within `refill`, for each person.

    Several hubs allow as many times as much, which still has an end.
    """

    def __init__(self, what: str, *, burst: int, refill: timedelta, clock: Callable[[], datetime]) -> None:
        self._what = what
        self._burst = burst
        self._each = refill / burst
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, person: str) -> None:
        """Count one; `check` says what is raised."""
        used = self.check(person)
        self._used[person] = (used + 1, self._clock())
        self._used.move_to_end(person)
        if len(self._used) > _MOST_REMEMBERED:
            self._used.popitem(last=False)

    def check(self, person: str) -> float:
        """Return how many count now, and count none.

        Raises
        ------
        TooManyRequests
            When the person has made as many as may be made now.
        """
        now = self._clock()
        used, at = self._used.get(person, (0.0, now))
        used = max(0.0, used - (now - at) / self._each)
        if used + 1 > self._burst:
            seconds = max(1, math.ceil((used + 1 - self._burst) * self._each.total_seconds()))
            raise TooManyRequests(
                f"You have made {self._burst} {self._what} in a short time. Wait {seconds} seconds before you make another one.",
                retry_after=seconds,
            )
        return used
