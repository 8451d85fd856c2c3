"""How the API server is asked for pods: over TLS with the account's own token, and what its odd answers are to those who ask.

The server here is a real one over HTTP, with a certificate of the test's own, that says what a test has it say.
"""

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rspark_contract.reading import Unreadable
from rspark_session.services.spark.cluster.pod_api import PodApi, Refused
from rspark_session.services.spark.cluster.worker_pods import WorkerPods

from .test_spark_worker_pods import TEMPLATE

LABELS = {"rsparkhub/session": "a", "spark-role": "worker"}
PODS = "/api/v1/namespaces/sessions/pods"
WORKER = {"metadata": {"name": "rspark-a-1-worker-1"}, "status": {"phase": "Running"}}


class Server(ThreadingHTTPServer):
    """Says to every request `status` and `body`, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.body = b"{}"
        self.asked: list[tuple[str, str, str, Any]] = []

    def says(self, body: object, status: int = 200) -> None:
        self.status, self.body = status, body if isinstance(body, bytes) else json.dumps(body).encode()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers["Authorization"], json.loads(body) if body else None))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815  http.server's names

    def log_message(self, *_: Any) -> None:
        pass


def certificate(folder: Path, name: str) -> Path:
    """Write a certificate of 127.0.0.1 that vouches for itself, and its key; return where it is."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return path


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The folder of an account, as Kubernetes puts it into a pod."""
    certificate(tmp_path, "ca").rename(tmp_path / "ca.crt")
    (tmp_path / "token").write_text("the first\n")
    return tmp_path


@pytest.fixture
def server(account: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(account / "ca.crt", account / "ca.key")
    with Server() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def api(server: Server, account: Path) -> PodApi:
    return PodApi("sessions", account=account, host=f"127.0.0.1:{server.server_port}", seconds=60)


def test_pods_are_listed_made_and_deleted_with_the_token_there_is_now(server: Server, api: PodApi, account: Path) -> None:
    server.says({"kind": "PodList", "items": [WORKER]})
    assert api.labelled(LABELS, cached=False) == (WORKER,)
    (account / "token").write_text("another\n")
    assert api.labelled(LABELS, cached=True) == (WORKER,)
    server.says(WORKER, 201)
    api.create(WORKER)
    server.says({"kind": "Status", "status": "Success"})
    api.delete("rspark-a-1-worker-1", grace=5)
    server.says({"metadata": {"name": "rspark-a-1", "uid": "0-1"}})
    assert api.uid("rspark-a-1") == "0-1"
    query = f"{PODS}?labelSelector=rsparkhub%2Fsession%3Da%2Cspark-role%3Dworker"
    assert server.asked == [
        ("GET", query, "Bearer the first", None),
        ("GET", f"{query}&resourceVersion=0", "Bearer another", None),
        ("POST", PODS, "Bearer another", WORKER),
        ("DELETE", f"{PODS}/rspark-a-1-worker-1?gracePeriodSeconds=5", "Bearer another", None),
        ("GET", f"{PODS}/rspark-a-1", "Bearer another", None),
    ]


@pytest.mark.parametrize("items", [{}, {"items": None}, {"items": []}])
def test_a_list_of_no_pods_is_empty(server: Server, api: PodApi, items: dict[str, Any]) -> None:
    server.says(items)
    assert api.labelled(LABELS, cached=False) == ()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, {"kind": "Status", "message": "exceeded quota: rspark"}, "exceeded quota: rspark"),
        (404, {"kind": "Status", "message": 'pods "a" not found'}, 'pods "a" not found'),
        (500, {"kind": "Status"}, "500 Internal Server Error"),
        (500, {"message": ["odd"]}, "500 Internal Server Error"),
        (503, b"<html>no healthy upstream</html>", "503 Service Unavailable"),
        (429, b"", "429 Too Many Requests"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words_or_by_its_number(
    server: Server, api: PodApi, status: int, body: object, said: str
) -> None:
    server.says(body, status)
    with pytest.raises(Refused) as refused:
        api.create(WORKER)
    assert (str(refused.value), refused.value.status) == (said, status)


def test_a_pod_that_is_gone_is_deleted_and_any_other_refusal_is_told(server: Server, api: PodApi) -> None:
    server.says({"message": "not found"}, 404)
    api.delete("rspark-a-1-worker-1", grace=5)
    server.says({"message": "not yours"}, 403)
    with pytest.raises(Refused, match="not yours"):
        api.delete("rspark-a-1-worker-1", grace=5)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe{",
        b"[]",
        b"[" * 10**5,
        {"items": {}},
        {"items": ["a"]},
        {"items": [{}]},
        {"items": [{"metadata": {"name": 7}}]},
        {"items": [{"metadata": None}]},
        {"items": [WORKER, {"metadata": {"name": "b"}, "status": []}]},
        b'{"items": ["' + b" " * 2**24 + b'"]}',
    ],
    ids=lambda body: repr(body)[:40],
)
def test_an_odd_answer_is_unreadable_and_never_more(server: Server, api: PodApi, body: object) -> None:
    server.says(body)
    with pytest.raises(Unreadable):
        api.labelled(LABELS, cached=False)


def test_a_server_that_never_answers_is_waited_for_no_longer_than_said(account: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = PodApi("sessions", account=account, host=f"127.0.0.1:{silent.getsockname()[1]}", seconds=0.2)
        with pytest.raises(TimeoutError):
            api.labelled(LABELS, cached=False)


def test_a_server_that_the_account_does_not_trust_is_not_told_its_token(server: Server, account: Path) -> None:
    certificate(account, "other").rename(account / "ca.crt")
    api = PodApi("sessions", account=account, host=f"127.0.0.1:{server.server_port}", seconds=60)
    with pytest.raises(ssl.SSLCertVerificationError):
        api.uid("rspark-a-1")
    assert server.asked == []


@pytest.mark.parametrize("body", [b"<html>", {"items": [{}]}, {"items": "many"}])
def test_a_session_lives_on_with_an_odd_answer_and_says_so(server: Server, api: PodApi, body: object) -> None:
    server.says(body)
    workers = WorkerPods(TEMPLATE, api)
    workers.have(1, 0)
    assert workers.problem.startswith("The cluster's API server can't be asked for workers: ")
    workers.ask_to_end()
