"""Where JupyterHub's proxy leads for `/user/NAME/`: a server in JupyterHub's own process that only sends browsers on.

The proxy asks nobody who comes, and JupyterHub's cookie isn't sent to `/user/`. So this page knows nobody and hides nothing: it
leads to JupyterHub's own `/hub/rsparkhub/NAME`, which asks who is there.
"""

from urllib.parse import urlsplit

import jupyterhub
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_listening: dict[str, HTTPServer] = {}


class _Onwards(RequestHandler):
    """Lead from `BASE/user/NAME/…` to `BASE/hub/rsparkhub/NAME`."""

    def initialize(self, hub_path: str) -> None:
        self._hub_path = hub_path

    def prepare(self) -> None:
        _, _, rest = (self.request.path or "").removeprefix(self._hub_path.removesuffix("hub/")).partition("user/")
        self.set_header("X-JupyterHub-Version", jupyterhub.__version__)  # JupyterHub looks for it when a server has started
        self.redirect(f"{self._hub_path}rsparkhub/{rest.partition('/')[0]}")


def listen(address: str, *, hub_path: str) -> None:
    """Listen at an address, once; at a name of this machine on it alone, and otherwise for the network, where the proxy may be.

    Raises
    ------
    OSError
        When the port is another's.
    """
    if address in _listening:
        return
    parts = urlsplit(address)
    server = HTTPServer(Application([(r"/.*", _Onwards, {"hub_path": hub_path})]))
    server.listen(parts.port or 80, parts.hostname if parts.hostname in _LOOPBACK else "")
    _listening[address] = server
