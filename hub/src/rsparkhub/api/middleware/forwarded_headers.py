"""Who the client is and what it asked for, when the edge stands between.

Only the edge can reach the hub's socket, so what it says in `X-Forwarded-…` is believed; on any other kind of listener
these headers are what a stranger wrote, and are passed over.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send


class ForwardedHeadersMiddleware:
    """Puts the client's address, scheme and host where the rest of the app looks for them."""

    def __init__(self, app: ASGIApp, *, behind_edge: bool | None = None) -> None:
        self._app = app
        self._behind_edge = behind_edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, as the edge saw it."""
        if scope["type"] == "http" and self._believes(scope):
            scope = _as_the_edge_saw_it(scope)
        await self._app(scope, receive, send)

    def _believes(self, scope: Scope) -> bool:
        if self._behind_edge is not None:
            return self._behind_edge
        server = scope.get("server")
        return server is not None and server[1] is None  # a Unix socket has a path and no port


def _as_the_edge_saw_it(scope: Scope) -> Scope:
    headers = Headers(scope=scope)
    changed = dict(scope)
    if addresses := headers.get("x-forwarded-for"):
        # The last one is what the edge itself saw; those before it are what the client claimed.
        changed["client"] = (addresses.rpartition(",")[2].strip(), 0)
    if (scheme := headers.get("x-forwarded-proto")) in {"http", "https"}:
        changed["scheme"] = scheme
    if host := headers.get("x-forwarded-host"):
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        changed["headers"] = [*others, (b"host", host.encode("latin-1"))]
    return changed
