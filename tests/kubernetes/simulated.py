"""Answers for the agents of pods on simulated nodes, as the agent's API says: a stand-in, since nothing runs in such a pod.

KWOK gives those pods addresses of the loopback, so one server on all addresses is each of them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from rsparkhub.backends.kubernetes.objects.names import AGENT_PORT

#: What an environment says so that its sessions come to simulated nodes, and to no others.
PLACEMENT = {
    "node_selector": {"type": "kwok"},
    "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}],
}


class _Agent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer({"state": "ready"})

    def do_POST(self) -> None:
        self._answer({})

    def _answer(self, said: object) -> None:
        text = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing: there are thousands of requests."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Say nothing: a controller that is killed hangs up."""


@contextmanager
def agents() -> Iterator[None]:
    """Answer while the test runs."""
    with _Server(("0.0.0.0", AGENT_PORT), _Agent) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
