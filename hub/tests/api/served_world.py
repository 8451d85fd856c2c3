"""Fixtures of the API's and the client's tests: an app over each store, called in the process or served on a Unix socket."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from world import Clock, Controller, World, make_app, write_pages

from rsparkhub.api import Server
from rsparkhub.settings import Settings
from rsparkhub.store import Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(settings: Settings, store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[World]:
    """ada is an administrator; bob and eve are not."""
    pages = write_pages(tmp_path / "pages")
    app, authenticator = make_app(settings=settings, store=store, clock=clock, folder=tmp_path, pages=pages)
    world = World(
        settings=settings,
        store=store,
        clock=clock,
        pages=pages,
        authenticator=authenticator,
        controller=Controller(store, clock),
        app=app,
        transport=httpx.ASGITransport(app=app),
    )
    await world.add_person("ada", admin=True)
    await world.add_person("bob")
    await world.add_person("eve")
    yield world
    await world.aclose()


@pytest.fixture
async def served(world: World) -> AsyncIterator[World]:
    """The same world, served by uvicorn on a Unix socket, as the edge finds it."""
    folder = Path(tempfile.mkdtemp(prefix="rsparkhub-"))  # a socket's path is short
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "hub.sock"))
    server = Server(world.app)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    served = replace(world, transport=httpx.AsyncHTTPTransport(uds=str(folder / "hub.sock")), server=server, serving=serving)
    try:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        yield served
    finally:
        await served.aclose()
        server.should_exit = True
        await serving
        shutil.rmtree(folder)
