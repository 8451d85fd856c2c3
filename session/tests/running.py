"""A real agent with a real ensemble, as a backend would start it, and the few questions that tests ask it."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import websockets

CHECKOUT = Path(__file__).parents[2]
PYTHON = CHECKOUT / ".venv-session/bin/python"
R_LIBRARY = CHECKOUT / ".r-library"  # with rspark, without which no R is kept at a sleep
SECRET = "the edge and I know it"
HEADERS = {"X-Rspark-Secret": SECRET}
WAIT = 180.0  # seconds: the longest that anything may take on a slow machine

Json = dict[str, Any]


def spec(folder: Path, **changes: Any) -> Json:
    """What a backend writes into `ensemble.json`, with some of it changed."""
    session, generation = changes.pop("id"), changes.pop("generation", 1)
    return {
        "id": session,
        "generation": generation,
        "kind": "session",
        "user": "ann",
        "base_path": f"/s/{session}/",
        "secret": SECRET,
        "hub_url": "http://localhost:8000/hub/",
        "token": "a token",
        "interface": None,
        "spark": None,
        "parts": [],
        "environ": {},
        "files": [],
        "image": "",
        "cpu": 2.0,
        "memory": 2**31,
        "home_size": 2**32,
        "grace": 30.0,
        "resume": False,
        "run": str(folder / session / str(generation)),
        "keep": str(folder / session / "keep"),
        "home": str(folder / "home"),
        "bells": None,
        "listen": {"host": "127.0.0.1", "port": 0},
    } | changes


def interface(kind: str, **more: Any) -> Json:
    return {"kind": kind, "title": kind.capitalize(), "kernels": ["r", "python", "bash"], "command": [], "port": None} | more


def part(name: str, *command: str, **more: Any) -> Json:
    return {
        "name": name,
        "title": name.capitalize(),
        "command": list(command),
        "environ": {},
        "ready": {},
        "after": [],
        "stop_signal": "SIGTERM",
        "stop_timeout": 20.0,
    } | more


async def until(look: Callable[[], Any], what: str, seconds: float = WAIT) -> Any:
    """Wait until `look` gives something, and give it."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds} s in vain until {what}"
        await asyncio.sleep(0.02)


def members(name: str) -> list[psutil.Process]:
    """Every process that carries the name of an ensemble, however it came to be."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("RSPARK_ENSEMBLE") == name and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def command_of(process: psutil.Process) -> list[str]:
    """Return the command line of a process; empty when it has ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


@dataclass
class Running:
    """An agent at work."""

    asked: Json
    process: subprocess.Popen[bytes] | None = None
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(headers=HEADERS, timeout=WAIT))

    @property
    def name(self) -> str:
        return f"{self.asked['id']}.{self.asked['generation']}"

    @property
    def run(self) -> Path:
        return Path(self.asked["run"])

    @property
    def keep(self) -> Path:
        return Path(self.asked["keep"])

    @property
    def home(self) -> Path:
        return Path(self.asked["home"])

    def start(self, *prefix: str, **environ: str) -> None:
        """Start the agent as the shim does, by way of the command `prefix`."""
        (self.run / "log").mkdir(parents=True)
        (self.run / "ensemble.json").write_text(json.dumps(self.asked))
        with (self.run / "log/agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, PYTHON, "-m", "rspark_session.agent", self.run / "ensemble.json"],
                env={**os.environ, "RSPARK_ENSEMBLE": self.name, "RSPARK_R_LIBS": str(R_LIBRARY), **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def status(self) -> Json:
        try:
            told: Json = json.loads((self.run / "status.json").read_text())
        except FileNotFoundError:
            return {"state": None, "parts": [], "busy_with": []}
        return told

    def record(self) -> Json:
        told: Json = json.loads((self.run / "record.json").read_text())
        return told

    def log(self, part: str) -> str:
        return (self.run / f"log/{part}.log").read_text()

    def part(self, name: str) -> Json:
        return next((part for part in self.status()["parts"] if part["name"] == name), {"state": None})

    async def until_state(self, state: str) -> Json:
        assert self.process is not None
        process = self.process

        def look() -> Json | None:
            status = self.status()
            if status["state"] != state and process.poll() is not None:
                raise AssertionError(f"ended with {process.returncode} before it was {state}: {status}\n{self.log('agent')}")
            return status if status["state"] == state else None

        return await until(look, f"the ensemble is {state}")

    async def ended(self) -> int:
        """Wait for its end, and give its code."""
        assert self.process is not None
        return (await until(lambda: (self.process.poll(),) if self.process.poll() is not None else None, "the agent ended"))[0]

    def url(self, path: str) -> str:
        """The address of something in the session, or of the agent's own."""
        base = "/" if path.startswith("agent/") else self.asked["base_path"]
        return f"http://{self.status()['address']}{base}{path}"

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(self.url(path), **more)

    async def post(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.post(self.url(path), **more)

    async def suspend(self) -> int:
        """Put it to sleep, wait for its end, and give its code."""
        assert (await self.post("agent/suspend")).status_code == 202
        return await self.ended()

    @asynccontextmanager
    async def socket(self, path: str, **more: Any) -> AsyncIterator[websockets.ClientConnection]:
        url = self.url(path).replace("http:", "ws:", 1)
        async with websockets.connect(url, additional_headers=HEADERS, max_size=None, open_timeout=WAIT, **more) as socket:
            yield socket

    @asynccontextmanager
    async def kernel(self, kernel_id: str, *, below: str = "") -> AsyncIterator["Kernel"]:
        """A client of a kernel, as a browser is one; `below` is the path of another interface than the first."""
        session = uuid.uuid4().hex
        async with self.socket(f"{below}api/kernels/{kernel_id}/channels?session_id={session}") as socket:
            yield Kernel(socket, session)

    async def new_kernel(self, name: str, *, below: str = "") -> str:
        kernel_id: str = (await self.post(f"{below}api/kernels", json={"name": name})).json()["id"]
        return kernel_id

    async def new_session(self, path: str, name: str) -> Json:
        """A notebook with a kernel."""
        asked = {"path": path, "name": path, "type": "notebook", "kernel": {"name": name}}
        session: Json = (await self.post("api/sessions", json=asked)).json()
        return session

    async def close(self) -> None:
        """End whatever is left of it."""
        await self.http.aclose()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in members(self.name):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended by itself
                process.send_signal(signal.SIGKILL)
        told = self.run / "interface.json"
        if told.exists():  # a killed agent leaves its sockets, which lie elsewhere when paths are long
            shutil.rmtree(Path(json.loads(told.read_text())["socket"]).parent, ignore_errors=True)


@dataclass
class Kernel:
    """Talks to a kernel over the websocket of Jupyter's server."""

    socket: websockets.ClientConnection
    session: str

    async def send(self, kind: str, content: Json, *, channel: str = "shell") -> str:
        message = uuid.uuid4().hex
        header = {"msg_id": message, "msg_type": kind, "username": "", "session": self.session, "version": "5.3", "date": ""}
        await self.socket.send(
            json.dumps({"channel": channel, "header": header, "parent_header": {}, "metadata": {}, "content": content})
        )
        return message

    async def begin(self, code: str, *, silent: bool = False, may_ask: bool = False) -> str:
        """Send code, and don't wait."""
        content = {"code": code, "silent": silent, "store_history": not silent, "user_expressions": {}}
        return await self.send("execute_request", content | {"allow_stdin": may_ask, "stop_on_error": True})

    async def result_of(self, message: str) -> str:
        """Wait until what was sent is done, and give the text of all it showed."""
        shown, replied, idle = [], False, False
        while not (replied and idle):
            heard = json.loads(await asyncio.wait_for(self.socket.recv(), WAIT))
            if heard["parent_header"].get("msg_id") != message:
                continue
            kind, content = heard["msg_type"], heard["content"]
            replied = replied or kind == "execute_reply"
            idle = idle or (kind == "status" and content["execution_state"] == "idle")
            if kind in ("display_data", "execute_result"):
                shown.append(content["data"]["text/plain"])
            elif kind == "stream":
                shown.append(content["text"])
            elif kind == "error":
                shown.append(content["evalue"])
        return "".join(shown).strip()

    async def shown(self, code: str) -> str:
        """Run code, and give what it shows."""
        return await self.result_of(await self.begin(code))
