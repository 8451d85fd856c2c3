"""People and sessions for the tests of the store."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from rsparkhub.domain.session import Session, State
from rsparkhub.store import Claimed, Store

LEASE = timedelta(seconds=15)

OpenStore = Callable[[], Awaitable[Store]]
MakeSession = Callable[..., Awaitable[Session]]
Put = Callable[..., Awaitable[Session]]


@pytest.fixture
async def ada(store: Store, noon: datetime) -> str:
    await store.users.add("ada", now=noon)
    return "ada"


@pytest.fixture
def make(store: Store, ada: str, noon: datetime) -> MakeSession:
    """Make a session of Ada's; the second is made a second after the first, so that they have an order."""
    made = 0

    async def make_one(**values: Any) -> Session:
        nonlocal made
        values = {"owner": ada, "environment": "rspark", "name": "RSpark", "now": noon + timedelta(seconds=made)} | values
        made += 1
        session, _ = await store.sessions.create(**values)
        return session

    return make_one


@pytest.fixture
def put(store: Store, noon: datetime) -> Put:
    """Bring a session to a state, as a controller does; it is not due afterwards."""

    async def put_one(session: Session, state: State, **values: Any) -> Session:
        claimed = await hold(store, session, now=noon)
        after = replace(claimed.session, state=state, **values)
        assert await store.leases.save(claimed, after, holder="put", next_reconcile_at=None, now=noon)
        return await store.sessions.get(session.id)

    return put_one


async def hold(store: Store, session: Session, *, holder: str = "put", now: datetime) -> Claimed:
    claimed = await store.leases.claim_one(session.id, holder=holder, now=now, lease=LEASE)
    assert claimed is not None
    return claimed


#: Names who waits for a lock in this database of a PostgreSQL server.
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() LIMIT 1"


async def until_someone_waits(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as administrator:
        async with asyncio.timeout(20):
            while administrator.execute(WAITING).fetchone() is None:
                await asyncio.sleep(0.01)
