"""The history misses nothing and repeats nothing."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from store_scene import LEASE, MakeSession, OpenStore, Put

from rsparkhub.domain.session import State, Wanted
from rsparkhub.store import Store


async def test_events_are_read_from_where_one_stopped(make: MakeSession, put: Put, store: Store) -> None:
    assert await store.events.latest_id() == 0
    first, second = await make(), await make()
    number = await store.events.latest_id()
    await put(first, State.STARTING)
    await put(second, State.STARTING)
    await put(first, State.RUNNING)
    new = await store.events.since(None, number)
    assert [(event.session, event.data["state"]) for event in new] == [
        (first.id, "starting"), (second.id, "starting"), (first.id, "running"),
    ]  # fmt: skip
    assert await store.events.since(first.id, number) == [new[0], new[2]]
    assert await store.events.since(None, number, limit=1) == new[:1]
    assert await store.events.since(None, new[-1].id) == []
    assert await store.events.latest_id() == new[-1].id


async def test_an_owner_reads_their_own_events(make: MakeSession, store: Store, noon: datetime) -> None:
    await store.users.add("bob", now=noon)
    mine, other = await make(), await make(owner="bob")
    assert [event.session for event in await store.events.since(None, 0, owner="ada")] == [mine.id]
    assert await store.events.since(other.id, 0, owner="ada") == []


async def test_an_id_is_never_given_again(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    await store.sessions.set_wanted(session.id, Wanted.DELETED, by=None, now=noon)
    number = await store.events.latest_id()
    await store.sessions.purge(session.id)
    await make()
    assert await store.events.latest_id() > number


async def test_a_reader_misses_no_event_of_many_writers(
    make: MakeSession, store: Store, open_another: OpenStore, noon: datetime
) -> None:
    """An event that becomes visible after a later one would be missed by who reads on from the later."""
    stores = [store, await open_another(), await open_another()]
    sessions = [await make() for _ in range(6)]
    written, read, done = 6 * 25, [], asyncio.Event()
    number = await store.events.latest_id()

    async def write(one: int) -> None:
        for count in range(25):
            leases = stores[one % 3].leases
            claimed = await leases.claim_one(sessions[one].id, holder="put", now=noon, lease=LEASE)
            assert claimed is not None
            after = replace(claimed.session, state=State.STARTING if count % 2 else State.RUNNING, generation=count)
            assert await leases.save(claimed, after, holder="put", next_reconcile_at=None, now=noon)

    async def follow() -> None:
        last = number
        while True:
            ended = done.is_set()
            for event in await stores[2].events.since(None, last):
                last = event.id
                read.append((event.session, event.data["generation"]))
            if ended:
                return
            await asyncio.sleep(0)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(one) for one in range(6)))
    done.set()
    await following
    assert len(read) == written
    for session in sessions:
        assert [count for of, count in read if of == session.id] == list(range(25))


async def test_what_the_hub_did_is_deleted_for_its_age_and_what_a_user_did_stays(
    make: MakeSession, put: Put, store: Store, noon: datetime
) -> None:
    sessions = [await make() for _ in range(5)]
    for session in sessions:
        await put(session, State.RUNNING)
    after, batches = 0, 0
    while (following := await store.events.delete_before(noon + timedelta(days=1), after_id=after, limit=3)) is not None:
        after, batches = following, batches + 1
    assert batches == 3
    left = await store.events.since(None, 0)
    assert [(event.kind, event.by) for event in left] == [("created", "ada")] * 5
    number = await store.events.latest_id()
    await put(sessions[0], State.STOPPED)
    assert [event.data["state"] for event in await store.events.since(None, number)] == ["stopped"]
    assert await store.events.delete_before(noon) is None
    assert len(await store.events.since(None, 0)) == 6
    assert [usage.starts for usage in await store.runs.usage(since=None, until=noon + timedelta(days=1))] == [1] * 5
