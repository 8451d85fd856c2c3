"""What a way to sign in is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from rsparkhub.auth.passwords import Passwords
from rsparkhub.domain.errors import NotSignedIn
from rsparkhub.domain.finding import Finding
from rsparkhub.settings import Settings
from rsparkhub.store import Store


@dataclass(frozen=True, kw_only=True)
class SignInContext:
    """What a way to sign in works with.

    Attributes
    ----------
    address
        The IP address of whoever asks; None where there is none, as on a Unix socket.
    login_digest, login_expires
        The sign-in that is to be made. A way that checks something in the store makes it in the same transaction.
    """

    store: Store
    settings: Settings
    passwords: Passwords
    address: str | None
    login_digest: str
    login_expires: datetime
    now: datetime


class SignIn(ABC):
    """One way to sign in.

    A subclass that a module of this package calls `SIGN_IN`, or to which an entry point `rsparkhub.sign_in` of another package
    leads, is all that the hub needs. It is made once, without arguments, and stores nothing but in the store.

    Attributes
    ----------
    name
        How a call of the API asks for it.
    title
        What people see.
    fields
        What a person fills in on the sign-in page: `name`, `password`. Empty for a way that the page doesn't offer.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ()

    def is_offered(self, settings: Settings) -> bool:
        """Return whether the sign-in page of this installation offers it."""
        return bool(self.fields)

    def title_for(self, settings: Settings) -> str:
        """Return what people of this installation see."""
        return self.title

    def forms(self, settings: Settings) -> Mapping[str, str]:
        """Return the titles of its forms on the sign-in page, by what a call of the API asks for.

        That is `NAME`, or `NAME:SITE` where there are several; then the proof has `site`.
        """
        return {self.name: self.title_for(settings)} if self.fields and self.is_offered(settings) else {}

    async def examine(self, settings: Settings) -> Sequence[Finding]:
        """Return what `rsparkhub doctor` says of it."""
        return []

    @abstractmethod
    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        """Check what somebody shows, make their sign-in in the store, and return the name of the user.

        Raises
        ------
        NotSignedIn
            When it is not enough, or wrong.
        TooManyAttempts
            When too much was wrong before.
        """


class SignInProblem(StrEnum):
    """Why a sign-in at another site came to nothing; the sign-in page has a sentence for each (web/hub/src/state/sign-in.ts)."""

    START_AGAIN = "start-again"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    NAME = "name"
    TAKEN = "taken"
    STRANGER = "stranger"
    DISABLED = "disabled"


class SignInFailed(NotSignedIn):
    """A sign-in at another site came to nothing: the sentence is for the log, and `problem` for whoever signs in."""

    def __init__(self, message: str, problem: SignInProblem) -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Site:
    """Another site where people sign in: a button of the sign-in page."""

    name: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Where a browser goes to sign in, and the secret that it must have when it comes back."""

    url: str
    browser: str


class SignInElsewhere(SignIn):
    """A way by which a browser goes to another site, and comes back with a proof of who is there.

    That proof has `site`, `state`, `browsers` (the secrets that the browser shows, with spaces between them), and what else the
    site put into the address to which it sent the browser back.
    """

    def is_offered(self, settings: Settings) -> bool:
        return bool(self.sites(settings))

    @abstractmethod
    def sites(self, settings: Settings) -> Sequence[Site]:
        """Return the sites at which people of this installation sign in."""

    @abstractmethod
    async def depart(
        self, site: str, *, browsers: Sequence[str], next_url: str, settings: Settings, origin: str, now: datetime
    ) -> Departure:
        """Return where a browser goes to sign in.

        Parameters
        ----------
        browsers
            The secrets that it shows already.
        next_url
            Where it wants to go afterwards.
        origin
            What the hub counts fairly by, as the address of whoever asks.

        Raises
        ------
        SignInFailed
            When there is no such site, or it can't be reached.
        """

    @abstractmethod
    def next_of(self, proof: Mapping[str, str], *, now: datetime) -> str:
        """Return where the browser wanted to go; empty when it is not known."""

    @abstractmethod
    async def sign_out_url(self, site: str, *, settings: Settings) -> str | None:
        """Return where a browser signs out at that site too; None where it can't, or needn't."""
