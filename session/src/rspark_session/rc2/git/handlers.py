"""Git over HTTP, under `rc2/api/git/`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from tornado import web

from rspark_session.rc2 import protocol
from rspark_session.rc2.git import repository as repositories
from rspark_session.rc2.git.repository import Repository
from rspark_session.rc2.git.transfer import Transfers
from rspark_session.rc2.handlers import RoomHandler
from rspark_session.rc2.room import Room
from rspark_session.rc2.streaming import StreamHandler


class Git:
    """The repositories of the home that were asked about."""

    def __init__(self, home: Path, answers: Path) -> None:
        self.home = home
        self.transfers = Transfers(answers)
        self._open: dict[str, Repository] = {}

    def repository(self, path: str) -> Repository:
        """Return the repository of a folder; raise `GitFailed` when it isn't one of the home."""
        found = Repository(self.home, path)
        key = str(found.folder.resolve())
        return self._open.setdefault(key, found)


class _GitHandler(RoomHandler):
    def initialize(self, *, room: Room, git: Git) -> None:  # type: ignore[override]  # with what it works
        super().initialize(room=room)
        self.git = git


class RepositoryList(_GitHandler):
    """The repositories of the home."""

    @web.authenticated
    async def get(self) -> None:
        """Answer with them."""
        found = await asyncio.to_thread(repositories.repositories, self.git.home)
        self.answer(protocol.GitRepositories(repositories=tuple(found)))


_Looks = Callable[[Repository, Any], Awaitable[BaseModel]]
_Changes = Callable[[Repository, Any], Awaitable[None]]

#: What only looks.
_LOOKS: dict[str, tuple[type[protocol.GitRequest], _Looks]] = {
    "status": (protocol.GitRequest, lambda repository, _: repository.status()),
    "texts": (protocol.GitTextsRequest, lambda repository, request: repository.texts(request)),
    "branches": (protocol.GitRequest, lambda repository, _: repository.branches()),
    "history": (protocol.GitHistoryRequest, lambda repository, request: repository.history(request)),
    "show": (protocol.GitCommitOf, lambda repository, request: repository.show(request.oid)),
}
#: What changes something, and answers with the status.
_CHANGES: dict[str, tuple[type[protocol.GitRequest], _Changes]] = {
    "init": (protocol.GitRequest, lambda repository, _: repository.initialize()),
    "stage": (protocol.GitPathsRequest, lambda repository, request: repository.stage(request)),
    "unstage": (protocol.GitPathsRequest, lambda repository, request: repository.unstage(request)),
    "discard": (protocol.GitPathsRequest, lambda repository, request: repository.discard(request)),
    "stage-text": (protocol.GitStageText, lambda repository, request: repository.stage_text(request)),
    "commit": (protocol.GitCommitRequest, lambda repository, request: repository.commit(request.message)),
    "identity": (protocol.GitIdentity, lambda repository, request: repository.set_identity(request.name, request.email)),
    "switch": (protocol.GitBranchRequest, lambda repository, request: repository.switch(request)),
    "remote": (protocol.GitRemote, lambda repository, request: repository.set_remote(request)),
    "resolve": (protocol.GitResolve, lambda repository, request: repository.resolve(request)),
    "abort": (protocol.GitRequest, lambda repository, _: repository.abort()),
    "continue": (protocol.GitRequest, lambda repository, _: repository.go_on()),
}


class Look(_GitHandler):
    """What a repository has."""

    @web.authenticated
    async def post(self, what: str) -> None:
        """Answer with it."""
        model, look = _LOOKS[what]
        request = self.body(model)
        self.answer(await look(self.git.repository(request.repository), request))


class Change(_GitHandler):
    """What a person does with a repository."""

    @web.authenticated
    async def post(self, what: str) -> None:
        """Do it, and answer with the status."""
        model, change = _CHANGES[what]
        request = self.body(model)
        self.room.activity()
        repository = self.git.repository(request.repository)
        async with repository.changing:
            await change(repository, request)
            self.answer(await repository.status())


class Undo(_GitHandler):
    """The last commit."""

    @web.authenticated
    async def post(self) -> None:
        """Undo it, and answer with its message."""
        request = self.body(protocol.GitUndoRequest)
        self.room.activity()
        repository = self.git.repository(request.repository)
        async with repository.changing:
            message = await repository.undo(request.head)
            self.answer(protocol.GitUndone(message=message, status=await repository.status()))


class Transfer(_GitHandler, StreamHandler):
    """Fetch, pull and push."""

    @web.authenticated
    async def post(self) -> None:
        """Answer with how it goes, until it has ended or the client is gone."""
        request = self.body(protocol.GitTransfer)
        self.room.activity()
        repository = self.git.repository(request.repository)
        await self.stream(self.git.transfers.run(repository, request))


def handlers(room: Room, git: Git) -> list[tuple[str, type[RoomHandler], dict[str, Any]]]:
    """Return the handlers by their addresses."""
    more = {"room": room, "git": git}
    return [
        (r"/rc2/api/git/repositories", RepositoryList, more),
        (rf"/rc2/api/git/({'|'.join(_LOOKS)})", Look, more),
        (rf"/rc2/api/git/({'|'.join(_CHANGES)})", Change, more),
        (r"/rc2/api/git/undo", Undo, more),
        (r"/rc2/api/git/transfer", Transfer, more),
    ]
