"""What a page reads later moves nothing of what is there."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID = "kq4wz7m2xb"

_WATCH_SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 80));
    if (value > 0.002 && !hadRecentInput) window.shifts.push([value, moved]);
  }
}).observe({ type: 'layout-shift', buffered: true });"""


@pytest.mark.parametrize("make", [world.session, world.starting, world.asleep, world.failed, world.stopped])
@pytest.mark.parametrize("first", ["environments", "sessions?limit=*"])
async def test_what_is_read_later_moves_nothing_on_a_sessions_page(
    page: Page, hub: FixtureHub, make: Callable[..., dict[str, Any]], first: str
) -> None:
    hub.put(make(owner="bo"))
    hub.world.me = world.me(name="bo")
    late = "environments" if first != "environments" else "sessions?limit=*"
    answered = asyncio.Event()

    async def hold(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.add_init_script(_WATCH_SHIFTS)
    await page.route(f"**/hub/api/{late}", hold)
    async with page.expect_response(f"**/hub/api/{first}"):
        await page.goto(f"/hub/sessions/{ID}")
    answered.set()
    await expect(page.get_by_text("Kept asleep")).to_be_visible()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
    assert await page.evaluate("window.shifts") == []
    await page.unroute_all(behavior="wait")
