"""A voluntary sleep: save first, and end only when all that was data is kept. Otherwise everything goes on as before.

Only what nobody can refuse (SIGTERM, the longest run, an administrator) ends a session whatever is lost.
"""

from datetime import UTC, datetime

from rspark_contract.saved import MOST_REFUSED, SleepRefusal
from rspark_session.agent.lifecycle.saving import SaveResult, sentence_of


class Refusals:
    """Makes the refusals of one generation, each with a number of its own."""

    def __init__(self) -> None:
        self._number = 0

    def because_busy(self, busy_with: list[str]) -> SleepRefusal:
        """Return the refusal of a session that computes."""
        return self._next(f"it computes ({', '.join(busy_with)})")

    def because_lost(self, result: SaveResult) -> SleepRefusal:
        """Return the refusal of a session of which something could not be kept."""
        failures = result.failures
        return self._next(sentence_of(failures), result)

    def _next(self, reason: str, result: SaveResult | None = None) -> SleepRefusal:
        self._number += 1
        lost = result.failures[:MOST_REFUSED] if result else ()
        return SleepRefusal(number=self._number, at=datetime.now(UTC), reason=f"{reason}.", lost=lost)
