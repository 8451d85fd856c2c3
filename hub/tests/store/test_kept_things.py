"""Passwords on services, and the ends of logs."""

import asyncio
from datetime import datetime

import pytest
from store_scene import MakeSession, OpenStore

from rsparkhub.domain.errors import NotFound
from rsparkhub.store import Store


async def test_a_password_is_made_once_for_whoever_asks(store: Store, open_another: OpenStore) -> None:
    stores = [store, await open_another()]
    passwords = await asyncio.gather(*(stores[n % 2].accounts.password("ada", "postgres") for n in range(10)))
    assert len(set(passwords)) == 1
    assert len(passwords[0]) >= 32
    others = {await store.accounts.password("bob", "postgres"), await store.accounts.password("ada", "hive")}
    assert len(others | set(passwords)) == 3


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
