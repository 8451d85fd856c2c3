"""The heads of requests and responses: which of their headers concern only one connection, and how a head is written."""

Headers = list[tuple[bytes, bytes]]

#: Headers that are between two neighbours (RFC 9110, 7.6.1), and `Expect`, which the proxy answers itself.
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_PRIVATE = b"x-rspark-"  # between the edge and the agent; nobody behind sees it or can make it up


def get(headers: Headers, name: bytes) -> bytes | None:
    """Return the value of a header; None where there is none. Names are lower case here."""
    return next((value for key, value in headers if key == name), None)


def tokens(headers: Headers, name: bytes) -> set[bytes]:
    """Return the comma-separated words of a header, in lower case."""
    return {word.strip().lower() for key, value in headers if key == name for word in value.split(b",") if word.strip()}


def end_to_end(headers: Headers) -> Headers:
    """Leave out what concerns one connection only, and what is private to the edge and the agent."""
    dropped = _HOP_BY_HOP | tokens(headers, b"connection")
    return [(name, value) for name, value in headers if name not in dropped and not name.startswith(_PRIVATE)]


def write(first: bytes, headers: Headers) -> bytes:
    """Return the bytes of a head: its first line, its headers, and the empty line."""
    lines = [first, *(name + b": " + value for name, value in headers), b"", b""]
    return b"\r\n".join(lines)
