"""Somebody for whom another system vouches: what it says of them, read with care. Pure."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rsparkhub.domain.user import EVERYONE, USER_NAME

log = logging.getLogger(__name__)

_LONGEST_TEXT = 200  # characters of a full name or an address
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


@dataclass(frozen=True, kw_only=True)
class Vouched:
    """Somebody whom another system has recognized.

    Attributes
    ----------
    source
        That system; two that vouch for different people have different ones.
    subject
        What it calls them for ever, and nobody else.
    name
        What they are called here, if they are new.
    groups
        The hub's groups that they are in by what it says; None where it says nothing of groups.
    """

    source: str
    subject: str
    name: str
    full_name: str | None = None
    email: str | None = None
    groups: frozenset[str] | None = None


def name_from(text: object, *, domain: str | None = None) -> str | None:
    """Return the name of a person here; None where nobody can have such a one, or it is of another domain.

    Only ASCII letters become small ones: other letters that look like them, or that become them, are no part of a name.
    """
    if not isinstance(text, str) or not text.isascii():
        return None
    name = text.lower()
    if domain is not None:
        name, at, found = name.rpartition("@")
        if not at or found != domain.lower():
            return None
    return name if USER_NAME.fullmatch(name) else None


def text_from(value: object) -> str | None:
    """Return a text that can be shown; None where it is none, or too long."""
    if not isinstance(value, str):
        return None
    text = " ".join(_CONTROL.sub(" ", value).split())
    return text if 0 < len(text) <= _LONGEST_TEXT else None


def email_from(value: object) -> str | None:
    """Return an e-mail address; None where it is none."""
    text = text_from(value)
    return text if text is not None and _EMAIL.fullmatch(text) else None


def groups_from(value: object, names: Mapping[str, str]) -> frozenset[str]:
    """Return groups of the hub by what another system lists: one text, or a list of texts; anything else is none.

    `names` has the hub's group by the other system's. One that isn't in it, and that no group here can be called, is left out.
    """
    found: Sequence[object] = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
    if value is not None and not isinstance(value, str | list):
        log.warning(
            "Groups of somebody who signs in are neither a text nor a list, but %s; none is taken over", type(value).__name__
        )
    mapped = {names.get(each, each) for each in found if isinstance(each, str)}
    return frozenset(each for each in mapped if USER_NAME.fullmatch(each) and each != EVERYONE)
