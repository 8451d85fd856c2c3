"""One session with Rc² for all tests of a module, and clients of it."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio
from session.tests.running import WAIT, Running, interface, spec

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client, greeted

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def connected(running: Running, after: Client | None = None) -> AsyncIterator[Client]:
    """A client of a session, which gets what an earlier one has missed."""
    async with running.socket("rc2/api/socket") as socket, greeted(socket, after=after, seconds=WAIT) as client:
        yield client


async def restart(client: Client, console: str) -> None:
    """Let a kernel start anew, and wait until its restart has begun."""
    before = len(client.events)

    def begun() -> bool:
        states = (event for event in client.events[before:] if isinstance(event, protocol.ConsoleState))
        return any((event.console, event.state) == (console, "restarting") for event in states)

    await client.send(protocol.Restart(console=console))
    await client.until(begun)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A session that is ready."""
    folder = tmp_path_factory.mktemp("rc2")
    running = Running(spec(folder, id="t" + uuid.uuid4().hex[:9], interface=interface("rc2")))
    running.start()
    await running.until_state("ready")
    yield running
    await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def client(running: Running) -> AsyncIterator[Client]:
    """A client of the module's session."""
    async with connected(running) as client:
        yield client
