"""Where a request came in: at the hub's own host, or at the host of one session. See docs/decisions/0003-session-origins.md."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from rsparkhub.auth.http_origin import origin_of
from rsparkhub.domain.edge_contract import SESSION_ID
from rsparkhub.settings import Settings

_ADDRESS = re.compile(rf"/s/({SESSION_ID})(?=[/?]|$)")
_LABEL = re.compile(rf"({SESSION_ID})\.(.+)")
_SEPARATORS = re.compile(r"[/\\]")


@dataclass(frozen=True, kw_only=True)
class RequestOrigin:
    """Where a request came in.

    `origin` is that place, and `hub` the hub as it is reached from there, both as scheme, name and port. `session` is set
    at the host of a session. `apart` says that here each session has a host of its own.
    `known` is false under a name that is none of this installation's.
    """

    origin: str
    hub: str
    session: str | None = None
    apart: bool = False
    known: bool = True

    @property
    def secure(self) -> bool:
        """Whether people come here over TLS."""
        return self.origin.startswith("https:")

    @property
    def port(self) -> int | None:
        """The port by which people come here; None for the scheme's own."""
        return urlsplit(self.origin).port

    def hub_url(self, path: str) -> str:
        """Return the address of a page of the hub; without the host where this is the host."""
        return path if self.origin == self.hub else f"{self.hub}{path}"

    def session_url(self, session_id: str, path: str) -> str:
        """Return an address on a session's own host."""
        scheme, _, netloc = self.hub.partition("://")
        return f"{scheme}://{session_id}.{netloc}{path}"

    def is_own_origin(self, origin: str) -> bool:
        """Return whether `origin`, a header field, is of this very scheme, host and port."""
        own = origin_of(self.origin)
        return own is not None and origin_of(origin) == own


def request_origin(host: str, settings: Settings) -> RequestOrigin:
    """Return where a request came in, by its Host header."""
    netloc, domain = host.lower(), settings.session_domain
    own = _origin(netloc, settings)
    if domain is None:
        return RequestOrigin(origin=own, hub=own)
    match = _LABEL.fullmatch(netloc)
    if match and _name(match[2]) == domain:
        return RequestOrigin(origin=own, hub=_origin(match[2], settings), session=match[1], apart=True)
    if _name(netloc) == domain:
        return RequestOrigin(origin=own, hub=own, apart=True)
    if settings.session_origin == "subdomain":  # the hub under another name; a session's host is under the one that is set
        return RequestOrigin(origin=own, hub=settings.url, apart=True)
    return RequestOrigin(origin=own, hub=own)


def session_in_uri(uri: str) -> str | None:
    """Return the session's id in a path and query as they were sent; None when it is no address of a session."""
    match = _ADDRESS.match(uri)
    return match[1] if match else None


def has_dot_segments(uri: str) -> bool:
    """Return whether a segment of the path is `.` or `..` however it is written. Browsers never send such a path."""
    path = uri.partition("?")[0]
    if "." not in path and "%" not in path:
        return False
    return any(segment in {".", ".."} for segment in _SEPARATORS.split(unquote(path, errors="replace")))


def _name(netloc: str) -> str:
    return re.sub(r":\d+$", "", netloc)


def _origin(netloc: str, settings: Settings) -> str:
    """Put the scheme before it: the public one for the public name and those under it, else http, which the edge speaks."""
    public = settings.public_url
    name = _name(netloc)
    known = public is not None and public.host and (name == public.host.lower() or name.endswith(f".{public.host.lower()}"))
    return f"{public.scheme if public and known else 'http'}://{netloc}"
