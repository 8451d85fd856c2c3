"""A cell of a document that somebody writes for a person: a notebook, or text with chunks."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["r", "python"]


@dataclass(frozen=True)
class Cell:
    """A cell of documents in one language.

    Where it uses other services than its own, it is left out unless the session has these.
    """

    kind: Literal["markdown", "code"]
    text: str
    needs: tuple[str, ...] = ()
    language: Language = "r"
