"""Search and replace over HTTP, under `rc2/api/search`."""

from typing import Any

from tornado import web

from rspark_session.rc2 import protocol
from rspark_session.rc2.handlers import RoomHandler
from rspark_session.rc2.room import Room
from rspark_session.rc2.search import editing, searching
from rspark_session.rc2.search.replacing import Replacements
from rspark_session.rc2.streaming import StreamHandler


class Search(StreamHandler):
    """A search."""

    @web.authenticated
    async def post(self) -> None:
        """Answer with what is found, until all is or the client is gone."""
        request = self.body(protocol.SearchRequest)
        self.room.activity()
        await self.stream(searching.search(self.room.home, request))


class Edits(RoomHandler):
    """What a replacement would change."""

    @web.authenticated
    async def post(self) -> None:
        """Answer with it."""
        request = self.body(protocol.SearchEditsRequest)
        self.room.activity()
        self.answer(await editing.preview(self.room.home, request))


class _Changing(StreamHandler):
    def initialize(self, *, room: Room, replacements: Replacements) -> None:  # type: ignore[override]  # with what it works
        super().initialize(room=room)
        self.replacements = replacements


class Replace(_Changing):
    """A replacement in files."""

    @web.authenticated
    async def post(self) -> None:
        """Do it, and answer with how it goes."""
        request = self.body(protocol.ReplaceRequest)
        self.room.activity()
        await self.stream(self.replacements.replace(request))


class Undo(_Changing):
    """What a replacement did."""

    @web.authenticated
    async def post(self) -> None:
        """Undo it, and answer with how it goes."""
        request = self.body(protocol.ReplaceUndo)
        self.room.activity()
        await self.stream(self.replacements.undo(request.id))


def handlers(room: Room, replacements: Replacements) -> list[tuple[str, type[RoomHandler], dict[str, Any]]]:
    """Return the handlers by their addresses."""
    more = {"room": room, "replacements": replacements}
    return [
        (r"/rc2/api/search", Search, {"room": room}),
        (r"/rc2/api/search/edits", Edits, {"room": room}),
        (r"/rc2/api/search/replace", Replace, more),
        (r"/rc2/api/search/undo", Undo, more),
    ]
