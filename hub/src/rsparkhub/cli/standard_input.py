"""Text that a command reads from standard input: UTF-8 whatever the locale says, with the line ends of any system."""

import sys

from rsparkhub.domain.errors import InvalidInput

_MOST_BYTES = 2**24


def read_text() -> str:
    """Return all that is given; raise `InvalidInput` where it is no text."""
    return _text(sys.stdin.buffer.read(_MOST_BYTES))


def read_line() -> str:
    """Return the first line without its end; raise `InvalidInput` where it is no text."""
    return _text(sys.stdin.buffer.readline(_MOST_BYTES)).rstrip("\r\n")


def _text(given: bytes) -> str:
    try:
        return given.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "What is given on standard input is not text in UTF-8. Save it as UTF-8, then give it again."
        ) from error
