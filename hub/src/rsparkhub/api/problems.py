"""Every error of the hub becomes RFC 9457 problem details here, and nowhere else."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from rsparkhub.api.sentences import said_to
from rsparkhub.domain.errors import Busy, NotSignedIn, RsparkhubError, TooManyRequests
from rsparkhub.wire.problem import FieldProblem, Problem

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

#: What HTTP itself finds wrong, by status: its name for programs, and the sentence.
_OF_HTTP = {
    400: ("bad-request", "The request could not be read. Check that it is well-formed HTTP and JSON."),
    404: ("not-found", "There is nothing at this address. The calls are listed in /hub/api/openapi.json."),
    405: ("method-not-allowed", "This address does not support that method. Use one that the header Allow lists."),
    408: ("too-slow", "The request came too slowly. Send it again, over a better connection."),
    413: ("too-large", "The request is too large. Send less at once."),
    415: ("not-json", "The body is not JSON. Send it with Content-Type: application/json."),
}


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return the answer that says what is wrong."""
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def problem_of(error: RsparkhubError) -> Problem:
    """Return one of our own errors as problem details."""
    running = list(error.running) if isinstance(error, Busy) else None
    return Problem(title=_title(error.status), status=error.status, detail=str(error), code=error.code, running=running)


def problem_of_http(status: int) -> Problem:
    """Return what HTTP itself finds wrong as problem details."""
    code, sentence = _OF_HTTP.get(status, (f"http-{status}", f"{_title(status)}."))
    return Problem(title=_title(status), status=status, detail=sentence, code=code)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe in OpenAPI which errors a call answers with, beyond those that every call may."""
    said: dict[int | str, dict[str, Any]] = {status: _documented(_title(status)) for status in statuses}
    return said | {"default": _documented("Any other error")}


def install(app: FastAPI) -> None:
    """Install the handlers that answer errors with problem details."""
    app.add_exception_handler(RsparkhubError, _on_ours)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, RsparkhubError)
    headers = {}
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if error.status >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return problem_response(_in_language_of(request, problem_of(error)), headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [FieldProblem(where=_tellable(".".join(map(str, each["loc"]))), message=_message(each)) for each in error.errors()]
    problem = Problem(title=_title(422), status=422, detail=_sentence(errors), code="invalid-input", errors=errors)
    return problem_response(problem)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status, headers = error.status_code, dict(error.headers or {})
    if status == 405:
        headers["Allow"] = ", ".join(sorted(_allowed(request)))
    return problem_response(_in_language_of(request, problem_of_http(status)), headers)


def _in_language_of(request: Request, problem: Problem) -> Problem:
    """Return a problem with its sentence in the language of the person who asks; what programs go by stays as it is."""
    return problem.model_copy(update={"detail": said_to(request, problem.detail)})


def _allowed(request: Request) -> set[str]:
    """Return the methods that an address takes: of all its routes, and not only of the first."""
    routes = iter_route_contexts(request.app.routes)
    found = [each for each in routes if each.original_route.matches(request.scope)[0] is not Match.NONE]
    return {method for each in found for method in each.methods or ()}


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def _documented(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _message(error: dict[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return "this is not JSON"
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    return _tellable(str(error["msg"]).removeprefix("Value error, "))


def _tellable(text: str) -> str:
    """Return the text without halves of surrogate pairs, which a client may send as a name and no answer can hold."""
    return text.encode("utf-8", "replace").decode()


def _sentence(errors: Sequence[FieldProblem]) -> str:
    told = "; ".join(f"{each.where}: {each.message}" for each in errors[:5])
    more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
    return f"What you sent is not right. {told}{more}."
