"""Nothing jumps: what is at one place on a page is there on each page and in each state."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

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


@pytest.mark.parametrize("size", SIZES)
async def test_the_title_is_at_the_same_place_on_every_page(page: Page, hub: FixtureHub, size: tuple[int, int]) -> None:
    hub.world.me = world.me(admin=True)
    hub.world.courses = {"stats-101": world.course()}
    hub.put(world.session())
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    places = {}
    for path in (
        "",
        f"sessions/{ID}",
        "account",
        "admin/sessions",
        "admin/people",
        "admin/environments",
        "admin/audit",
        "groups/stats-101",
        "nowhere",
    ):
        await page.goto(f"/hub/{path}", wait_until="load")
        await page.wait_for_timeout(300)  # what stands for it while it is read is gone
        title = await _box(page.get_by_role("heading", level=1))
        places[path] = title["x"], title["y"]
    for environments in ([world.rspark()], [world.rspark(), world.basics()], []):
        hub.world.sessions, hub.world.environments = {}, environments
        await page.goto("/hub/")
        await page.wait_for_timeout(300)
        title = await _box(page.get_by_role("heading", level=1))
        places[f"{len(environments)} environments"] = title["x"], title["y"]
    assert len({left for left, _ in places.values()}) == 1, places
    tops = [top for _, top in places.values()]
    assert max(tops) - min(tops) <= 2, places


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


WORD = "W" * 60  # what breaks nowhere
NAMES = [
    WORD,
    "Übung zu Flugverspätungen im Winter, für Größenordnungen: Köln und Düsseldorf",
    "统计学作业三航班延误分析与可视化第二部分统计学作业三航班延误分析与可视化",
    "تحليل تأخر الرحلات الجوية في الشتاء",
]
PERSON, GROUP = "m" * 32, "g" * 32


def _odd_names(hub: FixtureHub) -> None:
    """Let everything that people name be named as long as it may, in one word, or in other scripts."""
    told = {"text": WORD * 4, "link": "/hub/start?environment=rspark", "by": PERSON, "at": world.ago(hours=1)}
    membership = {"group": GROUP, "instructor": True, "instructors_view": True, "announcement": told}
    here = hub.world
    here.me = world.me(name=PERSON, admin=True) | {"groups": [GROUP], "courses": [membership]}
    long = {"title": WORD, "description": WORD * 2, "unavailable": None}
    here.environments = [world.rspark(), world.sized() | long, world.basics() | long | {"unavailable": WORD}]
    reason = f"{WORD}{WORD} ended."
    for number, name in enumerate(NAMES):
        hub.put(world.busy(id=f"busy{number}", owner=PERSON, name=name, busy_with=[f"R kernel, {name}.ipynb"]))
        hub.put(world.failed(id=f"failed{number}", owner=PERSON, name=name, reason=reason))
    sent = world.session(id="sent", owner="q" * 32, name=WORD)
    hub.put(sent)
    here.shared = [{"session": sent, "role": "editor", "expires": None}]
    here.shares = [{"id": "h0", "kind": "group", "name": GROUP, "role": "editor", "expires": None, "created": world.ago(hours=1)}]
    here.people = [world.person(PERSON, admin=True, disabled=world.ago(hours=1), groups=["everyone", GROUP])]
    here.groups = [{"name": GROUP, "members": [PERSON], "instructors": [], "instructors_view": False}]
    here.tokens = [world.token("t1", WORD)]
    course = world.course(name=GROUP, announcement=told)
    course["people"][0] |= {"name": PERSON, "full_name": WORD}
    here.courses = {GROUP: course}
    here.hand_ins = [world.hand_in(PERSON, f"{WORD}.Rmd")]
    here.events = [event | {"session_name": event["session"] and WORD, "by": PERSON} for event in world.history(20)]


_LINK = f"environment=sized&from=https%3A//github.com/{'o' * 39}/{'r' * 80}&open={'d' * 50}/{'e' * 60}.Rmd"
ODD_PAGES = [
    "/hub/", "/hub/account", "/hub/admin/sessions", "/hub/admin/people", "/hub/admin/environments", "/hub/admin/audit",
    f"/hub/groups/{GROUP}", f"/hub/start?{_LINK}", "/hub/sessions/busy0", "/hub/sessions/busy3", "/hub/sessions/failed0",
]  # fmt: skip

# What sticks out of the page, and what says something and is drawn where its box is cut off.
_LOST = """() => {
  const wide = document.documentElement.clientWidth;
  const lost = document.documentElement.scrollWidth > wide ? ['the page scrolls sideways'] : [];
  for (const sign of document.querySelectorAll('td .badge, .meter .text, .row .badge' + (wide > 1000 ? ', nav a' : ''))) {
    const box = sign.closest('td, .meter, .row, nav').getBoundingClientRect(), own = sign.getBoundingClientRect();
    if (innerWidth > 760 && own.right > box.right + 1) lost.push(sign.textContent);
    if (sign.matches('.meter .text') && sign.scrollWidth > sign.clientWidth) lost.push(sign.textContent);
  }
  return lost;
}"""


@pytest.mark.parametrize("path", ODD_PAGES)
async def test_a_long_name_pushes_nothing_out_of_sight(page: Page, hub: FixtureHub, path: str) -> None:
    _odd_names(hub)
    await page.goto(path)
    for width, height in [*SIZES, (820, 1100)]:
        await page.set_viewport_size({"width": width, "height": height})
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.locator(".skeleton")).to_have_count(0)
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate(_LOST) == [], width


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
