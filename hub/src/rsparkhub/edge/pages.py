"""What the edge says by itself, when the hub or a session does not answer: a page for a browser, else problem details."""

import json
from html import escape
from http import HTTPStatus
from typing import Any

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
%s<title>%s · RSparkHub</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 32rem; margin: 20vh auto 0; padding: 0 1rem }
  h1 { font-size: 1.25rem }
</style>
<main><h1>%s</h1><p>%s</p>%s</main>
</html>
"""
_HEADERS = {
    "Cache-Control": ["no-store"],
    "Content-Security-Policy": ["default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"],
    "Referrer-Policy": ["same-origin"],
}


def saying(
    status: int, title: str, detail: str, *, code: str, again_after: int | None = None, link: str | None = None
) -> list[dict[str, Any]]:
    """Make the routes that say it.

    `again_after` is after how many seconds a browser asks again by itself; `link` leads to the sessions of a person.
    """
    refresh = f'<meta http-equiv="refresh" content="{again_after}">\n' if again_after else ""
    way = f'<p><a href="{escape(link)}">To your sessions</a></p>' if link else ""
    page = _PAGE % (refresh, escape(title), escape(title), escape(detail), way)
    phrase = HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": phrase, "status": status, "detail": f"{title}. {detail}", "code": code}
    retry = {"Retry-After": [str(again_after)]} if again_after else {}
    return [
        {
            "match": [{"header": {"Accept": ["*text/html*"]}}],
            "handle": [_response(status, page, {"Content-Type": ["text/html; charset=utf-8"], **retry})],
            "terminal": True,
        },
        {"handle": [_response(status, json.dumps(problem), {"Content-Type": ["application/problem+json"], **retry})]},
    ]


def _response(status: int, body: str, headers: dict[str, list[str]]) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status, "headers": {**_HEADERS, **headers}, "body": body}
