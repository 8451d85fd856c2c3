"""Waiting for what a session is to be, or to answer."""

import time
from collections.abc import Callable
from typing import Any

DEADLINE = 180.0  # seconds


def until(look: Callable[[], Any], good: Callable[[Any], bool], *, within: float = DEADLINE) -> Any:
    """Look again and again until what is seen is good, and return it; a session that has failed never will be."""
    deadline = time.monotonic() + within
    while not good(found := look()):
        assert not isinstance(found, dict) or found["state"] != "failed", found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found
