"""Pieces of files that were executed, and in which of them a breakpoint stands.

Each piece has the lines of its file as they were when it was executed. A breakpoint has the line as the file is now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rspark_session.rc2 import protocol

#: Characters by which a line is known again.
_MOST_OF_LINE = 200


@dataclass(frozen=True)
class Piece:
    """Code that was executed, and where it is from: `first` is the line of the file that it begins at."""

    path: str
    first: int
    code: str

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What its lines are known again by."""
        return tuple(line.strip()[:_MOST_OF_LINE] for line in self.code.split("\n"))

    def has_another(self, line: int, text: str) -> bool:
        """Return whether it has a line of its file, which reads otherwise."""
        return 0 <= line - self.first < len(self.texts) and self.texts[line - self.first] != text


def places(pieces: Sequence[Piece], breakpoint_: protocol.BreakpointAt) -> dict[Piece, int]:
    """Return those `pieces` of its file in which a breakpoint stands, each with the line, from 1, of its code.

    They are those that have its text at its own line; where none does, since the file was edited, those that have it nearest. A
    line that was elsewhere when a later one of the `pieces` was executed, which has it too, is where it was then.
    """
    text = breakpoint_.text
    found: dict[Piece, int] = {}
    later: list[Piece] = []
    for piece in reversed(pieces):
        if not text or text not in piece.texts:
            continue
        lines = (line for line, other in enumerate(piece.texts, piece.first) if other == text)
        there = [line for line in lines if not any(other.has_another(line, text) for other in later)]
        if there:
            found[piece] = min(there, key=lambda line: abs(line - breakpoint_.line))
        later.append(piece)
    nearest = min((abs(line - breakpoint_.line) for line in found.values()), default=0)
    return {piece: line - piece.first + 1 for piece, line in found.items() if abs(line - breakpoint_.line) == nearest}
