"""Nothing jumps: what is at one place on a page is there on each page and in each state."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID = "kq4wz7m2xb"
SIZES = [(1280, 800), (1920, 1080), (360, 740)]


async def _box(locator: Locator) -> dict[str, float]:
    await expect(locator).to_be_visible()
    found: dict[str, float] = await locator.evaluate("e => { const {x, y, width, height} = e.getBoundingClientRect();"
                                                     " return {x, y, width, height}; }")  # fmt: skip
    return {side: round(value) for side, value in found.items()}


TITLED = [
    "", f"sessions/{ID}", "account", "admin/sessions", "admin/people", "admin/environments", "admin/audit", "groups/stats-101",
    "nowhere",
]  # fmt: skip


async def _titles(page: Page, path: str) -> list[tuple[float, float]]:
    """Return where the title of a page is at each size."""
    await page.goto(f"/hub/{path}", wait_until="load")
    found = []
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.locator(".skeleton")).to_have_count(0)
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        title = await _box(page.get_by_role("heading", level=1))
        found.append((title["x"], title["y"]))
    return found


async def test_the_title_is_at_the_same_place_on_every_page(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    hub.put(world.session())
    places = {path: await _titles(page, path) for path in TITLED}
    for environments in ([world.rspark()], [world.rspark(), world.basics()], []):
        hub.world.sessions, hub.world.environments = {}, environments
        places[f"{len(environments)} environments"] = await _titles(page, "")
    hub.world.me = world.me() | {"courses": [world.membership()]}
    places["a group's for a student"] = await _titles(page, "groups/stats-101")
    for at, size in enumerate(SIZES):
        lefts, tops = zip(*(each[at] for each in places.values()), strict=True)
        assert len(set(lefts)) == 1, (size, places)
        assert max(tops) - min(tops) <= 2, (size, places)


STATES: list[Callable[..., dict[str, Any]]] = [
    world.session, world.busy, world.starting, world.asleep, world.failed, world.stopped,
]  # fmt: skip


async def test_what_a_session_is_stands_at_the_same_place_in_each_state(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    hub.put(world.queued(3, name="One", owner="bo"))  # another's, which does not open by itself
    await page.goto(f"/hub/sessions/{ID}")
    await hub.heard()
    panel = page.get_by_role("region", name="State")
    heading = panel.get_by_role("heading").first
    before, text = await _box(heading), await heading.inner_text()
    least = await _box(panel)
    for make in STATES:
        hub.put(make(name="One", owner="bo"))
        await expect(heading).not_to_have_text(text)
        await expect(page.get_by_role("heading", level=1)).to_have_text("One")
        now, text = await _box(heading), await heading.inner_text()
        assert (now["x"], now["y"]) == (before["x"], before["y"]), (make, now, before)
        # What is below the panel stays where it is; only what a session has to say makes it higher.
        assert (await _box(panel))["height"] >= least["height"]
        if make in (world.session, world.busy, world.starting):
            assert (await _box(panel))["height"] == least["height"], make


async def test_a_button_at_work_is_as_wide_as_at_rest(page: Page, hub: FixtureHub) -> None:
    hub.put(world.starting())
    await page.goto(f"/hub/sessions/{ID}")
    await hub.heard()
    cancel = page.get_by_role("button", name="Cancel")
    before = await _box(cancel)
    hub.world.slow = 2.0
    await cancel.click()
    await expect(cancel).to_have_attribute("aria-busy", "true")
    assert await _box(cancel) == before


async def test_the_cards_stand_in_one_grid(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep())
    await page.goto("/hub/")
    await expect(page.get_by_role("button", name="Start").first).to_be_visible()
    await page.evaluate("document.fonts.ready")  # other letters have other heights
    starts = [await _box(each) for each in await page.get_by_role("button", name="Start").all()]
    cards = [await _box(each) for each in await page.locator(".card").all()]
    in_a_row = [(card, start) for card, start in zip(cards, starts, strict=True) if card["y"] == cards[0]["y"]]
    assert len({start["y"] for _, start in in_a_row}) == 1
    gaps = [card["x"] + card["width"] - start["x"] - start["width"] for card, start in in_a_row]
    assert max(gaps) - min(gaps) <= 1  # pixels are whole
    assert len({card["height"] for card, _ in in_a_row}) == 1


async def test_a_name_is_not_cut_while_there_is_room(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep(name="The second exercise on flight delays in winter"))
    await page.goto("/hub/")
    name = page.locator("ul.rows .name")
    assert await name.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1")
