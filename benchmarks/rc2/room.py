"""One session with Rc² on an RSparkHub of its own, and clients of it through the edge: what the benchmarks of Rc² measure."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import websockets
from tests.install.running import Running
from tests.installation import LINK

from benchmarks.services.whole import hub
from rspark_session.rc2.client import Client, greeted

ENVIRONMENT = """
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: room, title: Room, description: "Rc² with R and Python."}
spec: {interface: rc2, kernels: [r, python], resources: {cpu: 2, memory: 12Gi}}
"""
PATIENCE = 300.0


class Room:
    """A session that runs. `path` is its address through the edge, `page` that for a browser, `data` its RSparkHub's folder."""

    def __init__(self, running: Running, session: str) -> None:
        self.path = f"{running.address}/s/{session}/"
        self.page = f"{running.url}/s/{session}/"
        self.data = running.data
        self.headers = {"Authorization": f"Bearer {running.token}"}
        self._running = running
        self.http = httpx.AsyncClient(base_url=self.path, headers=self.headers, timeout=PATIENCE)

    def link(self) -> str:
        """Return a link that signs a browser in once."""
        told = self._running.command("user", "link").stdout
        found = LINK.search(told)
        if found is None:
            raise RuntimeError(f"There is no link in: {told}")
        return found[0]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Connect a client of Rc²'s protocol."""
        url = f"{self.path}rc2/api/socket".replace("http:", "ws:", 1)
        async with (
            websockets.connect(url, additional_headers=self.headers, max_size=None, open_timeout=PATIENCE) as socket,
            greeted(socket, seconds=PATIENCE) as client,
        ):
            yield client

    async def ask(self, console: str, what: str, **question: Any) -> Any:
        """Ask something about a console's language, and return the answer."""
        answer = await self.http.post(f"rc2/api/consoles/{console}/{what}", json=question)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def room() -> Iterator[Room]:
    """Start the session, and end all with the block."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)  # where root runs it, sessions have accounts of their own
        with hub(root, room=ENVIRONMENT) as running:
            started = running.command("session", "start", "room", "--wait", "--json", within=PATIENCE)
            if started.returncode != 0:
                raise RuntimeError(f"The session did not start: {started.stderr}")
            session = json.loads(started.stdout)["id"]
            yield Room(running, session)
