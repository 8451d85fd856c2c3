"""Filters of `warnings`, each by itself: one that can't be saved, or read again, takes no other along.

A filter's class may be one that a cell made, and made once more since: the old one can't be saved.
"""

import pickle
from typing import Any

from rspark_session.workspace.unsaveable import described


def dump(filters: list[Any]) -> tuple[bytes, list[str]]:
    """Return them as a file's content, and which of them can't be saved."""
    saved, problems = [], []
    for each in filters:
        try:
            saved.append(pickle.dumps(each))
        except Exception as problem:  # whatever its class says
            problems.append(f"One can't be saved: {described(problem)}. Set it again.")
    return pickle.dumps(saved), problems


def load(content: bytes) -> tuple[list[Any], list[str]]:
    """Read what `dump` returned, or what a version before this one wrote: the filters themselves."""
    filters, problems = [], []
    for each in pickle.loads(content):  # noqa: S301  (we wrote it, into the person's own folder)
        try:
            filters.append(pickle.loads(each) if isinstance(each, bytes) else each)  # noqa: S301
        except Exception as problem:  # its class is not there any more
            problems.append(f"One can't be restored: {described(problem)}. Set it again.")
    return filters, problems
