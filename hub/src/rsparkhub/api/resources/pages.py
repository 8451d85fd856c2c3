"""The hub's pages: the files that `web/hub` builds, and the page of a one-time link, whose button signs a person in.

They are built once for each language (web/hub/build.js), and a person gets the one that they read.
"""

from collections.abc import Collection
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import browser_logins
from rsparkhub.api.language import ENGLISH, language_of
from rsparkhub.api.origin import is_foreign
from rsparkhub.api.resources.login import keep_in_browser
from rsparkhub.auth.next_address import safe_next
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import NotAllowed, NotSignedIn
from rsparkhub.wire import minimal_page

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
#: The page that says that a link was used or has run out.
_USED = "/hub/?link=used"
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


def built_languages(folder: Path) -> frozenset[str]:
    """Return the languages in which the pages in `folder` are built."""
    return frozenset({ENGLISH, *(path.name.split(".")[1] for path in folder.glob("index.*.html"))})


def index_in(language: str) -> str:
    """Return the name of the one page of the app in a language."""
    return "index.html" if language == ENGLISH else f"index.{language}.html"


def pages_router(folder: Path) -> APIRouter:
    """Make the routes that serve the built pages in `folder`."""
    router = APIRouter(include_in_schema=False)
    files = StaticFiles(directory=folder, check_dir=False)
    languages = built_languages(folder)

    @router.get("/")
    @router.get("/hub")
    async def front_door() -> Response:
        return RedirectResponse("/hub/", status_code=307)

    @router.api_route("/hub/{path:page}", methods=["GET", "HEAD"])
    async def page(request: Request, context: Context, path: str) -> Response:
        link = request.query_params.get("token")
        if path == "" and link is not None:
            return await _ask_to_sign_in(request, context, link, request.query_params.get("next"))
        return _file(files, path, request) or _index(files, path, request, languages)

    @router.post("/hub/")
    async def sign_in(request: Request, context: Context) -> Response:
        if is_foreign(request.headers, context.own_origins(request)):
            raise NotAllowed("Sign in on the hub's own page.")
        fields = parse_qs((await request.body()).decode("ascii", "replace"), max_num_fields=10)
        return await _sign_in(request, context, fields.get("token", [""])[0], fields.get("next", [""])[0])

    return router


async def _ask_to_sign_in(request: Request, context: AppContext, link: str, next_url: str | None) -> Response:
    """Return the page of a one-time link, whose button uses it up and leads to `next_url`.

    To look at a link does not: mail programs and chats open links for a preview, and browsers do ahead of time. A link that
    leads somewhere leads whoever is signed in already there at once.
    """
    name = await context.authenticator.whom_link_signs_in(link, now=context.now())
    if name is None:
        return _leave(RedirectResponse(_USED, status_code=303))
    signed_in = await _signed_in(request, context)
    if next_url is not None and signed_in is not None and signed_in.user.name == name:
        return _leave(RedirectResponse(safe_next(next_url), status_code=303))
    if signed_in is None or signed_in.user.name == name:
        question = {
            "title": f"Sign in to RSparkHub as {name}",
            "detail": "This link works once. It signs this browser in.",
            "button": f"Sign in as {name}",
        }
    else:
        now_name = signed_in.user.name
        question = {
            "title": f"You are signed in as {now_name}. Continue as {name}?",
            "detail": f"This link works once. It signs {now_name} out of this browser, and {name} in.",
            "button": f"Continue as {name}",
            "otherwise": f"Stay signed in as {now_name}",
        }
    text = minimal_page.question_page(
        **{part: context.say(english) for part, english in question.items()},
        action="/hub/",
        fields={"token": link, "next": safe_next(next_url or "")},
        language=context.language,
    )
    return HTMLResponse(text, headers=minimal_page.HEADERS_OF_QUESTION)


async def _signed_in(request: Request, context: AppContext) -> Identity | None:
    for value in browser_logins(request):
        identity = await context.authenticator.from_cookie(value, now=context.now())
        if identity is not None:
            return identity
    return None


async def _sign_in(request: Request, context: AppContext, link: str, next_url: str) -> Response:
    try:
        made = await context.authenticator.sign_in_with_link(link, now=context.now())
    except NotSignedIn:
        response: Response = RedirectResponse(_USED, status_code=303)
    else:
        for value in browser_logins(request):  # nobody sees that sign-in any more
            await context.authenticator.sign_out(value)
        response = _onwards(context, safe_next(next_url))
        keep_in_browser(response, request, context.settings, made)
    return _leave(response)


def _onwards(context: AppContext, url: str) -> Response:
    """Lead on after a form was sent; not by a redirect to a session, which is at another host, where a form's may not lead."""
    if not url.startswith("/s/"):
        return RedirectResponse(url, status_code=303)
    page = minimal_page.onwards_page(
        context.say("You are signed in"), url, onwards=context.say("Continue"), language=context.language
    )
    return HTMLResponse(page, headers={**minimal_page.HEADERS, "Refresh": f"0; url={url}"})


def _leave(response: Response) -> Response:
    """Lead away from the address of a link, of which the next page learns nothing."""
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


def _index(files: StaticFiles, path: str, request: Request, languages: Collection[str]) -> Response:
    """Return the one page of the app, which reads the address itself; a missing asset stays missing."""
    if path.startswith("assets/"):
        raise HTTPException(404)
    language = language_of(request, languages)
    found = _file(files, index_in(language), request)
    if found is not None:
        found.headers.update({"Content-Language": language, "Vary": "Accept-Language, Cookie"})
    return found or HTMLResponse(_NOT_BUILT, status_code=503, headers={**_HEADERS, "Retry-After": "10"})
