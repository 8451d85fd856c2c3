"""The agent's HTTP interface: its paths, its header, and how a status is waited for.

The agent answers on one port of the session. Each request but the one for its health carries the secret of the generation.

A status has an ETag, which changes whenever the agent has news. Who sends it back as `If-None-Match` gets 304 when nothing has
changed; with `Prefer: wait=SECONDS` (RFC 7240) the agent answers as soon as it has news, or with 304 after so many seconds.
"""

from collections.abc import Iterable
from typing import Literal

#: What everything of the agent itself begins with; all else leads to the interface.
PREFIX = "/agent/"
HEALTH = "/agent/healthz"
STATUS = "/agent/status"
SUSPEND = "/agent/suspend"
STOP = "/agent/stop"
LOGS = "/agent/logs"

SECRET_HEADER = "X-Rspark-Secret"  # noqa: S105  the header's name

#: How an ensemble is asked to end: `suspend` saves what is in memory, `stop` does not.
Ending = Literal["suspend", "stop"]

#: Seconds that an agent waits with its answer at most, whatever a request prefers.
LONGEST_WAIT = 30


def ending_path(ending: Ending) -> str:
    """Return the path to which a POST asks for this ending."""
    return SUSPEND if ending == "suspend" else STOP


def prefer_wait(seconds: int) -> str:
    """Return the value of `Prefer` that asks the agent to wait so many seconds for news."""
    return f"wait={seconds}"


def preferred_wait(preferences: Iterable[str]) -> int:
    """Return how many seconds a request prefers to wait, at most `LONGEST_WAIT`; 0 where it doesn't.

    `preferences` are the elements of `Prefer`; spaces around them and around `=` mean nothing.
    """
    for preference in preferences:
        word, _, value = preference.partition("=")
        value = value.strip()
        if word.strip().lower() == "wait" and value.isascii() and value.isdigit():
            return min(int(value[:4]), LONGEST_WAIT)
    return 0
