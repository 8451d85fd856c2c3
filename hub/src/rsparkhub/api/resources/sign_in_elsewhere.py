"""Signing in at another site: a browser is sent there, comes back, and is signed in here; and signing out there too."""

import logging
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import browser_logins, over_tls
from rsparkhub.api.resources.login import address_of, keep_in_browser
from rsparkhub.auth.cookies import set_sign_in_cookie, sign_in_cookie, values_of
from rsparkhub.auth.next_address import HOME, safe_next
from rsparkhub.auth.oidc.flow import LIFETIME
from rsparkhub.auth.sign_in.attempts import address_key
from rsparkhub.auth.sign_in.base import SignInElsewhere, SignInFailed, SignInProblem
from rsparkhub.domain.errors import Unavailable

log = logging.getLogger(__name__)

router = APIRouter(prefix="/hub/sign-in", include_in_schema=False)

#: What a site puts into the address to which it sends a browser back.
_ANSWER = ("code", "state", "iss", "error")


@router.get("/{way}/{site}")
async def depart(way: str, site: str, request: Request, context: Context) -> Response:
    """Send a browser to another site to sign in there."""
    found, next_url = _way(way, context), safe_next(request.query_params.get("next", ""))
    if found is None:
        return _back(SignInProblem.START_AGAIN, next_url)
    try:
        departure = await found.depart(
            site,
            browsers=_browsers(request),
            next_url=next_url,
            settings=context.settings,
            origin=address_key(address_of(request)) or "",
            now=context.now(),
        )
    except SignInFailed as error:
        log.warning("Nobody signs in: %s", error)
        return _back(error.problem, next_url)
    response = _leave(departure.url)
    cookie = set_sign_in_cookie(departure.browser, lifetime=LIFETIME, secure=over_tls(request))
    response.headers.append("Set-Cookie", cookie)
    return response


@router.get("/{way}/{site}/callback")
async def come_back(way: str, site: str, request: Request, context: Context) -> Response:
    """Sign in a browser that comes back from another site, which has recognized somebody."""
    found = _way(way, context)
    if found is None:
        return _back(SignInProblem.START_AGAIN)
    given = {name: request.query_params.getlist(name) for name in _ANSWER}
    proof = {name: values[0] for name, values in given.items() if len(values) == 1}
    proof |= {"site": site, "browsers": " ".join(_browsers(request))}
    next_url = safe_next(found.next_of(proof, now=context.now()))
    try:
        made = await context.authenticator.sign_in(way, proof, address=address_of(request), now=context.now())
    except SignInFailed as error:
        log.warning("Nobody signs in: %s", error)
        return _back(error.problem, next_url)
    except Unavailable as error:
        log.warning("Nobody signs in: %s", error)
        return _back(SignInProblem.UNREACHABLE, next_url)
    for value in browser_logins(request):  # nobody sees that sign-in any more
        await context.authenticator.sign_out(value)
    response = _leave(next_url)
    keep_in_browser(response, request, context.settings, made)
    return response  # the cookie that binds sign-ins stays its quarter of an hour: another tab may be under way with it


@router.get("/{way}/{site}/sign-out")
async def sign_out(way: str, site: str, context: Context) -> Response:
    """Send a browser, which is signed out here already, to another site to sign out there too."""
    found = _way(way, context)
    url = None if found is None else await found.sign_out_url(site, settings=context.settings)
    return _leave(url or HOME)


def _way(name: str, context: AppContext) -> SignInElsewhere | None:
    found = context.authenticator.ways.get(name)
    return found if isinstance(found, SignInElsewhere) else None


def _browsers(request: Request) -> list[str]:
    return values_of(sign_in_cookie(secure=over_tls(request)), request.headers.get("cookie", ""))


def _back(problem: SignInProblem, next_url: str = HOME) -> Response:
    """Lead to the sign-in page, which says what is wrong."""
    query = {"problem": problem.value} | ({} if next_url == HOME else {"next": next_url})
    return _leave(f"{HOME}?{urlencode(query)}")


def _leave(url: str) -> Response:
    """Lead away from this address, of which the next page learns nothing."""
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(url, status_code=303, headers=headers)
