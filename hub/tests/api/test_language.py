"""In which language a person is told something: their choice, what their browser asks for, English."""

import pytest
from listening import listen
from world import World

from rsparkhub.api.language import preferred
from rsparkhub.domain.session import State


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-de,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("en;q=0.5,de;q=0.8", "de"),
        ("fr,de;q=0.3", "de"),
        ("fr,it;q=0.3", "en"),
        ("de;q=0,en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("de;q=nonsense", "en"),
        ("zh-Hans-CN, de", "de"),
        (",,;;,", "en"),
        ("fr," * 5000 + "de", "en"),
    ],
)
def test_the_language_that_is_liked_best(accepted: str, language: str) -> None:
    assert preferred(accepted, {"en", "de"}) == language


async def test_a_browser_gets_the_pages_in_its_language(world: World) -> None:
    client = world.nobody()
    german = await client.get("/hub/sessions/abc", headers={"Accept-Language": "de-DE,de;q=0.9"})
    assert 'lang="de"' in german.text
    assert german.headers["content-language"] == "de"
    assert {"Accept-Language", "Cookie"} == set(german.headers["vary"].split(", "))
    english = await client.get("/hub/sessions/abc", headers={"Accept-Language": "en"})
    assert 'lang="de"' not in english.text
    assert english.headers["content-language"] == "en"


@pytest.mark.parametrize(
    ("cookie", "language"),
    [
        ("rsparkhub_language=en", "en"),
        ("other=1; rsparkhub_language=en; more=2", "en"),
        ("rsparkhub_language=tlh", "de"),
        ("rsparkhub_language=../../secret", "de"),
        ("xrsparkhub_language=en", "de"),
    ],
)
async def test_what_a_person_chose_counts_before_what_the_browser_asks_for(world: World, cookie: str, language: str) -> None:
    answer = await world.nobody().get("/hub/", headers={"Accept-Language": "de", "Cookie": cookie})
    assert answer.headers["content-language"] == language


async def test_what_is_wrong_is_said_in_the_language_of_the_browser_and_its_code_stays(world: World) -> None:
    client = world.nobody()
    german = (await client.get("/hub/api/me", headers={"Accept-Language": "de"})).json()
    assert german["detail"] == "Niemand ist angemeldet. Bitte anmelden und dann noch einmal versuchen."
    assert (german["code"], german["title"]) == ("not-signed-in", "Unauthorized")
    for headers in ({}, {"Accept-Language": "en"}, {"Accept-Language": "de", "Cookie": "rsparkhub_language=en"}):
        answer = (await client.get("/hub/api/me", headers=headers)).json()
        assert answer["detail"] == "You are not signed in. Sign in, then try again."


_ASLEEP = "Put to sleep after 2 hours without use. Resume it when you like."
_SCHLAEFT = "Nach 2 Stunden ohne Nutzung eingeschlafen. Sie lässt sich jederzeit fortsetzen."


async def test_why_a_session_sleeps_is_told_in_the_language_of_the_browser(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.controller.end(session, State.SUSPENDED, reason=_ASLEEP)
    bob = await world.program("bob")
    for headers, reason in (({"Accept-Language": "de"}, _SCHLAEFT), ({}, _ASLEEP)):
        one = await bob.get(f"/hub/api/sessions/{session}", headers=headers)
        assert one.json()["reason"] == reason
        several = await bob.get("/hub/api/sessions", headers=headers)
        assert [each["reason"] for each in several.json()["sessions"]] == [reason]


async def test_the_stream_tells_it_in_the_language_of_each_listener(served: World) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session)
    german, english = await served.program("bob"), await served.program("bob")
    german.headers["Accept-Language"] = "de"
    path = f"/sessions/{session}/events?watch=true"
    async with listen(german, path) as one, listen(english, path) as other:
        await one.next("session", state="running")
        await other.next("session", state="running")
        await served.controller.end(session, State.SUSPENDED, reason=_ASLEEP)
        assert (await one.next("session", state="suspended")).data["reason"] == _SCHLAEFT
        assert (await other.next("session", state="suspended")).data["reason"] == _ASLEEP
