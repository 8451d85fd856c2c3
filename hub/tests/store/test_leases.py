"""Who works on a session: one at a time, whatever happens to them."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from store_scene import LEASE, MakeSession, OpenStore, Put, hold

from rspark_contract.saved import Restored, Saved, SavedKernel
from rspark_contract.status import ComponentState
from rsparkhub.domain.notice import Notice
from rsparkhub.domain.session import Component, LastExit, Session, State, Wanted
from rsparkhub.store import Store

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def test_a_session_is_claimed_once(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    (claimed,) = await store.leases.claim(holder="one", now=noon, lease=LEASE, limit=10)
    assert claimed.session == session
    assert claimed.next_reconcile_at == noon
    assert await store.leases.claim(holder="two", now=noon, lease=LEASE, limit=10) == []
    assert await store.leases.claim(holder="one", now=noon, lease=LEASE, limit=10) == []
    assert await store.leases.claim_one(session.id, holder="two", now=noon, lease=LEASE) is None
    assert await store.leases.next_claimable_at() == noon + LEASE


async def test_what_has_waited_longest_is_claimed_first(make: MakeSession, store: Store, noon: datetime) -> None:
    made = [await make() for _ in range(5)]
    first = await store.leases.claim(holder="one", now=noon + MINUTE, lease=LEASE, limit=2)
    second = await store.leases.claim(holder="two", now=noon + MINUTE, lease=LEASE, limit=9)
    assert [claimed.session.id for claimed in first + second] == [session.id for session in made]


async def test_what_is_not_due_is_not_claimed_but_by_name(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make(now=noon + MINUTE)
    assert await store.leases.claim(holder="one", now=noon, lease=LEASE, limit=10) == []
    claimed = await store.leases.claim_one(session.id, holder="one", now=noon, lease=LEASE)
    assert claimed is not None
    assert claimed.session == session
    assert await store.leases.claim_one("nothing", holder="one", now=noon, lease=LEASE) is None


async def test_many_controllers_at_once_share_what_is_due(
    make: MakeSession, store: Store, open_another: OpenStore, noon: datetime
) -> None:
    made = [await make() for _ in range(60)]
    stores = [store, await open_another(), await open_another()]

    async def work(number: int) -> list[str]:
        got: list[str] = []
        while claimed := await stores[number % 3].leases.claim(
            holder=f"controller {number}", now=noon + MINUTE, lease=LEASE, limit=4
        ):
            got += [one.session.id for one in claimed]
        return got

    shares = await asyncio.gather(*(work(number) for number in range(9)))
    counted = Counter(session_id for share in shares for session_id in share)
    assert counted == Counter(session.id for session in made)


async def test_a_lease_that_ran_out_is_anyones(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    dead = await hold(store, session, holder="dead", now=noon)
    later = noon + LEASE
    (alive,) = await store.leases.claim(holder="alive", now=later, lease=LEASE, limit=1)
    assert alive.session == dead.session
    assert not await store.leases.renew([session.id], holder="dead", until=later + LEASE)
    too_late = replace(dead.session, state=State.STARTING, generation=1)
    assert not await store.leases.save(dead, too_late, holder="dead", next_reconcile_at=later, now=later)
    assert await store.sessions.get(session.id) == session
    assert [event.kind for event in await store.events.since(None, 0)] == ["created"]
    assert await store.leases.save(alive, too_late, holder="alive", next_reconcile_at=later, now=later)


async def test_an_earlier_lease_of_the_same_holder_is_no_lease(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    first = await hold(store, session, holder="one", now=noon)
    second = await hold(store, session, holder="one", now=noon + LEASE)
    measured = replace(first.session, memory=1)
    for after in (measured, replace(measured, state=State.STARTING)):
        assert not await store.leases.save(first, after, holder="one", next_reconcile_at=noon, now=noon)
    assert await store.leases.save(second, measured, holder="one", next_reconcile_at=noon, now=noon)


async def test_a_lease_that_was_given_back_is_no_lease(make: MakeSession, store: Store, noon: datetime) -> None:
    claimed = await hold(store, await make(), now=noon)
    after = replace(claimed.session, state=State.STARTING)
    assert await store.leases.save(claimed, after, holder="put", next_reconcile_at=None, now=noon)
    for again in (after, replace(claimed.session, memory=1)):
        assert not await store.leases.save(claimed, again, holder="put", next_reconcile_at=None, now=noon)
    assert not await store.leases.renew([after.id], holder="put", until=noon + LEASE)


async def test_a_renewed_lease_lasts_longer(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    await hold(store, session, holder="one", now=noon)
    assert await store.leases.renew([session.id], holder="one", until=noon + MINUTE)
    assert await store.leases.claim(holder="two", now=noon + MINUTE - SECOND, lease=LEASE, limit=1) == []
    assert await store.leases.next_claimable_at() == noon + MINUTE
    assert len(await store.leases.claim(holder="two", now=noon + MINUTE, lease=LEASE, limit=1)) == 1
    assert not await store.leases.renew(["nothing"], holder="one", until=noon)


async def test_everything_observed_is_written_and_read_again(make: MakeSession, store: Store, noon: datetime) -> None:
    claimed = await hold(store, await make(), now=noon)
    after = replace(
        claimed.session, state=State.RUNNING, generation=7, reason="A reason.", detail="A line.", queued_at=noon + SECOND,
        started=noon, ready=noon + MINUTE, ended=noon - MINUTE, end_requested_at=noon + MINUTE * 2, last_activity=noon + SECOND,
        busy=True, busy_with=("R kernel, a.ipynb",), memory=5 * 2**40, cpu=1.25, upstream="127.0.0.1:4711", secret="s3cret",
        components=(
            Component(name="interface", title="JupyterLab", state=ComponentState.READY), Component(name="spark", title="Spark"),
        ),
        endpoints={"spark": {"port": 1}}, restored=Restored(terminals=1),
        last_exit=LastExit(code=0, saved=Saved(kernels=(SavedKernel(id="1", name="ir", language="R", objects=3),)), at=noon),
    )  # fmt: skip
    assert await store.leases.save(claimed, after, holder="put", next_reconcile_at=noon + MINUTE, now=noon)
    assert await store.sessions.get(after.id) == after
    assert await store.leases.next_claimable_at() == noon + MINUTE


async def test_a_change_of_state_and_of_each_part_is_an_event(make: MakeSession, put: Put, store: Store) -> None:
    parts = (
        Component(name="interface", title="JupyterLab"),
        Component(name="spark", title="Spark", state=ComponentState.STARTING),
    )
    session = await put(await make(), State.STARTING, generation=1, components=parts)
    number = await store.events.latest_id()
    ready = replace(parts[1], state=ComponentState.FAILED, reason="No Java.")
    await put(session, State.FAILED, components=(parts[0], ready), reason="Spark did not start.")
    state, part = await store.events.since(session.id, number)
    assert state.data == {"state": "failed", "was": "starting", "generation": 1, "reason": "Spark did not start."}
    assert part.kind == "part"
    assert part.data == {"part": "spark", "title": "Spark", "state": "failed", "reason": "No Java.", "generation": 1}


async def test_what_is_only_measured_is_no_event(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    session = await put(await make(), State.RUNNING)
    number = await store.events.latest_id()
    measured = await put(session, State.RUNNING, memory=2**31, cpu=0.5, busy=True, busy_with=("R",), last_activity=noon)
    assert (measured.memory, measured.cpu, measured.busy, measured.last_activity) == (2**31, 0.5, True, noon)
    assert await store.events.latest_id() == number


async def test_a_notice_is_written_with_its_event(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    notice = Notice(kind="idle", generation=1, given=noon, at=noon + MINUTE, text="It goes to sleep soon.")
    session = await put(await make(), State.RUNNING, generation=1, notices=(notice,))
    assert session.notices == (notice,)
    event = (await store.events.since(None, 0))[-1]
    data = {"kind": "idle", "generation": 1, "at": "2026-11-24T12:01:00+00:00", "text": "It goes to sleep soon."}
    assert (event.kind, event.owner, event.data) == ("warning", "ada", data)
    assert (await put(session, State.RUNNING, notices=())).notices == ()
    assert (await store.events.since(None, 0))[-1] == event


async def test_a_controller_writes_what_is_wanted_from_now_on_with_the_row(
    make: MakeSession, put: Put, store: Store, noon: datetime
) -> None:
    claimed = await hold(store, await put(await make(), State.RUNNING), now=noon)
    assert await store.leases.save(
        claimed, claimed.session, holder="put", next_reconcile_at=noon + MINUTE, now=noon, wanted=Wanted.SUSPENDED, reason="Idle."
    )
    session = await store.sessions.get(claimed.session.id)
    assert (session.wanted, session.reason) == (Wanted.SUSPENDED, "Idle.")
    assert await store.leases.next_claimable_at() == noon
    event = (await store.events.since(None, 0))[-1]
    assert (event.kind, event.by, event.data) == ("wanted", None, {"wanted": "suspended", "reason": "Idle."})


async def test_what_a_user_asked_meanwhile_counts_more_than_what_a_controller_decided(
    make: MakeSession, put: Put, store: Store, noon: datetime
) -> None:
    claimed = await hold(store, await put(await make(), State.RUNNING), now=noon)
    await store.sessions.set_wanted(claimed.session.id, Wanted.STOPPED, by="ada", now=noon + SECOND)
    assert await store.leases.save(
        claimed, claimed.session, holder="put", next_reconcile_at=None, now=noon, wanted=Wanted.SUSPENDED, reason="Idle."
    )
    assert (await store.sessions.get(claimed.session.id)).wanted is Wanted.STOPPED
    assert await store.leases.next_claimable_at() == noon


async def test_a_controller_never_writes_what_is_wanted(make: MakeSession, store: Store, noon: datetime) -> None:
    claimed = await hold(store, await make(), now=noon)
    after = replace(claimed.session, wanted=Wanted.DELETED, name="Mine", options={"a": 1}, state=State.STARTING)
    assert await store.leases.save(claimed, after, holder="put", next_reconcile_at=None, now=noon)
    session = await store.sessions.get(after.id)
    assert (session.wanted, session.name, session.options) == (Wanted.RUNNING, "RSpark", {})


async def test_a_session_that_needs_no_look_waits_for_a_wish(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    session = await put(await make(), State.STOPPED)
    assert await store.leases.next_claimable_at() is None
    assert await store.leases.claim(holder="one", now=noon + MINUTE * 999, lease=LEASE, limit=1) == []
    await store.sessions.set_wanted(session.id, Wanted.RUNNING, by="ada", now=noon + MINUTE)
    assert await store.leases.next_claimable_at() == noon + MINUTE


@pytest.mark.parametrize("state", [State.RUNNING, State.SUSPENDING])
async def test_a_wish_that_came_meanwhile_is_looked_at_at_once(
    make: MakeSession, put: Put, store: Store, noon: datetime, state: State
) -> None:
    claimed = await hold(store, await put(await make(), State.RUNNING), now=noon)
    await store.sessions.set_wanted(claimed.session.id, Wanted.STOPPED, by="ada", reason="Enough.", now=noon + SECOND)
    assert await store.leases.next_claimable_at() == noon + LEASE  # it is held: nobody else may come
    after = replace(claimed.session, state=state, memory=17)
    assert await store.leases.save(claimed, after, holder="put", next_reconcile_at=noon + MINUTE, now=noon + SECOND * 2)
    session = await store.sessions.get(after.id)
    assert (session.wanted, session.state, session.memory, session.reason) == (Wanted.STOPPED, state, 17, "Enough.")
    assert await store.leases.next_claimable_at() == noon + SECOND * 2


async def test_who_was_sent_to_the_queue_meanwhile_stays_in_it(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    claimed = await hold(store, await put(await make(), State.SUSPENDED, generation=1), now=noon)
    asked = noon + SECOND
    await store.sessions.set_wanted(claimed.session.id, Wanted.STOPPED, by="ada", now=noon)
    await store.sessions.set_wanted(claimed.session.id, Wanted.RUNNING, by="ada", now=asked)
    after = replace(claimed.session, state=State.STOPPED, reason="It slept too long.", ended=noon)
    assert await store.leases.save(claimed, after, holder="put", next_reconcile_at=None, now=noon + MINUTE)
    session = await store.sessions.get(after.id)
    assert (session.state, session.queued_at, session.reason, session.ended) == (State.QUEUED, asked, None, noon)
    states = [event.data["state"] for event in await store.events.since(after.id, 0) if event.kind == "state"]
    assert states == ["suspended", "queued"]
    assert await store.leases.next_claimable_at() == noon + MINUTE


async def test_a_session_that_was_purged_is_not_saved(make: MakeSession, store: Store, noon: datetime) -> None:
    claimed = await hold(store, await make(), now=noon)
    await store.sessions.set_wanted(claimed.session.id, Wanted.DELETED, by="ada", now=noon)
    assert await store.sessions.purge(claimed.session.id)
    after = replace(claimed.session, state=State.STOPPED)
    assert not await store.leases.save(claimed, after, holder="put", next_reconcile_at=None, now=noon)
    assert await store.sessions.list(with_deleted=True) == []


async def test_nothing_is_lost_between_controllers_wishes_and_leases_that_run_out(
    make: MakeSession, store: Store, open_another: OpenStore, noon: datetime
) -> None:
    """Each save adds one to the generation: were a save lost or done twice, the sum would tell."""
    stores = [store, await open_another(), await open_another()]
    made = [await make() for _ in range(6)]
    saved: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    rng = random.Random(3)
    tick = iter(range(1, 10**6))

    def now() -> datetime:  # so fast that leases run out while somebody works
        return noon + MINUTE + timedelta(seconds=next(tick))

    async def control(number: int) -> None:
        mine, holder = stores[number % 3].leases, f"controller {number}"
        for _ in range(40):
            for claimed in await mine.claim(holder=holder, now=now(), lease=LEASE, limit=3):
                for _ in range(rng.randrange(3)):
                    await asyncio.sleep(0)
                state = rng.choice([State.RUNNING, State.SUSPENDED, State.STOPPED])
                after = replace(claimed.session, generation=claimed.session.generation + 1, state=state)
                if await mine.save(claimed, after, holder=holder, next_reconcile_at=now(), now=now()):
                    saved[after.id] += 1

    async def set_wanted(number: int) -> None:
        for _ in range(25):
            session = rng.choice(made)
            before = (await stores[number % 3].sessions.get(session.id)).wanted
            wanted = rng.choice([one for one in Wanted if one not in (before, Wanted.DELETED)])
            await stores[number % 3].sessions.set_wanted(session.id, wanted, by="ada", now=now())
            changes[session.id] += 1

    await asyncio.gather(*(control(number) for number in range(6)), *(set_wanted(number) for number in range(3)))
    assert sum(saved.values()) > 60
    for session in made:
        row = await store.sessions.get(session.id)
        assert row.generation == saved[session.id]
        await _the_events_tell_how_it_came_to_be(store, row)


async def _the_events_tell_how_it_came_to_be(store: Store, row: Session) -> None:
    state = State.QUEUED.value
    for event in await store.events.since(row.id, 0):
        if event.kind == "state":
            assert event.data["was"] == state
            state = event.data["state"]
    assert state == row.state.value
