"""An answer to a forward-auth request as the edge reads it (`domain/edge_contract.py`)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NotRequired, TypedDict

from rsparkhub.auth.forward_auth import Allow, GoOn, Redirect, Refuse
from rsparkhub.wire import minimal_page
from rsparkhub.wire.problem import Problem


class Grant(TypedDict):
    """The request may pass; for `keep_ms` milliseconds from when it asked, the edge may repeat the answer.

    It ends `ends_ms` milliseconds from when the edge asked, where that is there.
    """

    upstream: str
    secret: str
    sandboxed: NotRequired[bool]
    keys: list[str]
    keep_ms: float
    ends_ms: NotRequired[float]


class Recheck(TypedDict):
    """Whether a request that was let in before may go on."""

    good: bool


class Response(TypedDict):
    """What the client gets, as it is."""

    status: int
    headers: dict[str, str]
    body: str


#: What a page is headed by; `Refuse.detail` says the rest, and what to do.
_TITLES: Mapping[int, str] = {
    400: "This request can’t be passed on",
    401: "You are not signed in",
    403: "This can’t be opened",
    404: "There is no such session",
    421: "This is no name of this hub",
    424: "This session does not run",
    503: "The hub is busy",
}
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}


def reply(
    answer: Allow | Redirect | Refuse | GoOn, *, keep: float = 0, page: bool = False, hub: str = "/hub/"
) -> Grant | Response | Recheck:
    """Return the answer; a refusal as a page where a browser opens one, else as a problem.

    `keep` is in seconds; `hub` is where a page leads to.
    """
    if isinstance(answer, GoOn):
        return Recheck(good=answer.good)
    if isinstance(answer, Allow):
        grant = Grant(upstream=answer.upstream, secret=answer.secret, keys=list(answer.keys), keep_ms=round(keep * 1000, 3))
        if answer.sandboxed:
            grant["sandboxed"] = True
        if answer.until is not None:
            left = (answer.until - datetime.now(UTC)).total_seconds()
            grant["ends_ms"] = round(max(left, 0) * 1000, 3)
            grant["keep_ms"] = min(grant["keep_ms"], grant["ends_ms"])
        return grant
    if isinstance(answer, Redirect):
        cookie = {"Set-Cookie": answer.set_cookie} if answer.set_cookie else {}
        return Response(status=302, headers={**_HEADERS, "Location": answer.url, **cookie}, body="")
    challenge = {"WWW-Authenticate": "Bearer"} if answer.status == 401 else {}
    if page:
        text = minimal_page.minimal_page(_TITLES[answer.status], answer.detail, link=hub)
        return Response(status=answer.status, headers={**minimal_page.HEADERS, **challenge}, body=text)
    problem = Problem(title=HTTPStatus(answer.status).phrase, status=answer.status, detail=answer.detail, code=answer.code)
    headers = {**_HEADERS, "Content-Type": "application/problem+json", **challenge}
    return Response(status=answer.status, headers=headers, body=problem.model_dump_json(exclude_none=True))
