"""Fetch, pull and push, with progress. What a remote asks for is asked of the person once.

A name and a password are in this server's memory, and while git runs in a file that only the person can read, from which
`askpass` answers the place that asked; they are in no argument, no variable, and no log.
"""

import asyncio
import json
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rspark_session.rc2 import protocol
from rspark_session.rc2.git import askpass, command
from rspark_session.rc2.git.command import GitFailed
from rspark_session.rc2.git.repository import Repository
from rspark_session.rc2.git.sentences import sentence, without_credentials

#: Seconds that a transfer may take, and that nothing may come.
_LONGEST, _SILENT = 3600.0, 300.0
_MOST_SAID = 2**16
_PERCENT = re.compile(r"^(?:remote: )?(.+?): +(\d+)% ")
_REFUSED = re.compile(r"Authentication failed for '([^']+)'")
_SLOW = ("http.lowSpeedLimit=1", f"http.lowSpeedTime={_SILENT:.0f}")


@dataclass(frozen=True)
class Credentials:
    """A name and a password; neither is shown where it is printed."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Credentials()"


class Transfers:
    """Talks to remotes; `folder` is where questions are answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Credentials] = {}

    async def run(self, repository: Repository, request: protocol.GitTransfer) -> AsyncIterator[protocol.GitProgress]:
        """Fetch, pull or push, and yield how it goes; the last has another type than `progress`."""
        if request.place and request.password is not None:
            self._known[request.place] = Credentials(request.username or "", request.password)
        async with repository.changing:
            try:
                arguments = await _arguments(repository, request.action)
                async for progress in self._talk(repository, arguments):
                    yield progress
            except GitFailed as problem:
                yield protocol.GitProgress(type="failed", text=str(problem))

    async def _talk(self, repository: Repository, arguments: list[str]) -> AsyncIterator[protocol.GitProgress]:
        said: list[str] = []
        with self._answering() as (folder, environ):
            answering = repository.environ | environ
            async with command.started(repository.folder, *arguments, environ=answering, config=_SLOW) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                assert process.stderr is not None
                process.stdin.close()
                out = asyncio.ensure_future(process.stdout.read(_MOST_SAID))
                try:
                    async with asyncio.timeout(_LONGEST):
                        async for line in _lines(process.stderr):
                            if (percent := _PERCENT.match(line)) is not None:
                                yield protocol.GitProgress(
                                    type="progress", text=percent[1][:200], percent=min(100, int(percent[2]))
                                )
                            elif sum(map(len, said)) < _MOST_SAID:
                                said.append(line)
                        printed = (await out).decode(errors="replace")
                        code = await process.wait()
                except TimeoutError as problem:
                    raise GitFailed("Nothing has come from the remote for minutes. Try again later.") from problem
                finally:
                    out.cancel()
            question = folder / "question"
            asked = json.loads(question.read_text()) if code and question.is_file() else None
        yield self._result(arguments[0], code, printed, "\n".join(said), asked)

    def _result(
        self, action: str, code: int, printed: str, said: str, asked: dict[str, str | None] | None
    ) -> protocol.GitProgress:
        """Return the last line; `asked` is the place that asks for what is not known."""
        if code == 0:
            return protocol.GitProgress(type="done", text=_done(action, printed + said))
        if "CONFLICT" in printed:
            return protocol.GitProgress(type="done", text="Both sides have changed the same lines. Resolve the conflicts.")
        if asked is not None:
            place = asked["place"]
            return protocol.GitProgress(
                type="credentials", place=place, username=asked["username"], text=f"{place} asks who you are."
            )
        if (refused := _REFUSED.search(without_credentials(said))) is not None:
            place = next((place for place in self._known if f"{refused[1]}/".startswith(f"{place}/")), None)
            if place is not None:
                username = self._known.pop(place).username
                text = f"{place} does not take this name and password."
                return protocol.GitProgress(type="credentials", place=place, username=username, text=text)
        raise GitFailed(sentence(said or printed), said)

    @contextmanager
    def _answering(self) -> Iterator[tuple[Path, dict[str, str]]]:
        """Make the folder from which `askpass` answers the places that are known, and remove it at the end."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            answers = folder / "answers"
            answers.touch(mode=0o600)
            answers.write_text(json.dumps({place: [known.username, known.password] for place, known in self._known.items()}))
            program = folder / "askpass"
            program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(askpass.__file__)} "$1"\n')
            program.chmod(0o700)
            yield folder, {"GIT_ASKPASS": str(program), "RSPARK_GIT_ANSWERS": str(folder)}
        finally:
            shutil.rmtree(folder, ignore_errors=True)


async def _arguments(repository: Repository, action: str) -> list[str]:
    """Return the arguments of git; raise `GitFailed` where there is nothing to talk to."""
    remotes = (await repository.git("remote")).text.split()
    if not remotes:
        raise GitFailed("This repository has no remote yet. Set its address first.")
    if action == "fetch":
        return ["fetch", "--progress", "--prune"]
    branch = (await repository.ask("symbolic-ref", "--quiet", "--short", "HEAD")).text
    if not branch:
        raise GitFailed("No branch is checked out here. Switch to one, or make one, first.")
    if action == "pull":
        configured = (await repository.ask("config", "pull.rebase")).text or (await repository.ask("config", "pull.ff")).text
        return ["pull", "--progress", "--no-edit", *([] if configured else ["--no-rebase"])]
    upstream = await repository.ask("config", f"branch.{branch}.remote")
    if upstream.code == 0:
        return ["push", "--progress"]
    remote = "origin" if "origin" in remotes else remotes[0]
    return ["push", "--progress", "--set-upstream", remote, f"refs/heads/{branch}"]


def _done(action: str, said: str) -> str:
    if action == "push":
        return "There was nothing to push." if "Everything up-to-date" in said else "Pushed."
    if action == "pull":
        return "You have everything already." if "Already up to date" in said else "Pulled."
    return "Fetched."


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield what ends in a return or a new line; raise `TimeoutError` when nothing comes for long."""
    rest = ""
    while True:
        async with asyncio.timeout(_SILENT):
            piece = await stream.read(2**12)
        if not piece:
            break
        *lines, rest = re.split(r"[\r\n]+", rest + piece.decode(errors="replace"))
        rest = rest[-_MOST_SAID:]
        for line in lines:
            if line:
                yield line
    if rest:
        yield rest
