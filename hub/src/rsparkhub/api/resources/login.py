"""Signing in and out; a browser gets a cookie, a program the token in it."""

from fastapi import APIRouter, Request, Response

from rsparkhub.api.context import Context
from rsparkhub.api.identity import Anybody, browser_logins, over_tls
from rsparkhub.api.origin import is_foreign
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.me import me_of
from rsparkhub.auth.cookies import clear_hub_cookie, set_hub_cookie
from rsparkhub.auth.identity import Login as MadeLogin
from rsparkhub.auth.sign_in.base import SignInElsewhere
from rsparkhub.auth.sign_in.password import PasswordSignIn
from rsparkhub.auth.tokens import token_in_header
from rsparkhub.domain.errors import NotAllowed, NotFound
from rsparkhub.settings import Settings
from rsparkhub.wire.users import Login, SignedIn, SignedOut, WayToSignIn

router = APIRouter(prefix="/hub/api", tags=["sign-in"])


def keep_in_browser(response: Response, request: Request, settings: Settings, made: MadeLogin) -> None:
    """Set the cookie of a sign-in, out of reach of any page's code."""
    cookie = set_hub_cookie(made.token, lifetime=settings.login_lifetime, secure=over_tls(request), port=request.url.port)
    response.headers.append("Set-Cookie", cookie)


def address_of(request: Request) -> str | None:
    """Return the address that somebody asks from, as the edge saw it."""
    return request.client.host if request.client else None


@router.get("/login", summary="List the ways to sign in")
async def ways_to_sign_in(context: Context) -> list[WayToSignIn]:
    """Those that a sign-in page offers. Nobody needs to be signed in to ask."""
    settings = context.settings
    forms = [
        WayToSignIn(name=name, title=context.say(title), fields=list(way.fields))
        for way in context.authenticator.ways.values()
        for name, title in way.forms(settings).items()
    ]
    sites = [
        WayToSignIn(
            name=f"{way.name}:{site.name}",
            title=site.title,
            fields=[],
            url=f"{settings.url}/hub/sign-in/{way.name}/{site.name}",
        )
        for way in context.authenticator.ways.values()
        if isinstance(way, SignInElsewhere)
        for site in way.sites(settings)
    ]
    return [*sites, *forms]


@router.post("/login", summary="Sign in", responses=responses(401, 403, 404, 422, 429))
async def login(body: Login, request: Request, response: Response, context: Context) -> SignedIn:
    """Sets the cookie, and gives the same sign-in as a token for programs."""
    if is_foreign(request.headers, context.own_origins(request)):
        raise NotAllowed("Sign in on the hub's own page.")
    offered = [name for way in context.authenticator.ways.values() for name in way.forms(context.settings)]
    chosen = body.way if body.way is not None else PasswordSignIn.name
    if chosen not in offered:
        raise NotFound(f"There is no such way to sign in. Choose one of {', '.join(offered) or 'none'}.")
    way, _, site = chosen.partition(":")
    proof = {"name": body.name, "password": body.password} | ({"site": site} if site else {})
    context.change_rate.check(body.name)
    made = await context.authenticator.sign_in(way, proof, address=address_of(request), now=context.now())
    if not made.user.admin:  # only now, so that nobody counts who does not know the password
        context.change_rate.take(made.user.name)
    keep_in_browser(response, request, context.settings, made)
    return SignedIn(token=made.token, expires=made.expires, user=await me_of(made.user, context))


@router.post("/logout", summary="Sign out", responses=responses(401, 403))
async def logout(identity: Anybody, request: Request, response: Response, context: Context) -> SignedOut:
    """Ends the sign-in that the cookie or the token is of. An API token goes on working; delete it under `/tokens`."""
    if identity.how == "token":
        await context.authenticator.sign_out(token_in_header(request.headers["authorization"]) or "")
        return SignedOut()
    sites = [await context.authenticator.sign_out(value) for value in browser_logins(request)]
    response.headers.append("Set-Cookie", clear_hub_cookie(secure=over_tls(request), port=request.url.port))
    site = next(filter(None, sites), None)
    return SignedOut(url=None if site is None else f"/hub/sign-in/{site.replace(':', '/')}/sign-out")
