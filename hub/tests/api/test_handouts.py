"""Links that start work: one session of an environment however often it is asked for, and files that its agent brings."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from agent import Agent
from world import World

from rsparkhub.domain.session import State

LABS = {"source": "https://git.example/labs", "document": "lab1.Rmd"}


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    async with Agent().serve() as agent:
        yield agent


async def test_the_same_session_is_taken_however_often_it_is_asked_for(world: World) -> None:
    bob = await world.program("bob")
    ask = {"environment": "rspark", "reuse": True}
    answers = await asyncio.gather(*(bob.post("/hub/api/sessions", json=ask) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await bob.get("/hub/api/sessions")).json()["sessions"]) == 1


async def test_one_that_sleeps_is_woken_and_one_that_runs_comes_first(world: World) -> None:
    bob = await world.program("bob")
    ask = {"environment": "rspark", "reuse": True}
    asleep = await world.session_of("bob")
    await world.controller.run(asleep)
    await bob.post(f"/hub/api/sessions/{asleep}/suspend", json={"confirm": True})
    await world.controller.end(asleep, State.SUSPENDED)
    woken = (await bob.post("/hub/api/sessions", json=ask)).json()
    assert (woken["id"], woken["state"], woken["wanted"]) == (asleep, "queued", "running")
    await bob.post(f"/hub/api/sessions/{asleep}/suspend", json={"confirm": True})
    running = await world.session_of("bob")
    await world.controller.run(running)
    assert (await bob.post("/hub/api/sessions", json=ask)).json()["id"] == running


async def test_nobody_elses_and_no_deleted_one_is_taken(world: World) -> None:
    bob = await world.program("bob")
    await world.session_of("eve")
    deleted = await world.session_of("bob")
    await bob.delete(f"/hub/api/sessions/{deleted}")
    made = (await bob.post("/hub/api/sessions", json={"environment": "rspark", "reuse": True})).json()
    assert made["owner"] == "bob"
    assert made["id"] != deleted


async def test_files_are_brought_by_the_agent_and_it_is_told_how_far(world: World, agent: Agent) -> None:
    bob = await world.program("bob")
    session = await world.session_of("bob")
    await world.controller.run(session, upstream=agent.address)
    path = f"/hub/api/sessions/{session}/handouts"
    begun = await bob.post(path, json=LABS)
    assert begun.status_code == 202
    assert (begun.json()["state"], begun.json()["url"]) == ("running", f"/s/{session}/")
    [asked] = agent.handouts.values()
    assert (asked.source, asked.document, asked.redirects) == (LABS["source"], LABS["document"], True)
    agent.opens = "lab/tree/labs/lab1.Rmd"
    done = (await bob.get(f"{path}/{begun.json()['id']}")).json()
    assert (done["state"], done["url"]) == ("done", f"/s/{session}/lab/tree/labs/lab1.Rmd")


@pytest.mark.parametrize(
    "source", ["file:///etc", "ext::sh -c id", "--upload-pack=id", "https://ada:secret@git.example/labs", "git@host:labs"]
)
async def test_what_is_no_address_is_refused_before_anything_is_asked(world: World, agent: Agent, source: str) -> None:
    bob = await world.program("bob")
    session = await world.session_of("bob")
    await world.controller.run(session, upstream=agent.address)
    refused = await bob.post(f"/hub/api/sessions/{session}/handouts", json={"source": source})
    assert refused.status_code == 422
    assert "secret" not in refused.text
    assert agent.handouts == {}


async def test_a_session_that_does_not_run_takes_none(world: World) -> None:
    bob = await world.program("bob")
    session = await world.session_of("bob")
    refused = await bob.post(f"/hub/api/sessions/{session}/handouts", json=LABS)
    assert refused.status_code == 409
    assert refused.json()["detail"] == "A session waits in the queue. Files can be brought when it runs."


async def test_an_agent_of_before_is_said(world: World) -> None:
    bob = await world.program("bob")
    session = await world.session_of("bob")
    await world.controller.run(session)  # where nobody answers
    refused = await bob.post(f"/hub/api/sessions/{session}/handouts", json=LABS)
    assert refused.status_code == 503
    assert "open the link again" in refused.json()["detail"]


async def test_a_link_is_checked_and_written(world: World) -> None:
    bob = await world.program("bob")
    ask = {"environment": "rspark", **LABS, "branch": "week-2", "folder": "a b"}
    assert (await bob.post("/hub/api/links", json=ask)).json()["url"].partition("/hub/")[2] == (
        "start?environment=rspark&from=https://git.example/labs&branch=week-2&folder=a%20b&open=lab1.Rmd"
    )
    assert (await bob.post("/hub/api/links", json={**ask, "document": "../x"})).status_code == 422
    assert (await bob.post("/hub/api/links", json={**ask, "environment": "none"})).status_code == 404


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"source": "git@github.com:our/labs.git"}, "body.source: give the address of a public Git repository as https://"),
        ({"source": "https://github.com/our/labs?tab=readme"}, "without a name and password, ? or #"),
        ({"branch": "main "}, "body.branch: give the name of a branch as week-2"),
        ({"folder": "/week1/"}, "body.folder: give a path inside of it as week1/lab1.Rmd, without / at its ends"),
        ({"document": ".hidden"}, "no part of it begins with a dot"),
        (
            {"source": "https://github.com/our/labs/tree/main/week1/"},
            "Give https://github.com/our/labs here, main as the branch, and week1 as the folder.",
        ),
        (
            {"source": "https://gitlab.example/a/b/labs/-/blob/v1/x/lab1.Rmd"},
            "Give https://gitlab.example/a/b/labs here, v1 as the branch, and x/lab1.Rmd as the document.",
        ),
        (
            {"source": "https://forge.example/our/labs/src/branch/main"},
            "Give https://forge.example/our/labs here, main as the branch",
        ),
    ],
    ids=str,
)
async def test_what_can_be_no_part_of_a_link_is_told_in_words(world: World, said: dict[str, str], told: str) -> None:
    bob = await world.program("bob")
    ask = {"environment": "rspark", "source": "https://github.com/our/labs"}
    assert (await bob.post("/hub/api/links", json=ask)).status_code == 200
    refused = (await bob.post("/hub/api/links", json=ask | said)).json()["detail"]
    assert told in refused
    assert "pattern" not in refused


async def test_only_sources_of_the_settings_may_be_brought(world: World, agent: Agent) -> None:
    context = world.app.state.context
    settings = context.settings.model_copy(update={"link_sources": ("https://git.example/stats",)})
    world.app.state.context = replace(context, settings=settings)
    bob = await world.program("bob")
    session = await world.session_of("bob")
    await world.controller.run(session, upstream=agent.address)
    path = f"/hub/api/sessions/{session}/handouts"
    refused = await bob.post(path, json=LABS)
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "Links may not bring files from this address. They may from: https://git.example/stats.",
    )  # fmt: skip
    assert agent.handouts == {}
    assert (await bob.post(path, json={"source": "https://git.example/stats/labs"})).status_code == 202
    assert (await bob.post(path, json={"source": "tutorial"})).status_code == 202
    assert [asked.redirects for asked in agent.handouts.values()] == [False, False]  # no way around the list
