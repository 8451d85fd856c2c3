"""Groups of the hub by those of a directory. Pure."""

from collections.abc import Iterable, Mapping

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

from rsparkhub.domain.vouched import groups_from

Dn = tuple[tuple[str, str], ...]


def read_dn(text: str) -> Dn | None:
    """Return the parts of an entry's name, as they are compared; None where it is none."""
    try:
        return tuple((attribute.lower(), value.strip().casefold()) for attribute, value, _ in parse_dn(text, strip=True))
    except (LDAPInvalidDnError, ValueError, IndexError):
        return None


def groups_of_entries(entries: Iterable[tuple[str, Iterable[str]]], names: Mapping[str, str]) -> frozenset[str]:
    """Return groups of the hub by entries of a directory, each with its name and what else it is called.

    `names` has the hub's group by an entry's name or by what it is called, in small or large letters. One that isn't in it is
    what it is called itself, in small letters; what no group here can be called is left out.
    """
    by_dn = {dn: group for name, group in names.items() if (dn := read_dn(name)) is not None}
    by_name = {name.casefold(): group for name, group in names.items()}
    found: set[str] = set()
    for entry, called in entries:
        mapped = by_dn.get(read_dn(entry) or ())
        if mapped is not None:
            found.add(mapped)
        else:
            found |= {by_name.get(each.casefold(), each.lower() if each.isascii() else each) for each in called}
    return groups_from(sorted(found), {})


def groups_of_names(entries: Iterable[str], names: Mapping[str, str]) -> frozenset[str]:
    """Return groups of the hub by the names of entries alone, as `memberOf` has them; each is called by its first part.

    What is no entry's name is taken for what a group is called.
    """
    return groups_of_entries(((entry, [_first_value(entry)]) for entry in entries), names)


def _first_value(entry: str) -> str:
    try:
        return str(parse_dn(entry, strip=True)[0][1])
    except (LDAPInvalidDnError, ValueError, IndexError):
        return entry
