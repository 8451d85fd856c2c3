"""A hub on a port of its own, in a loop of its own: for tests of what calls it without `await`."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from world import Controller, make_app, write_pages

from rsparkhub.api import Server
from rsparkhub.settings import Settings
from rsparkhub.store import Store, open_store

T = TypeVar("T")


class HubInThread:
    """Serves an installation with one person, the administrator ada, who has a token."""

    store: Store
    controller: Controller

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.token = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the hub's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with open_store(self._settings.store, notify_dir=self._settings.notify_dir) as self.store:
            self.controller = Controller(self.store, lambda: datetime.now(UTC))
            await self.store.users.add("ada", admin=True, now=self.controller.now())
            app, authenticator = make_app(
                settings=self._settings,
                store=self.store,
                clock=self.controller.now,
                folder=self._folder,
                pages=write_pages(self._folder / "pages"),
            )
            _, self.token = await authenticator.make_token("ada", name="test", now=self.controller.now())
            self._server = Server(app)
            self._ready.set()
            await self._server.serve(sockets=[self._listener])
