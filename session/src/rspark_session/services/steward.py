"""The steward of a service: does for the hub what only the service can do, over HTTPS with one secret.

So the hub needs none of the service's own programs, and can be replaced at any time; keys stay where the servers are.
"""

import hmac
import json
import re
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, ClassVar, cast

from rspark_contract import reading
from rspark_contract.reading import Fields
from rspark_session.services.problem import ServiceProblem

_MOST_BYTES = 2**17
_CONNECTION = 60.0  # seconds in which a client must have said what it wants
#: A person's id.
_USER = re.compile(r"[a-z][a-z0-9_-]{0,31}(\.[0-9]{1,9})?")
#: A group's id.
GROUP = re.compile(r"[a-z][a-z0-9_-]{0,63}(\.[0-9]{1,9})?")
_NUMBER = re.compile(r"[0-9]{1,18}")


class StewardServer(ThreadingHTTPServer):
    """Answers by a class of handlers; a handshake that doesn't end holds nobody up but itself."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, handler: "type[StewardHandler]", *, host: str, port: int, certificate: Path, key: Path, secret: str
    ) -> None:
        super().__init__((host, port), handler)
        self._handler = handler
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        #: The hub's.
        self.secret = secret

    def start(self) -> None:
        """Begin to answer, in threads of its own."""
        threading.Thread(target=self.serve_forever, name="steward", daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:  # Any: the library's own types are its own affair
        """Answer a client in its thread."""
        request.settimeout(_CONNECTION)
        with self._context.wrap_socket(request, server_side=True) as secured:
            self._handler(secured, client_address, self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write nothing: a client went away, or speaks no TLS."""


class StewardHandler(BaseHTTPRequestHandler):
    """Answers one request: a subclass says what to do with it in `answer`.

    What goes wrong is told as JSON, `{"problem": …}`, with the status that belongs to its class in `statuses`.
    """

    server: StewardServer
    protocol_version = "HTTP/1.1"
    statuses: ClassVar[tuple[tuple[type[Exception], HTTPStatus], ...]] = (
        (ValueError, HTTPStatus.BAD_REQUEST),  # also what can't be read
        (ServiceProblem, HTTPStatus.SERVICE_UNAVAILABLE),
        (OSError, HTTPStatus.SERVICE_UNAVAILABLE),
    )

    def answer(self, words: tuple[str, ...], query: str) -> None:
        """Answer; `words` are those of the path."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        """Write nothing: what goes wrong is in the answer."""

    def _answer(self) -> None:
        self.close_connection = True
        path, _, query = self.path.partition("?")
        try:
            self.answer(tuple(path.strip("/").split("/")), query)
        except tuple(kind for kind, _ in self.statuses) as problem:
            status = next(status for kind, status in self.statuses if isinstance(problem, kind))
            self.send(status, {"problem": str(problem)} | ({"kind": problem.kind} if hasattr(problem, "kind") else {}))

    def body(self) -> Fields:
        """Return the JSON object of the request; raise `ValueError` when it is none."""
        length = self._length()
        if length > _MOST_BYTES:
            raise ValueError("It is too long.")
        data = self.rfile.read(length) if length else b"{}"
        return Fields(reading.decode(data, most=_MOST_BYTES))

    def content(self) -> IO[bytes]:
        """Return the body as a file that can be read once, for as long as it says that it is."""
        return cast("IO[bytes]", _Body(self.rfile.read, self._length()))

    def _length(self) -> int:
        """Return how many bytes the body has; raise `ValueError` for what is no number. Less than none would be read for ever."""
        return number(self.headers.get("Content-Length") or "0")

    def bearer(self) -> str:
        """Return the secret or token that the request shows; empty where it shows none."""
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        return value if kind == "Bearer" else ""

    def is_hub(self) -> bool:
        """Return whether the hub asks."""
        return hmac.compare_digest(self.bearer().encode(), self.server.secret.encode())

    def refuse(self) -> None:
        """Answer that it takes the hub's secret."""
        self.rfile.read(min(self._length(), _MOST_BYTES))  # so that the answer is seen
        self.send(HTTPStatus.UNAUTHORIZED, {"problem": "It takes the hub's secret."})

    def send(self, status: HTTPStatus, answer: dict[str, object]) -> None:
        """Send an answer."""
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def send_tar(self, write: Callable[[IO[bytes]], None], failures: tuple[type[Exception], ...], *, what: str) -> None:
        """Send what `write` writes; where it fails, the last chunk is never sent: the other side sees that it isn't whole."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-tar")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            write(cast("IO[bytes]", _Chunks(self.wfile.write)))
        except failures as problem:
            print(f"{what} could not be archived: {problem}", flush=True)
            self.connection.close()
            return
        self.wfile.write(b"0\r\n\r\n")


class _Body:
    """Reads as much as a request has; tarfile asks no more of a file than to read."""

    def __init__(self, read: Callable[[int], bytes], length: int) -> None:
        self._read = read
        self._left = length

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        data = self._read(min(size, self._left))
        self._left -= len(data)
        return data


class _Chunks:
    """Writes in HTTP's chunks; tarfile asks no more of a file than to write."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        """Write a chunk."""
        if data:
            self._write(b"%x\r\n%s\r\n" % (len(data), data))
        return len(data)


def user(word: str) -> str:
    """Return a person's id; raise `ValueError` when it is none."""
    if not _USER.fullmatch(word):
        raise ValueError(f"{word!r} is no person's id.")
    return word


def group(word: str) -> str:
    """Return a word as the id of a group; raise `ValueError` when it is none."""
    if not GROUP.fullmatch(word):
        raise ValueError("This is no group's id.")
    return word


def number(word: str) -> int:
    """Return a number; raise `ValueError` when it is none."""
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word!r} is no number.")
    return int(word)
