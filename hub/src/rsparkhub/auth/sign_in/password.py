"""Sign-in with a name and a password of which the store has the hash."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.domain.errors import NotSignedIn
from rsparkhub.domain.user import USER_NAME

#: How many people's wrong passwords one address is allowed: a class may sit behind one.
PEOPLE_PER_ADDRESS = 10
WRONG = "The name or the password is wrong. Check both, or ask an administrator for a sign-in link."


class PasswordSignIn(SignIn):
    """Which of name and password is wrong is not told, not even by the time it takes."""

    name = "password"
    title = "Name and password"
    fields = ("name", "password")

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        store, settings, now = context.store, context.settings, context.now
        name, password = proof.get("name", "").strip().lower(), proof.get("password", "")
        of_name = f"name {name}" if USER_NAME.fullmatch(name) else None
        of_address = address_key(context.address)
        most, pause = settings.login_attempts, settings.login_pause
        if of_address:  # a class may share one address
            await store.attempts.begin([of_address], most=PEOPLE_PER_ADDRESS * most, pause=pause, now=now)
        if of_name:
            await store.attempts.begin([of_name], most=most, pause=pause, now=now)
        hashed = await store.users.password_hash(name) if of_name else None
        if not await context.passwords.verify(hashed, password) or hashed is None or of_name is None:
            raise NotSignedIn(WRONG)
        await store.attempts.succeeded(forget=of_name, one_less=of_address)
        # The password may have been changed, or the person removed, while it was being verified.
        if not await store.credentials.add_login(
            name, digest=context.login_digest, expires=context.login_expires, now=now, password_hash=hashed
        ):
            raise NotSignedIn(WRONG)
        if context.passwords.is_outdated(hashed):
            await store.users.renew_password_hash(name, old=hashed, new=await context.passwords.hash(password))
        return name


def address_key(address: str | None) -> str | None:
    """Return by what an address is counted; None where there is none.

    An IPv6 address is counted by its network of 64 bits, since whoever has one address has all of these (RFC 4291).
    """
    try:
        parsed = ip_address(address or "")
    except ValueError:  # a Unix socket has no address
        return None
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return f"address {parsed.ipv4_mapped}"
        return f"address {parsed.exploded[:19]}::/64"
    return f"address {parsed}"


SIGN_IN = PasswordSignIn
