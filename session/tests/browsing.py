"""A browser and a real edge before an agent."""

import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright
from session.tests.running import CHECKOUT, SECRET, until

#: What the hub says of a session that runs; a page asks it for no more here.
_SESSION = {
    "name": "a session",
    "state": "running",
    "wanted": "running",
    "busy": False,
    "sleeps": None,
    "sleep_refused": None,
    "last_exit": None,
    "services": [],
}


class Edge:
    """Caddy, which adds the secret, and says for the hub that the session runs; it can be cut off and put back."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._file = folder / "edge.json"
        self._process: subprocess.Popen[bytes] | None = None

    def lead_to(self, address: str) -> None:
        secret = {"request": {"set": {"X-Rspark-Secret": [SECRET]}}}
        proxy = {"handler": "reverse_proxy", "upstreams": [{"dial": address}], "headers": secret}
        listen = [f"127.0.0.1:{self.port}"]
        said = {"handler": "static_response", "body": json.dumps(_SESSION), "headers": {"Content-Type": ["application/json"]}}
        hub = {"match": [{"path": ["/hub/api/sessions/*"]}], "handle": [said], "terminal": True}
        server = {"listen": listen, "automatic_https": {"disable": True}, "routes": [hub, {"handle": [proxy]}]}
        self._file.write_text(json.dumps({"admin": {"disabled": True}, "apps": {"http": {"servers": {"edge": server}}}}))

    async def start(self) -> None:
        caddy = CHECKOUT / ".venv/bin/rsparkhub-edge"
        self._process = subprocess.Popen(
            [caddy, "run", "--config", self._file],
            env={**os.environ, "XDG_DATA_HOME": str(self._file.parent), "XDG_CONFIG_HOME": str(self._file.parent)},
            stderr=subprocess.DEVNULL,
        )
        await until(self._listens, "the edge listens")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@asynccontextmanager
async def browser(**how: object) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = await chromium.new_page(viewport={"width": 900, "height": 500}, **how)
            page.set_default_timeout(60_000)
            yield page
        finally:
            await chromium.close()
