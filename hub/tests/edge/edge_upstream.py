"""A stand-in for a session's agent: it tells what reached it, streams, and takes websockets."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

Scope, Receive, Send = dict[str, Any], Any, Any


class Upstream:
    """Counts and keeps what reached it; `/…/events` streams, `/…/upload` reads, `/…/download` writes, others say what came."""

    def __init__(self) -> None:
        self.port = 0
        self.seen: list[dict[str, Any]] = []
        self.left = asyncio.Event()  # a client of /hang went away
        self.go_on = asyncio.Event()  # the next event of /events may be sent
        self.answer_headers: list[tuple[str, str]] = []
        self.body = b""
        self.pages: dict[str, str] = {}  # HTML by the last segment of a path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = {
            "method": scope.get("method", "WEBSOCKET"),
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        }
        self.seen.append(told)
        if scope["type"] == "websocket":
            await _echo(receive, send)
            return
        last = scope["path"].rsplit("/", 1)[-1]
        handler = {"events": self._events, "upload": _upload, "download": _download, "hang": self._hang}.get(last)
        if handler is not None:
            await handler(scope, receive, send)
            return
        page = self.pages.get(last)
        body = page.encode() if page is not None else self.body or json.dumps(told).encode()
        kind = b"application/json" if page is None else b"text/javascript" if last.endswith(".js") else b"text/html"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        headers += [(name.encode(), value.encode()) for name, value in self.answer_headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(3):
            await send({"type": "http.response.body", "body": f"data: {number}\n\n".encode(), "more_body": True})
            await self.go_on.wait()
            self.go_on.clear()
        await send({"type": "http.response.body", "body": b""})

    async def _hang(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: here\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()


async def _echo(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        await send(
            {"type": "websocket.send", "text": text}
            if text is not None
            else {"type": "websocket.send", "bytes": message["bytes"]}
        )


async def _upload(scope: Scope, receive: Receive, send: Send) -> None:
    digest, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        digest.update(message.get("body", b""))
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = json.dumps({"bytes": size, "sha256": digest.hexdigest()}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


async def _download(scope: Scope, receive: Receive, send: Send) -> None:
    left, piece = int(scope["query_string"].decode()), bytes(2**18)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(left).encode())]})
    while left > 0:
        await send({"type": "http.response.body", "body": piece[:left], "more_body": left > len(piece)})
        left -= len(piece)


@asynccontextmanager
async def serving(upstream: Upstream) -> AsyncIterator[Upstream]:
    """Serve it on a port of its own."""
    config = uvicorn.Config(upstream, host="127.0.0.1", port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    upstream.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.should_exit = True
        await task
