"""Scopes: what an API token may do of all that its person may."""

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    """One scope. A call of the API names the one that it needs; `ALL` is enough for each, and `READ` for each that only looks."""

    ALL = "all"
    READ = "read"
    SESSIONS = "sessions"
    USERS = "users"
    TOKENS = "tokens"

    @property
    def in_words(self) -> str:
        """What it lets a program do, in a few words."""
        return _IN_WORDS[self]


_IN_WORDS = {
    Scope.ALL: "do all that you may do",
    Scope.READ: "look at all that you may see, and open no session",
    Scope.SESSIONS: "start, open, share and stop sessions, and hand in work",
    Scope.USERS: "see and change people and groups, as an administrator",
    Scope.TOKENS: "see, make and end tokens, and sign browsers out",
}
EVERYTHING = frozenset({Scope.ALL})


def enough_for(needed: Scope, *, looks: bool) -> list[Scope]:
    """Return the scopes of which one must be there for a call, `ALL` aside; `looks` is that it changes nothing."""
    return list(dict.fromkeys([needed, Scope.READ])) if looks else [needed]


def in_order(scopes: Iterable[Scope]) -> list[Scope]:
    """Return scopes as they are listed; beside `ALL` no other says anything."""
    given = frozenset(scopes)
    return [Scope.ALL] if Scope.ALL in given else [scope for scope in Scope if scope in given]


def written(scopes: Iterable[Scope]) -> str:
    """Write scopes as one text."""
    return " ".join(in_order(scopes))


def read_scopes(text: str) -> frozenset[Scope]:
    """Read what `written` wrote; a scope that this version does not know lets nobody do anything."""
    return frozenset(scope for scope in Scope if scope in text.split())
