"""What users ask of sessions."""

import asyncio
from datetime import datetime, timedelta

import pytest
from store_scene import MakeSession, OpenStore, Put, hold

from rsparkhub.domain.errors import Conflict, NotFound
from rsparkhub.domain.plan import begin
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.store import Store

MINUTE = timedelta(minutes=1)


async def test_a_new_session_wants_to_run_and_stands_in_the_queue(store: Store, ada: str, noon: datetime) -> None:
    session, is_new = await store.sessions.create(
        owner=ada, environment="rspark", name="Thesis", project="https://example.org/p.git", options={"branch": "main"}, now=noon
    )
    assert is_new
    assert (session.wanted, session.state, session.generation) == (Wanted.RUNNING, State.QUEUED, 0)
    assert (session.created, session.queued_at, session.options) == (noon, noon, {"branch": "main"})
    assert await store.sessions.get(session.id) == session
    assert await store.leases.next_claimable_at() == noon
    (event,) = await store.events.since(None, 0)
    assert (event.kind, event.by, event.owner, event.at) == ("created", "ada", "ada", noon)
    assert event.data == {"environment": "rspark", "name": "Thesis", "kind": "session"}


async def test_the_same_key_gives_the_same_session(make: MakeSession, store: Store) -> None:
    first = await make(idempotency_key="k")
    again = await make(idempotency_key="k", name="Another name")
    other = await make(idempotency_key="l")
    assert again == first
    assert other.id != first.id
    assert len(await store.events.since(None, 0)) == 2


async def test_another_persons_key_is_another_key(make: MakeSession, store: Store, noon: datetime) -> None:
    await store.users.add("bob", now=noon)
    assert (await make(idempotency_key="k")).id != (await make(owner="bob", idempotency_key="k")).id


async def test_many_requests_with_one_key_at_once_make_one_session(
    store: Store, open_another: OpenStore, ada: str, noon: datetime
) -> None:
    stores = [store, await open_another(), await open_another()]

    async def ask(one: Store) -> tuple[str, bool]:
        session, is_new = await one.sessions.create(owner=ada, environment="rspark", name="R", idempotency_key="k", now=noon)
        return session.id, is_new

    answers = await asyncio.gather(*(ask(stores[number % 3]) for number in range(12)))
    assert len({session_id for session_id, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert len(await store.sessions.list()) == 1


async def test_nobody_has_more_sessions_than_allowed_also_when_asked_at_once(
    store: Store, open_another: OpenStore, ada: str, noon: datetime
) -> None:
    stores = [store, await open_another()]

    async def ask(number: int) -> None:
        await stores[number % 2].sessions.create(owner=ada, environment="rspark", name="R", most=3, now=noon)

    answers = await asyncio.gather(*(ask(number) for number in range(10)), return_exceptions=True)
    assert sum(answer is None for answer in answers) == 3
    refusals = [answer for answer in answers if answer is not None]
    assert all(isinstance(refusal, Conflict) and "Delete one" in str(refusal) for refusal in refusals)
    assert len(await store.sessions.list()) == 3


async def test_a_deleted_session_makes_room_for_another(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make(most=1)
    await store.sessions.set_wanted(session.id, Wanted.DELETED, by="ada", now=noon)
    await make(most=1)


async def test_a_stranger_gets_no_session(store: Store, noon: datetime) -> None:
    with pytest.raises(NotFound, match="no user called eve"):
        await store.sessions.create(owner="eve", environment="rspark", name="R", now=noon)


async def test_a_shared_service_has_a_row_of_a_given_id_that_is_made_once(
    store: Store, open_another: OpenStore, noon: datetime
) -> None:
    stores = [store, await open_another()]
    answers = await asyncio.gather(
        *(
            stores[number % 2].sessions.create(
                "postgres", kind="service", owner=None, environment="postgres", name="PostgreSQL", now=noon
            )
            for number in range(6)
        )
    )
    assert {session.id for session, _ in answers} == {"postgres"}
    assert sum(is_new for _, is_new in answers) == 1
    assert await store.sessions.list() == []
    assert [session.id for session in await store.sessions.list(kind="service")] == ["postgres"]


async def test_an_unknown_session_is_not_found(store: Store, noon: datetime) -> None:
    for what in (store.sessions.get("nothing"), store.sessions.set_wanted("nothing", Wanted.STOPPED, by=None, now=noon)):
        with pytest.raises(NotFound, match="no session nothing"):
            await what


async def test_sessions_are_listed_newest_first_and_page_by_page(make: MakeSession, store: Store, noon: datetime) -> None:
    made = [await make(now=noon + MINUTE * (number // 2)) for number in range(7)]  # pairs of the same moment
    everything = await store.sessions.list()
    assert {session.id for session in everything} == {session.id for session in made}
    assert [session.created for session in everything] == sorted((session.created for session in made), reverse=True)
    pages = [await store.sessions.list(limit=3)]
    while len(pages[-1]) == 3:
        pages.append(await store.sessions.list(limit=3, after=pages[-1][-1].id))
    assert [session for page in pages for session in page] == everything


async def test_sessions_are_listed_by_owner_and_by_state(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    await store.users.add("bob", now=noon)
    queued, running, stopped = await make(), await make(), await make(owner="bob")
    running, stopped = await put(running, State.RUNNING), await put(stopped, State.STOPPED)
    assert await store.sessions.list(owner="bob") == [stopped]
    assert await store.sessions.list(states={State.QUEUED, State.STOPPED}) == [stopped, queued]
    assert await store.sessions.list(live_only=True) == [running]
    assert await store.sessions.list(owner="bob", live_only=True) == []
    assert await store.sessions.counts() == dict.fromkeys(State, 0) | {
        State.QUEUED: 1, State.RUNNING: 1, State.STOPPED: 1,
    }  # fmt: skip


async def test_a_deleted_session_is_not_listed_and_its_events_outlive_it(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    assert await store.sessions.purge(session.id) is False  # nobody has deleted it
    deleted = await store.sessions.set_wanted(session.id, Wanted.DELETED, by="ada", now=noon)
    assert await store.sessions.list() == []
    assert await store.sessions.list(with_deleted=True) == [deleted]
    assert await store.sessions.get(session.id) == deleted  # the controller still has work with it
    await store.logs.keep(session.id, 1, {"interface": "bye"})
    assert await store.sessions.purge(session.id) is True
    assert await store.sessions.purge(session.id) is False
    with pytest.raises(NotFound):
        await store.sessions.get(session.id)
    assert [event.kind for event in await store.events.since(session.id, 0, owner="ada")] == ["created", "wanted"]


async def test_nothing_else_can_be_wanted_of_a_deleted_session(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    await store.sessions.set_wanted(session.id, Wanted.DELETED, by="ada", now=noon)
    with pytest.raises(NotFound, match="has been deleted"):
        await store.sessions.set_wanted(session.id, Wanted.RUNNING, by="ada", now=noon)
    again = await store.sessions.set_wanted(session.id, Wanted.DELETED, by="ada", now=noon)
    assert again.wanted is Wanted.DELETED


@pytest.mark.parametrize("state", [State.SUSPENDED, State.STOPPED, State.FAILED])
async def test_a_session_that_sleeps_goes_to_the_queue_as_soon_as_it_is_wanted(
    make: MakeSession, put: Put, store: Store, noon: datetime, state: State
) -> None:
    session = await put(await make(), state, generation=3, reason="R ended.", detail="signal 9")
    later = noon + MINUTE
    resumed = await store.sessions.set_wanted(session.id, Wanted.RUNNING, by="ada", now=later)
    assert (resumed.state, resumed.queued_at, resumed.generation) == (State.QUEUED, later, 3)
    assert (resumed.reason, resumed.detail) == (None, None)
    assert await store.sessions.get(session.id) == resumed
    assert await store.leases.next_claimable_at() == later
    last = (await store.events.since(session.id, 0))[-1]
    assert (last.kind, last.by, last.data["was"], last.data["state"]) == ("state", "ada", state.value, "queued")


@pytest.mark.parametrize("state", [State.QUEUED, State.STARTING, State.RUNNING, State.SUSPENDING, State.RESUMING, State.STOPPING])
async def test_a_wish_leaves_a_session_in_its_state_while_a_controller_is_at_work(
    make: MakeSession, put: Put, store: Store, noon: datetime, state: State
) -> None:
    session = await put(await make(), state)
    for wanted in (Wanted.STOPPED, Wanted.RUNNING, Wanted.SUSPENDED):
        after = await store.sessions.set_wanted(session.id, wanted, by="ada", now=noon + MINUTE)
        assert (after.wanted, after.state, after.queued_at) == (wanted, state, session.queued_at)
    assert await store.leases.next_claimable_at() == noon + MINUTE


async def test_a_wish_said_twice_is_one_wish(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    session = await put(await make(), State.RUNNING)
    first = await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", reason="Asleep.", now=noon)
    number = await store.events.latest_id()
    assert await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="bob", now=noon + MINUTE) == first
    assert await store.events.latest_id() == number
    wanted = (await store.events.since(session.id, 0))[-1]
    assert (wanted.kind, wanted.by, wanted.data) == ("wanted", "ada", {"wanted": "suspended", "reason": "Asleep."})


async def test_the_reason_of_a_wish_is_seen_on_the_session(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    session = await put(await make(), State.RUNNING)
    after = await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by=None, reason="Nobody used it for 2h.", now=noon)
    assert after.reason == "Nobody used it for 2h."


async def test_text_of_any_kind_is_kept(make: MakeSession, put: Put, store: Store) -> None:
    session = await make(name="Σ\0\ud83d done", options={"note": "a\0b"})
    assert session.name == "Σ\ufffd\ufffd done"
    read = await put(session, State.FAILED, detail="R\0 printed\nthis \U0001f4a5", busy_with=("R kernel, \0.ipynb",))
    assert read.detail == "R\ufffd printed\nthis \U0001f4a5"
    assert read.busy_with == ("R kernel, \0.ipynb",)
    assert read.options == {"note": "a\0b"}
    with pytest.raises(NotFound):
        await store.sessions.get("a\0b")


async def test_a_time_without_a_zone_is_refused(make: MakeSession, noon: datetime) -> None:
    with pytest.raises(Exception, match="has a time zone"):
        await make(now=noon.replace(tzinfo=None))


async def test_a_request_that_is_given_up_leaves_the_store_in_order(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    asking = [asyncio.create_task(make(idempotency_key=f"k{number}")) for number in range(20)]
    await asyncio.sleep(0)
    for task in asking[::2]:
        task.cancel()
    done = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in done[::2])
    assert len({one.id for one in done[1::2] if not isinstance(one, BaseException)}) == 10
    claimed = await hold(store, session, now=noon)  # nothing is locked
    assert await store.leases.save(claimed, claimed.session, holder="put", next_reconcile_at=None, now=noon)
    rows = {row.id for row in await store.sessions.list()}
    created = {event.session for event in await store.events.since(None, 0) if event.kind == "created"}
    assert rows == created  # each was written as a whole or not at all


HOURS = timedelta(hours=2)


def later(session: Session) -> datetime:
    return (session.awake_until or session.created) + HOURS


async def test_hubs_that_put_off_a_sleep_at_once_each_put_it_off(
    make: MakeSession, put: Put, store: Store, open_another: OpenStore, noon: datetime
) -> None:
    session = await put(await make(), State.RUNNING)
    stores = [store, await open_another(), await open_another()]
    await asyncio.gather(*(stores[number % 3].sessions.extend(session.id, later, by="ada", now=noon) for number in range(6)))
    assert (await store.sessions.get(session.id)).awake_until == noon + 6 * HOURS
    told = [event for event in await store.events.since(session.id, 0) if event.kind == "extended"]
    assert [event.data["until"] for event in told] == [(noon + number * HOURS).isoformat() for number in range(1, 7)]


async def test_a_controller_that_was_about_to_put_it_to_sleep_does_not(
    make: MakeSession, put: Put, store: Store, open_another: OpenStore, noon: datetime
) -> None:
    session = await put(await make(), State.RUNNING)
    planned = await hold(store, session, now=noon)
    await (await open_another()).sessions.extend(session.id, later, by="ada", now=noon)
    assert await store.leases.save(
        planned, planned.session, holder="put", next_reconcile_at=None, now=noon, wanted=Wanted.SUSPENDED, reason="Idle."
    )
    row = await store.sessions.get(session.id)
    assert (row.wanted, row.awake_until) == (Wanted.RUNNING, noon + HOURS)
    (again,) = await store.leases.claim(holder="another", now=noon, lease=MINUTE, limit=1)
    assert again.session.awake_until == noon + HOURS, "it is due at once, as it is now"


async def test_what_a_controller_begins_anew_has_no_postponement_of_before(
    make: MakeSession, put: Put, store: Store, noon: datetime
) -> None:
    session = await put(await make(), State.RUNNING)
    await store.sessions.extend(session.id, later, by="ada", now=noon)
    row = await put(session, State.SUSPENDED)
    assert row.awake_until is not None
    claimed = await hold(store, session, now=noon)
    assert await store.leases.save(claimed, begin(row, now=noon), holder="put", next_reconcile_at=None, now=noon)
    assert (await store.sessions.get(session.id)).awake_until is None


async def test_a_postponement_that_is_refused_writes_nothing(make: MakeSession, store: Store, noon: datetime) -> None:
    def refuse(_: Session) -> datetime:
        raise Conflict("No.")

    session = await make()
    with pytest.raises(Conflict):
        await store.sessions.extend(session.id, refuse, by="ada", now=noon)
    with pytest.raises(NotFound):
        await store.sessions.extend("nothing", later, by="ada", now=noon)
    assert [event.kind for event in await store.events.since(None, 0)] == ["created"]
