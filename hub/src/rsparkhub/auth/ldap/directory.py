"""What the hub asks a directory: who somebody is that has a name and a password, and whether the settings fit it.

All of it blocks, and runs in a thread.
"""

import logging
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from rsparkhub.auth.ldap.connection import DirectoryConnection, Entry, WrongSettings
from rsparkhub.auth.ldap.groups import groups_of_entries, groups_of_names
from rsparkhub.settings.sign_in import LdapSettings

log = logging.getLogger(__name__)

_MOST_GROUPS = 10_000
_LONGEST_ID = 255
_PLACE = re.compile(r"\{(dn|name)\}")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody whom a directory has recognized; `groups` are the hub's, None where it isn't asked for groups."""

    id: str
    name: str
    full_name: str | None
    email: str | None
    groups: frozenset[str] | None


class Refused(Exception):
    """The password is right, and the entry is none of those that may sign in."""


class Directory:
    """One conversation with a directory, over one connection; `end` ends it from another thread.

    Raises
    ------
    DirectoryProblem
        By each method, when the directory can't be asked, or the settings don't fit it.
    """

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._connection = DirectoryConnection(settings)

    def recognize(self, name: str, password: str) -> Account | None:
        """Return whose name and password these are; None where the name or the password is wrong.

        Raises
        ------
        Refused
            See there.
        """
        with closing(self._connection):
            entry = self._with_template(name, password) if self._settings.base is None else self._searched(name, password)
            return None if entry is None else self._account(entry, name)

    def examine(self) -> None:
        """Look whether the directory answers, knows the hub's own account, and has what is to be searched."""
        with closing(self._connection):
            if self._settings.base is None:
                self._connection.reach()
                return
            self._become_hub()
            for setting in ("base", "groups_base"):
                base = getattr(self._settings, setting)
                if base is not None and not self._connection.search(
                    base, "(objectClass=*)", scope="entry", attributes=(), most=1
                ):
                    raise self._is_empty(setting, base)

    def end(self) -> None:
        """End the conversation; its thread gets no more answers."""
        self._connection.end()

    def _searched(self, name: str, password: str) -> Entry | None:
        """Return the entry that has the name, if the password is its own."""
        base = self._settings.base or ""
        self._become_hub()
        filter_ = f"(&{self._settings.filter}({self._settings.name_attribute}={escape_filter_chars(name)}))"
        found = self._connection.search(base, filter_, scope="below", attributes=self._attributes(), most=2)
        if found is None:
            raise self._is_empty("base", base)
        if len(found) > 1:
            raise WrongSettings(
                f"{self._settings.url} has several entries below {base} with the name {name}.",
                "Choose one kind of them by `filter`, or another `name_attribute`.",
            )
        entry = found[0] if found and found[0].dn and self._has_name(found[0], name) else None
        # One more question also where there is nobody: it takes as long, and tells nobody which names there are.
        is_right = self._connection.bind(f"cn=nobody,{base}" if entry is None else entry.dn, password)
        return entry if is_right else None

    def _with_template(self, name: str, password: str) -> Entry | None:
        """Return the entry that the template names, if the password is its own; it reads itself."""
        dn = (self._settings.dn_template or "").replace("{name}", escape_rdn(name))
        if not self._connection.bind(dn, password):
            return None
        found = self._connection.search(dn, self._settings.filter, scope="entry", attributes=self._attributes(), most=1)
        if not found or not self._has_name(found[0], name):
            log.warning("The entry %s is none that `filter` and `name_attribute` let in, or can't read itself", dn)
            raise Refused
        return found[0]

    def _become_hub(self) -> None:
        dn, password = self._settings.bind_dn, self._settings.bind_password
        if dn is None or password is None:
            if not self._connection.bind_as_nobody():
                raise WrongSettings(
                    f"{self._settings.url} answers nobody without an account.",
                    "Set `bind_dn` and `bind_password`, or `dn_template`.",
                )
        elif not self._connection.bind(dn, password.get_secret_value()):
            raise WrongSettings(
                f"{self._settings.url} refuses the hub's own account {dn}.", "Check `bind_dn` and `bind_password`."
            )

    def _attributes(self) -> list[str]:
        of = self._settings
        asked = (of.name_attribute, of.id_attribute, of.full_name_attribute, of.email_attribute, of.groups_attribute)
        return list(dict.fromkeys(filter(None, asked)))

    def _has_name(self, entry: Entry, name: str) -> bool:
        """Return whether an entry has the very name: a directory also finds those that only look like it."""
        return any(each.isascii() and each.lower() == name for each in entry.texts(self._settings.name_attribute))

    def _account(self, entry: Entry, name: str) -> Account:
        settings = self._settings
        ids = entry.values.get(settings.id_attribute.lower(), ())
        if len(ids) != 1 or not 0 < len(found := _id_from(ids[0])) <= _LONGEST_ID:
            raise WrongSettings(
                f"{entry.dn} has no single value of {settings.id_attribute}, by which {settings.url} would know them for ever.",
                "Set `id_attribute` to one that the hub's account can read.",
            )
        return Account(
            id=found,
            name=name,
            full_name=next(iter(entry.texts(settings.full_name_attribute)), None),
            email=next(iter(entry.texts(settings.email_attribute)), None),
            groups=self._groups(entry, name),
        )

    def _groups(self, entry: Entry, name: str) -> frozenset[str] | None:
        settings, found = self._settings, None
        if settings.groups_attribute is not None:
            found = groups_of_names(entry.texts(settings.groups_attribute), settings.groups)
        if settings.groups_base is not None:
            if settings.base is not None:
                self._become_hub()
            values: Mapping[str, str] = {"dn": escape_filter_chars(entry.dn), "name": escape_filter_chars(name)}
            filter_ = _PLACE.sub(lambda place: values[place[1]], settings.groups_filter)
            called = settings.groups_name_attribute
            entries = self._connection.search(
                settings.groups_base, filter_, scope="below", attributes=[called], most=_MOST_GROUPS
            )
            if entries is None:
                raise self._is_empty("groups_base", settings.groups_base)
            more = groups_of_entries(((each.dn, each.texts(called)) for each in entries), settings.groups)
            found = more if found is None else found | more
        return found

    def _is_empty(self, setting: str, base: str) -> WrongSettings:
        return WrongSettings(
            f"{self._settings.url} has no entry {base}, or does not show it to the hub.", f"Check `{setting}` and `bind_dn`."
        )


def _id_from(value: bytes) -> str:
    """Return an id as a text: as it is, or in hexadecimal digits where it is none, as Active Directory's."""
    return value.decode() if value.isascii() and value.decode().isprintable() else f"hex:{value.hex()}"
