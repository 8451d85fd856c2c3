"""The queue: whose turn it is, and that no place is given twice."""

import asyncio
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from store_scene import LEASE, MakeSession, OpenStore, Put, hold, until_someone_waits

from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.store import Claimed, Store
from rsparkhub.store.admission_queue import lock_queue
from rsparkhub.store.database import Connection

MINUTE = timedelta(minutes=1)


async def admit(store: Store, session: Session, now: datetime, *, running: int = 9, starting: int = 9) -> bool:
    """Ask for a slot as a controller does: under a lease, which it gives back; the queue does so where there is none."""
    claimed = await hold(store, session, now=now)
    admitted = await start(store, claimed, now=now, most_running=running, most_starting=starting)
    if admitted is None:
        return False
    assert admitted.session.state is State.STARTING
    assert await store.leases.save(admitted, admitted.session, holder="put", next_reconcile_at=now + MINUTE, now=now)
    return True


async def start(store: Store, claimed: Claimed, *, holder: str = "put", **limits: Any) -> Claimed | None:
    """Ask for a slot with the row as it is once the session starts."""
    session = claimed.session
    after = replace(session, state=State.STARTING, generation=session.generation + 1, secret="s3cret")
    return (await store.queue.admit([(claimed, after)], holder=holder, **limits)).get(session.id)


async def test_the_line_is_in_the_order_in_which_they_asked(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    first, second, third = [await make() for _ in range(3)]
    assert await store.queue.positions() == {first.id: 1, second.id: 2, third.id: 3}
    assert await store.queue.positions([third.id, "nothing"]) == {third.id: 3}
    await put(first, State.STOPPED)
    await store.sessions.set_wanted(first.id, Wanted.STOPPED, by="ada", now=noon)
    await store.sessions.set_wanted(first.id, Wanted.RUNNING, by="ada", now=noon + MINUTE)  # asks again: goes to the end
    assert await store.queue.positions() == {second.id: 1, third.id: 2, first.id: 3}
    await store.sessions.set_wanted(second.id, Wanted.STOPPED, by="ada", now=noon + MINUTE)
    assert await store.queue.positions() == {third.id: 1, first.id: 2}


async def test_as_many_start_as_there_is_room_for(make: MakeSession, store: Store, noon: datetime) -> None:
    sessions = [await make() for _ in range(4)]
    admitted = [await admit(store, session, noon + MINUTE, running=9, starting=2) for session in sessions]
    assert admitted == [True, True, False, False]
    assert await store.queue.positions() == {sessions[2].id: 1, sessions[3].id: 2}


async def test_nobody_starts_where_as_many_run_as_may(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    for state in (State.RUNNING, State.SUSPENDING, State.STOPPING):
        await put(await make(), state)
    waiting = await make()
    assert not await admit(store, waiting, noon + MINUTE, running=3)
    assert await admit(store, waiting, noon + MINUTE, running=4)


async def test_who_sleeps_or_has_ended_takes_no_room(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    for state in (State.SUSPENDED, State.STOPPED, State.FAILED):
        await put(await make(), state)
    assert await admit(store, await make(), noon + MINUTE, running=1, starting=1)


async def test_nobody_overtakes(make: MakeSession, store: Store, noon: datetime) -> None:
    first, second, third = [await make() for _ in range(3)]
    assert not await admit(store, second, noon + MINUTE, starting=1)
    assert await admit(store, second, noon + MINUTE, starting=2)  # there is room for the first too
    assert not await admit(store, third, noon + MINUTE, starting=2)
    assert await admit(store, first, noon + MINUTE, starting=2)


async def test_a_place_outlives_the_controller_that_got_it(make: MakeSession, store: Store, noon: datetime) -> None:
    first, second = await make(), await make()
    dead = await hold(store, first, holder="dead", now=noon)
    assert await start(store, dead, holder="dead", now=noon, most_running=1, most_starting=1)
    assert await store.queue.positions() == {second.id: 1}
    assert not await admit(store, second, noon, running=1)
    (alive,) = await store.leases.claim(holder="alive", now=noon + LEASE, lease=LEASE, limit=9)
    assert (alive.session.id, alive.session.state, alive.session.secret) == (first.id, State.STARTING, "s3cret")


async def test_a_place_that_is_not_wanted_any_more_is_given_to_the_next(make: MakeSession, store: Store, noon: datetime) -> None:
    first, second = await make(), await make()
    claimed = await hold(store, first, holder="one", now=noon)
    admitted = await start(store, claimed, holder="one", now=noon, most_running=1, most_starting=1)
    assert admitted is not None
    await store.sessions.set_wanted(first.id, Wanted.STOPPED, by="ada", now=noon)
    assert await start(store, admitted, holder="one", now=noon, most_running=1, most_starting=1) is None
    again = await hold(store, first, holder="one", now=noon)
    after = replace(again.session, state=State.STOPPED)
    assert await store.leases.save(again, after, holder="one", next_reconcile_at=None, now=noon)
    assert await admit(store, second, noon, running=1)


async def test_without_the_lease_there_is_no_place(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    some = {"now": noon, "most_running": 9, "most_starting": 9}
    late = await hold(store, session, holder="one", now=noon)
    held = await hold(store, session, holder="two", now=noon + LEASE)
    assert await start(store, late, holder="one", **some) is None
    assert await start(store, late, holder="two", **some) is None
    nothing = replace(held, session=replace(session, id="nothing"))
    assert await start(store, nothing, holder="two", **some) is None
    assert (await store.sessions.get(session.id)).state is State.QUEUED
    assert await start(store, held, holder="two", **some)


async def test_shared_services_stand_in_no_line(make: MakeSession, store: Store, noon: datetime) -> None:
    waiting = await make()
    service, _ = await store.sessions.create(
        "postgres", kind="service", owner=None, environment="postgres", name="PostgreSQL", now=noon
    )
    assert await store.queue.positions() == {waiting.id: 1}
    assert await admit(store, service, noon, running=1, starting=1)
    assert await admit(store, waiting, noon, running=1, starting=1)


async def test_who_ends_makes_the_next_in_line_due(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    running = await put(await make(), State.RUNNING)
    waiting = await make()
    assert not await admit(store, waiting, noon, running=1)
    assert await store.leases.next_claimable_at() is None
    await put(running, State.SUSPENDING)
    assert await store.leases.next_claimable_at() is None
    await put(running, State.SUSPENDED)
    assert await store.leases.next_claimable_at() == waiting.queued_at
    assert await admit(store, waiting, noon, running=1)


async def test_who_is_ready_makes_the_next_in_line_due(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    starting = await put(await make(), State.STARTING)
    waiting = await make()
    assert not await admit(store, waiting, noon, starting=1)
    await put(starting, State.RUNNING)
    assert await store.leases.next_claimable_at() == waiting.queued_at
    assert await admit(store, waiting, noon, starting=1)


async def test_the_next_in_line_is_woken_also_while_a_controller_holds_it(
    make: MakeSession, put: Put, store: Store, noon: datetime
) -> None:
    running, waiting = await put(await make(), State.RUNNING), await make()
    claimed = await hold(store, waiting, holder="one", now=noon)
    await put(running, State.STOPPED)
    assert await store.leases.save(claimed, claimed.session, holder="one", next_reconcile_at=noon + MINUTE, now=noon)
    assert await store.leases.next_claimable_at() == noon


async def test_who_gets_a_place_wakes_the_next_while_there_is_room(make: MakeSession, store: Store, noon: datetime) -> None:
    first, second, third = [await make() for _ in range(3)]
    for session in (first, second, third):
        assert not await admit(store, session, noon, starting=0)
    assert await store.leases.next_claimable_at() is None
    assert await admit(store, first, noon, starting=2)
    assert await store.leases.next_claimable_at() == second.queued_at
    assert await admit(store, second, noon, starting=2)
    assert await store.leases.next_claimable_at() == noon + MINUTE


async def test_who_is_admitted_makes_as_many_due_as_there_are_slots_left(make: MakeSession, store: Store, noon: datetime) -> None:
    sessions = [await make() for _ in range(5)]
    for session in sessions:
        assert not await admit(store, session, noon, starting=0)
    assert await admit(store, sessions[0], noon, starting=3)
    due = await store.leases.claim(holder="one", now=noon + MINUTE / 2, lease=LEASE, limit=9)
    assert [claimed.session.id for claimed in due] == [session.id for session in sessions[1:3]]


@pytest.mark.parametrize("wanted", [Wanted.STOPPED, Wanted.SUSPENDED, Wanted.DELETED])
async def test_who_leaves_the_line_makes_the_next_due(make: MakeSession, store: Store, noon: datetime, wanted: Wanted) -> None:
    first, second = await make(), await make()
    assert not await admit(store, second, noon, starting=1)  # the only room is for the first
    await hold(store, first, now=noon)
    assert await store.leases.next_claimable_at() == noon + LEASE
    await store.sessions.set_wanted(first.id, wanted, by="ada", now=noon)
    assert await store.leases.next_claimable_at() == second.queued_at
    assert await admit(store, second, noon, starting=1)


async def test_who_is_removed_with_their_sessions_leaves_the_line_too(make: MakeSession, store: Store, noon: datetime) -> None:
    await store.users.add("bob", now=noon)
    await store.users.add("root", admin=True, now=noon)
    first, second = await make(), await make(owner="bob")
    assert not await admit(store, second, noon, starting=1)
    await hold(store, first, now=noon)
    await store.users.remove("ada", now=noon)
    assert await store.leases.next_claimable_at() == second.queued_at


async def test_who_is_purged_while_it_ran_makes_the_next_due(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    running, waiting = await put(await make(), State.RUNNING), await make()
    assert not await admit(store, waiting, noon, running=1)
    await store.sessions.set_wanted(running.id, Wanted.DELETED, by="ada", now=noon + 2 * MINUTE)
    assert await store.leases.next_claimable_at() == noon + 2 * MINUTE
    await store.sessions.purge(running.id)
    assert await store.leases.next_claimable_at() == waiting.queued_at


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["admitted", "ended", "wanted", "purged", "removed"])
async def test_places_are_given_and_freed_one_after_another(
    make: MakeSession, put: Put, store: Store, open_another: OpenStore, store_url: str, noon: datetime, way: str
) -> None:
    """Else a place that is freed while the last one is given would wake who has one, and nobody who waits."""
    await store.users.add("root", admin=True, now=noon)
    running, queued, deleted = await put(await make(), State.RUNNING), await make(), await make()
    await store.sessions.set_wanted(deleted.id, Wanted.DELETED, by="ada", now=noon)
    claimed = await hold(store, running, now=noon)
    waiting = await hold(store, queued, now=noon)
    ended = replace(claimed.session, state=State.STOPPED)
    ways = {
        "admitted": start(store, waiting, now=noon, most_running=9, most_starting=9),
        "ended": store.leases.save(claimed, ended, holder="put", next_reconcile_at=None, now=noon),
        "wanted": store.sessions.set_wanted(queued.id, Wanted.STOPPED, by="ada", now=noon),
        "purged": store.sessions.purge(deleted.id),
        "removed": store.users.remove("ada", now=noon),
    }
    free, held = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def hold_it(connection: Connection) -> None:
        await lock_queue(connection, store.database)
        loop.call_soon_threadsafe(held.set)
        free.wait(30)

    holding = asyncio.create_task((await open_another()).database.write(hold_it))
    await held.wait()
    going = asyncio.create_task(ways.pop(way))
    await until_someone_waits(store_url)
    free.set()
    await asyncio.gather(holding, going)
    for other in ways.values():
        other.close()


@pytest.mark.long
async def test_no_place_stays_empty_while_somebody_waits(
    make: MakeSession, store: Store, open_another: OpenStore, noon: datetime
) -> None:
    """Controllers never look at who waits unless the store makes it due; all start and end, and none is forgotten."""
    stores = [store, await open_another(), await open_another()]
    sessions = [await make() for _ in range(30)]
    ended: list[str] = []
    most_together = 0

    async def control(number: int) -> None:
        nonlocal most_together
        mine, holder, now = stores[number % 3], f"controller {number}", noon + MINUTE
        for _ in range(2000):
            if len(ended) == len(sessions):
                return
            for claimed in await mine.leases.claim(holder=holder, now=now, lease=LEASE, limit=1):
                state, next_reconcile_at = claimed.session.state, now
                if state is State.QUEUED:
                    admitted = await start(mine, claimed, holder=holder, now=now, most_running=4, most_starting=2)
                    if admitted is not None:
                        assert await mine.leases.save(admitted, admitted.session, holder=holder, next_reconcile_at=now, now=now)
                    continue
                if state is State.STARTING:
                    state = State.RUNNING
                elif state is State.RUNNING:
                    state, next_reconcile_at = State.STOPPED, None
                after = replace(claimed.session, state=state)
                assert await mine.leases.save(claimed, after, holder=holder, next_reconcile_at=next_reconcile_at, now=now)
                if state is State.STOPPED:
                    ended.append(after.id)
            live = await mine.sessions.list(live_only=True)
            most_together = max(most_together, len(live))
            assert sum(session.state is State.STARTING for session in live) <= 2
            await asyncio.sleep(0)

    await asyncio.gather(*(control(number) for number in range(5)))
    assert sorted(ended) == sorted(session.id for session in sessions)
    assert 2 <= most_together <= 4


async def test_however_many_controllers_ask_no_place_is_given_twice(
    make: MakeSession, store: Store, open_another: OpenStore, noon: datetime
) -> None:
    stores = [store, await open_another(), await open_another()]
    sessions = [await make() for _ in range(24)]

    async def ask(number: int, session: Session) -> bool:
        """Ask for a slot; every second controller dies when it has got one."""
        mine, holder, now = stores[number % 3], f"controller {number % 5}", noon + MINUTE
        claimed = await mine.leases.claim_one(session.id, holder=holder, now=now, lease=LEASE)
        assert claimed is not None
        admitted = await start(mine, claimed, holder=holder, now=now, most_running=7, most_starting=30)
        if admitted is None:
            return False
        if number % 2:
            assert await mine.leases.save(admitted, admitted.session, holder=holder, next_reconcile_at=None, now=now)
        return True

    answers = await asyncio.gather(*(ask(number, session) for number, session in enumerate(sessions)))
    assert sum(answers) == 7
    assert answers == [True] * 7 + [False] * 17  # in the order of the line
    assert len(await store.queue.positions()) == 17
