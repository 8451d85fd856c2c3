"""A way to sign in is one class, our own or of another package."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import EntryPoint

import pytest

from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.sign_in.base import SignIn, SignInContext
from rsparkhub.domain.errors import InvalidInput, NotSignedIn
from rsparkhub.installed.sign_in import SIGN_IN
from rsparkhub.settings import Settings
from rsparkhub.store import Store


class Badge(SignIn):
    """Whoever shows a badge of their name is let in from this building."""

    name = "badge"
    title = "Badge"
    fields = ("name", "password")

    async def sign_in(self, proof: Mapping[str, str], context: SignInContext) -> str:
        if proof.get("password") != "badge" or context.address != "192.0.2.7":
            raise NotSignedIn("This is no badge.")
        link = "a link of this moment"  # the store makes a sign-in of a link or of a password
        now, expires = context.now, context.login_expires
        await context.store.credentials.add_link(proof["name"], digest=link, expires=expires, now=now)
        taken = await context.store.credentials.take_link(link, login_digest=context.login_digest, login_expires=expires, now=now)
        assert taken is not None
        return taken


def outside(group: str) -> Iterable[EntryPoint]:
    assert group == "rsparkhub.sign_in"
    return [EntryPoint("badge", f"{__name__}:Badge", group)]


def test_our_own_are_modules() -> None:
    registry = SIGN_IN.load(lambda group: [])
    assert [(way.name, way.fields) for way in registry.values()] == [
        ("ldap", ("name", "password")), ("link", ()), ("oidc", ()),
        ("pam", ("name", "password")), ("password", ("name", "password")),
    ]  # fmt: skip
    assert registry.problems == ()


async def test_one_of_another_package_signs_in(store: Store, settings: Settings, noon: datetime) -> None:
    await store.users.add("ada", now=noon)
    authenticator = Authenticator(store, settings, ways=SIGN_IN.load(outside))
    proof = {"name": "ada", "password": "badge"}
    made = await authenticator.sign_in("badge", proof, address="192.0.2.7", now=noon)
    identity = await authenticator.from_cookie(made.token, now=noon)
    assert identity is not None
    assert (identity.user.name, made.user.name) == ("ada", "ada")
    with pytest.raises(NotSignedIn, match="no badge"):
        await authenticator.sign_in("badge", proof, address="192.0.2.8", now=noon)


async def test_what_is_no_way_is_said(store: Store, settings: Settings, noon: datetime) -> None:
    with pytest.raises(
        InvalidInput, match="There is no way to sign in called nothing; there are ldap, link, oidc, pam, password"
    ):
        await Authenticator(store, settings, ways=SIGN_IN.load(lambda group: [])).sign_in("nothing", {}, address=None, now=noon)


async def test_a_proof_in_which_something_is_missing_is_a_wrong_one(store: Store, settings: Settings, noon: datetime) -> None:
    authenticator = Authenticator(store, settings)
    for way in authenticator.ways:
        with pytest.raises(NotSignedIn):
            await authenticator.sign_in(way, {}, address=None, now=noon)
