"""Sign-in with a name and a password of which the store has the hash."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.domain.errors import NotFound, NotSignedIn
from rsparkhub.domain.user import USER_NAME
from rsparkhub.store.login_attempts import Attempt

#: How many people's wrong passwords one address is allowed: a class may sit behind one.
PEOPLE_PER_ADDRESS = 40
DISABLED = "An administrator has disabled this user. Your sessions and files are kept. Ask an administrator."
WRONG = "The name or the password is wrong. Check both, or ask an administrator for a sign-in link."


class PasswordSignIn(SignIn):
    """Which of name and password is wrong is not told, not even by the time it takes."""

    name = "password"
    title = "Name and password"
    fields = ("name", "password")

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        store, settings, now = context.store, context.settings, context.now
        name, password = proof.get("name", "").strip().lower(), proof.get("password", "")
        origin = address_key(context.address)
        attempt = Attempt(name=name if USER_NAME.fullmatch(name) else None, address=origin)
        await store.attempts.begin(
            attempt,
            free=settings.login_attempts,
            free_of_address=PEOPLE_PER_ADDRESS * settings.login_attempts,  # a class may share one
            longest=settings.login_pause,
            now=now,
        )
        hashed = None if attempt.name is None else await store.users.password_hash(name)
        like = None if hashed is not None else await store.users.some_password_hash(_number(name))
        if not await context.passwords.verify(hashed, password, like=like, origin=origin or "") or hashed is None:
            raise NotSignedIn(WRONG)
        await store.attempts.succeeded(attempt, now=now)
        # The password may have been changed, or the person removed, while it was being verified.
        if not await store.credentials.add_login(
            name, digest=context.login_digest, expires=context.login_expires, now=now, password_hash=hashed
        ):
            raise NotSignedIn(await _why_not(name, context))
        if context.passwords.is_outdated(hashed):
            await store.users.renew_password_hash(
                name, old=hashed, new=await context.passwords.hash(password, origin=origin or "")
            )
        return name


async def _why_not(name: str, context: SignInContext) -> str:
    """Return why a right password signs nobody in; only who knows it learns of it."""
    try:
        user = await context.store.users.get(name)
    except NotFound:
        return WRONG
    return DISABLED if user.disabled else WRONG


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


def _number(name: str) -> int:
    """Return a number for a name, always the same in this process, that nobody outside can tell."""
    return hash(name) & 0xFFFF_FFFF


SIGN_IN = PasswordSignIn
