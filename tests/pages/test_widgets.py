"""How menus, dialogs, tabs and tables behave, whatever library is behind them: by keyboard, by mouse, and to a screen reader."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def gallery(hub: FixtureHub) -> str:
    return f"{hub.url}/hub/gallery"


async def _cells(table: Locator, column: int) -> list[str]:
    """Return the texts of a column in the rows that are drawn."""
    texts = await table.locator(f"tbody tr:not([aria-hidden]) td:nth-child({column})").all_inner_texts()
    return [text.strip() for text in texts]


# Menus


async def test_the_arrows_go_round_a_menu_and_past_what_is_disabled(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    await page.get_by_role("button", name="More").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Details")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Details")).to_be_focused()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("menuitem", name="Sleep")).to_be_focused()
    await expect(page.get_by_role("menuitem", name="Not now")).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("menu")).to_be_hidden()


async def test_tab_leaves_a_menu_and_goes_on_from_its_button(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    await page.get_by_role("button", name="More").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("menu")).to_be_hidden()
    await expect(page.get_by_role("button", name="A dialog")).to_be_focused()


async def test_a_menu_without_room_below_opens_inside_the_window(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.set_viewport_size({"width": 900, "height": 330})
    await page.goto("/hub/")
    await page.get_by_role("button", name="More for RSpark").click()
    box = await page.get_by_role("menu").bounding_box()
    assert box is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 330
    assert box["x"] + box["width"] <= 900


async def test_the_theme_is_one_of_three_in_a_menu(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/")
    button = page.get_by_role("button", name="Account of ada")
    await button.click()
    await expect(page.get_by_role("menuitemradio", name="System")).to_have_attribute("aria-checked", "true")
    await page.get_by_role("menuitemradio", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await button.click()
    await expect(page.get_by_role("menuitemradio", name="Dark")).to_have_attribute("aria-checked", "true")
    await expect(page.get_by_role("menuitemradio", name="System")).to_have_attribute("aria-checked", "false")


async def test_a_link_in_a_menu_is_followed_by_keyboard(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/")
    await page.get_by_role("button", name="Account of ada").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("t")
    await expect(page.get_by_role("menuitem", name="Tokens and password")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Account", level=1)).to_be_focused()


# Dialogs


async def test_a_dialog_that_a_menu_opened_returns_the_focus_to_the_menus_button(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/")
    more = page.get_by_role("button", name="More for RSpark")
    await more.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Delete RSpark?")).to_be_visible()
    await expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(more).to_be_focused()


async def test_a_dialog_has_a_name_and_the_tab_key_goes_round_in_it(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    await page.get_by_role("button", name="A dialog").click()
    dialog = page.get_by_role("dialog", name="Delete RSpark?")
    await expect(dialog).to_have_attribute("aria-modal", "true")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(dialog.get_by_role("button", name="Delete")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(dialog.get_by_role("button", name="Close")).to_be_focused()


async def test_a_press_beside_a_dialog_closes_it_and_one_inside_does_not(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    await page.get_by_role("button", name="A dialog").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("The files of the home folder are kept").click()
    await expect(dialog).to_be_visible()
    await page.mouse.click(20, 20)
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="A dialog")).to_be_focused()


async def test_a_message_above_a_dialog_can_be_put_away(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    await page.get_by_role("button", name="A problem").click()
    await page.get_by_role("button", name="A dialog").click()
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.get_by_text("It did not work. Try again.")).to_be_hidden()
    await expect(page.get_by_role("dialog")).to_be_visible()


# Tabs


async def test_tabs_are_walked_with_arrows_and_name_their_panel(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    first, last = page.get_by_role("tab", name="PostgreSQL"), page.get_by_role("tab", name="JupyterLab")
    await first.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(last).to_be_focused()
    await expect(last).to_have_attribute("aria-selected", "true")
    await expect(page.get_by_role("tabpanel", name="JupyterLab")).to_contain_text("Nothing was written yet.")
    await page.keyboard.press("Home")
    await expect(first).to_have_attribute("aria-selected", "true")
    await expect(page.get_by_role("tabpanel")).to_have_count(1)
    await page.keyboard.press("End")
    await expect(last).to_be_focused()


# Tables


async def test_a_press_on_a_head_sorts_and_a_second_one_turns_the_order_round(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    table = page.get_by_role("table", name="Flights")
    head = table.get_by_role("columnheader", name="Delay")
    await expect(head).to_have_attribute("aria-sort", "ascending")
    delays = [int(text) for text in await _cells(table, 3)]
    assert delays == sorted(delays)
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    delays = [int(text) for text in await _cells(table, 3)]
    assert delays == sorted(delays, reverse=True)


async def test_words_are_sorted_by_the_numbers_in_them(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    table = page.get_by_role("table", name="Flights")
    await table.get_by_role("button", name="Name").click()
    await expect(table.get_by_role("columnheader", name="Delay")).to_have_attribute("aria-sort", "none")
    names = await _cells(table, 2)
    assert names[:11] == [f"flight-{number}" for number in range(11)]


async def test_empty_cells_come_last_in_either_direction(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    hub.put(world.session(id="littleaaaa", name="Little", memory=1 << 30))
    hub.put(world.asleep(id="asleepaaaa", name="Asleep"))
    hub.put(world.session(id="muchaaaaaa", name="Much", memory=3 << 30))
    await page.goto("/hub/admin/sessions")
    table = page.get_by_role("table", name="All sessions")
    head = table.get_by_role("columnheader", name="Memory")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    assert await _cells(table, 2) == ["Much", "Little", "Asleep"]
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "ascending")
    assert await _cells(table, 2) == ["Little", "Much", "Asleep"]


async def test_a_sorted_table_follows_what_changes(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    hub.put(world.session(id="oneaaaaaaa", name="One", memory=1 << 30))
    hub.put(world.session(id="twoaaaaaaa", name="Two", memory=2 << 30))
    await page.goto("/hub/admin/sessions")
    await hub.heard()
    table = page.get_by_role("table", name="All sessions")
    await table.get_by_role("button", name="Memory").click()
    assert await _cells(table, 2) == ["Two", "One"]
    hub.change("oneaaaaaaa", memory=3 << 30)
    await expect(table.get_by_role("row").nth(1)).to_contain_text("One")


async def test_only_the_rows_in_view_are_drawn_and_all_are_counted(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    table = page.get_by_role("table", name="Flights")
    await expect(table).to_have_attribute("aria-rowcount", "201")
    assert len(await _cells(table, 2)) < 40
    await page.get_by_role("group", name="Flights").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    await expect(table.locator("tr[aria-rowindex='201']")).to_be_visible()
    await expect(table.locator("tr[aria-rowindex='2']")).to_have_count(0)
    assert len(await _cells(table, 2)) < 40


async def test_rows_are_chosen_one_by_one_in_a_range_and_all(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    table = page.get_by_role("table", name="Flights")
    everyone = table.get_by_role("checkbox", name="Choose all rows shown")
    await expect(everyone).to_have_js_property("indeterminate", True)
    boxes = table.locator("tbody input")
    await boxes.nth(1).click()
    await boxes.nth(4).click(modifiers=["Shift"])
    for number in range(1, 5):
        await expect(boxes.nth(number)).to_be_checked()
    await expect(boxes.nth(5)).not_to_be_checked()
    await everyone.click()
    await expect(everyone).to_be_checked()
    await expect(boxes.nth(8)).to_be_checked()
    await everyone.click()
    await expect(everyone).not_to_be_checked()
    await expect(boxes.nth(1)).not_to_be_checked()


async def test_a_long_log_draws_what_is_in_view_and_stays_at_its_end(page: Page, gallery: str) -> None:
    await page.goto(gallery)
    log = page.get_by_role("log")
    await expect(log).to_contain_text("line 399")
    assert await log.locator(".line").count() < 100
    await log.evaluate("box => box.scrollTo(0, 0)")
    await expect(log).to_contain_text("line 1")
    await expect(log).not_to_contain_text("line 399")
    await page.get_by_role("button", name="To the end").click()
    await expect(log).to_contain_text("line 399")
