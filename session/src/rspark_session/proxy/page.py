"""A page of the session's own, with the look that all pages have on which something is wrong, or there is nothing yet."""

from http import HTTPStatus

from rspark_contract import minimal_page
from rspark_session.proxy.server import Reply


def html(title: str, body: str, *, refresh: int | None = None) -> bytes:
    """Return a page. `body` is HTML; the browser loads it again after `refresh` seconds."""
    return minimal_page.render(title, body, again_after=refresh).encode()


def send(reply: Reply, status: HTTPStatus, body: bytes) -> None:
    """Send a page as the answer."""
    reply.send(status, body, kind=b"text/html; charset=utf-8", headers=[(b"retry-after", b"1")] if status >= 500 else [])
