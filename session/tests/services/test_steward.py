"""The steward of a service, whom everybody on the machine can ask."""

import shutil
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from rspark_session.services.certificate import make
from rspark_session.services.steward import StewardHandler, StewardServer


class Handler(StewardHandler):
    """Answers the hub with what it sent."""

    def answer(self, words: tuple[str, ...], query: str) -> None:
        if not self.is_hub():
            self.refuse()
        elif words == ("content",):
            self.send(HTTPStatus.OK, {"read": len(self.content().read(2**20))})
        else:
            self.body()
            self.send(HTTPStatus.OK, {})


@pytest.fixture(scope="module")
def steward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StewardServer]:
    openssl = shutil.which("openssl")
    assert openssl is not None
    folder = tmp_path_factory.mktemp("steward")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    make(certificate, key, names=("localhost",), openssl=openssl, title="it")
    server = StewardServer(Handler, host="127.0.0.1", port=0, certificate=certificate, key=key, secret="the hub's")
    server.certificate = certificate  # type: ignore[attr-defined]
    server.start()
    yield server
    server.shutdown()
    server.server_close()


def ask(server: StewardServer, head: str, body: bytes = b"") -> str:
    """Send a request on a connection that stays open, and return the first line of the answer."""
    context = ssl.create_default_context(cafile=server.certificate)  # type: ignore[attr-defined]
    with (
        socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=20) as bare,
        context.wrap_socket(bare, server_hostname="localhost") as secured,
    ):
        secured.sendall(f"{head}\r\n\r\n".encode() + body)
        return secured.makefile("rb").readline().decode().strip()


@pytest.mark.parametrize("who", ["Bearer the hub's", "Bearer another's", ""])
@pytest.mark.parametrize("length", ["-1", "+5", "1_0", "five", "9" * 30])
@pytest.mark.parametrize("path", ["/", "/content"])
def test_a_length_that_is_none_is_refused_at_once(steward: StewardServer, who: str, length: str, path: str) -> None:
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {who}\r\nContent-Length: {length}"
    assert ask(steward, head, b"{}") == "HTTP/1.1 400 Bad Request"


@pytest.mark.parametrize(("who", "status"), [("Bearer the hub's", "200 OK"), ("Bearer another's", "401 Unauthorized")])
def test_the_hub_alone_is_answered(steward: StewardServer, who: str, status: str) -> None:
    head = f"PUT / HTTP/1.1\r\nHost: x\r\nAuthorization: {who}\r\nContent-Length: 2"
    assert ask(steward, head, b"{}") == f"HTTP/1.1 {status}"
