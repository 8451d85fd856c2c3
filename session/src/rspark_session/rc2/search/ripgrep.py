"""The real ripgrep, run so that it can't take in what no person chose, and so that its answer is bounded."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

from rspark_session.rc2 import protocol
from rspark_session.rc2.refusal import Refusal

#: Bytes of the longest line of its answer that is read.
MOST_RECORD = 2**25
#: Larger files are passed over, since a line may be as long as its file and ripgrep holds a whole line in memory.
_LARGEST_FILE = "256M"
_MOST_ERRORS = 2**16
_PIECE = 2**16
#: Never searched: what Git keeps for itself, and the record of this session, which a replacement would destroy.
_RECORD = PurePosixPath(".local/share/rspark")
_NEVER = ("!.git", f"!/{_RECORD}")
_REASON = re.compile(r"^error: (.+)$", re.MULTILINE)
_GLOB = re.compile(r"^error parsing glob '(.*)': (.+)$", re.MULTILINE)


class SearchFailed(Refusal):
    """What was asked for can't be searched for. The message says why."""


def what(search: protocol.Search) -> list[str]:
    """Return the arguments that say what a match is.

    Raises
    ------
    SearchFailed
        When it spans lines.
    """
    if re.search(r"[\r\n\0]", search.pattern):
        raise SearchFailed("A match lies within one line: search for one line at a time.")
    return [
        "--case-sensitive" if search.case else "--ignore-case",
        *(("--word-regexp",) if search.words else ()),
        *(() if search.regex else ("--fixed-strings",)),
        f"--regexp={search.pattern}",
    ]


def where(search: protocol.Search) -> list[str]:
    """Return the arguments that say which files are searched.

    Raises
    ------
    SearchFailed
        When the name of a file has a folder in it.
    """
    globs = [glob for written in search.files if (glob := written.strip()).strip("!")]
    names = [glob for glob in globs if not glob.startswith("!")]
    if (place := next((glob for glob in names if "/" in glob), None)) is not None:
        raise SearchFailed(f"{place} is more than a file's name. Say the name alone, and choose the folder to search in.")
    # As a type of files, since a glob would bring back what .gitignore leaves out.
    types = [*(f"--type-add=chosen:{name}" for name in names), *(("--type=chosen",) if names else ())]
    left_out = [*(glob for glob in globs if glob.startswith("!")), *(() if search.hidden else ("!.*",)), *_NEVER]
    return [
        "--no-follow",
        "--sort=path",
        f"--max-filesize={_LARGEST_FILE}",
        *(("--hidden",) if search.hidden else ()),
        *(("--no-ignore",) if search.ignored else ()),
        *types,
        *(f"--glob={glob}" for glob in left_out),
    ]


def folder(home: Path, path: str) -> str:
    """Return a folder of the home as an argument.

    Raises
    ------
    SearchFailed
        When there is none, a link leads out of the home, or it is never searched.
    """
    found = home / path
    if "\0" in path or not found.resolve().is_relative_to(home.resolve()) or not found.is_dir():
        raise SearchFailed(f"There is no folder {path} in your home.")
    # Ripgrep asks no glob about the place that it is given.
    parts = found.resolve().relative_to(home.resolve()).parts
    if ".git" in (*found.relative_to(home).parts, *parts) or parts[: len(_RECORD.parts)] == _RECORD.parts:
        raise SearchFailed("What Git and this session keep for themselves is not searched. Choose another folder.")
    return f"./{found.relative_to(home)}" if path else "./"


@asynccontextmanager
async def started(home: Path, *arguments: str | bytes) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start ripgrep in the home; at the end of the block it is ended.

    Raises
    ------
    SearchFailed
        When there is no ripgrep.
    """
    pipe = asyncio.subprocess.PIPE
    # No configuration of a person's, no guess at encodings, by which places would shift, no word on files that can't be read.
    own = ("--no-config", "--no-messages", "--encoding=none", "--crlf", "--color=never")
    try:
        process = await asyncio.create_subprocess_exec(
            "rg", *own, *arguments, cwd=home, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except FileNotFoundError as problem:
        raise SearchFailed(
            "This session has no ripgrep, by which files are searched. Ask who runs it for the package."
        ) from problem
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()
        await process.communicate()  # what is left in the pipes, which are closed by that


async def answer(
    home: Path, *arguments: str | bytes, stdin: bytes = b"", most: int = MOST_RECORD, end: bytes = b"\n"
) -> AsyncGenerator[list[bytes | None]]:
    """Run ripgrep, and yield the lines of its answer as they come, many at once.

    None is in the place of a line of more than `most` bytes; `end` is the byte at which lines end.

    Raises
    ------
    SearchFailed
        When ripgrep refuses, with a sentence.
    """
    async with started(home, *arguments) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        writing = asyncio.ensure_future(_write(process.stdin, stdin))
        errors = asyncio.ensure_future(_first_of(process.stderr))
        try:
            rest, skipping = bytearray(), False
            while piece := await process.stdout.read(_PIECE):
                *ended, last = piece.split(end)
                found: list[bytes | None] = []
                for line in ended:
                    found.append(None if skipping or len(rest) + len(line) > most else bytes(rest) + line)
                    rest, skipping = bytearray(), False
                rest += last
                if len(rest) > most:
                    rest, skipping = bytearray(), True
                if found:
                    yield found
            if rest:
                yield [bytes(rest)]
            if said := (await errors).strip():
                raise SearchFailed(sentence(said))
        finally:
            writing.cancel()
            errors.cancel()
            await asyncio.wait([writing, errors])


def sentence(said: str) -> str:
    """Return why ripgrep refuses, without its drawing of the place."""
    if (glob := _GLOB.search(said)) is not None:
        return f"These files can't be chosen by {glob[1]}: {glob[2]}."
    if "is not allowed in a regex" in said:
        return r"A match lies within one line: leave \n out of the expression."
    if "exceeds size limit" in said:
        return "This expression is too large. Ask for fewer repetitions in it."
    reason = _REASON.search(said)
    return f"This expression is not understood: {reason[1] if reason else said.splitlines()[0]}."


async def _write(stream: asyncio.StreamWriter, content: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        stream.write(content)
        await stream.drain()
        stream.close()


async def _first_of(stream: asyncio.StreamReader) -> str:
    found = bytearray()
    while piece := await stream.read(_PIECE):
        found += piece[: _MOST_ERRORS - len(found)]
    return found.decode(errors="replace")
