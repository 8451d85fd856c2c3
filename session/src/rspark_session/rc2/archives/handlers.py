"""ZIP archives over HTTP, under `rc2/api/archive`."""

import asyncio
import shutil
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from tornado import web
from tornado.iostream import StreamClosedError

from rspark_session.rc2 import protocol
from rspark_session.rc2.archives import packing, unpacking
from rspark_session.rc2.archives.steps import in_threads
from rspark_session.rc2.handlers import RoomHandler
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.room import Room
from rspark_session.rc2.streaming import StreamHandler


class Archive(RoomHandler):
    """Files and folders as one archive."""

    @web.authenticated
    async def post(self) -> None:
        """Answer with what it would be."""
        request = self.body(protocol.ArchiveRequest)
        self.answer(await asyncio.to_thread(packing.plan, self.room.home, request.paths))

    @web.authenticated
    async def get(self) -> None:
        """Answer with it, while it is made."""
        request = protocol.ArchiveRequest(paths=tuple(self.get_query_arguments("path", strip=False)))
        plan = await asyncio.to_thread(packing.plan, self.room.home, request.paths)
        self.room.activity()
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(plan.name, safe='')}")
        self.set_header("Cache-Control", "no-store")
        sent = False
        try:
            async with aclosing(cast("Any", in_threads(packing.pack(self.room.home, request.paths)))) as pieces:
                async for piece in pieces:
                    sent = True
                    self.write(piece)
                    await self.flush()
        except StreamClosedError:
            return
        except Exception as problem:
            if not sent:
                raise
            # A broken download is seen to be one; an answer that comes to its end is not, whatever it lacks.
            self.log.warning(
                "an archive could not be packed to its end: %s", problem, exc_info=not isinstance(problem, Refusal | OSError)
            )
            self.detach().close()


class Unpack(StreamHandler):
    """An archive that becomes a folder."""

    def initialize(self, *, room: Room, aside: Path) -> None:  # type: ignore[override]  # with what it works
        """Set what it works with."""
        super().initialize(room=room)
        self.aside = aside

    @web.authenticated
    async def post(self) -> None:
        """Unpack it, and answer with how it goes."""
        request = self.body(protocol.UnpackRequest)
        self.room.activity()
        await self.stream(in_threads(unpacking.unpack(self.room.home, request.path, aside=self.aside)))


def handlers(room: Room, aside: Path) -> list[tuple[str, type[RoomHandler], dict[str, Any]]]:
    """Return the handlers by their addresses; what is unpacked is in the folder `aside` until it is whole."""
    shutil.rmtree(aside, ignore_errors=True)
    return [
        (r"/rc2/api/archive", Archive, {"room": room}),
        (r"/rc2/api/archive/unpack", Unpack, {"room": room, "aside": aside}),
    ]
