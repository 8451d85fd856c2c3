"""The steward: does for the hub what takes Kerberos, over HTTPS with one secret.

So the hub has no principal, needs no Kerberos programs, and can be replaced at any time; the keys stay where the servers are.

PUT    /accounts/<user>                    {"groups": […]}   make or mend a home
PUT    /accounts/<user>/quota              {"quota": bytes}   limit what it takes
POST   /accounts/<user>/close              cancel all tokens of a person
GET    /accounts/<user>/archive            the home as a tar file
DELETE /accounts/<user>                    delete the home
PUT    /credentials/<session>/<generation> {"user": …}        the token of a generation: {"token": …}
POST   /credentials/<session>/<generation>/renew
DELETE /credentials/<session>/<generation> cancel it
GET    /keys                               the files that every server has: {"files": {name: base64}}
GET    /datanodes                          which DataNodes live: {"live": [host]}
GET    /backup                             what all people have as a tar file
PUT    /backup                             make it what a tar file has
GET    /jmx?qry=…                          how the file system is, for whoever shows a token
"""

import base64
import hmac
import json
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, cast
from urllib.parse import parse_qs, urlsplit

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.services.hdfs.archive import TREES, Archive, ArchiveInvalid
from rspark_session.services.hdfs.certificate import Certificate
from rspark_session.services.hdfs.credentials import Credentials
from rspark_session.services.hdfs.homes import Homes, home_of
from rspark_session.services.hdfs.kerberos import SUPERUSER
from rspark_session.services.hdfs.namenode import Away, NameNode, Refused
from rspark_session.services.problem import ServiceProblem

_MOST_BYTES = 2**17
_CONNECTION = 60.0  # seconds in which a client must have said what it wants
#: A person's id: no principal of the domain has such a name (`kerberos`).
_USER = re.compile(r"[a-z][a-z0-9_-]{0,31}(\.[0-9]{1,9})?")
_GROUP = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_NUMBER = re.compile(r"[0-9]{1,18}")
#: What the NameNode's pages show of the file system as a whole; nothing of a person is in it.
_BEANS = frozenset(
    {
        "Hadoop:service=NameNode,name=NameNodeInfo",
        "Hadoop:service=NameNode,name=NameNodeStatus",
        "Hadoop:service=NameNode,name=FSNamesystem",
        "Hadoop:service=NameNode,name=FSNamesystemState",
        "Hadoop:service=NameNode,name=BlockStats",
        "Hadoop:service=NameNode,name=ReplicatedBlocksState",
        "Hadoop:service=NameNode,name=ECBlockGroupsState",
        "java.lang:type=Memory",
    }
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the steward works with; `keys` returns the files that every server has, and `secret` is the hub's."""

    namenode: NameNode
    homes: Homes
    archive: Archive
    credentials: Credentials
    keys: Callable[[], Mapping[str, bytes]]
    secret: str


def start(work: Work, certificate: Certificate, *, host: str, port: int) -> ThreadingHTTPServer:
    """Start the steward in threads of its own; return its server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.pem, certificate.key)
    server = _Server((host, port), _Handler)
    server.context, server.work = context, work
    threading.Thread(target=server.serve_forever, name="steward", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    context: ssl.SSLContext
    work: Work

    def finish_request(self, request: Any, client_address: Any) -> None:  # Any: the library's own types are its own affair
        """Answer a client in its thread: a handshake that doesn't end holds nobody up but itself."""
        request.settimeout(_CONNECTION)
        with self.context.wrap_socket(request, server_side=True) as secured:
            _Handler(secured, client_address, self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client went away, or speaks no TLS."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

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
        target = urlsplit(self.path)
        words = tuple(target.path.strip("/").split("/"))
        try:
            if (self.command, *words) == ("PUT", "backup"):
                self._restore()
                return
            body = self._body()
            if (self.command, *words) == ("GET", "jmx"):
                self._show_bean(parse_qs(target.query).get("qry", [""])[0])
                return
            if not self._is_hub():
                self._send(HTTPStatus.UNAUTHORIZED, {"problem": "It takes the hub's secret."})
                return
            if self.command == "GET":
                self._show(words)
            else:
                self._do(words, body)
        except (Unreadable, ValueError) as problem:
            self._send(HTTPStatus.BAD_REQUEST, {"problem": str(problem)})
        except Refused as problem:
            self._send(HTTPStatus.CONFLICT, {"problem": str(problem), "kind": problem.kind})
        except (Away, ServiceProblem, OSError) as problem:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, {"problem": str(problem)})

    def _show(self, words: tuple[str, ...]) -> None:
        work = self.server.work
        match words:
            case ("accounts", user, "archive"):
                if work.homes.exists(_user(user)):
                    self._send_tar({user: home_of(user)})
                else:
                    self._send(HTTPStatus.NOT_FOUND, {"problem": "There is no such home."})
            case ("keys",):
                files = {name: base64.b64encode(content).decode() for name, content in work.keys().items()}
                self._send(HTTPStatus.OK, {"files": files})
            case ("datanodes",):
                self._send(HTTPStatus.OK, {"live": work.namenode.live_datanodes()})
            case ("backup",):
                self._send_tar({tree.strip("/"): tree for tree in TREES})
            case _:
                self._send(HTTPStatus.NOT_FOUND, {"problem": "There is nothing here."})

    def _do(self, words: tuple[str, ...], body: Fields) -> None:
        work = self.server.work
        match (self.command, *words):
            case ("PUT", "accounts", user):
                work.homes.ensure(_user(user), groups=body.required("groups", reading.items(reading.matching(_GROUP), most=1000)))
                self._send(HTTPStatus.OK, {})
            case ("PUT", "accounts", user, "quota"):
                work.homes.set_quota(_user(user), body.required("quota", reading.integer(0, 2**62)))
                self._send(HTTPStatus.OK, {})
            case ("POST", "accounts", user, "close"):
                work.credentials.revoke_of(_user(user))
                self._send(HTTPStatus.OK, {})
            case ("DELETE", "accounts", user):
                work.credentials.revoke_of(_user(user))
                work.homes.remove(_user(user))
                self._send(HTTPStatus.OK, {})
            case ("PUT", "credentials", session, generation):
                owner = _user(body.required("user", reading.text(64)))
                credential = work.credentials.open(session, _number(generation), owner)
                self._send(HTTPStatus.OK, {"token": credential.token})
            case ("POST", "credentials", session, generation, "renew"):
                self._send(HTTPStatus.OK, {"renewed": work.credentials.renew(session, _number(generation))})
            case ("DELETE", "credentials", session, generation):
                work.credentials.revoke(session, _number(generation))
                self._send(HTTPStatus.OK, {})
            case _:
                self._send(HTTPStatus.NOT_FOUND, {"problem": "There is nothing here."})

    def _show_bean(self, name: str) -> None:
        if not (self._is_hub() or self.server.work.credentials.holds(self._bearer())):
            self._send(HTTPStatus.UNAUTHORIZED, {"problem": "It takes a token."})
        elif name not in _BEANS:
            self._send(HTTPStatus.NOT_FOUND, {"problem": "Nothing is shown by that name."})
        else:
            shown = json.loads(self.server.work.namenode.page(f"/jmx?qry={name}", principal=SUPERUSER))
            for bean in shown["beans"]:
                bean.pop("CorruptFiles", None)  # their paths are people's own
            self._send(HTTPStatus.OK, shown)

    def _restore(self) -> None:
        if not self._is_hub():
            self._send(HTTPStatus.UNAUTHORIZED, {"problem": "It takes the hub's secret."})
            return
        try:
            body = _Body(self.rfile.read, int(self.headers.get("Content-Length") or 0))
            self.server.work.archive.read(cast("IO[bytes]", body))
        except ArchiveInvalid as problem:
            self._send(HTTPStatus.UNPROCESSABLE_ENTITY, {"problem": str(problem)})
        else:
            self._send(HTTPStatus.OK, {})

    def _send_tar(self, trees: Mapping[str, str]) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-tar")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # Where anything fails, the last chunk is never sent: the other side sees that it isn't whole.
        try:
            self.server.work.archive.write(trees, cast("IO[bytes]", _Chunks(self.wfile.write)))
        except (Refused, Away, ServiceProblem, OSError) as problem:
            print(f"{', '.join(trees.values())} could not be archived: {problem}", flush=True)
            self.connection.close()
            return
        self.wfile.write(b"0\r\n\r\n")

    def _body(self) -> Fields:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MOST_BYTES:
            raise ValueError("It is too long.")
        data = self.rfile.read(length) if length else b"{}"
        return Fields(reading.decode(data, most=_MOST_BYTES))

    def _bearer(self) -> str:
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        return value if kind == "Bearer" else ""

    def _is_hub(self) -> bool:
        return hmac.compare_digest(self._bearer().encode(), self.server.work.secret.encode())

    def _send(self, status: HTTPStatus, answer: dict[str, object]) -> None:
        self._send_bytes(status, json.dumps(answer).encode())

    def _send_bytes(self, status: HTTPStatus, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


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


def _user(word: str) -> str:
    if not _USER.fullmatch(word):
        raise ValueError(f"{word!r} is no person's id.")
    return word


def _number(word: str) -> int:
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word!r} is no number.")
    return int(word)
