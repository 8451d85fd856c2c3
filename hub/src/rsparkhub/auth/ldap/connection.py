"""A connection to a directory: encrypted as the settings say, without referrals, and ended from another thread.

The only module that knows how ldap3 speaks.
"""

import math
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import ldap3
from ldap3.core.exceptions import LDAPExceptionError

from rsparkhub.settings.sign_in import LdapSettings

_SUCCESS, _TOO_MANY, _REFERRAL = 0, 4, 10
#: What a directory answers to a wrong name or password, in the ways of several: that there is no such entry, that its account
#: is locked or expired (RFC 4511, appendix A).
_WRONG = frozenset({19, 32, 34, 48, 49, 50, 53})
#: It is busy, or its time is up.
_PASSES = frozenset({3, 51, 52})
_IN_BRACKETS = re.compile(r"""\(["'](.*)["'],?\)""")


class DirectoryProblem(Exception):
    """A directory can't be asked: what is wrong, and what to do, for whoever runs the hub."""

    def __init__(self, says: str, mend: str) -> None:
        super().__init__(f"{says} {mend}")
        self.says = says
        self.mend = mend


class DoesNotAnswer(DirectoryProblem):
    """It doesn't answer, or what makes no sense."""


class WrongSettings(DirectoryProblem):
    """It answers, and what the settings say of it doesn't fit."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry: its name, and the values of the attributes that were asked for, by their names in small letters."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def texts(self, attribute: str) -> list[str]:
        """Return the values that are texts."""
        found = []
        for value in self.values.get(attribute.lower(), ()):
            with suppress(UnicodeDecodeError):
                found.append(value.decode())
        return found


class _VerifiedTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS in which OpenSSL compares the certificate's names with the host, in place of ldap3's own comparison."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=connection.server.host)


class DirectoryConnection:
    """One connection, opened when it is first used; `end` may be called by another thread at any time.

    Raises
    ------
    DirectoryProblem
        By each method, when the directory can't be asked.
    """

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._seconds = math.ceil(settings.time_limit.total_seconds())
        self._ended = False
        self._ldap: Any = None

    def reach(self) -> None:
        """Open the connection, and ask nothing."""
        with self._asking():
            self._open()

    def bind(self, dn: str, password: str) -> bool:
        """Become the account of an entry; return whether the password is its own.

        Raises
        ------
        ValueError
            When either is empty: to LDAP that is nobody's account, and never wrong.
        """
        if not dn or not password:
            raise ValueError("an entry's name and its password are not empty")
        # The password as it was typed: what ldap3 makes of a text (SASLprep) may be empty.
        return self._bind(dn, password.encode(), ldap3.SIMPLE)

    def bind_as_nobody(self) -> bool:
        """Become nobody; return whether the directory lets nobody in."""
        return self._bind(None, None, ldap3.ANONYMOUS)

    def search(
        self, base: str, filter_: str, *, scope: Literal["entry", "below"], attributes: Sequence[str], most: int
    ) -> list[Entry] | None:
        """Return the entries that a filter fits, at most so many; None where the base isn't there, or isn't shown."""
        with self._asking():
            connection = self._open()
            connection.search(
                base,
                filter_,
                search_scope=ldap3.BASE if scope == "entry" else ldap3.SUBTREE,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(attributes) or [ldap3.NO_ATTRIBUTES],
                size_limit=most,
                time_limit=self._seconds,
            )
            code, found = int(connection.result["result"]), connection.response or []
            if code == 32:  # noSuchObject
                return None
            if code not in {_SUCCESS, _TOO_MANY}:
                raise self._refused(f"to search below {base}")
            return [_entry(each) for each in found if each.get("type") == "searchResEntry"]

    def end(self) -> None:
        """End the connection; whoever waits for an answer on it gets none."""
        self._ended = True
        opened = None if self._ldap is None else self._ldap.socket
        if opened is not None:
            with suppress(OSError):
                socket.socket.shutdown(opened, socket.SHUT_RDWR)

    def close(self) -> None:
        """Take leave of the directory, in the thread that has asked it."""
        if self._ldap is not None:
            with suppress(LDAPExceptionError, OSError):
                self._ldap.unbind()

    def _bind(self, dn: str | None, password: bytes | None, how: str) -> bool:
        with self._asking():
            connection = self._open()
            connection.user, connection.password, connection.authentication = dn, password, how
            if connection.bind(read_server_info=False):
                return True
            if int(connection.result["result"]) not in _WRONG:
                raise self._refused("whether a password is right")
            return False

    def _open(self) -> Any:
        """Return ldap3's connection, which is open and encrypted: ldap3 opens one that was cut off anew, and in clear."""
        settings = self._settings
        if self._ldap is not None:
            if self._ldap.closed or (settings.start_tls and not self._ldap.tls_started):
                raise self._silent("it has ended the connection")
            return self._ldap
        encrypted = settings.is_ldaps or settings.start_tls
        server = ldap3.Server(
            settings.host,
            port=settings.port,
            use_ssl=settings.is_ldaps,
            tls=_VerifiedTls(self._context()) if encrypted else None,
            get_info=ldap3.NONE,
            connect_timeout=self._seconds,
        )
        opened = ldap3.Connection(
            server,
            auto_referrals=False,
            check_names=False,
            receive_timeout=self._seconds,
            return_empty_attributes=False,
        )
        self._ldap = opened
        opened.open(read_server_info=False)
        if settings.start_tls:
            opened.start_tls(read_server_info=False)
            if not opened.tls_started:
                raise self._silent("it does not begin TLS")
        return opened

    def _context(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        try:
            return ssl.create_default_context(cafile=None if file is None else str(file))
        except (OSError, ssl.SSLError) as error:
            raise WrongSettings(f"The authorities in {file} can't be read: {error}.", "Correct `ca_file`.") from error

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what ldap3 raises into a DirectoryProblem."""
        try:
            if self._ended:
                raise self._silent("it took too long")
            yield
        except DirectoryProblem:
            raise
        except Exception as error:  # whatever a server sends, ldap3 and pyasn1 stumble over it in ways of their own
            reason = "it took too long" if self._ended else _reason(error)
            if "certificate" in reason.lower():
                raise WrongSettings(
                    f"The certificate of {self._settings.url} is not accepted: {reason}.",
                    "Write the host as the certificate does, and name the authority that has signed it in `ca_file`.",
                ) from error
            raise self._silent(reason) from error

    def _silent(self, reason: str) -> DoesNotAnswer:
        return DoesNotAnswer(
            f"The directory {self._settings.url} does not answer: {reason}.",
            "Check `url`, the directory itself, and the firewall.",
        )

    def _refused(self, what: str) -> DirectoryProblem:
        result = self._ldap.result
        code, description = int(result["result"]), f"{result['description']} {result['message'] or ''}".strip()[:300]
        if code in _PASSES:
            return self._silent(description)
        if code == _REFERRAL:
            return WrongSettings(
                f"{self._settings.url} refers to another directory when it is asked {what}, and referrals are not followed.",
                "Name the directory that has these entries in `url`.",
            )
        return WrongSettings(
            f"{self._settings.url} refuses {what}: {description}.",
            "Check `bind_dn`, `base`, and what the directory allows that account.",
        )


def _reason(error: Exception) -> str:
    """Return what an exception says, without the brackets in which ldap3 puts one exception into another."""
    text = " ".join(re.sub(r"\(_ssl\.c:\d+\)|\\+", "", str(error)).split())
    while (inner := _IN_BRACKETS.fullmatch(text)) is not None:
        text = inner[1]
    return text.strip(" .")[:300] or type(error).__name__


def _entry(found: Any) -> Entry:
    values = {str(name).lower(): [bytes(each) for each in each_of] for name, each_of in found["raw_attributes"].items()}
    return Entry(dn=str(found["dn"]), values=values)
