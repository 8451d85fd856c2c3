"""Shows a web server of Spark's under a path of the session: it knows only its own address, so its redirects are led back."""

from http import HTTPStatus
from urllib.parse import urlsplit

from rspark_session.proxy import page
from rspark_session.proxy.head import Headers
from rspark_session.proxy.server import Reply, Request
from rspark_session.proxy.upstream import Answer, Upstream, UpstreamGone, forward


class ShownServer:
    """A way to Spark's servers of this machine under the path `base`, with the headers that they ask for."""

    def __init__(self, *, base: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self.base = base
        self._headers = headers

    async def show(self, request: Request, reply: Reply, *, port: int, path: str) -> None:
        """Answer with what the server on the port has at `path`, which follows the base."""
        target = path.encode("latin-1") + (b"?" + request.query.encode("latin-1") if request.query else b"")
        upstream = Upstream(port=port, headers=self._headers)
        try:
            await forward(request, reply, upstream, target=target, change=self._keep_inside)
        except UpstreamGone:
            if not reply.started:
                page.send(reply, HTTPStatus.BAD_GATEWAY, page.html("Spark doesn't answer", "<p>Try again in a moment.</p>"))

    def redirect(self, reply: Reply, path: str, *headers: tuple[bytes, bytes]) -> None:
        """Send the browser to a path that follows the base."""
        reply.send(HTTPStatus.FOUND, b"", headers=[(b"location", (self.base + path).encode("latin-1")), *headers])

    def _keep_inside(self, answer: Answer) -> Headers:
        """Return the headers with redirects that lead to where the pages are seen."""
        return [(name, self._inside(value) if name == b"location" else value) for name, value in answer.headers]

    def _inside(self, location: bytes) -> bytes:
        parts = urlsplit(location.decode("latin-1"))
        path = parts.path if parts.path.startswith(self.base + "/") else self.base + parts.path
        return (path + (f"?{parts.query}" if parts.query else "")).encode("latin-1")
