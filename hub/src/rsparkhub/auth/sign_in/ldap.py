"""Sign-in with a name and a password that an LDAP directory knows: a university's, FreeIPA's, Active Directory's.

Each directory that the settings name is a choice of the sign-in page. The hub asks it whose the password is, and stores neither.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial

from rsparkhub.auth.fair_threads import FairThreads
from rsparkhub.auth.ldap.connection import DirectoryProblem, DoesNotAnswer
from rsparkhub.auth.ldap.directory import Account, Directory, Refused
from rsparkhub.auth.sign_in.attempts import limited, may_be_password
from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.domain.errors import NotSignedIn, Unavailable
from rsparkhub.domain.finding import Finding, ok, problem
from rsparkhub.domain.vouched import Vouched, email_from, text_from
from rsparkhub.settings import Settings
from rsparkhub.settings.sign_in import LdapSettings
from rsparkhub.store.identities import NotVouched

log = logging.getLogger(__name__)

WRONG = "The name or the password is wrong. Check both; they are those of “{title}”."
NOT_HERE = "This account is not one that signs in here. Ask an administrator."
TAKEN = "Somebody here has your name already. If that is you, sign in as before, or ask an administrator."
STRANGER = "You have no account here yet. Ask an administrator to add you."
SILENT = "The directory of “{title}” does not answer. Try again in a minute, or sign in another way."
MISFIT = "Sign-in with “{title}” is not set up right. Sign in another way, or ask an administrator to run `rsparkhub doctor`."
_AT_ONCE = 8  # questions to one directory


class LdapSignIn(SignIn):
    """Which of name and password is wrong is not told; why a right password lets nobody in is."""

    name = "ldap"
    title = "Directory"
    fields = ("name", "password")

    def __init__(self) -> None:
        self._threads: dict[str, FairThreads] = {}

    def is_offered(self, settings: Settings) -> bool:
        return bool(settings.sign_in.ldap)

    def forms(self, settings: Settings) -> Mapping[str, str]:
        return {f"{self.name}:{site}": directory.title for site, directory in settings.sign_in.ldap.items()}

    async def examine(self, settings: Settings) -> Sequence[Finding]:
        found = settings.sign_in.ldap.items()
        return await asyncio.gather(*(self._examine(site, directory) for site, directory in found))

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        site = proof.get("site", "")
        settings = context.settings.sign_in.ldap.get(site)
        if settings is None:
            raise NotSignedIn(f"There is no directory called {site[:40]!r} in the settings. Choose another way to sign in.")
        async with limited(proof, context) as attempt:
            password, account = proof.get("password", ""), None
            if attempt.name is not None and may_be_password(password):
                account = await self._recognize(site, settings, attempt.name, password, origin=attempt.address or "")
            if account is None:
                raise NotSignedIn(WRONG.format(title=settings.title))
        vouched = Vouched(
            source=f"{self.name}:{site}",
            subject=account.id,
            name=account.name,
            full_name=text_from(account.full_name),
            email=email_from(account.email),
            groups=account.groups,
        )
        try:
            return await context.store.identities.add_login(
                vouched,
                site=None,
                digest=context.login_digest,
                expires=context.login_expires,
                make_people=settings.make_people,
                match_added=settings.match_added,
                make_groups=settings.make_groups,
                now=context.now,
            )
        except NotVouched as error:
            log.warning("Nobody signs in at %s: %s", site, error)
            sentence = {"taken": TAKEN, "stranger": STRANGER}.get(error.reason, str(error))
            raise NotSignedIn(sentence) from error

    async def _recognize(self, site: str, settings: LdapSettings, name: str, password: str, *, origin: str) -> Account | None:
        """Return whose name and password these are; `Unavailable` where the directory can't say."""
        directory = Directory(settings)
        work = partial(directory.recognize, name, password)
        try:
            return await self._threads_of(site).run(work, origin=origin, seconds=settings.time_limit.total_seconds())
        except TimeoutError as error:
            log.warning("Nobody signs in at %s: %s", site, _too_slow(settings))
            raise Unavailable(SILENT.format(title=settings.title)) from error
        except DirectoryProblem as error:
            log.warning("Nobody signs in at %s: %s", site, error)
            sentence = SILENT if isinstance(error, DoesNotAnswer) else MISFIT
            raise Unavailable(sentence.format(title=settings.title)) from error
        except Refused as error:
            raise NotSignedIn(NOT_HERE) from error
        finally:
            directory.end()

    async def _examine(self, site: str, settings: LdapSettings) -> Finding:
        name, directory = f"ldap {site}", Directory(settings)
        try:
            await self._threads_of(site).run(directory.examine, origin="", seconds=settings.time_limit.total_seconds())
        except TimeoutError:
            return problem(name, _too_slow(settings), "Check `url`, the directory itself, and the firewall.")
        except DirectoryProblem as error:
            return problem(name, error.says, error.mend)
        finally:
            directory.end()
        return ok(name, f"The directory {settings.url} answers.")

    def _threads_of(self, site: str) -> FairThreads:
        return self._threads.setdefault(site, FairThreads(f"ldap-{site}", at_once=_AT_ONCE))


def _too_slow(settings: LdapSettings) -> str:
    return f"The directory {settings.url} does not answer within {settings.time_limit.total_seconds():g} seconds."


SIGN_IN = LdapSignIn
