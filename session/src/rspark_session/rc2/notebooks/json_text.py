"""The text of a JSON file, in which single values are replaced while every other byte stays as it was written.

All functions expect text that is valid JSON: who calls them has read it before.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST_INDENT = re.compile(r"\s*\{\r?\n([ \t]*)")
_COLON = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:(\s?)')
_ESCAPED_LETTER = re.compile(r"\\u(?!00[01])", re.IGNORECASE)
_HALF = re.compile("[\ud800-\udfff]")  # of a character, which UTF-8 can't hold
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Span:
    """Where a value stands in a text."""

    begin: int
    end: int


def members(text: str, begin: int) -> dict[str, Span]:
    """Return where the values of an object are, by their keys; the object's brace is at `begin` or after spaces."""
    found: dict[str, Span] = {}
    at = _after_space(text, _after_space(text, begin) + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        value = _after_space(text, _after_space(text, at) + 1)
        end = _DECODER.raw_decode(text, value)[1]
        found[key] = Span(value, end)
        at = _after_comma(text, end)
    return found


def elements(text: str, begin: int) -> list[Span]:
    """Return where the values of an array are, whose bracket is at `begin`."""
    found: list[Span] = []
    at = _after_space(text, begin + 1)
    while text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        found.append(Span(at, end))
        at = _after_comma(text, end)
    return found


def replaced(text: str, values: Mapping[Span, str]) -> str:
    """Return a text with other texts at some places."""
    pieces: list[str] = []
    at = 0
    for span in sorted(values, key=lambda span: span.begin):
        pieces += (text[at : span.begin], values[span])
        at = span.end
    return "".join([*pieces, text[at:]])


@dataclass(frozen=True)
class Style:
    """How a file is written. `indent` is that of one level; None where there are no line breaks."""

    indent: str | None
    newline: str
    colon: str
    only_ascii: bool

    def written(self, value: Any, margin: str = "") -> str:
        """Return a value as the file has such, whose first line stands in a line that begins with `margin`."""
        comma = "," if self.indent is not None or self.colon == ":" else ", "
        text = json.dumps(value, ensure_ascii=self.only_ascii, indent=self.indent, separators=(comma, self.colon))
        text = _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
        return text.replace("\n", self.newline + margin)


def style_of(text: str) -> Style:
    """Return how a file is written, by its beginning."""
    beginning = text[1:] if text.startswith("\ufeff") else text
    indent, colon = _FIRST_INDENT.match(beginning), _COLON.match(beginning)
    return Style(
        indent=indent[1] if indent else None,
        newline="\r\n" if "\r\n" in text else "\n",
        colon=": " if colon is None or colon[1] else ":",
        only_ascii=text.isascii() and _ESCAPED_LETTER.search(text) is not None,
    )


def margin_at(text: str, position: int) -> str:
    """Return the spaces with which a position's line begins."""
    begin = text.rfind("\n", 0, position) + 1
    end = begin
    while text[end] in " \t":
        end += 1
    return text[begin:end]


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # it matches nothing, too
    return found.end()


def _after_comma(text: str, at: int) -> int:
    """Return where the next member begins, or the closing bracket is."""
    at = _after_space(text, at)
    return _after_space(text, at + 1) if text[at] == "," else at
