"""What is measured: each contender is started, gives the address to ask, and is ended without residue."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import sqlalchemy as sa

from rsparkhub.auth import tokens
from rsparkhub.domain.session import State, Wanted, new_session_id
from rsparkhub.edge.process import find_caddy
from rsparkhub.settings import Settings
from rsparkhub.store import open_store
from rsparkhub.store.tables import sessions, users
from rsparkhub.store.tables import tokens as token_table

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build/benchmarks/chp"
CHP = "configurable-http-proxy@5.3.0"
OWNER = "ada"


@dataclass
class Contender:
    """Somebody to be asked: where, with which headers, and whose CPU it costs."""

    urls: Sequence[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    processes: Sequence[psutil.Process] = ()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str | Path], environ: Mapping[str, str], log: Path) -> Iterator[psutil.Process]:
    """Run a process, and end it."""
    with log.open("ab") as output:
        process = subprocess.Popen([str(word) for word in command], env=dict(environ), stdout=output, stderr=output)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def until_it_answers(url: str, headers: Mapping[str, str] | None = None, *, within: float = 30) -> None:
    deadline = time.monotonic() + within
    while True:
        try:
            if httpx.get(url, headers=headers).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not answer within {within} s")
        time.sleep(0.02)


@contextmanager
def backend(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.edge.backend", str(port)]
    with running(command, os.environ, folder / "backend.log"):
        until_it_answers(f"http://127.0.0.1:{port}/")
        yield f"127.0.0.1:{port}"


@contextmanager
def caddy_with_a_fixed_route(folder: Path, upstream: str, **environ: str) -> Iterator[Contender]:
    """Caddy as it comes, with one route: what one would write by hand."""
    port = free_port()
    proxy = {"handler": "reverse_proxy", "upstreams": [{"dial": upstream}]}
    server = {"listen": [f"127.0.0.1:{port}"], "routes": [{"match": [{"path": ["/s/*"]}], "handle": [proxy]}]}
    config = folder / f"fixed-{port}.json"
    config.write_text(json.dumps({"admin": {"disabled": True}, "apps": {"http": {"servers": {"fixed": server}}}}))
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "PATH": os.defpath}
    with running([find_caddy(), "run", "--config", config], {**homes, **environ}, folder / "fixed.log") as process:
        url = f"http://127.0.0.1:{port}/s/abcdefghjk/api"
        until_it_answers(url)
        yield Contender(urls=[url], processes=[process])


def install_chp() -> Path:
    """Install configurable-http-proxy in a folder of its own; done once."""
    program = BUILD / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    if not program.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", BUILD, CHP], check=True)
    return program


@contextmanager
def chp(folder: Path, upstream: str, *, routes: int) -> Iterator[Contender]:
    """configurable-http-proxy, told of so many routes, of which one is asked."""
    port, api = free_port(), free_port()
    node = shutil.which("node")
    assert node is not None
    environ = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": "benchmark"}
    there = ["--ip", "127.0.0.1", "--port", str(port), "--api-ip", "127.0.0.1", "--api-port", str(api)]
    with running([node, install_chp(), *there, "--log-level", "error"], environ, folder / "chp.log") as process:
        token = {"Authorization": "token benchmark"}
        until_it_answers(f"http://127.0.0.1:{api}/api/routes", token)
        with httpx.Client(headers=token) as client:
            for number in range(routes):
                target = {"target": f"http://{upstream}"}
                client.post(f"http://127.0.0.1:{api}/api/routes/s/u{number}", json=target).raise_for_status()
        url = f"http://127.0.0.1:{port}/s/u{routes // 2}/api"
        until_it_answers(url)
        yield Contender(urls=[url], processes=[process])


async def fill_store(settings: Settings, *, upstream: str, known: int) -> tuple[list[str], str]:
    """Write a person with a token, and sessions of theirs that are said to run; give the sessions and the token."""
    async with open_store(settings.store):
        pass  # makes the tables
    now, token = datetime.now(UTC), tokens.new_secret(tokens.TOKEN)
    ids = [new_session_id() for _ in range(known)]
    row = {
        "kind": "session", "owner": OWNER, "name": "R", "environment": "rspark", "options": {}, "created": now,
        "wanted": Wanted.RUNNING.value, "spec_revision": 0, "state": State.RUNNING.value, "generation": 1, "queued_at": now,
        "busy": False, "busy_with": [], "upstream": upstream, "secret": "s" * 43, "components": [],
        "endpoints": {}, "lease_epoch": 0,
    }  # fmt: skip
    engine = sa.create_engine(settings.store)
    with engine.begin() as connection:
        connection.execute(sa.insert(users), {"name": OWNER, "admin": False, "created": now, "last_seen": now})
        made = {"id": "t1", "digest": tokens.digest(token), "user_name": OWNER, "name": "benchmark", "created": now}
        connection.execute(sa.insert(token_table), {**made, "expires": now + timedelta(days=1), "last_used": now})
        connection.execute(sa.insert(sessions), [{**row, "id": each} for each in ids])
    engine.dispose()
    return ids, token


@contextmanager
def edge(folder: Path, ids: Sequence[str], token: str, path: str = "api") -> Iterator[Contender]:
    """The hub and the edge as `rsparkhub up` starts them, on a store that is filled; no controller, so nothing changes."""
    port = free_port()
    environment = {
        **os.environ, "RSPARKHUB_DATA": str(folder), "RSPARKHUB_PORT": str(port), "RSPARKHUB_LOG_LEVEL": "warning"
    }  # fmt: skip
    with ExitStack() as stack:
        processes = [
            stack.enter_context(running([sys.executable, "-m", "rsparkhub", part], environment, folder / f"{part}.log"))
            for part in ("hub", "edge")
        ]
        urls = [f"http://127.0.0.1:{port}/s/{each}/{path}" for each in ids]
        headers = {"Authorization": f"Bearer {token}"}
        until_it_answers(urls[0], headers, within=60)
        caddy = processes[1].children()
        yield Contender(urls=urls, headers=headers, processes=[*processes, *caddy])
