"""The hub's pages: the files that `web/hub` builds, and the one-time link that signs a person in."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.resources.login import keep_in_browser
from rsparkhub.domain.errors import NotSignedIn

#: The pages run only what they bring along, speak only with this hub, and are shown in nobody's frame.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Frame-Options": "DENY", "Cache-Control": "no-cache"}
_HASHED = {"Cache-Control": "public, max-age=31536000, immutable"}
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>RSparkHub</title>
<h1>RSparkHub runs, but its pages are not built.</h1>
<p>Run <code>make web</code> in the checkout, then reload this page. The API under <a href="/hub/api/openapi.json">/hub/api/</a>
and the command line work meanwhile.</p></html>
"""


class _PagePath(Convertor[str]):
    """Any path under /hub/ but the API's, so that a wrong call of the API is answered as one."""

    regex = "(?!api(?:/|$)).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("page", _PagePath())


def pages_router(folder: Path) -> APIRouter:
    """Make the routes that serve the built pages in `folder`."""
    router = APIRouter(include_in_schema=False)
    files = StaticFiles(directory=folder, check_dir=False)

    @router.get("/")
    @router.get("/hub")
    async def front_door() -> Response:
        return RedirectResponse("/hub/", status_code=307)

    @router.api_route("/hub/{path:page}", methods=["GET", "HEAD"])
    async def page(request: Request, context: Context, path: str) -> Response:
        link = request.query_params.get("token")
        if path == "" and link is not None and request.method == "GET":
            return await _sign_in(request, context, link)
        return _file(files, path, request) or _index(files, path, request)

    return router


async def _sign_in(request: Request, context: AppContext, link: str) -> Response:
    try:
        made = await context.authenticator.sign_in_with_link(link, now=context.now())
    except NotSignedIn:  # the page says that the link was used or has run out
        response: Response = RedirectResponse("/hub/?link=used", status_code=303)
    else:
        response = RedirectResponse("/hub/", status_code=303)
        keep_in_browser(response, request, context.settings, made)
    response.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    return response


def _file(files: StaticFiles, path: str, request: Request) -> Response | None:
    try:
        full_path, found = files.lookup_path(path)
    except (OSError, ValueError):  # a name that no file can have
        return None
    if found is None or not Path(full_path).is_file():
        return None
    response = files.file_response(full_path, found, request.scope)
    response.headers.update(_HEADERS)
    if path.startswith("assets/"):
        response.headers.update(_HASHED)
    return response


def _index(files: StaticFiles, path: str, request: Request) -> Response:
    """Return the one page of the app, which reads the address itself; a missing asset stays missing."""
    if path.startswith("assets/"):
        raise HTTPException(404)
    found = _file(files, "index.html", request)
    return found or HTMLResponse(_NOT_BUILT, status_code=503, headers={**_HEADERS, "Retry-After": "10"})
