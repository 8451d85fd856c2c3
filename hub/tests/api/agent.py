"""A stand-in for an agent's logs and status: real HTTP on a real port, after the contract between hub and agent.

The real agent lives in another Python and starts R; the tests of whole sessions use that one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from rspark_contract.handout import Handout, HandoutState, HandoutStatus


class Agent:
    """Gives the log of one component: what was written, and what is written while somebody follows."""

    def __init__(self, component: str = "interface") -> None:
        self.component = component
        self.written = b""
        self.followers = 0
        self.address = ""
        self.busy_with: list[str] = []  # what is found when it is measured anew
        self.handouts: dict[str, Handout] = {}
        self.opens: str | None = None  # of a handout, which is done then
        self._more = asyncio.Condition()
        self._ended = False

    async def write(self, text: str) -> None:
        async with self._more:
            self.written += text.encode()
            self._more.notify_all()

    async def end(self) -> None:
        async with self._more:
            self._ended = True
            self._more.notify_all()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Agent"]:
        handout = Route("/agent/handout", self._handout, methods=["GET", "POST"])
        app = Starlette(routes=[Route("/agent/logs", self._logs), Route("/agent/status", self._status), handout])
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off", ws="none"))
        serving = asyncio.create_task(server._serve())
        try:
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            self.address = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            yield self
        finally:
            await self.end()
            server.should_exit = True
            await serving

    async def _status(self, request: Request) -> Response:
        if request.headers.get("x-rspark-secret") != "s3cret":
            return PlainTextResponse("Not for you.", status_code=401)
        busy_with = self.busy_with if request.headers.get("cache-control") == "no-cache" else ["What was"]
        return JSONResponse({"state": "ready", "busy": bool(busy_with), "busy_with": busy_with})

    async def _handout(self, request: Request) -> Response:
        if request.headers.get("x-rspark-secret") != "s3cret":
            return PlainTextResponse("Not for you.", status_code=401)
        if request.method == "POST":
            asked = Handout.parse(await request.json())
            self.handouts[asked.id] = asked
        found = asked if request.method == "POST" else self.handouts.get(request.query_params.get("id", ""))
        if found is None:
            return PlainTextResponse("There is none.", status_code=404)
        state = HandoutState.RUNNING if self.opens is None else HandoutState.DONE
        return JSONResponse(HandoutStatus(id=found.id, state=state, step="Getting the files", opens=self.opens).to_json())

    async def _logs(self, request: Request) -> Response:
        if request.headers.get("x-rspark-secret") != "s3cret":
            return PlainTextResponse("Not for you.", status_code=401)
        if request.query_params.get("service") != self.component:
            return PlainTextResponse("There is no such part.", status_code=404)
        tail = int(request.query_params.get("tail", "65536"))
        begin = max(0, len(self.written) - tail)
        if request.query_params.get("follow") != "1":
            return PlainTextResponse(self.written[begin:])
        return StreamingResponse(self._follow(request, begin), media_type="text/plain")

    async def _follow(self, request: Request, position: int) -> AsyncIterator[bytes]:
        self.followers += 1
        try:
            while not self._ended and not await request.is_disconnected():
                piece, position = self.written[position:], len(self.written)
                yield piece
                async with self._more:
                    with suppress(TimeoutError):  # look whether anybody still reads
                        await asyncio.wait_for(self._more.wait(), 0.05)
        finally:
            self.followers -= 1
