"""A class at once."""

import csv
import io
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from world import World

LIST = "name,full name,e-mail,group\nzoe,Zoe Zed,zoe@example.org,stats\nbob,=Bob(),bob@example.org,stats\nyan,-Yan,,lab\n"


async def add(world: World, text: str, **more: object) -> httpx.Response:
    return await (await world.program("ada")).post("/hub/api/roster", json={"text": text, **more})


async def test_a_class_is_added_and_who_was_there_is_in_the_group_too(world: World) -> None:
    answer = await add(world, LIST)
    assert answer.status_code == 200
    assert (answer.json()["added"], answer.json()["there"], answer.json()["problems"]) == (["zoe", "yan"], ["bob"], [])
    zoe = await world.store.users.get("zoe")
    assert (zoe.full_name, zoe.email, zoe.groups, zoe.admin) == ("Zoe Zed", "zoe@example.org", {"stats"}, False)
    assert (await world.store.users.get("bob")).groups == {"stats"}
    shown = (await (await world.program("ada")).get("/hub/api/users/zoe")).json()
    assert (shown["full_name"], shown["email"]) == ("Zoe Zed", "zoe@example.org")
    again = (await add(world, LIST)).json()
    assert (again["added"], again["there"], again["links"]) == ([], ["zoe", "bob", "yan"], "")


async def test_the_links_are_csv_sign_in_once_and_are_no_formulas(world: World) -> None:
    rows = list(csv.DictReader(io.StringIO((await add(world, LIST)).json()["links"])))
    assert [(row["name"], row["full name"], row["e-mail"]) for row in rows] == [
        ("zoe", "Zoe Zed", "zoe@example.org"),
        ("yan", "'-Yan", ""),
    ]
    [token] = parse_qs(urlsplit(rows[0]["link"]).query)["token"]
    assert (await world.authenticator.sign_in_with_link(token, now=world.clock())).user.name == "zoe"
    assert (await add(world, "wim", links=False)).json()["links"] == ""


@pytest.mark.parametrize("text", [LIST + "Eve\n", LIST + "zoe\n", LIST + "kim,Kim,no-address\n"])
async def test_where_a_line_is_wrong_it_is_said_and_nobody_is_added(world: World, text: str) -> None:
    answer = (await add(world, text)).json()
    assert [problem["line"] for problem in answer["problems"]] == [5]
    assert (answer["added"], answer["there"], answer["links"]) == ([], [], "")
    assert [user.name for user in await world.store.users.list()] == ["ada", "bob", "eve"]
    assert await world.store.users.list_groups() == []


async def test_a_list_is_only_looked_at_where_that_is_asked_for(world: World) -> None:
    answer = (await add(world, LIST, check=True)).json()
    assert (answer["problems"], answer["added"]) == ([], [])
    assert len(await world.store.users.list()) == 3


async def test_the_audit_says_who_added_whom(world: World) -> None:
    await add(world, "zoe,,,stats", links=False)
    events = (await (await world.program("ada")).get("/hub/api/audit?kind=person&kind=group")).json()["events"]
    assert [event["text"] for event in events] == ["ada adds the group stats, with zoe.", "ada adds zoe."]
