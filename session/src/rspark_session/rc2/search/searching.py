"""What ripgrep finds, file by file as it comes, cut and counted."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.search import ripgrep
from rspark_session.rc2.search.file import NotReplaceable, check_text, read, version_of
from rspark_session.rc2.search.ripgrep import SearchFailed

#: Matches that are sent; who needs more searches for something narrower.
MOST_MATCHES = 10_000
#: Matches that are sent at once.
_MOST_AT_ONCE = 500
#: Bytes of the longest line of ripgrep's answer: one with a match in each character takes many times as much when it is read.
_MOST_RECORD = 2**23
#: Bytes of a line that are shown before a match, of it, and after it.
_BEFORE, _WITHIN, _AFTER = 60, 200, 200


async def search(home: Path, request: protocol.SearchRequest, most: int = MOST_MATCHES) -> AsyncIterator[protocol.SearchFound]:
    """Search, and yield what is found; the last has another type than `found`."""
    searching = _Searching(home, request, most)
    try:
        async with aclosing(searching.run()) as found:
            async for files in found:
                for some in _batches(files):
                    yield searching.told("found", some)
    except SearchFailed as problem:
        yield protocol.SearchFound(type="failed", text=str(problem))
    else:
        yield searching.told("done")


def _batches(files: Iterable[protocol.SearchFile]) -> Iterator[tuple[protocol.SearchFile, ...]]:
    """Yield files so that no batch has many more matches than may be sent at once."""
    batch: list[protocol.SearchFile] = []
    count = 0
    for file in files:
        batch.append(file)
        count += len(file.matches)
        if count >= _MOST_AT_ONCE:
            yield tuple(batch)
            batch, count = [], 0
    if batch:
        yield tuple(batch)


@dataclass(frozen=True)
class _Match:
    offset: int  # of its beginning in the file, in bytes
    matched: bytes
    shown: protocol.SearchMatch


@dataclass
class _File:
    """A file of which ripgrep tells."""

    name: bytes
    matches: list[_Match] = field(default_factory=list)
    binary: bool = False
    whole: bool = False  # all of its matches are known

    @property
    def path(self) -> str:
        return self.name.decode(errors="replace").removeprefix("./")


class _Searching:
    def __init__(self, home: Path, request: protocol.SearchRequest, most: int) -> None:
        self._home = home
        self._request = request
        self._most = most
        self._count = self._files = self._too_long = 0
        self._more = False
        self._now: _File | None = None

    def told(self, kind: str, files: tuple[protocol.SearchFile, ...] = ()) -> protocol.SearchFound:
        return protocol.SearchFound.model_validate(
            {
                "type": kind,
                "files": files,
                "matches": self._count,
                "in_files": self._files,
                "more": self._more,
                "too_long": self._too_long,
            }
        )

    async def run(self) -> AsyncGenerator[list[protocol.SearchFile]]:
        """Yield files with matches, documents of editors first."""
        request = self._request
        wanted = ("--json", "--line-buffered", *ripgrep.what(request))
        top = ripgrep.folder(self._home, request.folder)
        for document in await self._chosen(top):
            content = document.text.encode()
            async with aclosing(ripgrep.answer(self._home, *wanted, "--text", "-", stdin=content, most=_MOST_RECORD)) as pieces:
                async for records in pieces:
                    yield await asyncio.to_thread(self._take, records, (document.path, content))
                    if self._more:
                        return
        places = ripgrep.where(request)
        async with aclosing(ripgrep.answer(self._home, *wanted, *places, "--", top, most=_MOST_RECORD)) as pieces:
            async for records in pieces:
                yield await asyncio.to_thread(self._take, records, None)
                if self._more:
                    return

    async def _chosen(self, top: str) -> list[protocol.SearchText]:
        """Return the documents whose files are among those that are searched: ripgrep lists them, from the same place on."""
        documents = {os.fsencode(f"./{PurePosixPath(document.path)}"): document for document in self._request.texts}
        found: list[protocol.SearchText] = []
        if not documents:
            return found
        listed = ripgrep.answer(self._home, "--files", "--null", *ripgrep.where(self._request), "--", top, end=b"\0")
        async with aclosing(listed) as pieces:
            async for names in pieces:
                found += [documents.pop(name) for name in names if name in documents]
                if not documents:
                    break
        return found

    def _take(self, records: Iterable[bytes | None], document: tuple[str, bytes] | None) -> list[protocol.SearchFile]:
        """Read some lines of ripgrep's answer, and return the files that have ended in them."""
        found: list[protocol.SearchFile] = []
        others = () if document else {text.path for text in self._request.texts}
        for record in records:
            if record is None:
                self._too_long += 1
                continue
            told = json.loads(record)
            match told["type"]:
                case "begin":
                    self._now = _File(document[0].encode() if document else _bytes(told["data"]["path"]))
                case "match" if self._now is not None and not self._now.binary and self._now.path not in others:
                    self._now.matches += _matches(told["data"], self._most + 1 - self._count - len(self._now.matches))
                    if self._count + len(self._now.matches) > self._most:
                        if not document and _has_zero(self._home / os.fsdecode(self._now.name)):
                            self._now.binary = True
                            self._now.matches.clear()
                            continue
                        self._more = True
                        del self._now.matches[self._most - self._count :]
                        found += self._ended(self._now, document)
                        return found
                case "end" if self._now is not None:
                    self._now.binary |= not document and told["data"]["binary_offset"] is not None
                    self._now.whole = True
                    found += self._ended(self._now, document)
        return found

    def _ended(self, file: _File, document: tuple[str, bytes] | None) -> list[protocol.SearchFile]:
        """Return a file, in parts where it has many matches."""
        self._now = None
        if file.binary or not file.matches:
            return []
        self._count += len(file.matches)
        self._files += 1
        version, why = self._version(file, document)
        shown = [match.shown for match in file.matches]
        return [
            protocol.SearchFile(path=file.path, version=version, why=why, matches=tuple(shown[at : at + _MOST_AT_ONCE]))
            for at in range(0, len(shown), _MOST_AT_ONCE)
        ]

    def _version(self, file: _File, document: tuple[str, bytes] | None) -> tuple[str | None, str | None]:
        """Return what names the content that was searched, or why nothing can be replaced in it."""
        try:
            if not file.whole:
                raise NotReplaceable("Not all of its matches are shown. Search for something narrower.")
            if document:
                content = document[1]
                check_text(content)
                return version_of(content), None
            try:
                path = file.name.decode().removeprefix("./")
            except UnicodeDecodeError as problem:
                raise NotReplaceable("Its name is not UTF-8, and it is left as it is.") from problem
            found = read(self._home, path)
            if any(not found.content.startswith(match.matched, match.offset) for match in file.matches):
                raise NotReplaceable("It has changed while it was searched. Search again.")
        except NotReplaceable as problem:
            return None, str(problem)
        return found.version, None


def _has_zero(file: Path) -> bool:
    """Return whether a file is binary, of which ripgrep has not told yet."""
    try:
        with file.open("rb") as opened:
            return b"\0" in opened.read(2**20)
    except OSError:
        return False


def _bytes(told: dict[str, str]) -> bytes:
    return told["text"].encode() if "text" in told else base64.b64decode(told["bytes"])


def _matches(told: dict[str, Any], most: int) -> list[_Match]:
    """Return the first matches of a line."""
    line = _bytes(told["lines"]).removesuffix(b"\n").removesuffix(b"\r")
    found: list[_Match] = []
    column = at = 0
    for match in told["submatches"][:most]:
        start, end = min(match["start"], len(line)), min(match["end"], len(line))
        column += units(line[at:start])
        at = start
        text, first, last = _cut(line, start, end)
        shown = protocol.SearchMatch(
            line=told["line_number"], column=column, length=units(line[start:end]), text=text, start=first, end=last
        )
        found.append(_Match(told["absolute_offset"] + start, line[start : min(end, start + _WITHIN)], shown))
    return found


def units(text: bytes) -> int:
    """Return how many UTF-16 code units a text has."""
    return len(text) if text.isascii() else len(text.decode(errors="replace").encode("utf-16-le")) // 2


def _cut(line: bytes, start: int, end: int) -> tuple[str, int, int]:
    """Return what is shown of a line, and where the match begins and ends in it."""
    first = max(0, start - _BEFORE)
    while 0 < first < start and line[first] & 0xC0 == 0x80:  # within a character
        first += 1
    before = line[first:start].decode(errors="replace")
    before = f"…{before}" if first else before.lstrip()
    within = _whole(line[start:end], _WITHIN)
    if len(within) < end - start:
        after = "…"
    else:
        rest = _whole(line[end : end + _AFTER + 4], _AFTER)
        after = rest.decode(errors="replace") + ("…" if end + len(rest) < len(line) else "")
    matched = within.decode(errors="replace")
    begins = units(before.encode())
    return before + matched + after, begins, begins + units(matched.encode())


def _whole(text: bytes, most: int) -> bytes:
    """Return the beginning of a text, cut between two characters."""
    if len(text) <= most:
        return text
    while most > 0 and text[most] & 0xC0 == 0x80:
        most -= 1
    return text[:most]
