"""What a user reads before their session goes to sleep by itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Notice:
    """That a session goes to sleep at `at`, unless somebody uses it until then (`idle`); `given` is when that was said."""

    kind: Literal["idle", "longest"]
    generation: int
    given: datetime
    at: datetime
    text: str


def still_valid(
    notices: Iterable[Notice], *, busy: bool, last_activity: datetime | None, awake_until: datetime | None
) -> tuple[Notice, ...]:
    """Return the notices that hold.

    One for being idle is void once the session computes, somebody has used it since, or its sleep was put off (`awake_until`).
    """
    return tuple(
        notice
        for notice in notices
        if notice.kind != "idle"
        or not (
            busy
            or (last_activity is not None and last_activity >= notice.given)
            or (awake_until is not None and awake_until > notice.at)
        )
    )
