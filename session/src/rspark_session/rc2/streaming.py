"""Answers that come line by line while the work goes on; to close the request is to cancel the work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from pydantic import BaseModel
from tornado.iostream import StreamClosedError

from rspark_session.rc2.handlers import RoomHandler


class StreamHandler(RoomHandler):
    """A handler that answers with JSON a line."""

    _streaming: asyncio.Task[Any] | None = None

    async def stream(self, lines: AsyncIterator[BaseModel]) -> None:
        """Send each line as soon as it is there, until the last one or until the client is gone."""
        self._streaming = asyncio.ensure_future(self._send(lines))
        try:
            await self._streaming
        except asyncio.CancelledError:
            if not self._streaming.cancelled():
                raise  # the server ends
        finally:
            self._streaming.cancel()

    async def _send(self, lines: AsyncIterator[BaseModel]) -> None:
        self.set_header("Content-Type", "application/x-ndjson")
        self.set_header("Cache-Control", "no-store")
        async with aclosing(cast("Any", lines)):
            async for line in lines:
                self.write(line.model_dump_json() + "\n")
                try:
                    await self.flush()
                except StreamClosedError:
                    return

    def on_connection_close(self) -> None:
        """Cancel the work: nobody waits for it."""
        if self._streaming is not None:
            self._streaming.cancel()
