"""Any command as an interface."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from session.tests.running import PYTHON, Running, command_of, interface, members, part, until

Start = Callable[..., Running]

# A server that tells each request, and takes websockets: with nothing but Python.
SERVER = """
import http.server, os, sys, time
time.sleep(float(os.environ.get("LATE", "0")))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Upgrade") == "websocket":
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n")
            self.wfile.flush()
            self.rfile.read()
            return
        body = f"{self.command} {self.path} {self.headers.get('X-Rspark-Secret')} {sys.argv[2]}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
COMMAND = ["python3", "-c", SERVER, "{port}", "{base}"]
#: A real web program: pages, a stream, a websocket.
REAL = [str(PYTHON), str(Path(__file__).with_name("web_server.py")), "{port}", "{base}"]


async def web(start: Start, **changes: object) -> Running:
    running = start(**{"interface": interface("web", command=COMMAND), **changes})
    await running.until_state("ready")
    return running


async def test_a_command_gets_a_port_and_its_path(start: Start) -> None:
    running = await web(start)
    base = running.asked["base_path"]
    assert (await running.get("page?x=1")).text == f"GET {base}page?x=1 None {base}"
    assert await running.suspend() == 0
    assert running.record()["saved"] is None


async def test_it_is_ready_when_it_listens(start: Start) -> None:
    running = start(interface=interface("web", command=COMMAND), environ={"LATE": "1.5"})
    await until(lambda: running.part("interface")["state"] == "starting", "it starts")
    answer = await running.get("")
    assert (answer.status_code, "Your session is starting" in answer.text) == (503, True)
    await running.until_state("ready")
    assert (await running.get("")).status_code == 200


async def test_a_port_of_somebody_else_is_never_shown(start: Start) -> None:
    """Another program has the port: its pages must not be taken for the session's."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        idle = ["python3", "-c", "import signal; signal.pause()"]
        running = start(interface=interface("web", command=idle, port=port))
        assert await running.ended() == 1
    assert running.status()["reason"] == f"Web needs port {port}, which another program has."


async def test_a_command_that_ends_at_once_fails_the_session(start: Start) -> None:
    running = start(interface=interface("web", command=["bash", "-c", "echo no configuration; exit 7"]))
    assert await running.ended() == 1
    assert running.status()["reason"] == "Web stopped by itself, with the code 7."
    assert running.status()["detail"] == "no configuration"


async def test_visits_and_inputs_are_activity_and_polling_is_not(start: Start) -> None:
    running = await web(start)
    await running.get("poll")
    await asyncio.sleep(1)
    assert running.status()["last_activity"] is None
    await running.get("", headers={"Sec-Fetch-Mode": "navigate"})
    first = await until(lambda: running.status()["last_activity"], "the visit is seen")
    await running.post("input")
    await until(lambda: running.status()["last_activity"] > first, "the input is seen")


async def test_frames_of_a_websocket_are_activity_and_pings_are_not(start: Start) -> None:
    running = await web(start)
    host, _, port = running.status()["address"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"GET {running.asked['base_path']}ws HTTP/1.1\r\nHost: h\r\nX-Rspark-Secret: {running.asked['secret']}\r\n"
    writer.write(f"{head}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(bytes.fromhex("8a8000000000"))  # a pong
    await asyncio.sleep(1)
    assert running.status()["last_activity"] is None
    writer.write(bytes.fromhex("81810000000061"))  # text: a
    await until(lambda: running.status()["last_activity"], "the frame is seen")
    writer.close()


async def test_a_session_that_ends_lets_nobody_in(start: Start) -> None:
    """While services still end, the interface is closed already."""
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('{run}/deaf', 'w'); signal.pause()"
    slow = part("slow", "{python}", "-c", deaf, ready={"file": "{run}/deaf"}, stop_timeout=3.0)
    running = await web(start, parts=[slow])
    assert (await running.post("agent/suspend")).status_code == 202
    answer = await until_closed(running)
    assert "Your session has ended or is about to" in answer
    assert (await running.get("agent/status")).json()["state"] == "suspending"
    assert await running.ended() == 0


async def until_closed(running: Running) -> str:
    while (answer := await running.get("")).status_code != 503:
        await asyncio.sleep(0.02)
    return answer.text


async def real(start: Start, **more: object) -> Running:
    running = start(interface=interface("web", title="The lab's pages", command=REAL, **more))
    await running.until_state("ready")
    return running


async def test_pages_streams_and_websockets_of_a_real_program_pass_through_the_agent(start: Start) -> None:
    running = await real(start)
    assert (await running.get("deep/page")).text == f"page {running.asked['base_path']}deep/page"
    async with running.http.stream("GET", running.url("stream")) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "data: one", "it comes while the rest isn't there yet"
        (running.home / "go").touch()
        assert [line async for line in lines if line] == ["data: two"]
    async with running.socket("echo") as socket:
        for message in ("text", b"bytes", "x" * 2**20):
            await socket.send(message)
            assert await socket.recv() == message
        assert await until(lambda: running.status()["last_activity"], "the frames are seen")
    assert await running.suspend() == 0
    assert running.record()["how"] == "suspended"
    assert not members(running.name)


def listens(process: psutil.Process) -> bool:
    """Whether a program listens on a port; the agent itself does, too."""
    own = "web_server.py" in str(command_of(process))
    return own and any(connection.status == psutil.CONN_LISTEN for connection in process.net_connections())


async def test_with_a_health_path_it_is_ready_when_that_answers(start: Start) -> None:
    command = [*REAL, "well"]
    running = start(interface=interface("web", command=command, config={"health": "{base}healthz"}))
    await until(lambda: [process for process in members(running.name) if listens(process)], "it listens")
    await asyncio.sleep(1)
    assert running.status()["state"] == "starting", "it listens, and isn't well"
    assert (await running.get("")).status_code == 503
    (running.home / "well").touch()
    await running.until_state("ready")
    assert (await running.get("page")).status_code == 200
    assert running.status()["last_activity"] is None, "to look after its health is nobody's activity"


@pytest.mark.long
async def test_a_program_that_computes_makes_the_session_busy_under_its_own_title(start: Start) -> None:
    running = await real(start)
    computing = asyncio.ensure_future(running.post("compute/here?seconds=8"))
    await until(lambda: running.status()["busy_with"] == ["The lab's pages"], "the program itself computes")
    await computing
    await until(lambda: not running.status()["busy"], "it rests")

    await running.post("compute/apart?seconds=600")
    await until(lambda: running.status()["busy_with"] == ["The lab's pages"], "what it started computes")
    next(process for process in members(running.name) if "monotonic" in str(command_of(process))).kill()
    await until(lambda: not running.status()["busy"], "it rests")
    assert await running.suspend() == 0
