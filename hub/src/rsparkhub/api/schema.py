"""The OpenAPI description of the API, as it is served and as the reference page shows it."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse, Response

from rsparkhub import __version__
from rsparkhub.auth.http_origin import SAFE_METHODS
from rsparkhub.domain.scope import Scope, enough_for
from rsparkhub.wire.problem import Problem
from rsparkhub.wire.session import LogServices
from rsparkhub.wire.stream import StreamData

URL = "/hub/api/openapi.json"

_DESCRIPTION = (
    "Every call answers in JSON. What is wrong is told as RFC 9457 problem details: `detail` is a sentence for a person, "
    "`code` a name for a program. Programs send `Authorization: Bearer TOKEN`; the token has one of the scopes that the call "
    "names, or `all`. Browsers have a cookie, and change something only from the hub's own pages. What belongs to somebody else "
    "is answered as if it did not exist."
)
_TAGS = [
    {"name": "sign-in", "description": "Who you are."},
    {"name": "environments", "description": "The catalog: what you may start."},
    {"name": "sessions", "description": "What runs, sleeps or has ended."},
    {"name": "sharing", "description": "Sessions that others are let into."},
    {"name": "events", "description": "Streams of server-sent events."},
    {"name": "people", "description": "People, groups and tokens."},
    {"name": "courses", "description": "What instructors do for their own groups."},
    {"name": "records", "description": "What was used, and what was done."},
]


def describe(app: FastAPI) -> None:
    """Serve the description of the app's routes; it is made when somebody asks for it."""

    async def openapi() -> Response:
        return JSONResponse(app.openapi(), headers={"Cache-Control": "no-cache"})

    app.openapi = cache(lambda: _schema(app))  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    app.add_api_route(URL, openapi, methods=["GET"], include_in_schema=False)


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title="RSparkHub", version=__version__, summary="The API of the hub.", description=_DESCRIPTION, tags=_TAGS,
        routes=app.routes,
    )  # fmt: skip
    for model in (Problem, LogServices, StreamData):  # named only by reference in answers that FastAPI doesn't make itself
        described = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schema["components"]["schemas"].update(described.pop("$defs", {}))
        schema["components"]["schemas"][model.__name__] = described
    for call in (call for path in schema["paths"].values() for call in path.values()):
        for parameter in call.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
    for of_path in schema["paths"].values():
        for method, call in of_path.items():
            if "security" in call:
                call["security"] = _security(call["security"], looks=method.upper() in SAFE_METHODS)
    return schema


def _security(declared: list[dict[str, list[str]]], *, looks: bool) -> list[dict[str, list[str]]]:
    """Describe what lets somebody in: a cookie, which has no scopes, or a token with any one of those that are enough."""
    scopes = [Scope(scope) for each in declared for scope in each.get("token", ())]
    tokens = [[str(each)] for scope in scopes for each in enough_for(scope, looks=looks)] or [[]]
    return [*({"token": each} for each in tokens), {"cookie": []}]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Describe a parameter as it may be when it is there: it may be left out, and is never null."""
    if "anyOf" not in schema:
        return schema
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}
