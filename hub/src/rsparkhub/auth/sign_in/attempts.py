"""Attempts to sign in by a name and a password: after wrong ones, the next has to wait, by whichever way."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address

from rsparkhub.auth.sign_in.base import SignInContext
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.user import USER_NAME
from rsparkhub.store.login_attempts import Attempt

#: How many people's wrong passwords one address is allowed: a class may sit behind one.
PEOPLE_PER_ADDRESS = 40
_LONGEST = 1000  # characters of a password of another system


@asynccontextmanager
async def limited(proof: Mapping[str, str], context: SignInContext) -> AsyncIterator[Attempt]:
    """Count an attempt to sign in, which is checked inside: as a wrong one, unless that ends well.

    Its name is None where nobody can have such a one. Where what checks it is `Unavailable`, it was no attempt.

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
    try:
        yield attempt
    except Unavailable:
        await context.store.attempts.withdraw(attempt)
        raise
    await context.store.attempts.succeeded(attempt, now=context.now)


def name_in(proof: Mapping[str, str]) -> str:
    """Return the name in a proof, as names are written here."""
    return proof.get("name", "").strip().lower()


def may_be_password(text: str) -> bool:
    """Return whether a text may be a password of another system: none is empty, which in LDAP means nobody, or has a NUL."""
    if not 0 < len(text) <= _LONGEST or "\0" in text:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in text)  # half a letter, which UTF-8 can't write


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
