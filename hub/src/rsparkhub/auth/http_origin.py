"""Origins of HTTP (RFC 6454): scheme, host and port of whoever asks; and the methods that change nothing."""

from urllib.parse import urlsplit

Origin = tuple[str, str, int]  # scheme, host, port

#: RFC 9110, section 9.2.1, without TRACE, which nothing here answers.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> Origin | None:
    """Return scheme, host and port of a URL; None when it has none (`null`, or not a URL)."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or parts.hostname is None:
            return None
        return parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]
    except ValueError:
        return None
