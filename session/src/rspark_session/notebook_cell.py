"""A cell of a notebook that somebody writes for a person."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cell:
    """A cell; where it uses other services than its own, it is left out unless the session has these."""

    kind: Literal["markdown", "code"]
    text: str
    needs: tuple[str, ...] = ()
