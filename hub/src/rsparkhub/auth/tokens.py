"""What signs somebody in: random secrets, of which the store keeps a digest; and a session's own token, which it needn't keep."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode

from rsparkhub.domain.session import Session

LINK = "rsk_"
LOGIN = "rsl_"
TOKEN = "rst_"  # noqa: S105  a prefix is no secret
SESSION = "rss_"

_AUTHORIZATION = re.compile(r"(?:bearer|token) +(\S+) *", re.IGNORECASE)
_LONGEST = 200  # nothing longer is worth a digest


def new_secret(prefix: str) -> str:
    """Make a secret of 256 bits; the prefix tells a person, and a scanner of leaked secrets, what it is."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Give what the store keeps of a secret. It is random, so it needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_plausible(secret: str, prefix: str) -> bool:
    """Whether it may be such a secret at all, so that other text costs no question to the store."""
    return secret.startswith(prefix) and len(secret) <= _LONGEST and secret.isascii()


def token_in_header(authorization: str) -> str | None:
    """Return the token in an `Authorization` header; None when the header has another form.

    The scheme is `Bearer` (RFC 6750), or `token`, which is what Jupyter's clients say.
    """
    match = _AUTHORIZATION.fullmatch(authorization)
    return match[1] if match else None


def session_token(session: Session) -> str:
    """Give the token with which a session speaks to the hub for its owner.

    It follows from the secret of its generation: a second start of the same generation has the same one, and it ends with
    the generation. See RFC 2104.
    """
    if session.secret is None:
        raise ValueError(f"session {session.id} has no secret yet, so it has no token")
    message = f"token of {session.id} {session.generation}".encode()
    mac = hmac.digest(session.secret.encode(), message, "sha256")
    return f"{SESSION}{session.id}_{urlsafe_b64encode(mac).decode().rstrip('=')}"


def session_id_in(token: str) -> str:
    """Read which session a session's token is of; to be checked by `is_token_of`."""
    return token.removeprefix(SESSION).partition("_")[0]


def is_token_of(session: Session, token: str) -> bool:
    """Whether this is the session's token, told in constant time."""
    return session.secret is not None and hmac.compare_digest(session_token(session).encode(), token.encode())
