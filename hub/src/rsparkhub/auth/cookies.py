"""The hub's cookie: how it is set, found, and kept from sessions."""

from datetime import timedelta

_NAME = "rsparkhub"
_HOST_NAME = "__Host-rsparkhub"  # a browser takes it over TLS alone, and from this very host alone
NAMES = frozenset({_NAME, _HOST_NAME})


def cookie_name(*, secure: bool) -> str:
    """Give the cookie's name; `secure` where people reach the hub over TLS."""
    return _HOST_NAME if secure else _NAME


def set_cookie(value: str, *, lifetime: timedelta, secure: bool) -> str:
    """Write the `Set-Cookie` header that signs a browser in."""
    age = max(0, int(lifetime.total_seconds()))
    return f"{cookie_name(secure=secure)}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")


def clear_cookie(*, secure: bool) -> str:
    """Write the `Set-Cookie` header that signs a browser out."""
    return set_cookie("", lifetime=timedelta(), secure=secure)


def values_in(header: str, *, secure: bool) -> list[str]:
    """Find the values of the hub's cookie in a `Cookie` header.

    There may be several: a page under the same name may have set another one, and the order tells nothing.
    """
    return values_of(cookie_name(secure=secure), header)


def values_of(name: str, header: str) -> list[str]:
    """Find the values of a cookie in a `Cookie` header."""
    return [value.strip().strip('"') for key, value in _pairs(header) if key == name]


def without(header: str) -> str:
    """Give a `Cookie` header without the hub's cookies; what is left of it may be empty."""
    return "; ".join(f"{key}={value}" if value else key for key, value in _pairs(header) if key not in NAMES)


def _pairs(header: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in header.split(";"))
    return [(key.strip(), value) for key, _, value in parts if key]
