"""Digests of what opens a door."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from store_scene import MakeSession, OpenStore

from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.scope import Scope
from rsparkhub.store import Store

HOUR = timedelta(hours=1)


async def test_a_link_works_once_and_makes_a_sign_in(store: Store, ada: str, noon: datetime) -> None:
    await store.credentials.add_link(ada, digest="link", expires=noon + HOUR, now=noon)
    take = {"login_digest": "login", "login_expires": noon + 2 * HOUR, "now": noon}
    assert await store.credentials.take_link("other", **take) is None
    assert await store.credentials.take_link("link", **take) == "ada"
    assert await store.credentials.take_link("link", **take | {"login_digest": "another"}) is None
    user = await store.credentials.login("login", now=noon)
    assert user is not None
    assert user.name == "ada"
    assert await store.credentials.login("another", now=noon) is None


async def test_of_many_who_open_a_link_at_once_one_gets_in(
    store: Store, open_another: OpenStore, ada: str, noon: datetime
) -> None:
    stores = [store, await open_another(), await open_another()]
    await store.credentials.add_link(ada, digest="link", expires=noon + HOUR, now=noon)
    taken = await asyncio.gather(
        *(
            stores[number % 3].credentials.take_link("link", login_digest=f"login {number}", login_expires=noon + HOUR, now=noon)
            for number in range(12)
        )
    )
    assert Counter(taken) == {"ada": 1, None: 11}
    logins = [await store.credentials.login(f"login {number}", now=noon) for number in range(12)]
    assert [login is not None for login in logins] == [name is not None for name in taken]


async def test_what_has_expired_opens_nothing(store: Store, noon: datetime) -> None:
    await store.users.add("ada", password_hash="hash", now=noon)
    end = noon + HOUR
    await store.credentials.add_link("ada", digest="link", expires=end, now=noon)
    await store.credentials.add_login("ada", digest="login", expires=end, now=noon, password_hash="hash")
    await store.credentials.add_token("ada", name="t", digest="token", expires=end, now=noon)
    for late in (end, end + HOUR):
        assert await store.credentials.login("login", now=late) is None
        assert await store.credentials.token("token", now=late) is None
        assert await store.credentials.tokens("ada", now=late) == []
        assert await store.credentials.take_link("link", login_digest="x", login_expires=late + HOUR, now=late) is None
    just = end - timedelta(microseconds=1)
    assert await store.credentials.login("login", now=just) is not None
    assert await store.credentials.token("token", now=just) is not None


async def test_a_sign_in_ends_when_somebody_signs_out(store: Store, noon: datetime) -> None:
    await store.users.add("ada", password_hash="hash", now=noon)
    for digest in ("here", "there"):
        await store.credentials.add_login("ada", digest=digest, expires=noon + HOUR, now=noon, password_hash="hash")
    await store.credentials.remove_login("here")
    await store.credentials.remove_login("here")
    assert await store.credentials.login("here", now=noon) is None
    assert await store.credentials.login("there", now=noon) is not None


async def test_tokens_are_listed_used_and_revoked_by_their_owner(store: Store, ada: str, noon: datetime) -> None:
    await store.users.add("bob", now=noon)
    await store.users.add_group("class", members=["ada"], now=noon)
    token = await store.credentials.add_token(ada, name="laptop", digest="one", expires=noon + HOUR, now=noon)
    await store.credentials.add_token("bob", name="other", digest="two", expires=noon + HOUR, now=noon)
    holder = await store.credentials.token("one", now=noon + timedelta(minutes=1))
    assert holder is not None
    assert (holder.user.name, holder.user.groups) == ("ada", {"class"})
    (listed,) = await store.credentials.tokens(ada, now=noon)
    assert listed.last_used == noon + timedelta(minutes=1)
    assert (listed.id, listed.name, listed.expires) == (token.id, "laptop", noon + HOUR)
    with pytest.raises(NotFound, match="no token"):
        await store.credentials.remove_token(token.id, user_name="bob")
    await store.credentials.remove_token(token.id, user_name=ada)
    assert await store.credentials.token("one", now=noon) is None


async def test_a_token_has_the_scopes_that_it_was_given(store: Store, ada: str, noon: datetime) -> None:
    given: dict[str, set[Scope]] = {"one": {Scope.SESSIONS, Scope.READ}, "two": {Scope.ALL, Scope.READ}, "three": set()}
    for digest, scopes in given.items():
        await store.credentials.add_token(
            ada, name=digest, digest=digest, expires=noon + HOUR, scopes=frozenset(scopes), now=noon
        )
    listed = {token.name: token.scopes for token in await store.credentials.tokens(ada, now=noon)}
    assert listed == {"one": given["one"], "two": {Scope.ALL}, "three": set()}
    for digest, kept in listed.items():
        holder = await store.credentials.token(digest, now=noon)
        assert holder is not None
        assert holder.scopes == kept


async def test_nobody_gets_no_credentials(store: Store, noon: datetime) -> None:
    for what in (
        store.credentials.add_link("eve", digest="link", expires=noon, now=noon),
        store.credentials.add_token("eve", name="t", digest="token", expires=noon, now=noon),
    ):
        with pytest.raises(NotFound, match="no user called eve"):
            await what


async def test_a_session_and_its_owner_are_found_together(make: MakeSession, store: Store, noon: datetime) -> None:
    await store.users.add_group("class", members=["ada"], now=noon)
    await store.users.add_group("lab", members=["ada"], now=noon)
    session = await make()
    found = await store.credentials.owner_of_session(session.id)
    assert found is not None
    assert found[0] == session
    assert (found[1].name, found[1].groups) == ("ada", {"class", "lab"})
    await store.sessions.create("postgres", kind="service", owner=None, environment="p", name="P", now=noon)
    assert await store.credentials.owner_of_session("postgres") is None
