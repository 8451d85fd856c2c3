"""A sign-in under way at a provider: what the hub must know again when the browser comes back, and nobody else can make.

Nothing of it is stored. The browser has a secret in a cookie, and `state` is sealed with that: so it works in the browser that
began, in several of its tabs at once, by whichever hub, and after a restart. The nonce and PKCE's verifier follow from both.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: How long somebody may take to sign in at the provider.
LIFETIME = timedelta(minutes=15)
_LONGEST_STATE = 4096  # characters
_LONGEST_NEXT = 1500
_SECRET = 43  # characters of 32 bytes


def new_browser_secret() -> str:
    """Return a secret for the cookie of a browser that begins to sign in."""
    return secrets.token_urlsafe(32)


def is_browser_secret(value: str) -> bool:
    """Return whether a cookie's value may be such a secret."""
    return len(value) == _SECRET and value.isascii()


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One sign-in under way.

    Attributes
    ----------
    site
        The provider, by its name in the settings.
    next
        Where the browser goes afterwards, as it was asked for.
    state, nonce, verifier
        Of OAuth, OpenID Connect and PKCE.
    """

    site: str
    next: str
    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """PKCE's challenge of the verifier (RFC 7636, S256)."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


def begin(site: str, browser: str, *, next_url: str = "", now: datetime) -> Flow:
    """Begin a sign-in at a provider in the browser that has this secret."""
    payload = {
        "site": site,
        "next": next_url if len(next_url) <= _LONGEST_NEXT else "",
        "until": int((now + LIFETIME).timestamp()),
        "salt": secrets.token_urlsafe(16),
    }
    text = _text(json.dumps(payload, separators=(",", ":")).encode())
    return _flow(site, str(payload["next"]), text, browser)


def resume(site: str, state: str, browsers: Iterable[str], *, now: datetime) -> Flow | None:
    """Return the sign-in that a browser with one of these secrets has begun at this provider; None for none."""
    text, _, seal = state.partition(".")
    if len(state) > _LONGEST_STATE or not state.isascii() or not seal:
        return None
    for browser in browsers:
        if is_browser_secret(browser) and hmac.compare_digest(seal, _derive(browser, "state", text)):
            payload = json.loads(_bytes(text))  # sealed by a hub
            if payload["site"] != site or payload["until"] < now.timestamp():
                return None
            return _flow(site, payload["next"], text, browser)
    return None


def _flow(site: str, next_url: str, text: str, browser: str) -> Flow:
    return Flow(
        site=site,
        next=next_url,
        state=f"{text}.{_derive(browser, 'state', text)}",
        nonce=_derive(browser, "nonce", text),
        verifier=_derive(browser, "verifier", text),
    )


def _derive(browser: str, what: str, text: str) -> str:
    return _text(hmac.digest(browser.encode(), f"{what} {text}".encode(), "sha256"))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
