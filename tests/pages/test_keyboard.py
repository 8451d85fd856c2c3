"""All of it without a mouse, and said to those who don't see it."""

import pytest
from playwright.async_api import Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_first_tab_leads_past_the_header(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Start RSpark")).to_be_focused()


async def test_after_a_change_of_page_reading_starts_at_its_heading(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep())
    await page.goto("/hub/")
    await page.get_by_role("link", name="Homework 3").first.click()
    await expect(page.get_by_role("heading", name="Homework 3", level=1)).to_be_focused()
    await expect(page).to_have_title("Homework 3 · RSparkHub")
    await page.go_back()
    await expect(page.get_by_role("heading", name="Your sessions")).to_be_focused()


async def test_a_menu_is_walked_with_arrows_and_left_with_escape(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/")
    more = page.get_by_role("button", name="More for RSpark")
    await more.focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Details and log")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Stop")).to_be_focused()
    await page.keyboard.press("d")
    await expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    await page.keyboard.press("Home")
    await expect(page.get_by_role("menuitem", name="Details and log")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_be_hidden()
    await expect(more).to_be_focused()
    await expect(more).to_have_attribute("aria-expanded", "false")


async def test_a_press_on_the_button_of_an_open_menu_closes_it(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/")
    more = page.get_by_role("button", name="More for RSpark")
    await more.click()
    await expect(page.get_by_role("menu")).to_be_visible()
    await more.click()
    await expect(page.get_by_role("menu")).to_be_hidden()


async def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/sessions/kq4wz7m2xb")
    stop = page.get_by_role("button", name="Stop")
    await stop.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    for _ in range(8):
        await page.keyboard.press("Tab")
        assert await page.evaluate("!!document.activeElement.closest('[role=dialog]')")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(stop).to_be_focused()


async def test_shortcuts_lead_around_and_can_be_turned_off(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await expect(page.get_by_role("heading", name="People")).to_be_focused()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox", name="Search people")).to_be_focused()
    await page.keyboard.type("?g")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.get_by_role("heading", name="People").focus()
    await page.keyboard.press("?")
    await page.get_by_label("Keyboard shortcuts are on").uncheck()
    await page.keyboard.press("Escape")
    await page.get_by_role("heading", name="People").focus()
    await page.keyboard.press("g")
    await page.keyboard.press("h")
    await page.reload()
    await expect(page.get_by_role("heading", name="People")).to_be_visible()


async def test_shortcuts_of_administrators_do_nothing_for_others(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    assert page.url == f"{hub.url}/hub/"
    await page.goto("/hub/admin/people")
    await expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
