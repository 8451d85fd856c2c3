"""The calls that take a file as their body: which they are, and what is said of a file that is too large."""

import re
from http import HTTPStatus

from rsparkhub.wire.problem import Problem

_PATH = re.compile(r"/hub/api/groups/[^/]+/(data|hand-ins|hand-ins/[^/]+/returned)")


def takes_a_file(path: str) -> bool:
    """Return whether a call of this path may have a file as its body."""
    return _PATH.fullmatch(path) is not None


def file_too_large(most: int) -> Problem:
    """Return what is wrong with a file of more than so many bytes."""
    room = f"{most // 2**20} MiB" if most >= 2**20 else f"{most} bytes"
    return Problem(
        title=HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        status=413,
        code="too-large",
        detail=f"A file of a course has up to {room}. Leave out what can be computed again.",
    )
