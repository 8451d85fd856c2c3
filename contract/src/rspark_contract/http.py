"""The agent's HTTP interface: its paths, its header, and how a status is waited for.

The agent answers on one port of the session. Each request but the one for its health carries the secret of the generation.

A status has an ETag, which changes whenever the agent has news. Who sends it back as `If-None-Match` gets 304 when nothing has
changed; with `Prefer: wait=SECONDS` (RFC 7240) the agent answers as soon as it has news, or with 304 after so many seconds.

A status says what computed when the agent measured it last, a few seconds ago. With `Cache-Control: no-cache` the agent measures
once more before it answers, which takes up to `LONGEST_MEASUREMENT`. An agent of the version before answers at once.
"""

from collections.abc import Iterable
from typing import Literal
from urllib.parse import parse_qs

#: What everything of the agent itself begins with; all else leads to the interface.
PREFIX = "/agent/"
HEALTH = "/agent/healthz"
STATUS = "/agent/status"
SUSPEND = "/agent/suspend"
STOP = "/agent/stop"
LOGS = "/agent/logs"
#: POST brings a `handout.Handout`; GET with `?id=ID` answers how far it is, and 404 where there is none. An agent of the version
#: before answers 404 to both.
HANDOUT = "/agent/handout"

SECRET_HEADER = "X-Rspark-Secret"  # noqa: S105  the header's name

#: How an ensemble is asked to end.
#:
#: - `sleep-if-idle`: save what is in memory, then end. It stays awake where something computes, and where anything that is data
#:   could not be kept; the status says why (`refusal`).
#: - `sleep`: the same, but what computes is ended.
#: - `suspend`: save what can be saved, then end, whatever was lost.
#: - `stop`: end, and save nothing.
#:
#: An agent of the version before takes the first three for `suspend`.
Ending = Literal["sleep-if-idle", "sleep", "suspend", "stop"]

#: Seconds that the first two may take: nobody waits for the machine, and the person's work does matter.
LONGEST_SLEEP = 600.0

_CONDITIONS: dict[str, Ending] = {"idle": "sleep-if-idle", "kept": "sleep"}

#: The header with which a status is asked for that is no older than the question, and its value.
FRESH_HEADER, FRESH = "Cache-Control", "no-cache"

#: Seconds that an agent takes at most to measure anew what computes.
LONGEST_MEASUREMENT = 3.0

#: Seconds that an agent waits with its answer at most, whatever a request prefers.
LONGEST_WAIT = 30


def ending_path(ending: Ending) -> str:
    """Return the path, with its query, to which a POST asks for this ending."""
    condition = next((word for word, asked in _CONDITIONS.items() if asked == ending), None)
    return STOP if ending == "stop" else SUSPEND if condition is None else f"{SUSPEND}?if={condition}"


def requested_ending(path: str, query: str) -> Ending | None:
    """Return the ending that a POST to this path asks for; None where it asks for none."""
    if path == SUSPEND:
        conditions = parse_qs(query).get("if", [""])
        return _CONDITIONS.get(conditions[-1], "suspend")
    return "stop" if path == STOP else None


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
