"""Attempts to sign in by a name and a password: after wrong ones, the next has to wait, by whichever way."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address

from rsparkhub.auth.sign_in.base import SignInContext
from rsparkhub.domain.user import USER_NAME
from rsparkhub.store.login_attempts import Attempt

#: How many people's wrong passwords one address is allowed: a class may sit behind one.
PEOPLE_PER_ADDRESS = 40


@asynccontextmanager
async def limited(proof: Mapping[str, str], context: SignInContext) -> AsyncIterator[Attempt]:
    """Count an attempt to sign in, which is checked inside: as a wrong one, unless that ends well.

    Its name is None where nobody can have such a one.

    Raises
    ------
    TooManyAttempts
        When too much was wrong before, for this name or from this address.
    """
    name, settings = name_in(proof), context.settings
    attempt = Attempt(name=name if USER_NAME.fullmatch(name) else None, address=address_key(context.address))
    await context.store.attempts.begin(
        attempt,
        free=settings.login_attempts,
        free_of_address=PEOPLE_PER_ADDRESS * settings.login_attempts,
        longest=settings.login_pause,
        now=context.now,
    )
    yield attempt
    await context.store.attempts.succeeded(attempt, now=context.now)


def name_in(proof: Mapping[str, str]) -> str:
    """Return the name in a proof, as names are written here."""
    return proof.get("name", "").strip().lower()


def address_key(address: str | None) -> str | None:
    """Return as what an address is counted; None where there is none.

    An IPv6 address is counted by its network of 64 bits, since whoever has one address has all of these (RFC 4291).
    """
    try:
        parsed = ip_address(address or "")
    except ValueError:  # a Unix socket has no address
        return None
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{parsed.exploded[:19]}::/64"
    return str(parsed)
