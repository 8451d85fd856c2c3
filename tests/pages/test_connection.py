"""The hub goes away and comes back; what the page shows stays true."""

import pytest
from playwright.async_api import Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

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
    hub.come_back()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()


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


async def test_a_page_that_can_not_be_loaded_says_so(page: Page, hub: FixtureHub) -> None:
    await page.route("**/assets/Account-*.js", lambda route: route.abort())
    await page.goto("/hub/")
    await page.get_by_role("button", name="Account of ada").click()
    await page.get_by_role("menuitem", name="Tokens and password").click()
    await expect(page.get_by_role("heading", name="This page can’t be loaded")).to_be_focused()
    await page.unroute("**/assets/Account-*.js")
    await page.get_by_role("button", name="Reload").click()
    await expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()


async def test_the_page_of_a_session_is_there_before_somebody_goes_to_it(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    async with page.expect_response("**/assets/SessionPage-*.js"):
        await page.goto("/hub/")
    await page.route("**/assets/SessionPage-*.js", lambda route: route.abort())
    await page.get_by_role("link", name="RSpark", exact=True).first.click()
    await expect(page.get_by_role("heading", name="RSpark", level=1)).to_be_focused()
