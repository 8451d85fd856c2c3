"""The checks of an ID token (OpenID Connect Core 1.0, section 3.1.3.7)."""

from collections.abc import Mapping
from datetime import datetime

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

#: Signatures by a key of the provider's. Never `none`, nor one by a secret that the hub shares with it.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
_LEEWAY = 60  # seconds by which clocks may differ
_LONGEST = 1024 * 1024  # bytes; one may list ten thousand groups
_LONGEST_SUBJECT = 255


class Untrusted(Exception):
    """What came back is not what the provider says, or is not about this sign-in."""


class _Registry(JWSRegistry):
    max_payload_length = _LONGEST
    max_header_length = 4096
    max_signature_length = 4096


def read_id_token(token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: datetime) -> Mapping[str, object]:
    """Return the claims of an ID token that is of this provider, for this hub, of this sign-in, and of now.

    Raises
    ------
    Untrusted
        When it is not; the sentence is for the log.
    """
    registry = _Registry(algorithms=ALGORITHMS, strict_check_header=False)
    checks = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=_LEEWAY,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = jwt.decode(token, keys, registry=registry, algorithms=ALGORITHMS).claims
        checks.validate(claims)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Untrusted(f"the ID token is not accepted: {type(error).__name__}: {error}") from error
    if claims["iss"] != issuer or claims["nonce"] != nonce:
        raise Untrusted("the ID token is of another issuer or of another sign-in")
    audience = claims["aud"]
    if audience not in (client_id, [client_id]) and claims.get("azp") != client_id:
        raise Untrusted("the ID token is for several, and not made for this hub")
    if claims.get("azp", client_id) != client_id:
        raise Untrusted("the ID token was made for another client")
    if not 0 < len(claims["sub"]) <= _LONGEST_SUBJECT:
        raise Untrusted("the ID token names nobody")
    return claims
