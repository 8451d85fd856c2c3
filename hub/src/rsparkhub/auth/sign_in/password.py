"""Sign-in with a name and a password of which the store has the hash."""

from collections.abc import Mapping

from rsparkhub.auth.sign_in.attempts import limited, name_in
from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.domain.errors import NotFound, NotSignedIn
from rsparkhub.store.credentials import DISABLED

WRONG = "The name or the password is wrong. Check both, or ask an administrator for a sign-in link."


class PasswordSignIn(SignIn):
    """Which of name and password is wrong is not told, not even by the time it takes."""

    name = "password"
    title = "Name and password"
    fields = ("name", "password")

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        store, now = context.store, context.now
        name, password = name_in(proof), proof.get("password", "")
        async with limited(proof, context) as attempt:
            origin = attempt.address or ""
            hashed = None if attempt.name is None else await store.users.password_hash(name)
            like = None if hashed is not None else await store.users.some_password_hash(_number(name))
            if not await context.passwords.verify(hashed, password, like=like, origin=origin) or hashed is None:
                raise NotSignedIn(WRONG)
        # The password may have been changed, or the person removed, while it was being verified.
        if not await store.credentials.add_login(
            name, digest=context.login_digest, expires=context.login_expires, now=now, password_hash=hashed
        ):
            raise NotSignedIn(await _why_not(name, context))
        if context.passwords.is_outdated(hashed):
            await store.users.renew_password_hash(name, old=hashed, new=await context.passwords.hash(password, origin=origin))
        return name


async def _why_not(name: str, context: SignInContext) -> str:
    """Return why a right password signs nobody in; only who knows it learns of it."""
    try:
        user = await context.store.users.get(name)
    except NotFound:
        return WRONG
    return DISABLED if user.disabled else WRONG


def _number(name: str) -> int:
    """Return a number for a name, always the same in this process, that nobody outside can tell."""
    return hash(name) & 0xFFFF_FFFF


SIGN_IN = PasswordSignIn
