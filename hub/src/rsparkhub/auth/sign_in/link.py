"""Sign-in with a one-time link, as `rsparkhub up` and administrators make it."""

from collections.abc import Mapping

from rsparkhub.auth import tokens
from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.domain.errors import NotSignedIn


class LinkSignIn(SignIn):
    """A link works once; its token is the proof `token`."""

    name = "link"
    title = "One-time link"

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        link, user_name = proof.get("token", ""), None
        if tokens.is_plausible(link, tokens.LINK):
            user_name = await context.store.credentials.take_link(
                tokens.digest(link),
                login_digest=context.login_digest,
                login_expires=context.login_expires,
                now=context.now,
            )
        if user_name is None:
            raise NotSignedIn("This sign-in link was used before or has run out. Ask for a new one.")
        return user_name


SIGN_IN = LinkSignIn
