"""A small real web program for the tests: pages, a stream, a websocket, and work for the processor. Run as
`python web_server.py <port> <base path> [<file>]`: with a file, its health page fails until the file is there."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from tornado import web, websocket


class Page(web.RequestHandler):
    def get(self) -> None:
        self.write(f"page {self.request.path}")


class Stream(web.RequestHandler):
    """Sends a line at once, and the next when the file `go` is there."""

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.write("data: one\n\n")
        await self.flush()
        while not Path("go").exists():
            await asyncio.sleep(0.01)
        self.write("data: two\n\n")


class Echo(websocket.WebSocketHandler):
    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))


class Health(web.RequestHandler):
    def get(self) -> None:
        self.set_status(200 if len(sys.argv) < 4 or Path(sys.argv[3]).exists() else 503)


class Compute(web.RequestHandler):
    """Uses a core for some seconds, in the server or in a process of its own."""

    async def post(self, where: str) -> None:
        seconds = float(self.get_argument("seconds"))
        if where == "here":
            await asyncio.to_thread(_compute, seconds)
        else:
            code = f"import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"
            subprocess.Popen([sys.executable, "-c", code])


def _compute(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


async def main() -> None:
    base = sys.argv[2]
    application = web.Application(
        [
            (base + "stream", Stream),
            (base + "echo", Echo),
            (base + "healthz", Health),
            (base + "compute/(here|apart)", Compute),
            (base + ".*", Page),
        ]
    )
    application.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
