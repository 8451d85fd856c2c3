"""What a way to sign in is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rsparkhub.auth.passwords import Passwords
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
    leads, is all that the hub needs. It is made once, without arguments, and has no state.

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
