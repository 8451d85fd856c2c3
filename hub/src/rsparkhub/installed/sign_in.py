"""Which ways to sign in there are; they know the store, so what reads settings and environments alone does without them."""

from functools import cache

from rsparkhub.auth.sign_in.base import SignIn
from rsparkhub.installed.registry import Kind, Registry

SIGN_IN: Kind[SignIn] = Kind(
    word="way to sign in",
    base=SignIn,
    group="rsparkhub.sign_in",
    package="rsparkhub.auth.sign_in",
    attribute="SIGN_IN",
    besides=frozenset({"base", "attempts"}),
)


@cache
def ways_to_sign_in() -> Registry[SignIn]:
    """Return the ways to sign in."""
    return SIGN_IN.load()
