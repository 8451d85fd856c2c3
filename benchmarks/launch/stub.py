"""Answers for everything that would run in pods on simulated nodes: agents of RSparkHub, and JupyterHub's single-user servers.

`python stub.py PORT HUB_VERSION`. KWOK gives those pods addresses of the loopback, so one server on all addresses is each of
them. It follows the agent's contract (`ETag`, `If-None-Match` and `Prefer: wait` on `/agent/status`); any other path is a
single-user server of JupyterHub, which is asked for nothing but its version.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime

_MARK = '"1"'
_LONGEST_WAIT = 60


def _status() -> bytes:
    now = datetime.now(UTC).isoformat()
    interface = {"name": "interface", "title": "Terminal", "state": "ready", "reason": None, "endpoint": None}
    return json.dumps(
        {
            "session": "simulated", "generation": 1, "state": "ready", "reason": None, "detail": None, "address": None, "pid": 1,
            "busy": False, "busy_with": [], "last_activity": now, "memory": 128 * 2**20, "cpu": 0.01, "parts": [interface],
            "restored": None, "updated": now,
        }
    ).encode()  # fmt: skip


def _response(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers])
    return f"{head}\r\n\r\n".encode() + body


class Pod(asyncio.Protocol):
    """One connection to one of the pods; requests have short bodies or none, and are not pipelined."""

    version = ""
    status = b""
    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = b""
        self._later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._later is not None:
            self._later.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if len(body) < int(headers.get("content-length", "0")):
            return
        self._buffer = b""
        method, path, _ = request.split(" ", 2)
        self._answer(method, path, headers)

    def _answer(self, method: str, path: str, headers: dict[str, str]) -> None:
        if not path.startswith("/agent/"):
            body = json.dumps({"version": "5.0.0"}).encode()
            self.transport.write(_response("200 OK", body, f"X-JupyterHub-Version: {self.version}"))
        elif "x-rspark-secret" not in headers:
            self.transport.write(_response("401 Unauthorized"))
        elif method == "POST":
            self.transport.write(_response("202 Accepted"))
        elif headers.get("if-none-match") == _MARK:
            wait = headers.get("prefer", "").partition("wait=")[2]
            later = min(int(wait), _LONGEST_WAIT) if wait.isdigit() else 0
            self._later = asyncio.get_running_loop().call_later(later, self._unchanged)
        else:
            self.transport.write(_response("200 OK", self.status, f"ETag: {_MARK}"))

    def _unchanged(self) -> None:
        self.transport.write(_response("304 Not Modified", b"", f"ETag: {_MARK}"))


async def main(port: int, version: str) -> None:
    Pod.version, Pod.status = version, _status()
    server = await asyncio.get_running_loop().create_server(Pod, "0.0.0.0", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
