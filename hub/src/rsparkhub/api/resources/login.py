"""Signing in and out with a password; a browser gets a cookie, a program the token in it."""

from fastapi import APIRouter, Request, Response

from rsparkhub.api.context import Context
from rsparkhub.api.identity import Reader, over_tls
from rsparkhub.api.origin import is_foreign
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.me import me_of
from rsparkhub.auth.cookies import clear_hub_cookie, hub_cookie, set_hub_cookie, values_of
from rsparkhub.auth.identity import Login as MadeLogin
from rsparkhub.auth.tokens import token_in_header
from rsparkhub.domain.errors import NotAllowed
from rsparkhub.settings import Settings
from rsparkhub.wire.users import Login, SignedIn

router = APIRouter(prefix="/hub/api", tags=["sign-in"])


def keep_in_browser(response: Response, request: Request, settings: Settings, made: MadeLogin) -> None:
    """Set the cookie of a sign-in, out of reach of any page's code."""
    cookie = set_hub_cookie(made.token, lifetime=settings.login_lifetime, secure=over_tls(request))
    response.headers.append("Set-Cookie", cookie)


def address_of(request: Request) -> str | None:
    """Return the address that somebody asks from, as the edge saw it."""
    return request.client.host if request.client else None


@router.post("/login", summary="Sign in with a password", responses=responses(401, 403, 422, 429))
async def login(body: Login, request: Request, response: Response, context: Context) -> SignedIn:
    """Sets the cookie, and gives the same sign-in as a token for programs."""
    if is_foreign(request.headers, context.own_origins(request)):
        raise NotAllowed("Sign in on the hub's own page.")
    made = await context.authenticator.sign_in_with_password(body.name, body.password, address_of(request), now=context.now())
    keep_in_browser(response, request, context.settings, made)
    return SignedIn(token=made.token, expires=made.expires, user=me_of(made.user, context))


@router.post("/logout", status_code=204, summary="Sign out", responses=responses(401, 403))
async def logout(identity: Reader, request: Request, context: Context) -> Response:
    """Ends the sign-in that the cookie or the token is of. An API token goes on working; delete it under `/tokens`."""
    if identity.how == "token":
        await context.authenticator.sign_out(token_in_header(request.headers["authorization"]) or "")
        return Response(status_code=204)
    for value in values_of(hub_cookie(secure=over_tls(request)), request.headers["cookie"]):
        await context.authenticator.sign_out(value)
    return Response(status_code=204, headers={"Set-Cookie": clear_hub_cookie(secure=over_tls(request))})
