"""What is one's own: tokens, password, theme."""

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_token_is_shown_once_and_copied(page: Page, context: BrowserContext, hub: FixtureHub) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Make a token").click()
    await page.get_by_label("What is it for").fill("My laptop")
    await page.get_by_label("Valid for").select_option("30")
    await page.get_by_role("button", name="Make", exact=True).click()
    await page.get_by_role("button", name="Copy token").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "rsh_8f2k3m9q"
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("cell", name="My laptop", exact=True)).to_be_visible()
    await expect(page.get_by_text("rsh_8f2k3m9q")).to_be_hidden()
    assert hub.world.asked == [("POST", "/tokens", {"name": "My laptop", "days": 30, "scopes": ["sessions"]})]


async def test_what_a_token_may_do_is_chosen_and_listed(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog")
    may = dialog.get_by_role("group", name="What may it do?")
    await dialog.get_by_label("What is it for").fill("Dashboard")
    await expect(may.get_by_role("checkbox", checked=True)).to_have_count(1)
    await may.get_by_role("checkbox", name="sessions: start, open").uncheck()
    await dialog.get_by_role("button", name="Make", exact=True).click()
    await expect(may.get_by_role("alert")).to_have_text("Choose what it may do.")
    await may.get_by_role("checkbox", name="read: see").check()
    await may.get_by_role("checkbox", name="tokens: make").check()
    await dialog.get_by_role("button", name="Make", exact=True).click()
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("cell", name="read, tokens", exact=True)).to_be_visible()
    ((_, _, sent),) = hub.world.asked
    assert isinstance(sent, dict)
    assert sorted(sent["scopes"]) == ["read", "tokens"]


async def test_people_and_groups_are_offered_to_administrators(page: Page, hub: FixtureHub) -> None:
    for admin in (True, False):
        hub.world.me = world.me(admin=admin)
        await page.goto("/hub/account")
        await page.get_by_role("button", name="Make a token").click()
        await expect(page.get_by_role("checkbox", name="all: everything")).to_be_visible()
        await expect(page.get_by_role("checkbox", name="users: see")).to_have_count(int(admin))


async def test_a_token_is_revoked_after_a_question(page: Page, hub: FixtureHub) -> None:
    hub.world.tokens = [world.token("t1", "Old script")]
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Revoke Old script").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("You have no tokens")).to_be_visible()


async def test_the_password_is_changed_with_the_present_one(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/account")
    await page.get_by_label("Current password").fill("old password")
    await page.get_by_label("New password").fill("new password")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("You have a new password.")
    assert hub.world.asked == [("POST", "/users/ada/password", {"password": "new password", "current": "old password"})]


async def test_a_chosen_theme_is_there_before_anything_is_drawn(page: Page, hub: FixtureHub) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Account of ada").click()
    await page.get_by_role("menuitemradio", name="Dark").click()
    await expect(page.locator("body")).to_have_css("background-color", "rgb(19, 19, 18)")
    # The app's script never comes: what is on the screen is what was there before it.
    await page.route("**/assets/*.js", lambda route: route.abort())
    await page.goto("/hub/account", wait_until="commit")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
