"""Passwords on services, and the ends of logs."""

import asyncio
from datetime import datetime

import pytest
from store_scene import MakeSession, OpenStore

from rsparkhub.domain.errors import NotFound
from rsparkhub.store import Store


async def test_a_password_is_made_once_for_whoever_asks(store: Store, open_another: OpenStore) -> None:
    stores = [store, await open_another()]
    passwords = {
        account.password for account in await asyncio.gather(*(stores[n % 2].accounts.get("ada", "postgres") for n in range(10)))
    }
    assert len(passwords) == 1
    assert len(next(iter(passwords))) >= 32
    others = {(await store.accounts.get(*of)).password for of in (("bob", "postgres"), ("ada", "hive"))}
    assert len(others | passwords) == 3


async def test_an_account_of_somebody_who_is_not_there_is_made_only_to_be_closed(store: Store, noon: datetime) -> None:
    """A start that was under way when its owner was removed, or disabled, opens nothing for them."""
    for name in ("ada", "bob"):
        await store.users.add(name, now=noon)
    await store.users.add("root", admin=True, now=noon)
    await store.users.remove("ada", now=noon)
    await store.users.disable("bob", now=noon)
    wanted = [(await store.accounts.get(name, "postgres")).wanted for name in ("ada", "bob", "root")]
    assert wanted == ["keep", "closed", "open"]
    assert [account.owner for account in await store.accounts.behind()] == ["ada", "bob"]


async def test_logs_are_those_of_the_last_run(make: MakeSession, store: Store) -> None:
    session = await make()
    assert await store.logs.get(session.id) == {}
    await store.logs.keep(session.id, 1, {"interface": "one", "spark": "one"})
    await store.logs.keep(session.id, 2, {"interface": "two\0\ud800"})
    await store.logs.keep(session.id, 1, {"interface": "late"})
    assert await store.logs.get(session.id) == {"interface": "two\ufffd\ufffd"}
    await store.logs.keep(session.id, 2, {"agent": "again"})
    assert await store.logs.get(session.id) == {"agent": "again"}


async def test_logs_of_no_session_are_not_kept(store: Store, noon: datetime) -> None:
    with pytest.raises(NotFound):
        await store.logs.keep("nothing", 1, {"interface": "x"})
