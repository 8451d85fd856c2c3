"""The hub goes away and comes back; what the page shows stays true."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from tests.pages import world
from tests.pages.fixture_hub import PAGES, FixtureHub
from tests.pages.scenes import arrange_work

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LINK = "environment=rspark&from=https%3A%2F%2Fgithub.com%2Four-course%2Flabs"
LOST = "Connection lost, trying again."


async def test_a_lost_connection_is_said_quietly_and_what_was_missed_is_read(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/")
    await expect(page.get_by_text("Idle")).to_be_visible()
    hub.go_away()
    await expect(page.get_by_text(LOST)).to_be_visible()
    await expect(page.get_by_text("Idle")).to_be_visible()
    hub.world.sessions["kq4wz7m2xb"] |= {"busy": True, "busy_with": ["R kernel, analysis.ipynb"]}
    hub.come_back()
    # At once: a moment later the page has tried by itself, and the button is gone.
    await page.get_by_role("button", name="Try now").dispatch_event("click")
    await expect(page.get_by_text(LOST)).to_be_hidden()
    await expect(page.get_by_text("Busy: R kernel, analysis.ipynb")).to_be_visible()


async def test_it_comes_back_by_itself(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    hub.go_away()
    await expect(page.get_by_text(LOST)).to_be_visible()
    hub.come_back()
    await expect(page.get_by_text(LOST)).to_be_hidden(timeout=20_000)


async def test_what_is_asked_while_the_hub_is_away_says_so(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/")
    await expect(page.get_by_text("Idle")).to_be_visible()
    hub.go_away()
    await page.get_by_role("button", name="Sleep RSpark").click()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("RSparkHub does not answer.")
    await expect(page.get_by_text("Running")).to_be_visible()


async def test_a_page_that_comes_while_the_hub_is_away_can_be_tried_again(page: Page, hub: FixtureHub) -> None:
    hub.world.away = True
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="RSparkHub can’t be reached")).to_be_visible()
    async with page.expect_response("**/hub/api/me"):
        await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="RSparkHub can’t be reached")).to_be_visible()
    hub.come_back()
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible(timeout=20_000)


PAGES_THAT_READ = [
    ("/hub/account", "GET /tokens", "You have no tokens"),
    ("/hub/admin/people", "GET /users", "administrator"),
    ("/hub/admin/environments", "GET /environments", "Usual start"),
    ("/hub/admin/audit", "GET /audit", "newest first"),
    ("/hub/admin/sessions", "GET /sessions", "Nobody has a session yet"),
    ("/hub/", "GET /environments", "Start a session"),
    ("/hub/", "GET /sessions", "Start a session"),
]


@pytest.mark.parametrize(("path", "call", "see"), PAGES_THAT_READ)
async def test_a_page_that_could_not_be_read_is_there_when_the_hub_answers_again(
    page: Page, hub: FixtureHub, path: str, call: str, see: str
) -> None:
    hub.world.me = world.me(admin=True)
    hub.world.refusals[call] = (503, "The database is away. Try again in a moment.")
    async with page.expect_response(lambda answer: answer.status == 503):
        await page.goto(path)
    await expect(page.get_by_role("main").get_by_text(see)).to_have_count(0)
    hub.world.refusals.clear()
    await expect(page.get_by_role("main").get_by_text(see).first).to_be_visible(timeout=20_000)


async def test_the_network_is_back_and_so_is_the_page(page: Page, hub: FixtureHub) -> None:
    hub.world.away = True
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="RSparkHub can’t be reached")).to_be_visible()
    await page.wait_for_timeout(3000)  # by now it waits for longer
    hub.come_back()
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible(timeout=2000)


@pytest.mark.long
async def test_a_page_of_an_older_version_is_loaded_anew_once(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    await page.evaluate("window.old = true")
    # The hub was upgraded: the part is of a name that is gone, and the page names another script.
    await page.route("**/assets/Account-*.js", lambda route: route.fulfill(status=404))
    index = (PAGES / "index.html").read_text(encoding="utf-8").replace("assets/index-", "assets/index-newer-")
    await page.route("**/hub/", lambda route: route.fulfill(body=index, content_type="text/html"))
    await page.get_by_role("button", name="Account of ada").click()
    async with page.expect_event("load"):
        await page.get_by_role("menuitem", name="Tokens and password").click()
    assert not await page.evaluate("window.old ?? false")
    await expect(page.get_by_role("heading", name="This page can’t be loaded")).to_be_visible()
    await page.evaluate("window.second = true")
    await page.unroute("**/hub/")
    await page.unroute("**/assets/Account-*.js")
    await page.wait_for_timeout(6000)  # by itself it is not loaded a second time within the minute
    assert await page.evaluate("window.second")
    await page.get_by_role("button", name="Reload").click()
    await expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()


@pytest.mark.parametrize("admin", [True, False])
async def test_a_broken_environment_file_is_said(page: Page, hub: FixtureHub, admin: bool) -> None:
    path, text = (
        "/srv/environments/stats.yaml",
        "/srv/environments/stats.yaml, line 4: this is not YAML: a bracket is not closed.",
    )
    hub.world.me = world.me(admin=admin)
    hub.world.catalog_problems = [{"path": path, "text": text, "kept": None}]
    for address in ("/hub/", "/hub/admin/environments") if admin else ("/hub/",):
        await page.goto(address)
        if admin:
            await expect(page.get_by_text(text)).to_be_visible()
        else:
            await expect(page.get_by_text("Something may be missing here")).to_be_visible()
            await expect(page.get_by_text(path)).to_be_hidden()


async def test_a_sign_in_that_ran_out_leads_to_the_sign_in_and_back(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/sessions/kq4wz7m2xb")
    await expect(page.get_by_role("heading", name="Idle")).to_be_visible()
    hub.world.refusals["POST /sessions/kq4wz7m2xb/suspend"] = (401, "Sign in first.")
    await page.get_by_role("button", name="Sleep").click()
    await expect(page.get_by_text("You were signed out")).to_be_visible()
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(hub.world.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Idle")).to_be_visible()


PLACES = [
    f"/hub/sessions/{world.session()['id']}",
    "/hub/account",
    "/hub/admin/sessions?state=running&owner=bo&q=home+work",
    "/hub/admin/people",
    "/hub/admin/audit?person=bo&days=7",
    "/hub/groups/stats-101",
    "/hub/start?environment=rspark&from=https%3A%2F%2Fgithub.com%2Four-course%2Flabs&open=lab1.Rmd",
]


@pytest.mark.parametrize("place", PLACES)
async def test_who_signs_in_again_is_where_they_were(page: Page, hub: FixtureHub, place: str) -> None:
    hub.world.me = world.me(admin=True)
    url = "http://localhost:8000/hub/sign-in/oidc/lab"
    hub.world.ways.append({"name": "oidc:lab", "title": "The lab", "fields": [], "url": url})
    hub.put(world.session())
    await page.goto(place)
    await expect(page.get_by_role("button", name="Account of ada")).to_be_visible()
    await hub.heard()
    hub.world.me = None
    hub.hang_up()
    await expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    elsewhere = await page.get_by_role("link", name="The lab").get_attribute("href")
    assert parse_qs(urlsplit(elsewhere or "").query)["next"] == [place]
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(hub.world.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Account of ada")).to_be_visible()
    assert page.url == f"{hub.url}{place}"


async def test_a_page_that_can_not_be_loaded_says_so(page: Page, hub: FixtureHub) -> None:
    await page.route("**/assets/Account-*.js", lambda route: route.abort())
    await page.goto("/hub/")
    await page.get_by_role("button", name="Account of ada").click()
    await page.get_by_role("menuitem", name="Tokens and password").click()
    await expect(page.get_by_role("heading", name="This page can’t be loaded")).to_be_focused()
    await page.unroute("**/assets/Account-*.js")
    await page.get_by_role("button", name="Reload").click()
    await expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()


LOADED = [
    ("/hub/", "Start a session", "me"),
    ("/hub/", "Start a session", "sessions?limit=*"),
    (f"/hub/sessions/{world.session()['id']}", "RSpark", "me"),
    (f"/hub/sessions/{world.session()['id']}", "RSpark", "sessions?limit=*"),
    ("/hub/account", "Account", "me"),
    ("/hub/account", "You have no tokens", "tokens"),
    ("/hub/admin/sessions", "Nobody has a session yet", "sessions?limit=*"),
    ("/hub/admin/people", "administrator", "users"),
    ("/hub/admin/environments", "Usual start", "environments"),
    ("/hub/admin/audit", "Nothing has happened yet", "audit?*"),
    ("/hub/groups/stats-101", "Tell the group", "groups/stats-101"),
    ("/hub/groups/stats-101", "What came back", "groups/stats-101/my-hand-ins"),
    (f"/hub/start?{_LINK}", "Start RSpark", "environments"),
]


@pytest.mark.parametrize(("path", "see", "call"), LOADED)
async def test_a_page_that_waits_for_the_hub_says_so(page: Page, hub: FixtureHub, path: str, see: str, call: str) -> None:
    hub.world.me = world.me(admin=True)
    if "/sessions/" in path:
        hub.put(world.session())
    if call.endswith("/my-hand-ins"):
        arrange_work(hub)
    answered = asyncio.Event()

    async def hold(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route(f"**/hub/api/{call}", hold)
    await page.goto(path)
    await expect(page.get_by_text(re.compile("^Loading "))).to_have_count(1)
    await expect(page.locator(".skeleton").first).to_be_visible()
    answered.set()
    await expect(page.get_by_text(see).first).to_be_visible()
    await expect(page.get_by_text(re.compile("^Loading "))).to_have_count(0)
    await page.unroute_all(behavior="wait")


PIECES = [
    ("/hub/account", "Account"),
    ("/hub/admin/people", "Administration"),
    ("/hub/groups/stats-101", "Administration"),
    ("/hub/groups/stats-101", "Coursework"),
    (f"/hub/start?{_LINK}", "Start"),
]


@pytest.mark.parametrize(("path", "piece"), PIECES)
async def test_a_page_whose_script_takes_long_says_so(page: Page, hub: FixtureHub, path: str, piece: str) -> None:
    hub.world.me = world.me(admin=True)
    if piece == "Coursework":
        arrange_work(hub)
    come = asyncio.Event()

    async def hold(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    await page.route(f"**/assets/{piece}-*.js", hold)
    await page.evaluate(
        "path => { const link = document.createElement('a'); link.href = path; document.body.append(link); link.click(); }", path
    )
    await expect(page.get_by_text("Loading the page")).to_have_count(1)
    await expect(page).to_have_title("Loading · RSparkHub")
    await expect(page.locator(".skeleton").first).to_be_visible()
    come.set()
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page).not_to_have_title("Loading · RSparkHub")
    await page.unroute_all(behavior="wait")


async def test_the_page_of_a_session_is_there_before_somebody_goes_to_it(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    async with page.expect_response("**/assets/SessionPage-*.js"):
        await page.goto("/hub/")
    await page.route("**/assets/SessionPage-*.js", lambda route: route.abort())
    await page.get_by_role("link", name="RSpark", exact=True).first.click()
    await expect(page.get_by_role("heading", name="RSpark", level=1)).to_be_focused()
