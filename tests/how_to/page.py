"""A page of `docs/how-to`: the files that it says to write, the commands that it says to type, and what it promises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"```(?P<language>\w+)\n(?P<content>.*?)```\n", re.DOTALL)
#: The last words before a block that is a file: its path, and a colon.
_FILE = re.compile(r"`(?P<path>[\w./-]+)`:\s*$")


@dataclass(frozen=True)
class Write:
    """A file to be written."""

    path: str
    content: str


@dataclass(frozen=True)
class Type:
    """Commands to be typed, one a line."""

    commands: tuple[str, ...]


@dataclass(frozen=True)
class Expect:
    """What the last command is to print."""

    text: str


def steps(page: Path) -> Iterator[Write | Type | Expect]:
    """Yield what the page says to do, from its top to its end."""
    text, end = page.read_text(), 0
    for block in _BLOCK.finditer(text):
        before, end = text[end : block.start()], block.end()
        named = _FILE.search(before)
        content = block["content"]
        if named is not None:
            yield Write(named["path"], content)
        elif block["language"] == "sh":
            yield Type(tuple(content.splitlines()))
        elif block["language"] == "text":
            yield Expect(content.strip())
        else:
            raise AssertionError(f"{page.name} does not say what becomes of this:\n{content}")
