"""What a replacement makes of a file, as ripgrep itself says: it puts marks around each match and what stands there instead."""

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from rspark_session.rc2 import protocol
from rspark_session.rc2.search import ripgrep
from rspark_session.rc2.search.file import Found, NotReplaceable, check_text, read
from rspark_session.rc2.search.ripgrep import SearchFailed
from rspark_session.rc2.search.searching import units

#: Files that one ripgrep is asked about.
AT_ONCE = 50
_CHANGED = "It has changed since it was searched. Search again."


@dataclass(frozen=True)
class Edit:
    """New text in the place of the bytes from `start` to `end`; `line` counts from 1, `column` from 0 in UTF-16 code units."""

    start: int
    end: int
    new: bytes
    line: int
    column: int


class _Marks:
    """Marks that stand in no file: before a match, between it and what stands there instead, and after that."""

    def __init__(self) -> None:
        self.before, self.between, self.after = (f"\x01{uuid.uuid4().hex}\x02".encode() for _ in range(3))

    def template(self, search: protocol.Search, replacement: str) -> str:
        """Return what ripgrep shall write for a match; raise `SearchFailed` when it spans lines."""
        if any(sign in replacement for sign in "\r\n\0"):
            raise SearchFailed("What stands there instead is one line: leave line ends out.")
        new = replacement if search.regex else replacement.replace("$", "$$")
        return f"{self.before.decode()}${{0}}{self.between.decode()}{new}{self.after.decode()}"


def take(home: Path, target: protocol.ReplaceTarget) -> Found:
    """Read a file as it was searched; raise `NotReplaceable` when it is another one now."""
    found = read(home, target.path)
    if found.version != target.version:
        raise NotReplaceable(_CHANGED)
    return found


async def edits_of_files(
    home: Path, search: protocol.Search, replacement: str, files: Mapping[str, Found]
) -> dict[str, list[Edit] | NotReplaceable]:
    """Return what changes in each file; of one that changes meanwhile why nothing does."""
    if not files:
        return {}
    names = [f"./{path}".encode() for path in files]
    lines = await _ask(home, search, replacement, names, b"")
    if lines.too_long and len(files) > 1:
        each = [await edits_of_files(home, search, replacement, {path: found}) for path, found in files.items()]
        return {path: edits for one in each for path, edits in one.items()}
    return {path: lines.edits(name, files[path].content) for path, name in zip(files, names, strict=True)}


async def edits_of_text(home: Path, search: protocol.Search, replacement: str, content: bytes) -> list[Edit]:
    """Return what changes in a text; raise `NotReplaceable` when nothing can."""
    check_text(content)
    lines = await _ask(home, search, replacement, [b"-"], content)
    edits = lines.edits(b"<stdin>", content)
    if isinstance(edits, NotReplaceable):
        raise edits
    return edits


async def preview(home: Path, request: protocol.SearchEditsRequest) -> protocol.SearchEdits:
    """Return what a replacement would change; raise `SearchFailed` when it is not understood."""
    found: list[protocol.SearchEditsOf] = []
    for at in range(0, len(request.targets), AT_ONCE):
        some = request.targets[at : at + AT_ONCE]
        files, passed = await asyncio.to_thread(take_all, home, some)
        edits = await edits_of_files(home, request, request.replacement, files)
        for target in some:
            if target.path in passed:
                found.append(protocol.SearchEditsOf(path=target.path, why=passed[target.path]))
            else:
                found.append(_told(target.path, files[target.path].content, edits[target.path], target.at))
    for document in request.texts:
        content = document.text.encode()
        try:
            made: list[Edit] | NotReplaceable = await edits_of_text(home, request, request.replacement, content)
        except NotReplaceable as problem:
            made = problem
        found.append(_told(document.path, content, made, None))
    return protocol.SearchEdits(files=tuple(found))


def take_all(home: Path, targets: Sequence[protocol.ReplaceTarget]) -> tuple[dict[str, Found], dict[str, str]]:
    """Read files as they were searched; return them, and why others are passed over."""
    files: dict[str, Found] = {}
    passed: dict[str, str] = {}
    for target in targets:
        try:
            files[target.path] = take(home, target)
        except NotReplaceable as problem:
            passed[target.path] = str(problem)
    return files, passed


def chosen(edits: Sequence[Edit], at: Collection[protocol.SearchPosition] | None) -> list[Edit]:
    """Return the edits of some matches; raise `NotReplaceable` when one of them is not there."""
    if at is None:
        return list(edits)
    wanted = {(position.line, position.column) for position in at}
    found = [edit for edit in edits if (edit.line, edit.column) in wanted]
    if len(found) != len(wanted):
        raise NotReplaceable(_CHANGED)
    return found


def _told(
    path: str,
    content: bytes,
    edits: list[Edit] | NotReplaceable,
    at: Collection[protocol.SearchPosition] | None,
) -> protocol.SearchEditsOf:
    try:
        if isinstance(edits, NotReplaceable):
            raise edits
        told = tuple(
            protocol.SearchEdit(
                line=edit.line, column=edit.column, length=units(content[edit.start : edit.end]), new=edit.new.decode()
            )
            for edit in chosen(edits, at)
        )
    except NotReplaceable as problem:
        return protocol.SearchEditsOf(path=path, why=str(problem))
    return protocol.SearchEditsOf(path=path, edits=told)


class _Lines:
    """The lines that ripgrep has written anew, by the file's name."""

    def __init__(self, marks: _Marks) -> None:
        self._marks = marks
        self._lines: dict[bytes, list[tuple[int, int, bytes]]] = {}
        self.too_long = False

    def add(self, record: bytes | None) -> None:
        if record is None:
            self.too_long = True  # of which file is not known: each is asked about alone then
            return
        name, _, rest = record.partition(b"\0")
        number, offset, text = rest.split(b":", 2)
        self._lines.setdefault(name, []).append((int(number), int(offset), text))

    def edits(self, name: bytes, content: bytes) -> list[Edit] | NotReplaceable:
        """Return the edits of a file; what doesn't fit to its content was not read of it."""
        if self.too_long:
            return NotReplaceable("A line would become too long.")
        found: list[Edit] = []
        try:
            for number, offset, text in self._lines.get(name, ()):
                found += self._of_line(content, number, offset, text)
        except ValueError:
            return NotReplaceable(_CHANGED)
        return found

    def _of_line(self, content: bytes, number: int, offset: int, text: bytes) -> list[Edit]:
        """Return the edits of a line; raise `ValueError` when it isn't a line of this content."""
        marks, found, at, column = self._marks, [], offset, 0

        def go_on(over: bytes) -> None:
            nonlocal at, column
            if not content.startswith(over, at):
                raise ValueError
            at, column = at + len(over), column + units(over)

        # Ripgrep ends a line that it writes anew with CRLF, whatever the file has.
        gap, *matches = text.removesuffix(b"\r").split(marks.before)
        go_on(gap)
        for match in matches:
            old, rest = match.split(marks.between)
            new, gap = rest.split(marks.after)
            start, first = at, column
            go_on(old)
            end = at
            if old.endswith(b"\r") and content.startswith(b"\n", at):  # of the line's end, which stays
                if b"\r" in old[:-1]:
                    raise ValueError
                end, new = at - 1, new.replace(b"\r", b"")
            found.append(Edit(start, end, new, number, first))
            go_on(gap)
        if not content.startswith((b"\n", b"\r\n"), at) and content[at:] not in (b"", b"\r"):
            raise ValueError
        return found


async def _ask(home: Path, search: protocol.Search, replacement: str, names: Sequence[bytes], stdin: bytes) -> _Lines:
    marks = _Marks()
    lines = _Lines(marks)
    arguments = (
        "--text",
        "--threads=1",
        "--no-heading",
        "--with-filename",
        "--null",
        "--line-number",
        "--byte-offset",
        *ripgrep.what(search),
        f"--replace={marks.template(search, replacement)}",
        "--",
    )
    async with aclosing(ripgrep.answer(home, *arguments, *names, stdin=stdin)) as pieces:
        async for records in pieces:
            for record in records:
                lines.add(record)
    return lines
