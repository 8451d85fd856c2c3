"""Sign-in with a name and a password of this machine, which PAM checks: its accounts, or those of a directory that it knows.

Off until the setting `sign_in.pam.enabled` says otherwise. The name is the person's here, so whoever may name accounts on this
machine decides who is who.
"""

import grp
import logging
import os
import pwd
from collections.abc import Mapping
from functools import partial

from rsparkhub.auth.fair_threads import FairThreads
from rsparkhub.auth.sign_in.attempts import limited, may_be_password
from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.domain.errors import NotSignedIn, Unavailable
from rsparkhub.settings import Settings
from rsparkhub.settings.sign_in import PamSettings

log = logging.getLogger(__name__)

WRONG = "The name or the password is wrong. Check both; they are those of this machine."
NOT_HERE = "This account is not one that signs in here. Ask an administrator."
STRANGER = "You have no account here yet. Ask an administrator to add you."
_SECONDS = 30.0  # that PAM has, which may ask a directory
#: PAM waits after a wrong password: whoever tries them out from one address holds up nobody at another.
_threads = FairThreads("pam", at_once=4)


class PamSignIn(SignIn):
    """Which of name and password is wrong is not told; why a right password lets nobody in is.

    PAM is not asked about accounts of the system: whether a password is root's is nothing to be tried out here.
    """

    name = "pam"
    title = "Account of this machine"
    fields = ("name", "password")

    def is_offered(self, settings: Settings) -> bool:
        return settings.sign_in.pam.enabled

    def title_for(self, settings: Settings) -> str:
        return settings.sign_in.pam.title

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        settings = context.settings.sign_in.pam
        if not settings.enabled:
            raise NotSignedIn("Nobody signs in here with an account of this machine. Choose another way.")
        async with limited(proof, context) as attempt:
            password = proof.get("password", "")
            if attempt.name is None or not may_be_password(password):
                raise NotSignedIn(WRONG)
            await _check(attempt.name, password, settings, origin=attempt.address or "")
        made = await context.store.credentials.add_vouched_login(
            attempt.name,
            digest=context.login_digest,
            expires=context.login_expires,
            make_person=settings.make_people,
            now=context.now,
        )
        if not made:
            raise NotSignedIn(STRANGER)
        return attempt.name


async def _check(name: str, password: str, settings: PamSettings, *, origin: str) -> None:
    """Raise `NotSignedIn` where PAM says no, `Unavailable` where it can't say."""
    try:
        await _threads.run(partial(_authenticate, name, password, settings), origin=origin, seconds=_SECONDS)
    except TimeoutError:
        raise Unavailable("The password can't be checked on this machine now. Try again in a moment.") from None


def _authenticate(name: str, password: str, settings: PamSettings) -> None:
    try:
        import pamela  # type: ignore[import-untyped]  # noqa: PLC0415  # it opens libpam, and a machine without that has other ways
    except (ImportError, OSError, AttributeError) as error:
        log.error("There is no PAM here: %s", error)
        raise Unavailable(
            "There is no PAM on this machine. Ask an administrator to install it, or choose another way."
        ) from error
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        account = None
    if account is not None and account.pw_uid < settings.lowest_uid:
        raise NotSignedIn(NOT_HERE)
    try:
        pamela.authenticate(name, password, service=settings.service, resetcred=0)
    except pamela.PAMError as error:
        log.info("PAM refuses %s: %s", name, error)
        raise NotSignedIn(WRONG) from None
    if account is None or not _is_in(account, settings.groups):
        log.warning("PAM knows %s, whom the settings of sign_in.pam don't let in", name)
        raise NotSignedIn(NOT_HERE)


def _is_in(account: pwd.struct_passwd, groups: tuple[str, ...]) -> bool:
    if not groups:
        return True
    ids = {found.gr_gid for found in grp.getgrall() if found.gr_name in groups}
    return not ids.isdisjoint(os.getgrouplist(account.pw_name, account.pw_gid))


SIGN_IN = PamSignIn
