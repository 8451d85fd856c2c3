"""Sign-in at OpenID Connect providers: a university's, Keycloak, Google, Entra ID. Each that the settings name is a button.

The code flow with PKCE (OAuth 2.0 Security Best Current Practice, RFC 9700): the browser goes to the provider and comes back with
a code, for which the hub gets an ID token from the provider itself.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from joserfc.errors import InvalidKeyIdError

from rsparkhub.auth.oidc import flow as flows
from rsparkhub.auth.oidc.flow import Flow
from rsparkhub.auth.oidc.id_token import Untrusted, read_id_token
from rsparkhub.auth.oidc.provider import Down, Provider
from rsparkhub.auth.sign_in.attempts import address_key
from rsparkhub.auth.sign_in.base import Departure, SignInContext, SignInElsewhere, SignInFailed, SignInProblem, Site
from rsparkhub.domain.errors import TooManyAttempts
from rsparkhub.domain.vouched import Vouched, email_from, groups_from, name_from, text_from
from rsparkhub.settings import Settings
from rsparkhub.store.identities import NotVouched

log = logging.getLogger(__name__)

_LONGEST_CODE = 4096  # characters


class OidcSignIn(SignInElsewhere):
    """What providers say of themselves is cached; nothing else is kept."""

    name = "oidc"
    title = "OpenID Connect"

    def __init__(self) -> None:
        self._providers: dict[str, Provider] = {}

    def sites(self, settings: Settings) -> Sequence[Site]:
        return [Site(name=name, title=provider.title) for name, provider in settings.sign_in.oidc.items()]

    async def depart(
        self, site: str, *, browsers: Sequence[str], next_url: str, settings: Settings, origin: str, now: datetime
    ) -> Departure:
        provider = self._provider(site, settings)
        try:
            async with asyncio.timeout(provider.seconds), provider.turns.turn(origin):
                metadata = await provider.metadata()
        except (Down, TimeoutError, TooManyAttempts) as error:
            raise _unreachable(site, error) from error
        secret = next(filter(flows.is_browser_secret, browsers), None) or flows.new_browser_secret()
        flow = flows.begin(site, secret, next_url=next_url, now=now)
        query = {
            "response_type": "code",
            "client_id": provider.settings.client_id,
            "redirect_uri": _redirect_uri(site, settings),
            "scope": " ".join(provider.settings.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        return Departure(url=_with_query(metadata.authorization, query), browser=secret)

    def next_of(self, proof: Mapping[str, str], *, now: datetime) -> str:
        flow = _flow(proof, now)
        return "" if flow is None else flow.next

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        site = proof.get("site", "")
        provider = self._provider(site, context.settings)
        flow = _flow(proof, context.now)
        if flow is None:
            raise SignInFailed("this browser has begun no such sign-in, or too long ago", SignInProblem.START_AGAIN)
        try:
            async with asyncio.timeout(provider.seconds), provider.turns.turn(address_key(context.address) or ""):
                vouched = await _vouched(provider, flow, proof, context)
        except (Down, TimeoutError, TooManyAttempts) as error:
            raise _unreachable(site, error) from error
        except Untrusted as error:
            raise SignInFailed(f"{site}: {error}", SignInProblem.UNTRUSTED) from error
        try:
            return await context.store.identities.add_login(
                vouched,
                site=f"{self.name}:{site}",
                digest=context.login_digest,
                expires=context.login_expires,
                make_people=provider.settings.make_people,
                match_added=provider.settings.match_added,
                make_groups=provider.settings.make_groups,
                now=context.now,
            )
        except NotVouched as error:
            raise SignInFailed(f"{site}: {error}", SignInProblem(error.reason)) from error

    async def sign_out_url(self, site: str, *, settings: Settings) -> str | None:
        found = settings.sign_in.oidc.get(site)
        if found is None or not found.sign_out:
            return None
        provider = self._provider(site, settings)
        try:
            async with asyncio.timeout(provider.seconds):
                address = (await provider.metadata()).end_session
        except (Down, TimeoutError) as error:
            log.warning("The provider %s is not asked to sign somebody out: %s", site, error)
            return None
        query = {"client_id": found.client_id, "post_logout_redirect_uri": f"{settings.url}/hub/"}
        return None if address is None else _with_query(address, query)

    def _provider(self, site: str, settings: Settings) -> Provider:
        found = settings.sign_in.oidc.get(site)
        if found is None:
            raise SignInFailed(f"there is no provider called {site[:40]!r} in the settings", SignInProblem.START_AGAIN)
        known = self._providers.get(site)
        if known is None or known.settings is not found:
            known = self._providers[site] = Provider(found)
        return known


async def _vouched(provider: Provider, flow: Flow, proof: Mapping[str, str], context: SignInContext) -> Vouched:
    """Return whom the provider has recognized, with all that it says of them.

    Raises
    ------
    SignInFailed
        When it has refused them, or their name can't be one here.
    Untrusted, Down
        See `Provider`.
    """
    settings, metadata = provider.settings, await provider.metadata()
    # A code of one provider that is brought as another's: each has an address of its own, and says who it is (RFC 9207).
    if proof.get("iss", settings.issuer) != settings.issuer or (metadata.names_itself and "iss" not in proof):
        raise Untrusted("the answer is of another provider")
    code = proof.get("code", "")
    if "error" in proof or not 0 < len(code) <= _LONGEST_CODE:
        raise SignInFailed(f"{flow.site} says {proof.get('error', 'nothing')[:80]!r}", SignInProblem.REFUSED)
    redirect_uri = _redirect_uri(flow.site, context.settings)
    tokens = await provider.exchange(code, verifier=flow.verifier, redirect_uri=redirect_uri)
    claims = await _claims(provider, tokens.id_token, flow, context.now)
    subject = str(claims["sub"])
    wanted = {settings.name_claim, "name", "email", *filter(None, [settings.groups_claim])}
    if tokens.access_token is not None and not wanted <= claims.keys():
        claims = {**await provider.userinfo(tokens.access_token, subject), **claims}
    name = name_from(claims.get(settings.name_claim), domain=settings.name_domain)
    is_verified = claims.get("email_verified") not in {False, "false"}
    if name is None or (settings.name_claim == "email" and not is_verified):
        raise SignInFailed(f"{flow.site}: {str(claims.get(settings.name_claim))[:80]!r} is no name here", SignInProblem.NAME)
    groups = None if settings.groups_claim is None else groups_from(claims.get(settings.groups_claim), settings.groups)
    return Vouched(
        source=settings.issuer,
        subject=subject,
        name=name,
        full_name=text_from(claims.get("name")),
        email=email_from(claims.get("email")) if is_verified else None,
        groups=groups,
    )


async def _claims(provider: Provider, token: str, flow: Flow, now: datetime) -> Mapping[str, object]:
    settings = provider.settings
    for anew in (False, True):
        keys = await provider.keys(anew=anew)
        try:
            return read_id_token(token, keys, issuer=settings.issuer, client_id=settings.client_id, nonce=flow.nonce, now=now)
        except Untrusted as error:
            if anew or not isinstance(error.__cause__, InvalidKeyIdError):  # it has a new key
                raise
    raise AssertionError  # the second time it returns or raises


def _flow(proof: Mapping[str, str], now: datetime) -> Flow | None:
    return flows.resume(proof.get("site", ""), proof.get("state", ""), proof.get("browsers", "").split(" "), now=now)


def _redirect_uri(site: str, settings: Settings) -> str:
    return f"{settings.url}/hub/sign-in/{OidcSignIn.name}/{site}/callback"


def _with_query(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def _unreachable(site: str, error: Exception) -> SignInFailed:
    message = f"the provider {site} can't be asked: {error or type(error).__name__}"
    return SignInFailed(message, SignInProblem.UNREACHABLE)


SIGN_IN = OidcSignIn
