"""The pauses between attempts at one thing: short after the first failure, longer with each that follows at once."""

_FIRST, _LONGEST = 1.0, 30.0  # seconds
_STEADY = 60.0  # seconds after a pause, after which a failure is no longer one in a row


class Pauses:
    """When a thing that has failed is tried again. `failures` is how often in a row it has. Times are those of one clock."""

    def __init__(self) -> None:
        self.failures = 0
        self._until = 0.0

    def fail(self, now: float) -> float:
        """Count a failure; return how long the pause after it is, in seconds."""
        self.failures = 1 if now - self._until > _STEADY else self.failures + 1
        pause: float = min(_FIRST * 2 ** (self.failures - 1), _LONGEST)
        self._until = now + pause
        return pause

    def are_over(self, now: float) -> bool:
        """Return whether it may be tried now."""
        return now >= self._until
