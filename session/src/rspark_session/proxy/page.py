"""A page without anything else being loaded: plain, and readable in light and dark."""

from html import escape
from http import HTTPStatus

from rspark_session.proxy.server import Reply

# The colours and sizes are those of web/ui/src/tokens.css.
_STYLE = """:root{color-scheme:light dark;font:16px/1.5 Inter,system-ui,sans-serif}
body{box-sizing:border-box;max-width:36rem;margin:0 auto;padding:14vh 1.5rem 3rem;
background:light-dark(#fefefe,#131312);color:light-dark(#1b1a19,#f0efed)}
h1{font-size:1.5rem;font-weight:600;line-height:1.25;letter-spacing:-.017em;margin:0 0 .5rem}
p{margin:0 0 1rem;text-wrap:pretty}a{color:light-dark(#2a4dc0,#a3b6ff)}
code{font:14px/1.5 ui-monospace,monospace}li{margin:.25rem 0}"""


def html(title: str, body: str, *, refresh: int | None = None) -> bytes:
    """Return a page. `body` is HTML; the browser loads it again after `refresh` seconds."""
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{again}'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    ).encode()


def send(reply: Reply, status: HTTPStatus, body: bytes) -> None:
    """Send a page as the answer."""
    reply.send(status, body, kind=b"text/html; charset=utf-8", headers=[(b"retry-after", b"1")] if status >= 500 else [])
