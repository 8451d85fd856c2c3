"""Standard input, output and errors as the commands expect them, whoever started them and wherever."""

import os
import sys
from io import TextIOWrapper


def prepare_streams() -> None:
    """Open /dev/null in the place of streams that are closed (`<&-`), and print letters that can't be printed by their numbers.

    A connection would get the number of a stream that is closed. A terminal that is not UTF-8 has no letters for many names.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115  it stays open
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
