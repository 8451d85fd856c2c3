"""Our cookies: the hub's, and that of a session's own host. How each is called, set and found."""

import re
from datetime import timedelta
from itertools import islice

from rsparkhub.domain.edge_contract import HUB_COOKIE, SECURE, SESSION_COOKIE, SIGN_IN_COOKIE


def hub_cookie(*, secure: bool, port: int | None = None) -> str:
    """Return the name of the hub's cookie; `secure` where people reach the hub over TLS.

    A browser sends a cookie to every port of a host. Without TLS, where the name may be any, it has the port by which people
    reach the hub: so two hubs on one machine don't sign each other's people out.
    """
    if secure:
        return SECURE + HUB_COOKIE
    return HUB_COOKIE if port is None else f"{HUB_COOKIE}-{port}"


def hub_logins(header: str, *, secure: bool, port: int | None) -> list[str]:
    """Return what a `Cookie` header shows of sign-ins at the hub, also by the name of versions that had no port in it."""
    names = dict.fromkeys((hub_cookie(secure=secure, port=port), hub_cookie(secure=secure)))
    return [value for name in names for value in values_of(name, header)]


def session_logins(header: str, *, secure: bool) -> list[str]:
    """Return what a `Cookie` header shows of sign-ins at a session's own host."""
    return values_of(session_cookie(secure=secure), header)


def session_cookie(*, secure: bool) -> str:
    """Return the name of the cookie of a session's own host; `secure` where people come over TLS."""
    return SECURE + SESSION_COOKIE if secure else SESSION_COOKIE


def set_hub_cookie(value: str, *, lifetime: timedelta, secure: bool, port: int | None = None) -> str:
    """Write the `Set-Cookie` header that signs a browser in at the hub."""
    return _set_cookie(hub_cookie(secure=secure, port=port), value, lifetime=lifetime, secure=secure)


def clear_hub_cookie(*, secure: bool, port: int | None = None) -> str:
    """Write the `Set-Cookie` header that signs a browser out at the hub."""
    return set_hub_cookie("", lifetime=timedelta(), secure=secure, port=port)


def set_session_cookie(value: str, *, lifetime: timedelta, secure: bool) -> str:
    """Write the `Set-Cookie` header that signs a browser in at a session's own host."""
    return _set_cookie(session_cookie(secure=secure), value, lifetime=lifetime, secure=secure)


def sign_in_cookie(*, secure: bool) -> str:
    """Return the name of the cookie that binds a sign-in at another site to the browser that began it."""
    return SECURE + SIGN_IN_COOKIE if secure else SIGN_IN_COOKIE


def set_sign_in_cookie(value: str, *, lifetime: timedelta, secure: bool) -> str:
    """Write the `Set-Cookie` header that binds sign-ins at other sites to a browser."""
    return _set_cookie(sign_in_cookie(secure=secure), value, lifetime=lifetime, secure=secure)


#: A page under the same name may have set some more of ours; each costs a look into the store.
MOST_VALUES = 8


def values_of(name: str, header: str) -> list[str]:
    """Return the first values of a cookie in a `Cookie` header, each once.

    There may be several: a page under the same name may have set another one, and the order tells nothing.
    """
    values = (value.strip().strip('"') for key, value in _pairs(header) if key == name)
    return list(islice(dict.fromkeys(values), MOST_VALUES))


#: Which language a person chose for the pages, which set it themselves (web/hub/src/state/language.ts).
LANGUAGE_COOKIE = "rsparkhub_language"
_OWN_COOKIE = re.compile(
    rf"(?:{re.escape(SECURE)})?(?:{re.escape(HUB_COOKIE)}(?:-[0-9]{{1,5}})?|{re.escape(SIGN_IN_COOKIE)}|{re.escape(SESSION_COOKIE)})"
    rf"|{re.escape(LANGUAGE_COOKIE)}"
)
_TOKEN = re.compile(r"[A-Za-z0-9_.~+/=-]{1,512}")


def own_cookies_in(header: str) -> str:
    """Return a `Cookie` header with the cookies that may be ours, of whichever port, a few of each name; empty for none."""
    names = dict.fromkeys(key for key, _ in _pairs(header) if _OWN_COOKIE.fullmatch(key))
    values = (
        (name, value) for name in islice(names, MOST_VALUES) for value in values_of(name, header) if _TOKEN.fullmatch(value)
    )
    return "; ".join(f"{name}={value}" for name, value in values)


def _set_cookie(name: str, value: str, *, lifetime: timedelta, secure: bool) -> str:
    """Write a cookie that a browser sends to this very host alone and hides from pages' code (RFC 6265)."""
    age = max(0, int(lifetime.total_seconds()))
    return f"{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")


def _pairs(header: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in header.split(";"))
    return [(key.strip(), value) for key, _, value in parts if key]
