"""What `git status --porcelain=v2 -z --branch` says, read into the protocol's form."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from rspark_session.rc2 import protocol

#: Files that are listed; a person who has more looks at them in a terminal.
MOST_FILES = 2000
_Change = Literal["modified", "added", "deleted", "renamed", "copied", "type"]
_CHANGES: dict[str, _Change] = {"M": "modified", "A": "added", "D": "deleted", "R": "renamed", "C": "copied", "T": "type"}


@dataclass
class Parsed:
    """The branch and the files; `head` is None before the first commit, `branch` where none is checked out."""

    head: str | None = None
    branch: str | None = None
    upstream: str | None = None
    ahead: int = 0
    behind: int = 0
    files: list[protocol.GitFile] = field(default_factory=list)
    more: int = 0


def parse(out: bytes) -> Parsed:
    """Read the output of git; names that are not UTF-8 are counted in `more`."""
    parsed = Parsed()
    fields = iter(out.split(b"\0"))
    for raw in fields:
        if raw.startswith(b"# "):
            _header(parsed, raw.decode(errors="replace"))
        elif raw:
            original = next(fields, b"") if raw.startswith(b"2 ") else None
            try:
                file = _file(raw.decode(), original.decode() if original is not None else None)
            except UnicodeDecodeError:
                file = None
            if file is None or len(parsed.files) >= MOST_FILES:
                parsed.more += 1
            else:
                parsed.files.append(file)
    return parsed


def _header(parsed: Parsed, line: str) -> None:
    match line.removeprefix("# ").split(" "):
        case ["branch.oid", oid]:
            parsed.head = None if oid == "(initial)" else oid
        case ["branch.head", branch]:
            parsed.branch = None if branch == "(detached)" else branch
        case ["branch.upstream", upstream]:
            parsed.upstream = upstream
        case ["branch.ab", ahead, behind]:
            parsed.ahead, parsed.behind = int(ahead), -int(behind)


def _file(line: str, original: str | None) -> protocol.GitFile | None:
    match line[0]:
        case "1":
            states, path = line[2:4], line.split(" ", 8)[8]
        case "2":
            states, path = line[2:4], line.split(" ", 9)[9]
        case "u":
            return protocol.GitFile(path=line.split(" ", 10)[10], conflict=True)
        case "?":
            return protocol.GitFile(path=line[2:], unstaged="untracked")
        case _:
            return None
    return protocol.GitFile(path=path, original=original, staged=_CHANGES.get(states[0]), unstaged=_CHANGES.get(states[1]))


def changes(out: bytes) -> Iterator[protocol.GitChange]:
    """Read the output of `git diff-tree --name-status -z`."""
    fields = iter(out.decode(errors="replace").split("\0"))
    for letter in fields:
        if not letter:
            continue
        first = next(fields, "")
        path, original = (next(fields, ""), first) if letter[0] in "RC" else (first, None)
        yield protocol.GitChange(path=path, original=original, change=_CHANGES.get(letter[0], "modified"))
