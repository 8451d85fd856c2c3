"""Asking for sessions, and reading them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from agent import Agent
from world import World

from rspark_contract.saved import LostObject, SleepRefusal
from rsparkhub.catalog import Catalog
from rsparkhub.domain.backend import ONE_MACHINE, BackendTraits
from rsparkhub.domain.notice import Notice
from rsparkhub.domain.session import Sleep, State, Wanted
from rsparkhub.installed.schema import environment_schema

SESSIONS = "/hub/api/sessions"


async def start(client: httpx.AsyncClient, key: str | None = None, **body: object) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(SESSIONS, json={"environment": "rspark", **body}, headers=headers)


async def test_a_session_that_was_asked_for_waits_in_the_queue_at_once(world: World) -> None:
    answer = await start(await world.program("bob"))
    assert answer.status_code == 202
    told = answer.json()
    assert told == {
        "id": told["id"], "owner": "bob", "name": "RSpark", "environment": "rspark", "title": "RSpark",
        "interface": "terminal", "interface_title": "Terminal", "beside": [],
        "state": "queued", "wanted": "running", "reason": None,
        "detail": None,
        "queue_position": 1, "url": f"/s/{told['id']}/", "created": "2026-11-24T12:00:00Z", "started": None, "ready": None,
        "ended": None, "last_activity": None, "busy": False, "busy_with": [], "memory": None, "cpu": None,
        "memory_limit": 4 * 2**30, "cpu_limit": 2.0, "cost": None, "generation": 0, "last_exit": None, "restored": None,
        "sleep_refused": None, "sleeps": None, "kept_until": None,
        "services": [], "warnings": [], "visits": [], "project": None, "options": {}, "viewable": False,
        "may": ["read", "change", "view", "open", "read-log", "run", "suspend", "stop"],
    }  # fmt: skip
    assert (await (await world.program("bob")).get(f"{SESSIONS}/{told['id']}")).json() == told


@pytest.mark.parametrize(
    ("asked", "name", "why"),
    [
        ({"project": "https://git.example/bob/hw.git"}, "project", "bring files by /sessions/{id}/handouts"),
        ({"options": {"r": "4.5"}}, "options", "RSpark has no options"),
    ],
)
async def test_what_no_session_would_do_is_refused_by_name(world: World, asked: dict[str, object], name: str, why: str) -> None:
    bob = await world.program("bob")
    answer = await start(bob, **asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert f"Leave `{name}` out" in answer.json()["detail"]
    assert why in answer.json()["detail"]
    assert (await bob.get(SESSIONS)).json()["sessions"] == []


async def test_an_environment_that_is_not_installed_is_refused_in_its_own_words(world: World, tmp_path: Path) -> None:
    (tmp_path / "full.yaml").write_text(
        "apiVersion: rsparkhub/v1\nkind: Environment\nmetadata: {name: full, title: All of it}\n"
        "spec: {interface: terminal, services: {hdfs: {}}}\n"
    )
    here = BackendTraits(name="process", capabilities=frozenset({ONE_MACHINE}))
    bare = environment_schema(here, lambda requirements: requirements.installed_by is None)
    world.app.state.context = replace(world.app.state.context, catalog=Catalog([tmp_path], bare))
    bob = await world.program("bob")
    shown = (await bob.get("/hub/api/environments/full")).json()
    answer = await start(bob, environment="full")
    assert answer.status_code == 409
    assert answer.json()["detail"] == f"All of it can't be started: {shown['unavailable']}"
    assert "`make hdfs`" in shown["unavailable"]


async def test_a_running_session_tells_its_parts_and_how_it_fares(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.controller.observe(session, busy=True, busy_with=("R kernel, a.ipynb",), memory=2**30, cpu=0.5)
    told = (await (await world.program("bob")).get(f"{SESSIONS}/{session}")).json()
    assert (told["state"], told["generation"], told["queue_position"]) == ("running", 1, None)
    assert told["services"] == [{"name": "interface", "title": "Terminal", "state": "ready", "reason": None}]
    assert (told["busy"], told["busy_with"], told["memory"], told["cpu"]) == (True, ["R kernel, a.ipynb"], 2**30, 0.5)


async def test_a_sleeping_session_tells_what_was_kept(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.controller.end(session, State.SUSPENDED)
    told = (await (await world.program("bob")).get(f"{SESSIONS}/{session}")).json()
    assert told["last_exit"] == {"code": 0, "ended": [], "saved": {"kernels": [], "terminals": 0}, "at": "2026-11-24T12:00:00Z"}


async def test_the_secret_and_the_upstream_of_a_session_are_told_to_nobody(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session, upstream="10.9.8.7:4321")
    for who in ("bob", "ada"):
        text = (await (await world.program(who)).get(f"{SESSIONS}/{session}")).text
        assert "s3cret" not in text
        assert "10.9.8.7" not in text


async def test_what_is_told_of_a_session_survives_the_end_of_its_environment(world: World) -> None:
    session = await world.session_of("bob", environment="long-gone")
    told = (await (await world.program("bob")).get(f"{SESSIONS}/{session}")).json()
    assert (told["title"], told["interface"], told["memory_limit"]) == ("long-gone", None, None)


async def test_the_same_key_gives_the_same_session(world: World) -> None:
    bob = await world.program("bob")
    first, again = await start(bob, "once", name="First"), await start(bob, "once", name="Second")
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert (await start(bob, "twice")).json()["id"] != first.json()["id"]
    assert (await start(await world.program("eve"), "once")).json()["id"] != first.json()["id"]


async def test_the_same_key_at_the_same_moment_gives_one_session(world: World) -> None:
    bob = await world.program("bob")
    answers = await asyncio.gather(*(start(bob, "once") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await bob.get(SESSIONS)).json()["sessions"]) == 1


async def test_nobody_has_more_sessions_than_the_limit_however_fast_they_ask(world: World) -> None:
    bob = await world.program("bob")
    most = world.settings.most_sessions_per_person
    answers = await asyncio.gather(*(start(bob) for _ in range(most + 3)))
    assert sorted(answer.status_code for answer in answers) == [202] * most + [409] * 3
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert str(most) in refused.json()["detail"]
    assert refused.json()["code"] == "conflict"
    assert (await start(await world.program("eve"))).status_code == 202


async def test_a_repeated_request_is_answered_also_at_the_limit(world: World) -> None:
    bob = await world.program("bob")
    first = await start(bob, "key")
    for _ in range(world.settings.most_sessions_per_person - 1):
        await start(bob)
    assert (await start(bob)).status_code == 409
    assert (await start(bob, "key")).json()["id"] == first.json()["id"]


async def test_an_environment_for_another_group_does_not_seem_to_exist(world: World) -> None:
    bob, ada = await world.program("bob"), await world.program("ada")
    refused, absent = await start(bob, environment="lab"), await start(bob, environment="nothing")
    assert refused.status_code == absent.status_code == 404
    assert refused.json()["detail"].replace("lab", "nothing") == absent.json()["detail"]
    assert (await start(ada, environment="lab")).status_code == 202
    await world.store.users.add_group("lab", members=["bob"], now=world.clock())
    assert (await start(bob, environment="lab")).status_code == 202


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        {"environment": ""}, {"name": "x" * 81}, {"name": "a\nb"}, {"project": "\0"}, {"options": {"A": 1}}, {"nmae": "typo"},
        {"options": {"a": [1]}}, {"options": {f"o{n}": 1 for n in range(33)}}, {"environment": 7},
    ],
    ids=str,
)  # fmt: skip
async def test_a_request_that_is_not_right_is_refused_with_the_field_that_is_wrong(world: World, body: dict[str, object]) -> None:
    answer = await start(await world.program("bob"), **body)
    assert answer.status_code == 422
    assert next(iter(body)) in answer.json()["detail"]
    assert (await (await world.program("bob")).get(SESSIONS)).json()["sessions"] == []


@pytest.mark.parametrize("key", ["", "with space", "ü", "x" * 201])
async def test_a_key_that_is_not_plain_is_refused(world: World, key: str) -> None:
    bob = await world.program("bob")
    answer = await bob.post(SESSIONS, json={"environment": "rspark"}, headers=[(b"Idempotency-Key", key.encode())])
    assert answer.status_code == 422


async def test_sessions_are_listed_newest_first_page_by_page(world: World) -> None:
    made = []
    for _ in range(5):
        world.clock.advance(seconds=1)
        made.append(await world.session_of("bob"))
    bob = await world.program("bob")
    first = (await bob.get(SESSIONS, params={"limit": 2})).json()
    second = (await bob.get(SESSIONS, params={"limit": 2, "after": first["next"]})).json()
    third = (await bob.get(SESSIONS, params={"limit": 2, "after": second["next"]})).json()
    pages = [[session["id"] for session in page["sessions"]] for page in (first, second, third)]
    assert [*pages[0], *pages[1], *pages[2]] == made[::-1]
    assert third["next"] is None


async def test_a_page_after_somebody_elses_session_is_refused_as_if_there_were_none(world: World) -> None:
    foreign = await world.session_of("ada")
    bob = await world.program("bob")
    assert (await bob.get(SESSIONS, params={"after": foreign})).status_code == 404
    assert (await bob.get(SESSIONS, params={"after": "nosuchsess"})).status_code == 404


async def test_a_list_is_of_one_person_of_all_or_of_some_states(world: World) -> None:
    bobs, adas = await world.session_of("bob"), await world.session_of("ada")
    await world.controller.run(bobs)

    async def ids(who: str, **params: object) -> set[str]:
        answer = await (await world.program(who)).get(SESSIONS, params=params)
        return {session["id"] for session in answer.json()["sessions"]}

    assert await ids("bob") == await ids("bob", owner="bob") == {bobs}
    assert await ids("ada") == {adas}
    assert await ids("ada", all="true") == {bobs, adas}
    assert await ids("ada", owner="bob") == {bobs}
    assert await ids("ada", all="true", state="running") == {bobs}
    assert await ids("ada", all="true", state=["queued", "running"]) == {bobs, adas}


async def test_a_shared_service_is_not_a_session_to_anybody(world: World) -> None:
    await world.store.sessions.create("postgres", kind="service", owner=None, environment="postgres", name="x", now=world.clock())
    ada = await world.program("ada")
    assert (await ada.get(f"{SESSIONS}/postgres")).status_code == 404
    assert (await ada.post(f"{SESSIONS}/postgres/stop")).status_code == 404
    assert (await ada.get(SESSIONS, params={"all": True})).json()["sessions"] == []


async def test_who_waits_knows_the_place_in_the_queue(world: World) -> None:
    first = await world.session_of("bob")
    world.clock.advance(seconds=1)
    second = await world.session_of("eve")
    bob = (await (await world.program("bob")).get(f"{SESSIONS}/{first}")).json()
    eve = (await (await world.program("eve")).get(f"{SESSIONS}/{second}")).json()
    assert (bob["queue_position"], eve["queue_position"]) == (1, 2)


async def test_a_deleted_session_is_in_no_list_and_is_shown_until_it_is_gone(world: World) -> None:
    session = await world.session_of("bob")
    bob = await world.program("bob")
    assert (await bob.delete(f"{SESSIONS}/{session}")).status_code == 202
    assert (await bob.get(SESSIONS)).json()["sessions"] == []
    assert (await bob.get(f"{SESSIONS}/{session}")).json()["wanted"] == "deleted"
    assert (await bob.post(f"{SESSIONS}/{session}/resume")).status_code == 404
    assert (await bob.delete(f"{SESSIONS}/{session}")).status_code == 202
    await world.store.sessions.purge(session)
    assert (await bob.get(f"{SESSIONS}/{session}")).status_code == 404
    assert (await bob.delete(f"{SESSIONS}/{session}")).status_code == 404


@pytest.mark.parametrize("state", [State.SUSPENDED, State.STOPPED, State.FAILED])
async def test_a_session_that_ended_is_queued_as_soon_as_it_is_to_run_again(world: World, state: State) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.controller.end(session, state, reason="for the test")
    told = (await (await world.program("bob")).post(f"{SESSIONS}/{session}/resume")).json()
    assert (told["state"], told["wanted"], told["queue_position"], told["reason"]) == ("queued", "running", 1, None)


async def test_who_may_no_longer_start_an_environment_cannot_wake_a_session_of_it(world: World) -> None:
    session = await world.session_of("bob", "lab")
    await world.controller.run(session)
    await world.controller.end(session, State.SUSPENDED, reason="for the test")
    assert (await (await world.program("bob")).post(f"{SESSIONS}/{session}/resume")).status_code == 404
    assert (await (await world.program("ada")).post(f"{SESSIONS}/{session}/resume")).status_code == 202


async def test_an_idle_session_is_told_that_it_soon_goes_to_sleep(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    bob = await world.program("bob")

    async def warnings() -> list[dict[str, str]]:
        found: list[dict[str, str]] = (await bob.get(f"{SESSIONS}/{session}")).json()["warnings"]
        return found

    world.clock.advance(minutes=107)
    assert await warnings() == []
    world.clock.advance(minutes=1)
    assert [(each["kind"], each["at"]) for each in await warnings()] == [("idle", "2026-11-24T14:00:00Z")]
    await world.controller.observe(session, last_activity=world.clock())
    assert await warnings() == []


async def test_a_notice_that_was_given_stands_until_a_person_does_something(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    world.clock.advance(minutes=110)
    at = world.clock() + timedelta(minutes=12)
    notice = Notice(kind="idle", generation=1, given=world.clock(), at=at, text="Soon.")
    await world.controller.observe(session, notices=(notice,))
    world.clock.advance(minutes=5)
    bob = await world.program("bob")
    told = (await bob.get(f"{SESSIONS}/{session}")).json()["warnings"]
    assert told == [{"kind": "idle", "at": "2026-11-24T14:02:00Z", "text": "Soon."}]
    await world.controller.observe(session, last_activity=world.clock())
    assert (await bob.get(f"{SESSIONS}/{session}")).json()["warnings"] == []


async def test_a_session_that_computes_is_not_told_that_it_is_idle(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.controller.observe(session, busy=True)
    world.clock.advance(minutes=119)
    assert (await (await world.program("bob")).get(f"{SESSIONS}/{session}")).json()["warnings"] == []


async def test_the_list_is_told_though_the_catalog_cannot_be_read(world: World) -> None:
    await world.session_of("bob")
    folder = world.pages.parent / "environments"
    folder.rename(folder.with_name("elsewhere"))
    bob = await world.program("bob")
    assert [each["title"] for each in (await bob.get(SESSIONS)).json()["sessions"]] == ["rspark"]
    answer = await bob.get("/hub/api/environments")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert str(folder) not in answer.text
    told = await (await world.program("ada")).get("/hub/api/environments")
    assert str(folder) in told.json()["detail"]


async def test_what_computes_is_ended_only_when_that_is_confirmed(world: World) -> None:
    bob = await world.program("bob")
    for call, confirmed in (
        (("POST", "suspend", None), ("POST", "suspend", {"confirm": True})),
        (("POST", "suspend", {"confirm": False}), ("POST", "suspend", {"force": True})),
        (("POST", "stop", None), ("POST", "stop", {"confirm": True})),
        (("DELETE", "", None), ("DELETE", "?confirm=true", None)),
    ):
        session = (await bob.post("/hub/api/sessions", json={"environment": "rspark"})).json()["id"]
        await world.controller.run(session)
        await world.controller.observe(session, busy=True, busy_with=("A terminal runs psql",))
        method, path, body = call
        answer = await bob.request(method, f"/hub/api/sessions/{session}/{path}".rstrip("/"), json=body)
        assert answer.status_code == 409
        problem = answer.json()
        assert (problem["code"], problem["running"]) == ("busy", ["A terminal runs psql"])
        assert (await world.store.sessions.get(session)).wanted is Wanted.RUNNING
        method, path, body = confirmed
        address = f"/hub/api/sessions/{session}{path}" if method == "DELETE" else f"/hub/api/sessions/{session}/{path}"
        assert (await bob.request(method, address, json=body)).status_code == 202
        if method != "DELETE":  # asked again, it is the same
            assert (await bob.post(f"/hub/api/sessions/{session}/{path}")).status_code == 202


async def test_what_has_just_ended_keeps_nobody_from_a_sleep_or_a_stop(world: World) -> None:
    bob = await world.program("bob")
    async with Agent().serve() as agent:
        for method, path in (("POST", "/suspend"), ("POST", "/stop"), ("DELETE", "")):
            session = (await bob.post("/hub/api/sessions", json={"environment": "rspark"})).json()["id"]
            await world.controller.run(session, upstream=agent.address)
            await world.controller.observe(session, busy=True, busy_with=("java",))
            agent.busy_with = ["Spark, flights"]
            answer = await bob.request(method, f"/hub/api/sessions/{session}{path}")
            assert (answer.status_code, answer.json()["running"]) == (409, ["Spark, flights"])
            agent.busy_with = []
            assert (await bob.request(method, f"/hub/api/sessions/{session}{path}")).status_code == 202


async def test_a_refused_sleep_is_told_and_to_force_it_counts(world: World) -> None:
    bob = await world.program("bob")
    session = (await bob.post("/hub/api/sessions", json={"environment": "rspark"})).json()["id"]
    await world.controller.run(session)
    lost = (LostObject(name="x", class_name="list", why="Your home is full.", failed=True),)
    reason = "could not keep `x` (Your home is full)."
    await world.controller.observe(session, refusal=SleepRefusal(number=1, at=world.clock(), reason=reason, lost=lost))
    refused = (await bob.get(f"/hub/api/sessions/{session}")).json()["sleep_refused"]
    assert refused["reason"] == reason
    assert refused["lost"] == [{"name": "x", "class": "list", "why": "Your home is full.", "failed": True}]
    assert (await bob.post(f"/hub/api/sessions/{session}/suspend")).status_code == 202
    assert (await world.store.sessions.get(session)).sleep is Sleep.IDLE
    assert (await bob.post(f"/hub/api/sessions/{session}/suspend", json={"force": True})).status_code == 202
    assert (await world.store.sessions.get(session)).sleep is Sleep.FORCED


async def test_an_administrator_sees_what_was_deleted_long_ago_and_is_still_there(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    bob, ada = await world.program("bob"), await world.program("ada")
    assert (await bob.delete(f"/hub/api/sessions/{session}")).status_code == 202
    listed = "/hub/api/sessions?all=true"
    assert (await ada.get(listed)).json()["sessions"] == []
    world.clock.advance(minutes=20)
    (shown,) = (await ada.get(listed)).json()["sessions"]
    assert shown["id"] == session
    assert [(warning["kind"], warning["text"][:43]) for warning in shown["warnings"]] == [
        ("stuck", "It has been deleted and is still running, f")
    ]
    assert (await bob.get("/hub/api/sessions")).json()["sessions"] == [], "whose it was has no use for it"


async def test_a_broken_file_of_the_catalog_is_told_and_where_it_is_only_to_administrators(world: World) -> None:
    broken = world.pages.parent / "environments" / "broken.yaml"
    broken.write_text("spec: [")
    of_bob = (await (await world.program("bob")).get("/hub/api/environments")).json()
    assert (of_bob["incomplete"], of_bob["problems"]) == (True, [])
    of_ada = (await (await world.program("ada")).get("/hub/api/environments")).json()
    (problem,) = of_ada["problems"]
    assert (problem["path"], problem["kept"]) == (str(broken), None)
    assert "this is not YAML" in problem["text"]
    assert [each["name"] for each in of_ada["environments"]]
    broken.unlink()
    assert (await (await world.program("bob")).get("/hub/api/environments")).json()["incomplete"] is False


async def test_the_sleep_of_an_idle_session_is_put_off_until_it_can_not_be_any_further(world: World) -> None:
    session = await world.session_of("bob", name="Thesis")
    await world.controller.run(session)
    bob = await world.program("bob")
    url = f"{SESSIONS}/{session}"
    assert (await bob.get(url)).json()["sleeps"] == {"at": "2026-11-24T14:00:00Z", "why": "idle", "can_extend": True}
    for hour in (16, 18, 20, 22):
        answer = await bob.post(f"{url}/extend")
        assert (answer.status_code, answer.json()["sleeps"]["at"]) == (200, f"2026-11-24T{hour}:00:00Z")
    bound = (await bob.post(f"{url}/extend", json={"by": "3h"})).json()["sleeps"]
    assert bound == {"at": "2026-11-25T00:00:00Z", "why": "idle", "can_extend": False}
    refused = await bob.post(f"{url}/extend")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["detail"] == "Thesis sleeps as late as it may: 12 hours ahead. Put it off again later."
    told = [event for event in await world.store.events.since(session, 0) if event.kind == "extended"]
    assert [(event.by, event.owner, event.data["until"][11:16]) for event in told] == [
        ("bob", "bob", f"{hour:02}:00") for hour in (16, 18, 20, 22, 0)
    ]
    audit = (await (await world.program("ada")).get("/hub/api/audit", params={"kind": "extended"})).json()["events"]
    assert audit[0]["text"] == "bob puts off the sleep of Thesis until 2026-11-25 00:00 UTC."


async def test_a_sleep_is_not_put_off_by_nonsense_nor_in_a_session_that_sleeps(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    bob = await world.program("bob")
    for by in ("0s", "59s", "31d", "2", 7200, "-2h", None):
        assert (await bob.post(f"{SESSIONS}/{session}/extend", json={"by": by})).status_code == 422, by
    await world.store.sessions.set_wanted(session, Wanted.SUSPENDED, by="bob", now=world.clock())
    await world.controller.end(session, State.SUSPENDED)
    assert "is asleep" in (await bob.post(f"{SESSIONS}/{session}/extend")).json()["detail"]
    assert (await bob.get(f"{SESSIONS}/{session}")).json()["kept_until"] == "2026-12-01T12:00:00Z"
    lost = await world.session_of("bob", environment="long-gone")
    await world.controller.run(lost)
    assert "is not in the catalog" in (await bob.post(f"{SESSIONS}/{lost}/extend")).json()["detail"]


async def test_a_session_gets_another_name_and_keeps_its_id_and_address(world: World) -> None:
    session = await world.session_of("bob", name="RSpark")
    await world.controller.run(session)
    bob, ada = await world.program("bob"), await world.program("ada")
    url = f"{SESSIONS}/{session}"
    before = (await bob.get(url)).json()
    for name in ("Größe & 大小 🌍", "x" * 80, "Thesis", "Thesis"):
        answer = await bob.patch(url, json={"name": name})
        assert (answer.status_code, answer.json()) == (200, before | {"name": name})
    assert (await bob.get(SESSIONS)).json()["sessions"][0]["name"] == "Thesis"
    for wrong in ("", "x" * 81, "a\nb", "a\x00b", None, 7):
        assert (await bob.patch(url, json={"name": wrong})).status_code == 422, wrong
    audit = (await ada.get("/hub/api/audit", params={"session": "Thesis"})).json()["events"]
    renamed = [event for event in audit if event["kind"] == "renamed"]
    assert [event["text"] for event in renamed][::-1] == [
        "bob renames RSpark to Größe & 大小 🌍.",
        f"bob renames Größe & 大小 🌍 to {'x' * 80}.",
        f"bob renames {'x' * 80} to Thesis.",
    ], "the same name again is no event"
    assert {event["session_name"] for event in audit} == {"Thesis"}


async def test_a_deleted_session_gets_no_other_name(world: World) -> None:
    session = await world.session_of("bob")
    await world.store.sessions.set_wanted(session, Wanted.DELETED, by="bob", now=world.clock())
    answer = await (await world.program("bob")).patch(f"{SESSIONS}/{session}", json={"name": "Thesis"})
    assert answer.status_code == 404


OFFERED = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: sized, title: Sized}
spec:
  interface: terminal
  resources: {cpu: 2, memory: 4Gi}
  options:
    size:
      title: Size
      kind: choice
      default: small
      choices: [{value: small}, {value: large, title: Large, cpu: 8, memory: 16Gi}]
    workers: {title: Workers, kind: number, least: 1, most: 8, default: 2, variable: WORKERS}
"""


async def test_an_administrator_starts_a_session_for_somebody_who_may_start_it(world: World) -> None:
    labs = OFFERED.replace("name: sized", "name: labs").replace("spec:", "spec:\n  access: {groups: [lab]}")
    (world.settings.data / "environments" / "labs.yaml").write_text(labs)
    ada, bob = await world.program("ada"), await world.program("bob")
    made = (await start(ada, owner="bob")).json()
    assert made["owner"] == "bob"
    assert [each["id"] for each in (await bob.get(SESSIONS)).json()["sessions"]] == [made["id"]]
    assert (await start(ada, owner="bob", reuse=True)).json()["id"] == made["id"]
    events = (await ada.get("/hub/api/audit", params={"session": made["id"], "kind": "created"})).json()["events"]
    assert [(event["by"], event["owner"]) for event in events] == [("ada", "bob")]
    assert (await start(ada, owner="nobody")).status_code == 404
    # What the owner may start counts, and not what the administrator may.
    assert (await start(ada, owner="bob", environment="labs")).status_code == 404
    assert (await start(ada, environment="labs")).status_code == 202
    assert (await start(bob, owner="bob")).status_code == 202
    for another in ("ada", "eve", "nobody"):
        refused = await start(bob, owner=another)
        assert (refused.status_code, refused.json()["detail"]) == (403, "Only administrators may start sessions for others.")


async def test_a_session_is_started_with_options_and_keeps_them(world: World) -> None:
    (world.settings.data / "environments" / "sized.yaml").write_text(OFFERED)
    bob = await world.program("bob")
    offered = (await bob.get("/hub/api/environments/sized")).json()["options"]
    assert offered[0] == {
        "name": "size", "title": "Size", "description": "", "kind": "choice", "default": "small", "least": None, "most": None,
        "choices": [{"value": "small", "title": "small"}, {"value": "large", "title": "Large"}],
    }  # fmt: skip
    told = (await start(bob, environment="sized", options={"size": "large", "workers": "3"})).json()
    assert (told["options"], told["cpu_limit"]) == ({"size": "large", "workers": 3.0}, 8.0)
    assert told["memory_limit"] == 16 * 2**30
    await world.controller.run(told["id"])
    await world.controller.end(told["id"], State.SUSPENDED)
    await world.store.sessions.set_wanted(told["id"], Wanted.RUNNING, by="bob", now=world.clock())
    assert (await bob.get(f"{SESSIONS}/{told['id']}")).json()["options"] == told["options"]
    again = await start(bob, environment="sized", reuse=True, options={"size": "small"})
    assert (again.json()["id"], again.json()["options"]) == (told["id"], told["options"])
    for wrong, why in (({"size": "huge"}, "one of small, large"), ({"workers": 9}, "from 1 to 8"), ({"x": 1}, "no option x")):
        refused = await start(bob, environment="sized", options=wrong)
        assert (refused.status_code, why in refused.json()["detail"]) == (422, True)
    assert (await start(bob, environment="sized")).json()["options"] == {"size": "small", "workers": 2}


async def test_a_link_keeps_options_that_are_right(world: World) -> None:
    (world.settings.data / "environments" / "sized.yaml").write_text(OFFERED)
    bob = await world.program("bob")
    link = {"environment": "sized", "source": "tutorial", "options": {"size": "large", "workers": 3}}
    made = (await bob.post("/hub/api/links", json=link)).json()["url"]
    assert made.endswith("/hub/start?environment=sized&from=tutorial&option=size%3Dlarge&option=workers%3D3")
    refused = await bob.post("/hub/api/links", json=link | {"options": {"size": "huge"}})
    assert (refused.status_code, refused.json()["detail"]) == (422, "The option size of Sized is to be one of small, large.")


@pytest.mark.long
@pytest.mark.parametrize("name", ["", " ", "\u00a0\u3000", "\u200b\u202e", "a\nb", "a" * 81])
async def test_a_session_is_called_something_that_can_be_seen(world: World, name: str) -> None:
    bob = await world.program("bob")
    session = (await bob.post("/hub/api/sessions", json={"environment": "rspark"})).json()["id"]
    assert (await bob.patch(f"/hub/api/sessions/{session}", json={"name": name})).status_code == 422
    assert (await bob.post("/hub/api/sessions", json={"environment": "rspark", "name": name})).status_code == 422
    assert (await bob.patch(f"/hub/api/sessions/{session}", json={"name": " é "})).is_success
