"""What was used, what was done, what is measured."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from world import World

from rsparkhub.api.resources.environments import expected_seconds
from rsparkhub.api.sentences import languages, sentences_in
from rsparkhub.api.serializers.event_text import Subjects, event_text
from rsparkhub.api.usage_report import usage_report
from rsparkhub.domain.errors import Conflict, Unavailable
from rsparkhub.domain.event import EventKind
from rsparkhub.domain.session import State
from rsparkhub.store import Store
from rsparkhub.store.audit import AuditFilter
from rsparkhub.wire.record import Usage

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Days:
    """What happened on a made-up day, written by minutes after noon through the store, as a controller does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def created(self, session: str, minute: float, *, owner: str | None = "bob", environment: str = "rspark") -> None:
        if owner is not None:
            with contextlib.suppress(Conflict):
                await self._store.users.add(owner, now=NOON)
        kind = "session" if owner else "service"
        await self._store.sessions.create(session, kind=kind, owner=owner, environment=environment, name=session, now=_at(minute))

    async def state(self, session: str, minute: float, state: str) -> None:
        at = _at(minute)
        claimed = await self._store.leases.claim_one(session, holder="test", now=at, lease=timedelta(seconds=1))
        assert claimed is not None
        begins = state in ("starting", "resuming")
        after = replace(claimed.session, state=State(state), generation=claimed.session.generation + begins)
        assert await self._store.leases.save(claimed, after, holder="test", next_reconcile_at=None, now=at)

    async def usage(self, *, since: float | None = None, until: float = 600) -> Usage:
        begin, end = None if since is None else _at(since), _at(until)
        return usage_report(await self._store.runs.usage(since=begin, until=end), since=begin, until=end)


def _at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
async def days(store: Store) -> Days:
    """bob's session a runs from minute 10 to 70 and from 100 on; eve's b from 20 to 25."""
    days = Days(store)
    await days.created("a", 0)
    await days.state("a", 10, "starting")
    await days.state("a", 12, "running")
    await days.created("b", 15, owner="eve", environment="lab")
    await days.state("b", 20, "starting")
    await days.state("b", 25, "failed")
    await days.state("a", 68, "suspending")
    await days.state("a", 70, "suspended")
    await days.state("a", 95, "queued")
    await days.state("a", 100, "resuming")
    await days.state("a", 101, "running")
    return days


async def test_a_run_counts_from_the_start_of_starting_until_everything_has_ended(days: Days) -> None:
    rows = {row.session: (row.owner, row.environment, row.starts, row.seconds) for row in (await days.usage(until=160)).sessions}
    assert rows == {"a": ("bob", "rspark", 2, 7200.0), "b": ("eve", "lab", 1, 300.0)}


async def test_a_period_cuts_runs_at_its_ends(days: Days) -> None:
    usage = await days.usage(since=60, until=110)
    assert [(row.session, row.starts, row.seconds) for row in usage.sessions] == [("a", 1, 1200.0)]


async def test_people_are_summed_the_most_used_first(days: Days) -> None:
    people = [(each.owner, each.sessions, each.starts, each.seconds) for each in (await days.usage(until=160)).people]
    assert people == [("bob", 1, 2, 7200.0), ("eve", 1, 1, 300.0)]


async def test_a_session_that_only_waited_and_a_shared_service_cost_nobody_anything(days: Days) -> None:
    await days.created("c", 0, owner="carl")
    await days.created("postgres", 0, owner=None)
    await days.state("postgres", 1, "starting")
    assert {row.session for row in (await days.usage()).sessions} == {"a", "b"}


async def test_every_period_adds_up_to_the_whole(days: Days) -> None:
    whole = await days.usage(until=160)
    for length in (1, 7, 33):
        parts = [await days.usage(since=begin, until=min(begin + length, 160)) for begin in range(0, 160, length)]
        assert sum(row.seconds for part in parts for row in part.sessions) == sum(row.seconds for row in whole.sessions)
        assert sum(row.starts for part in parts for row in part.sessions) == sum(row.starts for row in whole.sessions)


async def test_the_expected_start_is_the_median_of_the_last_twenty_starts(store: Store) -> None:
    days = Days(store)
    for number, seconds in enumerate([6000] * 5 + list(range(1, 21))):
        begin = 200 * number
        await days.created(f"s{number}", begin)
        await days.state(f"s{number}", begin, "starting")
        await days.state(f"s{number}", begin + seconds / 60, "running")
    await days.state("s0", 8900, "suspended")
    await days.state("s0", 9000, "resuming")
    await days.state("s0", 9100, "failed")  # a start that came to nothing says nothing about how long one takes
    seconds = await store.runs.start_seconds(["rspark", "lab"])
    assert expected_seconds(seconds["rspark"]) == 10.5
    assert "lab" not in seconds


async def test_the_catalog_tells_how_long_the_last_starts_took(world: World) -> None:
    for seconds in (4, 2, 9):
        session = await world.session_of("bob")
        await world.controller.start(session)
        world.clock.advance(seconds=seconds)
        await world.controller.observe(session, state=State.RUNNING, ready=world.clock())
    bob = await world.program("bob")
    assert (await bob.get("/hub/api/environments/rspark")).json()["expected_start"] == 4.0


async def test_a_resume_is_expected_to_take_as_long_as_resumes_do(store: Store, world: World) -> None:
    bob, days = await world.program("bob"), Days(store)
    assert (await bob.get("/hub/api/environments/rspark")).json()["expected_resume"] is None
    for number in range(3):
        await days.created(f"s{number}", 0)
        await days.state(f"s{number}", 10, "starting")
        await days.state(f"s{number}", 10 + 45 / 60, "running")
        await days.state(f"s{number}", 20, "suspended")
        await days.state(f"s{number}", 30, "resuming")
        await days.state(f"s{number}", 30 + 5 / 60, "running")
    assert expected_seconds((await store.runs.start_seconds(["rspark"]))["rspark"]) == 45.0
    assert expected_seconds((await store.runs.resume_seconds(["rspark"]))["rspark"]) == 5.0
    assert (await bob.get("/hub/api/environments/rspark")).json()["expected_resume"] == 5.0


async def test_usage_is_ones_own_and_for_administrators_everybodys(world: World) -> None:
    for owner in ("bob", "eve"):
        session = await world.session_of(owner)
        await world.controller.run(session)
        world.clock.advance(minutes=10)
        await world.controller.end(session, State.SUSPENDED)
    bob, ada = await world.program("bob"), await world.program("ada")
    own = (await bob.get("/hub/api/usage")).json()
    assert own["people"] == [{"owner": "bob", "sessions": 1, "starts": 1, "seconds": 600.0}]
    everybody = (await ada.get("/hub/api/usage", params={"all": True})).json()
    assert [each["owner"] for each in everybody["people"]] == ["bob", "eve"]
    since = {"owner": "bob", "since": "2026-11-24T12:04:00+00:00"}
    assert (await ada.get("/hub/api/usage", params=since)).json()["people"][0]["seconds"] == 360.0


async def test_usage_outlives_the_session_and_the_person(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    world.clock.advance(minutes=10)
    await world.controller.end(session, State.STOPPED)
    ada = await world.program("ada")
    await ada.delete("/hub/api/users/bob")
    await world.store.sessions.purge(session)
    usage = (await ada.get("/hub/api/usage", params={"all": True})).json()
    assert [(each["owner"], each["seconds"]) for each in usage["people"]] == [("bob (removed)", 600.0)]


@pytest.mark.parametrize("since", ["yesterday", "2026-11-24T12:00:00", "9" * 30])
async def test_a_time_without_a_zone_is_refused(world: World, since: str) -> None:
    assert (await (await world.program("bob")).get("/hub/api/usage", params={"since": since})).status_code == 422


async def test_the_audit_tells_who_did_what_page_by_page(world: World) -> None:
    session = await world.session_of("bob")
    ada = await world.program("ada")
    await ada.post(f"/hub/api/sessions/{session}/stop")
    await world.session_of("eve")
    first = (await ada.get("/hub/api/audit", params={"limit": 2, "after": 0})).json()
    assert [(each["kind"], each["by"], each["session"]) for each in first["events"]] == [
        ("created", "bob", session), ("wanted", "ada", session),
    ]  # fmt: skip
    rest = (await ada.get("/hub/api/audit", params={"limit": 2, "after": first["next"]})).json()
    assert [(each["kind"], each["by"]) for each in rest["events"]] == [("created", "eve")]
    assert rest["next"] is None
    of_one = (await ada.get("/hub/api/audit", params={"owner": "eve"})).json()["events"]
    assert [each["by"] for each in of_one] == ["eve"]
    assert len((await ada.get("/hub/api/audit", params={"session": session})).json()["events"]) == 2


async def test_the_audit_has_the_newest_first_and_goes_back_page_by_page(world: World) -> None:
    ada = await world.program("ada")
    session = await world.session_of("bob")
    for state in ("stop", "resume", "stop"):
        await ada.post(f"/hub/api/sessions/{session}/{state}")
    read, before = [], None
    while True:
        page = (await ada.get("/hub/api/audit", params={"limit": 2, **({"before": before} if before else {})})).json()
        read += page["events"]
        if (before := page["next"]) is None:
            break
    ids = [each["id"] for each in read]
    assert ids == sorted(ids, reverse=True)
    assert read[-1]["kind"] == "created"
    assert len(ids) == len(set(ids)) == len((await ada.get("/hub/api/audit")).json()["events"])
    between = (await ada.get("/hub/api/audit", params={"before": ids[0], "after": ids[-1]})).json()["events"]
    assert [each["id"] for each in between] == sorted(ids)[1:-1]


async def test_the_audit_names_sessions_and_says_what_people_did(world: World) -> None:
    ada = await world.program("ada")
    await ada.post("/hub/api/users", json={"name": "zoe", "admin": True})
    await ada.post("/hub/api/users/zoe/link")
    await ada.post("/hub/api/users/zoe/password", json={"password": "correct horse"})
    await ada.post("/hub/api/users/zoe/disable")
    await ada.post("/hub/api/users/zoe/enable")
    await ada.post("/hub/api/groups", json={"name": "lab", "members": ["zoe"]})
    await ada.put("/hub/api/groups/lab", json={"members": ["bob"]})
    await ada.delete("/hub/api/groups/lab")
    token = (await ada.post("/hub/api/tokens", json={"name": "laptop"})).json()
    await ada.delete(f"/hub/api/tokens/{token['id']}")
    signed_in = await world.nobody().post("/hub/api/login", json={"name": "zoe", "password": "correct horse"})
    assert signed_in.status_code == 200
    session = await world.session_of("bob", name="Homework 3")
    await ada.post(f"/hub/api/sessions/{session}/stop")
    await ada.delete("/hub/api/users/zoe")
    for _ in range(2):  # the second time nothing is done
        assert (await ada.delete("/hub/api/removed-users/zoe", params={"data": "delete"})).status_code == 202
    events = (await ada.get("/hub/api/audit")).json()["events"]
    assert [each["text"] for each in reversed(events)] == [
        "ada adds zoe (removed), as an administrator.",
        "ada makes a one-time sign-in link for zoe (removed).",
        "ada sets a new password for zoe (removed).",
        "ada disables zoe (removed): nobody signs in as them.",
        "ada enables zoe (removed): they may sign in again.",
        "ada adds the group lab, with zoe.",
        "ada sets who is in the group lab; in: bob; out: zoe.",
        "ada removes the group lab, of bob. Its data are kept.",
        "ada makes the token “laptop”.",
        "ada ends the token “laptop”.",
        "zoe (removed) signs in by password.",
        "bob makes Homework 3 from rspark.",
        "ada asks Homework 3 to stop.",
        "ada removes zoe (removed). Their data are kept.",
        "ada deletes what was kept of zoe (removed).",
    ]
    told = (await ada.get("/hub/api/audit", headers={"Accept-Language": "de-CH, en;q=0.5"})).json()["events"]
    assert [each["text"] for each in reversed(told)][-4:] == [
        "bob legt Homework 3 aus rspark an.",
        "ada beendet Homework 3.",
        "ada entfernt zoe (removed). Die Daten bleiben erhalten.",
        "ada löscht, was von zoe (removed) blieb.",
    ]
    of_session = [each for each in events if each["session"] is not None]
    assert {(each["session"], each["session_name"], each["owner"]) for each in of_session} == {(session, "Homework 3", "bob")}


async def test_the_audit_is_chosen_by_person_kind_session_and_time(world: World) -> None:
    ada = await world.program("ada")
    first = await world.session_of("bob", name="Homework 3")
    await ada.post(f"/hub/api/sessions/{first}/stop")
    world.clock.advance(hours=1)
    second = await world.session_of("eve", name="Homework 4")
    await ada.post("/hub/api/users/eve/link")

    async def found(**params: object) -> list[tuple[str, str | None]]:
        answer = await ada.get("/hub/api/audit", params=params)
        assert answer.status_code == 200, answer.text
        return [(each["kind"], each["session"]) for each in answer.json()["events"]]

    everything = [("person", None), ("created", second), ("wanted", first), ("created", first)]
    assert await found() == everything
    assert await found(person="ada") == [("person", None), ("wanted", first)]
    assert await found(person="eve") == everything[:2]
    assert await found(person="bob") == everything[2:]
    assert await found(session=first) == await found(session="Homework 3") == everything[2:]
    assert await found(kind="created") == [("created", second), ("created", first)]
    assert await found(kind=["wanted", "person"]) == [("person", None), ("wanted", first)]
    half = (world.clock() - timedelta(minutes=30)).isoformat()
    assert await found(since=half) == everything[:2]
    assert await found(until=half) == everything[2:]
    assert await found(person="bob", kind="wanted", until=half, limit=1) == [("wanted", first)]
    assert await found(person="nobody-like-this") == []
    for odd in ({"kind": "gossip"}, {"since": "yesterday"}, {"limit": 100_000}, {"session": "x" * 200}):
        assert (await ada.get("/hub/api/audit", params=odd)).status_code == 422, odd
    assert (await (await world.program("bob")).get("/hub/api/audit")).status_code == 403


async def test_who_follows_sessions_hears_nothing_of_peoples_accounts(world: World) -> None:
    ada = await world.program("ada")
    await ada.post("/hub/api/users/eve/link")
    assert await world.store.events.since(None, 0) == []
    assert [each.kind for each in await world.store.audit.since(AuditFilter(), after=0, limit=9)] == ["person"]


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("kind", get_args(EventKind))
@pytest.mark.parametrize("data", [{}, {"change": 7, "name": None, "state": [], "joined": "x", "wanted": {}, "reason": 4}])
def test_an_event_that_cant_be_read_is_a_sentence_too(language: str, kind: EventKind, data: dict[str, Any]) -> None:
    text = event_text(kind, data, Subjects(by=None, owner=None, session=None), sentences_in(language))
    assert text.endswith(".")
    assert "None" not in text


async def test_prometheus_is_told_states_starts_failures_ends_and_times(world: World) -> None:
    client = world.nobody()
    await client.get("/metrics")  # counts from here on
    await world.session_of("bob")
    asleep, failed = await world.session_of("bob"), await world.session_of("eve")
    for session, state, code in ((asleep, State.SUSPENDED, 0), (failed, State.FAILED, 1)):
        await world.controller.run(session)
        await world.controller.end(session, state, code=code)
    await (await world.program("bob")).get(f"/hub/api/sessions/{asleep}")
    await client.get("/hub/api/nothing")
    lines = (await client.get("/metrics")).text.splitlines()
    assert {
        'rsparkhub_sessions{state="queued"} 1.0',
        'rsparkhub_sessions{state="suspended"} 1.0',
        'rsparkhub_sessions{state="running"} 0.0',
        "rsparkhub_session_starts_total 2.0",
        "rsparkhub_session_failures_total 1.0",
        'rsparkhub_session_ends_total{code="0"} 1.0',
        'rsparkhub_session_ends_total{code="1"} 1.0',
        'rsparkhub_http_request_duration_seconds_count{method="GET",route="/hub/api/sessions/{id}",status="200"} 1.0',
        'rsparkhub_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1.0',
    } <= set(lines)


async def test_a_hub_that_lives_and_one_that_can_work_are_told_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = world.nobody()
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200

    async def away() -> int:
        raise Unavailable("RSparkHub's database does not answer.")

    monkeypatch.setattr(world.store.events, "latest_id", away)
    assert (await client.get("/healthz")).status_code == 200
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
