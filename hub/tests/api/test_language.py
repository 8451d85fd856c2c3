"""In which language a person is told something: their choice, what their browser asks for, English."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from listening import listen
from world import OWN, World

from rspark_contract.status import ComponentState
from rsparkhub.api.language import preferred
from rsparkhub.api.sentences import sentences_in
from rsparkhub.domain.session import Component, State


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr, en", "en"),
        ("fr, en;q=0.4, de;q=0.3", "en"),
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


_TAG = some.sampled_from(["de", "de-CH", "EN", "en-US", "fr", "*", "", "d", "de-", "-de", "ä", "x" * 40])
_WEIGHT = some.sampled_from(["", ";q=1", ";q=0", "; q = 0.5", ";q=1.5", ";q=-1", ";q=", ";q=nan", ";level=1", ";q=0.1234", ";;"])


@given(some.one_of(some.text(), some.lists(some.builds(str.__add__, _TAG, _WEIGHT), max_size=30).map(",".join)))
def test_whatever_a_browser_asks_for_it_gets_a_language_that_there_is(accepted: str) -> None:
    assert preferred(accepted, {"en", "de"}) in {"en", "de"}
    assert preferred(accepted, {"en"}) == "en"


@given(some.integers(0, 1000), some.integers(0, 1000))
def test_of_two_languages_the_one_that_is_liked_better_counts(german: int, english: int) -> None:
    accepted = f"de;q={german / 1000:.3f},en;q={english / 1000:.3f}"
    assert preferred(accepted, {"en", "de"}) == ("de" if german and german >= english else "en")


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


async def test_the_page_of_a_one_time_link_is_in_the_language_of_the_browser(world: World) -> None:
    link = await world.authenticator.make_link("eve", now=world.clock())
    bob, nobody = await world.browser("bob"), world.nobody()
    for browser in (bob, nobody):
        browser.headers["Accept-Language"] = "de"
    asked = {"token": link, "next": "/s/abc/"}
    first = (await nobody.get("/hub/", params=asked)).text
    assert '<html lang="de">' in first
    assert "<h1>Bei RSparkHub als eve anmelden</h1><p>Dieser Link gilt einmal. Er meldet diesen Browser an.</p>" in first
    assert "<button>Als eve anmelden</button>" in first
    other = (await bob.get("/hub/", params=asked)).text
    assert "<h1>Hier ist bob angemeldet. Weiter als eve?</h1>" in other
    assert "Er meldet bob in diesem Browser ab und eve an." in other
    assert "<button>Weiter als eve</button>" in other
    assert '<a href="/hub/">Als bob angemeldet bleiben</a>' in other
    onwards = (await nobody.post("/hub/", data=asked, headers=OWN)).text
    assert '<html lang="de">' in onwards
    assert '<h1>Die Anmeldung ist gelungen</h1><p><a href="/s/abc/">Weiter</a></p>' in onwards


async def test_the_page_of_a_one_time_link_is_english_for_everybody_else(world: World) -> None:
    link = await world.authenticator.make_link("eve", now=world.clock())
    page = (await world.nobody().get("/hub/", params={"token": link}, headers={"Accept-Language": "fr, en"})).text
    assert '<html lang="en">' in page
    assert "<button>Sign in as eve</button>" in page


async def test_ways_to_sign_in_have_titles_in_the_language_of_the_browser(world: World) -> None:
    (german,) = (await world.nobody().get("/hub/api/login", headers={"Accept-Language": "de"})).json()
    (english,) = (await world.nobody().get("/hub/api/login")).json()
    assert (german["title"], english["title"]) == ("Name und Passwort", "Name and password")


async def test_why_a_part_takes_long_to_start_is_told_in_the_language_of_the_browser(world: World) -> None:
    reason = "At its first start Hive makes the schema of its database, which takes longer."
    session = await world.session_of("bob")
    await world.controller.run(session)
    hive = Component(name="hive", title="Hive", state=ComponentState.STARTING, reason=reason)
    await world.controller.observe(session, components=(hive,))
    bob = await world.program("bob")
    for headers, said in (({"Accept-Language": "de"}, sentences_in("de").say(reason)), ({}, reason)):
        (part,) = (await bob.get(f"/hub/api/sessions/{session}", headers=headers)).json()["services"]
        assert part["reason"] == said
    assert sentences_in("de").say(reason).startswith("Beim ersten Start legt Hive")


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
