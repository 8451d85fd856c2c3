"""Sessions that are shared: what the API says of them, and what ends with a share."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from world import World, add_environment

from rsparkhub.domain.session import State
from rsparkhub.domain.share import Role
from rsparkhub.store.events import By


@pytest.fixture
async def session(world: World, tmp_path: Path) -> str:
    """A running session of bob's in JupyterLab; eve is in the group lab."""
    add_environment(tmp_path / "environments", "notebooks", title="Notebooks", interface="jupyterlab")
    await world.store.users.add_group("lab", members=["eve", "bob"], now=world.clock())
    made = await world.session_of("bob", "notebooks", name="Homework")
    await world.controller.run(made)
    return made


async def test_a_session_is_shared_listed_and_shared_no_longer(world: World, session: str) -> None:
    bob, eve = await world.program("bob"), await world.program("eve")
    shares = f"/hub/api/sessions/{session}/shares"
    later = (world.clock() + timedelta(days=2)).isoformat()
    made = await bob.post(shares, json={"name": "eve", "role": "editor", "expires": later})
    assert made.status_code == 201
    assert (made.json()["kind"], made.json()["name"], made.json()["role"]) == ("person", "eve", "editor")
    assert (await bob.get(shares)).json() == {"shares": [made.json()]}
    [shared] = (await eve.get("/hub/api/shared-sessions")).json()["sessions"]
    assert (shared["session"]["id"], shared["session"]["owner"], shared["role"]) == (session, "bob", "editor")
    assert (await eve.get("/hub/api/sessions")).json()["sessions"] == []
    assert (await bob.delete(f"{shares}/{made.json()['id']}")).status_code == 204
    assert (await eve.get("/hub/api/shared-sessions")).json() == {"sessions": []}
    assert (await eve.get(f"/hub/api/sessions/{session}")).status_code == 404
    audit = (await (await world.program("ada")).get("/hub/api/audit?kind=share")).json()["events"]
    assert [event["text"] for event in audit] == [
        "bob no longer shares Homework with eve.",
        f"bob shares Homework with eve as an editor, until {later[:10]} 12:00 UTC.",
    ]


async def test_a_viewer_is_told_what_they_may_not_and_others_nothing(world: World, session: str) -> None:
    eve = await world.program("eve")
    assert (await eve.post(f"/hub/api/sessions/{session}/suspend")).status_code == 404
    await world.store.shares.set(session, group="lab", role=Role.VIEWER, by=By("bob", world.clock()))
    refused = await eve.post(f"/hub/api/sessions/{session}/suspend")
    assert refused.status_code == 403
    assert refused.json()["detail"] == "This session is shared with you as a viewer, who may not do this. Ask its owner."


async def test_an_editor_wakes_what_the_owner_may_start(world: World) -> None:
    await world.store.users.add_group("lab", members=["bob"], now=world.clock())
    session = await world.session_of("bob", "lab")
    await world.controller.run(session)
    await world.controller.end(session, State.SUSPENDED)
    await world.store.shares.set(session, person="eve", role=Role.EDITOR, by=By("bob", world.clock()))
    eve = await world.program("eve")  # who is in no group of the environment's
    assert (await eve.post(f"/hub/api/sessions/{session}/resume")).status_code == 202
    await world.controller.run(session)
    await world.controller.end(session, State.SUSPENDED)
    await world.store.users.set_members("lab", [])
    assert (await eve.post(f"/hub/api/sessions/{session}/resume")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "name"),
        ({"name": "bob"}, 409, "bob's own"),
        ({"name": "nobody"}, 404, "no user called nobody"),
        ({"kind": "group", "name": "staff"}, 404, "You are in no group called staff"),
        ({"kind": "group", "name": "nothing"}, 404, "You are in no group called nothing"),
        ({"name": "eve", "expires": "2020-01-01T00:00:00Z"}, 409, "a time to come"),
        ({"name": "eve", "expires": "9999-01-01T00:00:00Z"}, 409, "a time to come"),
        ({"name": "eve", "expires": 5}, 422, "a time is written like"),
    ],
)
async def test_what_can_not_be_shared_is_said(
    world: World, session: str, body: dict[str, object], status: int, says: str
) -> None:
    await world.store.users.add_group("staff", members=["ada"], now=world.clock())
    answer = await (await world.program("bob")).post(f"/hub/api/sessions/{session}/shares", json=body)
    assert answer.status_code == status
    assert says in answer.text


async def test_a_terminal_shows_a_viewer_nothing_and_is_not_shared_so(world: World) -> None:
    session = await world.session_of("bob")
    bob = await world.program("bob")
    refused = await bob.post(f"/hub/api/sessions/{session}/shares", json={"name": "eve", "role": "viewer"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    shared = await bob.post(f"/hub/api/sessions/{session}/shares", json={"name": "eve", "role": "editor"})
    assert shared.status_code == 201


@pytest.mark.parametrize("how", ["ended", "out of the group", "run out"])
async def test_who_listens_to_a_shared_session_hears_no_more_when_the_share_ends(served: World, session: str, how: str) -> None:
    now = served.clock()
    expires = now + timedelta(seconds=1) if how == "run out" else None
    share = await served.store.shares.set(session, group="lab", role=Role.VIEWER, expires=expires, by=By("bob", now))
    eve = await served.program("eve")
    async with eve.stream("GET", f"/hub/api/sessions/{session}/events?watch=true") as response:
        lines = response.aiter_lines()
        async for line in lines:
            if line.startswith("event: session"):
                break
        match how:
            case "ended":
                await served.store.shares.end(session, share.id, by=By("bob", now))
            case "out of the group":
                await served.store.users.set_members("lab", ["bob"])
            case _:
                served.clock.advance(seconds=1)
        async with asyncio.timeout(30):
            async for _ in lines:
                pass
