"""What the edge says by itself, when the hub or a session does not answer: a page for a browser, else problem details."""

import json
from http import HTTPStatus
from typing import Any

from rsparkhub.wire import minimal_page


def message_routes(
    status: int, title: str, detail: str, *, code: str, again_after: int | None = None, link: str | None = None
) -> list[dict[str, Any]]:
    """Return the routes that say it.

    `again_after` is after how many seconds a browser asks again by itself; `link` leads to the sessions of a person.
    """
    page = minimal_page.minimal_page(title, detail, link=link, again_after=again_after)
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{title}. {detail}",
        "code": code,
    }
    retry = {"Retry-After": str(again_after)} if again_after else {}
    return [
        {
            "match": [{"header": {"Accept": ["*text/html*"]}}],
            "handle": [_response(status, page, {**minimal_page.HEADERS, **retry})],
            "terminal": True,
        },
        {"handle": [_response(status, json.dumps(problem), {**_PROBLEM_HEADERS, **retry})]},
    ]


_PROBLEM_HEADERS = {**minimal_page.HEADERS, "Content-Type": "application/problem+json"}


def _response(status: int, body: str, headers: dict[str, str]) -> dict[str, Any]:
    fields = {name: [value] for name, value in headers.items()}
    return {"handler": "static_response", "status_code": status, "headers": fields, "body": body}
