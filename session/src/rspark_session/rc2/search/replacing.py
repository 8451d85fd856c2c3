"""Replaces in files, each of which is written whole or not, only where it is what was searched; and undoes a replacement.

Before a file is written, what undoes it is in a journal: a line of JSON a file. So a server that is killed half-way has lost
nothing, and what it had done can be undone; but beside the file that it was writing it may leave one named `.rspark-…`.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.search.editing import AT_ONCE, Edit, chosen, edits_of_files, take_all
from rspark_session.rc2.search.file import Found, Gone, NotReplaceable, read, version_of, write
from rspark_session.rc2.search.ripgrep import SearchFailed

#: Replacements that can be undone, and the bytes of what one of them keeps for that.
_MOST_JOURNALS, _MOST_JOURNAL = 20, 2**27
_NOTHING = f"There is nothing to undo: it changed nothing, is undone already, or {_MOST_JOURNALS} others came after it."
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass
class _Done:
    """What has been done so far."""

    id: str | None
    files: int = 0
    matches: int = 0
    left: bool = False  # what an undo has passed over may be brought back another time
    passed: list[protocol.PassedOver] = field(default_factory=list)

    def told(self, kind: str, text: str = "") -> protocol.Replaced:
        """Return it as it is sent; who was passed over is told once."""
        passed, self.passed = tuple(self.passed), []
        return protocol.Replaced.model_validate(
            {"type": kind, "id": self.id, "files": self.files, "matches": self.matches, "passed": passed, "text": text}
        )

    def pass_over(self, path: str, why: object) -> None:
        self.passed.append(protocol.PassedOver(path=path, why=str(why)))


class Replacements:
    """Replacements in the files of a home, one at a time; in `folder` is what undoes them."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._folder = folder
        self._changing = asyncio.Lock()

    async def replace(self, request: protocol.ReplaceRequest) -> AsyncIterator[protocol.Replaced]:
        """Replace in files, and yield how it goes; the last has another type than `progress`."""
        async with self._changing:
            done = _Done(request.id)
            journal = self._journal(request.id)
            if journal.exists():
                done.id = None
                yield done.told("failed", "This replacement was asked for already. Search again.")
                return
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                for at in range(0, len(request.targets), AT_ONCE):
                    some = request.targets[at : at + AT_ONCE]
                    await _to_its_end(partial(self._replace_some, request, some, journal, done))
                    yield done.told("progress")
            except SearchFailed as problem:
                last = "failed", str(problem)
            except OSError as problem:
                last = "failed", f"What would undo the replacement can't be kept: {problem.strerror}."
            else:
                last = "done", ""
            finally:  # also for who has stopped it
                self._close(journal, done)
            yield done.told(*last)

    async def undo(self, identity: str) -> AsyncIterator[protocol.Replaced]:
        """Bring files back to what they were before a replacement, where nobody has changed them since; yield how it goes."""
        async with self._changing:
            done = _Done(None)
            journal = self._journal(identity)
            if not _ID.fullmatch(identity) or not journal.is_file():
                yield done.told("failed", _NOTHING)
                return
            try:
                lines = await asyncio.to_thread(lambda: list(_lines(journal)))
                for at in range(0, len(lines), AT_ONCE):
                    await _to_its_end(partial(asyncio.to_thread, self._undo_some, lines[at : at + AT_ONCE], done))
                    yield done.told("progress")
                if done.left:
                    done.id = identity
                else:
                    await asyncio.to_thread(journal.unlink, missing_ok=True)
            except OSError as problem:
                done.id = identity
                yield done.told("failed", f"What undoes the replacement can't be read: {problem.strerror}.")
            else:
                yield done.told("done")

    def _journal(self, identity: str) -> Path:
        return self._folder / f"{identity}.jsonl"

    def _close(self, journal: Path, done: _Done) -> None:
        """Forget the oldest journal, or this one where nothing was changed."""
        if not done.files:
            done.id = None
        with suppress(OSError):  # what can't be forgotten now is at the next time
            if not done.files:
                journal.unlink(missing_ok=True)
            there = sorted(self._folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
            for old in there[: max(0, len(there) - _MOST_JOURNALS)]:
                old.unlink(missing_ok=True)

    async def _replace_some(
        self, request: protocol.ReplaceRequest, targets: Sequence[protocol.ReplaceTarget], journal: Path, done: _Done
    ) -> None:
        files, passed = await asyncio.to_thread(take_all, self._home, targets)
        for path, why in passed.items():
            done.pass_over(path, why)
        edits = await edits_of_files(self._home, request, request.replacement, files)
        wanted = {target.path: target for target in targets if target.path in files}
        await asyncio.to_thread(self._write_some, files, edits, wanted, journal, done)

    def _write_some(
        self,
        files: dict[str, Found],
        edits: dict[str, list[Edit] | NotReplaceable],
        wanted: dict[str, protocol.ReplaceTarget],
        journal: Path,
        done: _Done,
    ) -> None:
        for path, target in wanted.items():
            try:
                found, made = files[path], edits[path]
                if isinstance(made, NotReplaceable):
                    raise made
                some = chosen(made, target.at)
                content = _changed(found.content, ((edit.start, edit.end, edit.new) for edit in some))
                if content == found.content:
                    continue
                if not _keep(journal, path, found, content, some):
                    raise NotReplaceable("So much at once can't be undone. Replace in fewer files at a time.")
                write(found, content)
            except NotReplaceable as problem:
                done.pass_over(path, problem)
            else:
                done.files += 1
                done.matches += len(some)

    def _undo_some(self, lines: Sequence[dict[str, Any]], done: _Done) -> None:
        for line in lines:
            try:
                found = read(self._home, line["path"])
                if found.version == line["before"]:  # the server was killed before it was written, or it was undone already
                    continue
                if found.version != line["after"]:
                    done.pass_over(line["path"], "It has been changed since, and is left as it is.")
                    continue
                content = _changed(found.content, ((start, end, old.encode()) for start, end, old in line["edits"]))
                if version_of(content) != line["before"]:
                    done.pass_over(line["path"], "What it was before is not known any more.")
                    continue
                write(found, content)
            except NotReplaceable as problem:
                done.left |= not isinstance(problem, Gone)  # a full disk, say, and then its old text is in the journal alone
                done.pass_over(line["path"], problem)
            else:
                done.files += 1
                done.matches += len(line["edits"])


async def _to_its_end(work: Callable[[], Awaitable[None]]) -> None:
    """Wait for some work; who is cancelled meanwhile still waits for it, so that files are never written by two at once."""
    task = asyncio.ensure_future(work())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _changed(content: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    pieces, at = [], 0
    for start, end, new in edits:
        pieces += [content[at:start], new]
        at = end
    return b"".join([*pieces, content[at:]])


def _keep(journal: Path, path: str, found: Found, content: bytes, edits: Sequence[Edit]) -> bool:
    """Write down what undoes a change; return False when the journal is full."""
    undoing, grown = [], 0
    for edit in edits:
        start = edit.start + grown
        undoing.append((start, start + len(edit.new), found.content[edit.start : edit.end].decode()))
        grown += len(edit.new) - (edit.end - edit.start)
    line = {"path": path, "before": found.version, "after": version_of(content), "edits": undoing}
    journal.touch(mode=0o600)
    with journal.open("a") as file:
        if file.tell() > _MOST_JOURNAL:
            return False
        file.write(json.dumps(line) + "\n")
    return True


def _lines(journal: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a journal; a last one without an end was written by a server that was killed, and its file was not."""
    with journal.open() as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)
