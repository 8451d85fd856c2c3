"""The real git, run so that it can't ask a question, hang, or answer without end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rspark_session.rc2.git.sentences import sentence
from rspark_session.rc2.refusal import Refusal

#: Seconds that a command on the disk may take; hooks of a commit may take longer.
QUICK, LONG = 30.0, 300.0
_MOST_OUTPUT = 2**24
_MOST_ERRORS = 2**16
#: What a repository may have configured for its terminal is not wanted here; `core.fsmonitor` would run a program at each look.
_CONFIG = (
    "core.quotePath=false",
    "core.fsmonitor=false",
    "color.ui=false",
    "log.showSignature=false",
    "advice.detachedHead=false",
)


class GitFailed(Refusal):
    """Git refuses. The message says why; `output` is what git said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Answer:
    """What git answered."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Its output without the last line's end."""
        return self.out.decode(errors="replace").rstrip("\n")


def environ(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of git: nothing of it is asked for at a terminal, and no repository is above the home."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return own | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_EDITOR": "true",
        "GIT_PAGER": "cat",
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        "LC_ALL": "C.UTF-8",
        **(more or {}),
    }


@asynccontextmanager
async def started(
    folder: Path, *arguments: str, environ: Mapping[str, str], config: tuple[str, ...] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start git in a folder; at the end of the block it and all that it started are ended.

    Raises
    ------
    GitFailed
        When there is no git, or no such folder.
    """
    options = [option for value in (*_CONFIG, *config) for option in ("-c", value)]
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            "--no-pager",
            *options,
            *arguments,
            cwd=folder,
            env=dict(environ),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except FileNotFoundError as problem:
        raise GitFailed("This session has no Git, or this folder is not there any more.") from problem
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def run(
    folder: Path,
    *arguments: str,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    seconds: float = QUICK,
    most: int = _MOST_OUTPUT,
    config: tuple[str, ...] = (),
) -> Answer:
    """Run git in a folder, and return its answer, whatever its code is.

    Raises
    ------
    GitFailed
        When there is no git, it takes too long, or says too much.
    """
    async with started(folder, *arguments, environ=environ, config=config) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout(seconds):
                out, err, _ = await asyncio.gather(
                    _all_of(process.stdout, most), _first_of(process.stderr), _write(process.stdin, stdin)
                )
                code = await process.wait()
        except TimeoutError as problem:
            raise GitFailed(f"Git took more than {seconds:.0f} s and was stopped. Try it in a terminal.") from problem
    return Answer(code, out, err)


async def checked(
    folder: Path,
    *arguments: str,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    seconds: float = QUICK,
    config: tuple[str, ...] = (),
) -> Answer:
    """Run git as `run` does; raise `GitFailed` also when git refuses."""
    answer = await run(folder, *arguments, environ=environ, stdin=stdin, seconds=seconds, config=config)
    if answer.code:
        said = answer.err or answer.text
        raise GitFailed(sentence(said), said)
    return answer


async def _all_of(stream: asyncio.StreamReader, most: int) -> bytes:
    found = bytearray()
    while piece := await stream.read(2**16):
        found += piece
        if len(found) > most:
            raise GitFailed("Git says more than can be shown here. Look at it in a terminal.")
    return bytes(found)


async def _first_of(stream: asyncio.StreamReader) -> str:
    found = bytearray()
    while piece := await stream.read(2**16):
        found += piece[: _MOST_ERRORS - len(found)]
    return found.decode(errors="replace")


async def _write(stream: asyncio.StreamWriter, content: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        stream.write(content)
        await stream.drain()
    stream.close()
