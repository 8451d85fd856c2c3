"""The few pages that the agent itself shows: plain, and readable without anything else being loaded."""

from html import escape
from http import HTTPStatus

from rspark_session.agent.proxy.server import Reply

_STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 Inter,system-ui,sans-serif;
max-width:36rem;margin:15vh auto;padding:0 1.5rem}
h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:0 0 1rem}code{font:14px/1.5 ui-monospace,monospace}li{margin:.25rem 0}"""


def page(title: str, body: str, *, refresh: int | None = None) -> bytes:
    """Give a page; `body` is HTML."""
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{again}'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    ).encode()


def not_open(state: str) -> bytes:
    """Say why the interface can't be had in this state."""
    if state == "starting":
        return page("Your session is starting", "<p>It opens here by itself when it is ready.</p>", refresh=1)
    return page("Your session has ended or is about to", "<p>What it saved is on your list of sessions; start it from there.</p>")


NO_ANSWER = page("Your session doesn't answer", "<p>Try again in a moment. If it goes on, look at the session's log.</p>")


def send(reply: Reply, status: HTTPStatus, body: bytes) -> None:
    """Answer with a page."""
    reply.send(status, body, kind=b"text/html; charset=utf-8", headers=[(b"retry-after", b"1")] if status >= 500 else [])
