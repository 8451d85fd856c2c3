"""What the hub asks a provider: where it has what (discovery), its keys, the tokens for a code, and more about somebody."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from ssl import SSLContext, create_default_context
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rsparkhub.auth.fair_turns import FairTurns
from rsparkhub.auth.oidc.id_token import Untrusted
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings.sign_in import OidcProviderSettings

log = logging.getLogger(__name__)

_CACHED = 600.0  # seconds
_KEYS_AGAIN = 30.0  # seconds before keys are read anew because one is missing
_LARGEST = 1024 * 1024  # bytes of an answer
_WELL_KNOWN = "/.well-known/openid-configuration"


class Down(Unavailable):
    """A provider doesn't answer, in time or at all, or answers what makes no sense."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0; RFC 9207 for `names_itself`)."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    names_itself: bool
    secret_in_body: bool


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a code was exchanged for."""

    id_token: str
    access_token: str | None


@dataclass
class Provider:
    """One provider. What it says of itself is read again every ten minutes, and its keys also when one is missing."""

    settings: OidcProviderSettings
    turns: FairTurns = field(default_factory=lambda: FairTurns(at_once=16, most_of_one=50, most=500))
    _metadata: tuple[float, Metadata] | None = None
    _keys: tuple[float, KeySet] | None = None

    @property
    def seconds(self) -> float:
        """How long all that is asked of it for one sign-in may take, with the wait for a turn."""
        return self.settings.time_limit.total_seconds()

    async def metadata(self) -> Metadata:
        """Return what it says of itself; Down where it says nothing."""
        if self._metadata is None or time.monotonic() - self._metadata[0] > _CACHED:
            issuer = self.settings.issuer
            found = await self._ask("GET", issuer.rstrip("/") + _WELL_KNOWN)
            self._metadata = time.monotonic(), _read_metadata(found, issuer)
        return self._metadata[1]

    async def keys(self, *, anew: bool = False) -> KeySet:
        """Return the keys by which it signs; `anew` reads them once more, but not at once again."""
        age = None if self._keys is None else time.monotonic() - self._keys[0]
        if self._keys is None or age is None or age > (_KEYS_AGAIN if anew else _CACHED):
            found = await self._ask("GET", (await self.metadata()).keys)
            try:
                self._keys = time.monotonic(), KeySet.import_key_set(found)  # type: ignore[arg-type]  # it checks them
            except (JoseError, KeyError, ValueError, TypeError, AttributeError) as error:
                raise Down(f"its keys can't be read: {error}") from error
        return self._keys[1]

    async def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> Tokens:
        """Return the tokens for a code.

        Raises
        ------
        Untrusted
            When it knows no such code, or gives no ID token for it.
        Down
            When it doesn't answer.
        """
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        auth: httpx.BasicAuth | None = None
        metadata, secret = await self.metadata(), self.settings.client_secret
        if secret is None:
            form["client_id"] = self.settings.client_id
        elif metadata.secret_in_body:
            form |= {"client_id": self.settings.client_id, "client_secret": secret.get_secret_value()}
        else:  # RFC 6749, section 2.3.1: encoded as in a form first
            auth = httpx.BasicAuth(quote(self.settings.client_id, safe=""), quote(secret.get_secret_value(), safe=""))
        found = await self._ask("POST", metadata.token, form=form, auth=auth)
        id_token, access_token = found.get("id_token"), found.get("access_token")
        if not isinstance(id_token, str):
            raise Untrusted("there is no ID token for the code")
        return Tokens(id_token=id_token, access_token=access_token if isinstance(access_token, str) else None)

    async def userinfo(self, access_token: str, subject: str) -> Mapping[str, object]:
        """Return the claims that it tells about somebody beside the ID token; none where it has no place for that."""
        address = (await self.metadata()).userinfo
        if address is None:
            return {}
        found = await self._ask("GET", address, headers={"Authorization": f"Bearer {access_token}"})
        if found.get("sub") != subject:
            raise Untrusted("what it tells is about somebody else")
        return found

    async def _ask(
        self,
        method: Literal["GET", "POST"],
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.BasicAuth | None = None,
    ) -> Mapping[str, object]:
        """Return the JSON object that it answers; an answer of 4xx to a POST is its refusal."""
        try:
            async with (
                asyncio.timeout(self.seconds),
                httpx.AsyncClient(verify=_ssl(), timeout=self.seconds) as client,
                client.stream(
                    method, url, data=form, headers={"Accept": "application/json", **(headers or {})}, auth=auth
                ) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise Down(f"{url} answers more than {_LARGEST} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise Down(f"{url} doesn't answer: {type(error).__name__}: {error}") from error
        if method == "POST" and 400 <= answer.status_code < 500:
            raise Untrusted(f"{url} refuses with {answer.status_code}: {body[:300]!r}")
        try:
            found = json.loads(body) if answer.status_code == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Down(f"{url} answers {answer.status_code}, and no JSON object")
        return found


def _read_metadata(found: Mapping[str, object], issuer: str) -> Metadata:
    if found.get("issuer") != issuer:
        raise Down(f"it calls itself {found.get('issuer')!r}, and the settings call it {issuer!r}")
    methods = found.get("token_endpoint_auth_methods_supported")
    return Metadata(
        authorization=_address(found, "authorization_endpoint", issuer),
        token=_address(found, "token_endpoint", issuer),
        keys=_address(found, "jwks_uri", issuer),
        userinfo=_address(found, "userinfo_endpoint", issuer) if "userinfo_endpoint" in found else None,
        end_session=_address(found, "end_session_endpoint", issuer) if "end_session_endpoint" in found else None,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        secret_in_body=isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods,
    )


def _address(found: Mapping[str, object], name: str, issuer: str) -> str:
    value = found.get(name)
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    if parts is None or not parts.hostname or parts.scheme not in {"https", urlsplit(issuer).scheme}:
        raise Down(f"its {name} is {value!r}, which is no address over https")
    return str(value)


@cache
def _ssl() -> SSLContext:
    return create_default_context()
