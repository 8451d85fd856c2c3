"""How far a program is, from what it prints: a line that it rewrites with a percentage, or `2/5` on a line, as knitr counts."""

import re
from dataclasses import dataclass

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;:?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_PERCENT = re.compile(r"(?<![\d.])(100(?:\.0+)?|\d{1,2}(?:\.\d+)?) ?%")
_COUNT = re.compile(r"\s*(\d{1,6})/(\d{1,6})\s*(?:\[([^\]]{1,100})\])?\s*")
#: The chunk that knitr runs, after its bar.
_CHUNK = re.compile(r"\| +\d+% +\(([^)]{1,100})\)")
#: Characters of a line that is not over yet, and lines of one text that are looked at.
_MOST_OPEN, _MOST_LINES = 4096, 20


@dataclass(frozen=True)
class Progress:
    """The part that is done, from 0 to 1, and what is done now, where the program says it."""

    fraction: float
    step: str | None = None


class ProgressReader:
    """Reads the progress from a program's output, in whatever pieces it comes."""

    def __init__(self) -> None:
        self._open = ""

    def take(self, text: str) -> Progress | None:
        """Return the newest progress in the text; None where it says nothing of it."""
        lines = (self._open + text).split("\n")
        self._open = lines[-1][-_MOST_OPEN:]
        for line in reversed(lines[-_MOST_LINES:]):
            if (found := _of_line(line[-_MOST_OPEN:])) is not None:
                return found
        return None


def _of_line(line: str) -> Progress | None:
    plain = _SEQUENCE.sub("", line.removesuffix("\r"))
    if counted := _COUNT.fullmatch(plain):
        done, all_of_them = int(counted[1]), int(counted[2])
        if 0 < done <= all_of_them:
            step = f"{done} of {all_of_them}" + (f": {counted[3]}" if counted[3] else "")
            return Progress((done - 1) / all_of_them, step)
    if "\r" not in line:  # a percentage in a line that stays is a result
        return None
    shown = next((piece for piece in reversed(plain.split("\r")) if piece.strip()), "")
    if percent := _PERCENT.search(shown):
        chunk = _CHUNK.search(shown)
        return Progress(float(percent[1]) / 100, chunk[1] if chunk else None)
    return None
