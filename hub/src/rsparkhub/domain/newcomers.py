"""Whom of another system's people the hub adds, and whom it can't have. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rsparkhub.domain.user import EVERYONE, USER_NAME


@dataclass(frozen=True, kw_only=True)
class Outsider:
    """Somebody of another system, as it calls them."""

    name: str
    admin: bool = False
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A name that nobody, and no group, can have here."""

    kind: Literal["person", "group"]
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Newcomers:
    """What there is to do.

    Attributes
    ----------
    people
        Who is to be added, with the groups that they can be in here.
    groups
        Groups that are to be made although none of `people` is in them.
    there
        Who is there already, with the groups that they are in elsewhere and not here.
    lose_rights
        Who of `people` is an administrator elsewhere, and is not to be one here.
    """

    people: list[Outsider] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    there: dict[str, list[str]] = field(default_factory=dict)
    lose_rights: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def choose_newcomers(
    outsiders: Iterable[Outsider],
    groups: Iterable[str],
    *,
    groups_of: Mapping[str, frozenset[str]],
    known_groups: frozenset[str],
    administrators: bool,
) -> Newcomers:
    """Return what is to be done so that everybody is here; who is there stays as they are.

    Parameters
    ----------
    groups
        All groups of the other system.
    groups_of
        Who is here, with their groups.
    known_groups
        The groups that are here.
    administrators
        Whether administrators there become administrators here.
    """
    found = Newcomers()
    outsiders = sorted(outsiders, key=lambda each: each.name)
    wanted = sorted({*groups, *(group for each in outsiders for group in each.groups)})
    good = frozenset(group for group in wanted if USER_NAME.fullmatch(group) and group != EVERYONE)
    found.refused.extend(Refused(kind="group", name=group, why=_why(group)) for group in wanted if group not in good)
    for each in outsiders:
        joins = each.groups & good
        if not USER_NAME.fullmatch(each.name):
            found.refused.append(Refused(kind="person", name=each.name, why=_why(each.name)))
        elif each.name in groups_of:
            found.there[each.name] = sorted(joins - groups_of[each.name])
        else:
            found.people.append(Outsider(name=each.name, admin=each.admin and administrators, groups=joins))
            if each.admin and not administrators:
                found.lose_rights.append(each.name)
    made = frozenset(group for each in found.people for group in each.groups)
    found.groups.extend(sorted(good - known_groups - made))
    return found


def _why(name: str) -> str:
    """Return why a name is refused, as the rest of a sentence."""
    if name == EVERYONE:
        return "everybody is in it without being listed"
    if len(name) > 32:
        return "it is longer than 32 characters"
    if not name[:1].isascii() or not name[:1].islower():
        return "it does not begin with a lower-case letter from a to z"
    return "it has something else than lower-case letters from a to z, digits, - and _"
