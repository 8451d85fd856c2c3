"""What the edge reads: an answer to its question as bytes of HTTP/1.1.

A 204 says that the request may pass, and where to; the edge gives any other answer to the client as it is.
"""

from html import escape
from http import HTTPStatus

from rsparkhub.auth.question import Allow, Redirect, Refuse
from rsparkhub.wire.problem import Problem

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · RSparkHub</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
  body {{ max-width: 32rem; margin: 20vh auto 0; padding: 0 1rem }}
  h1 {{ font-size: 1.25rem }}
</style>
<main><h1>{title}</h1><p>{detail}</p><p><a href="{hub}">To your sessions</a></p></main>
</html>
"""
_NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def reply(answer: Allow | Redirect | Refuse, *, page: bool = False, hub: str = "/hub/") -> bytes:
    """Write an answer; a refusal as a page where a browser opens one (`hub` is where it leads to), else as a problem."""
    if isinstance(answer, Allow):
        sandbox = "X-Rspark-Sandbox: 1\r\n" if answer.sandboxed else ""
        return (
            f"HTTP/1.1 204 No Content\r\nX-Rspark-Upstream: {answer.upstream}\r\nX-Rspark-Secret: {answer.secret}\r\n"
            f"{sandbox}\r\n"
        ).encode("latin-1")
    if isinstance(answer, Redirect):
        cookie = {"Set-Cookie": answer.set_cookie} if answer.set_cookie else {}
        return _response(302, {"Location": answer.url, **cookie}, b"")
    title = HTTPStatus(answer.status).phrase
    asks = {"WWW-Authenticate": "Bearer"} if answer.status == 401 else {}
    if page:
        text = _PAGE.format(title=title, detail=escape(answer.detail), hub=escape(hub))
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _NO_SCRIPTS}
        return _response(answer.status, headers | asks, text.encode())
    problem = Problem(title=title, status=answer.status, detail=answer.detail, code=answer.code)
    body = problem.model_dump_json(exclude_none=True).encode()
    return _response(answer.status, {"Content-Type": "application/problem+json"} | asks, body)


def _response(status: int, headers: dict[str, str], body: bytes) -> bytes:
    lines = {**headers, "Cache-Control": "no-store", "Referrer-Policy": "same-origin", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode("latin-1") + body
