"""Reads a stream of server-sent events in tests, as a browser does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource


@dataclass(frozen=True)
class Told:
    event: str
    data: dict[str, Any]
    id: int


class Listener:
    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        # The library also gives what the standard doesn't count as an event: a comment between two of them, without data.
        self._events = (event async for event in EventSource(response).aiter_sse() if event.data)

    async def next(self, event: str | None = None, **data: Any) -> Told:
        """The next event; with `event` and `data` the next of this name that says so."""
        async with asyncio.timeout(10):
            async for told in self._events:
                found = Told(told.event, json.loads(told.data), int(told.id or -1))
                if event in {None, found.event} and data.items() <= found.data.items():
                    return found
        raise EOFError(f"the stream ended before {event} {data}")

    async def rest(self) -> list[Told]:
        """What comes until the stream ends."""
        found = []
        async with asyncio.timeout(10):
            async for told in self._events:
                found.append(Told(told.event, json.loads(told.data), int(told.id or -1)))
        return found

    async def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long; the stream can't be read any further after that."""
        try:
            async with asyncio.timeout(seconds):
                await anext(self._events)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def listen(client: httpx.AsyncClient, path: str, *, after: int | None = None) -> AsyncIterator[Listener]:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with client.stream("GET", f"/hub/api{path}", headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Listener(response)
