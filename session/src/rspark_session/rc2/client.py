"""A client of the protocol in Python: what the tests use, and what a program can."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from rspark_session.rc2 import protocol

E = TypeVar("E")


class Connection(Protocol):
    """An open websocket, such as those of the package websockets."""

    async def send(self, message: str) -> None:
        """Send a frame of text."""

    async def recv(self) -> str | bytes:
        """Wait for a frame; raise an error when the connection is closed."""

    async def close(self) -> None:
        """Close the connection."""


class RefusedByServer(Exception):
    """The server refused a message. The message says why."""


class Client:
    """A client that has said hello. `events` are all that it got, in order; `since` is the number of the last.

    A client whose connection has broken is followed by another, which begins with its `events` and asks for the rest.
    """

    def __init__(self, connection: Connection, *, events: list[protocol.AnyEvent], seconds: float) -> None:
        self.events = events
        self.notices: list[protocol.Notice] = []
        self.welcome: protocol.Welcome | None = None
        self._connection = connection
        self._seconds = seconds
        self._arrived = asyncio.Condition()
        self._ended: Exception | None = None
        self._receiving = asyncio.ensure_future(self._receive())

    @property
    def since(self) -> int:
        """The number of the last event."""
        return self.events[-1].seq if self.events else 0

    async def send(self, request: protocol.Request) -> None:
        """Send a message."""
        await self._connection.send(request.model_dump_json())

    async def send_raw(self, fields: Any) -> None:
        """Send any JSON."""
        await self._connection.send(json.dumps(fields))

    async def start(self, kernelspec: str, project: str = "") -> str:
        """Open a console, and return its id.

        Raises
        ------
        RefusedByServer
            When it can't be started.
        """
        before = len(self.notices)
        await self.send(protocol.StartConsole(kernelspec=kernelspec, project=project))

        def opened() -> str | None:
            for notice in self.notices[before:]:
                if isinstance(notice, protocol.Refused) and notice.request == "start_console":
                    raise RefusedByServer(notice.why)
                if isinstance(notice, protocol.ConsoleOpened) and (notice.kernelspec, notice.project) == (kernelspec, project):
                    return notice.console
            return None

        return await self.until(opened)

    async def begin(self, console: str, code: str, **more: Any) -> str:
        """Send code, and return the id of its execution."""
        execution = uuid.uuid4().hex
        await self.send(protocol.Execute(id=execution, console=console, code=code, **more))
        return execution

    async def run(self, console: str, code: str, **more: Any) -> list[protocol.AnyEvent]:
        """Run code, and return the events of it."""
        execution = await self.begin(console, code, **more)
        await self.finished(execution)
        return self.of(execution)

    async def finished(self, execution: str) -> protocol.ExecutionFinished:
        """Wait until an execution has ended; raise `RefusedByServer` when it was never begun."""

        def end() -> protocol.ExecutionFinished | None:
            for notice in self.notices:
                if isinstance(notice, protocol.Refused) and notice.execution == execution:
                    raise RefusedByServer(notice.why)
            return self.event(protocol.ExecutionFinished, execution)

        return await self.until(end)

    def of(self, execution: str) -> list[protocol.AnyEvent]:
        """Return the events of an execution."""
        return [event for event in self.events if getattr(event, "execution", None) == execution]

    def event(self, kind: type[E], execution: str) -> E | None:
        """Return the last event of a kind of an execution; None when there is none yet."""
        found = [event for event in self.of(execution) if isinstance(event, kind)]
        return found[-1] if found else None

    def text(self, execution: str) -> str:
        """Return all text that an execution has shown."""
        shown: list[str] = []
        for event in self.of(execution):
            match event:
                case protocol.Stream():
                    shown.append(event.text)
                case protocol.Display() | protocol.Plot():
                    shown.append(f"{event.data.get('text/plain', '')}\n")
                case protocol.Error():
                    shown.append(f"{event.message}\n")
        return "".join(shown)

    async def until(self, look: Callable[[], E | None]) -> E:
        """Wait until `look`, which is called after each frame, returns something, and return it.

        Raises
        ------
        TimeoutError
            When it doesn't in the time of this client.
        ConnectionError
            When the connection is closed.
        """
        async with asyncio.timeout(self._seconds), self._arrived:
            while True:
                found = look()
                if found is not None and found is not False:
                    return found
                if self._ended is not None:
                    raise ConnectionError("The connection is closed.") from self._ended
                await self._arrived.wait()

    async def close(self) -> None:
        """Close the connection. What still comes is taken in meanwhile, so that nobody waits for anybody."""
        await self._connection.close()
        self._receiving.cancel()
        await asyncio.wait([self._receiving])

    async def _receive(self) -> None:
        try:
            while True:
                frame = await self._connection.recv()
                async with self._arrived:
                    self._take(json.loads(frame))
                    self._arrived.notify_all()
        except Exception as problem:  # of whatever library the connection is
            async with self._arrived:
                self._ended = problem
                self._arrived.notify_all()

    def _take(self, fields: dict[str, Any]) -> None:
        if "seq" in fields:
            self.events.append(protocol.EVENT.validate_python(fields))
            return
        notice = protocol.NOTICE.validate_python(fields)
        self.notices.append(notice)
        if isinstance(notice, protocol.Welcome):
            self.welcome = notice


@asynccontextmanager
async def greeted(connection: Connection, *, after: Client | None = None, seconds: float = 60.0) -> AsyncIterator[Client]:
    """Say hello over a connection, and return the client; one that follows `after` gets what that one missed.

    `seconds` is how long it waits for anything.
    """
    client = Client(connection, events=list(after.events) if after else [], seconds=seconds)
    epoch = after.welcome.epoch if after and after.welcome else None
    try:
        await client.send(protocol.Hello(since=client.since, epoch=epoch))
        await client.until(lambda: client.welcome)
        yield client
    finally:
        await client.close()
