"""Many tabs of one browser, and pages that were left: a browser has six connections to a host, and no page may wait for one."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID = "kq4wz7m2xb"
LOG = "".join(f"line {number}\n" for number in range(40))


async def until(holds: Callable[[], bool], *, within: float = 5.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        await asyncio.sleep(0.02)


async def _hide(page: Page, hidden: bool = True) -> None:
    """Let the page lie behind another: in a browser without a window each page believes to be in front."""
    await page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'visibilityState', {value: hidden ? 'hidden' : 'visible', configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


@pytest.fixture
def one_session(hub: FixtureHub) -> FixtureHub:
    hub.put(world.session())
    hub.world.logs = {"postgres": LOG, "spark": LOG, "interface": LOG, "agent": LOG}
    return hub


@pytest_asyncio.fixture(loop_scope="session", params=["with-locks", "without-locks"])
async def tabs(context: BrowserContext, request: pytest.FixtureRequest) -> AsyncIterator[BrowserContext]:
    if request.param == "without-locks":  # as in a page over plain HTTP from another machine
        await context.add_init_script("delete Navigator.prototype.locks")
    yield context


async def test_eight_tabs_with_logs_are_all_there_and_share_one_stream(tabs: BrowserContext, one_session: FixtureHub) -> None:
    one_session.world.endless_logs = True
    pages = [await tabs.new_page() for _ in range(8)]
    for page in pages:
        await page.goto(f"/hub/sessions/{ID}")
        await expect(page.get_by_role("heading", name="Idle")).to_be_visible()
        await page.get_by_role("button", name="Show the log").click()
        await expect(page.get_by_role("log")).to_contain_text("line 39")
    await until(lambda: one_session.streams == 1)
    assert one_session.followed_logs <= 1
    one_session.change(ID, busy=True, busy_with=["R kernel, analysis.ipynb"])
    for page in pages:
        await expect(page.get_by_role("heading", name="Busy")).to_be_visible()


@pytest.mark.long
async def test_the_next_tab_takes_over_when_the_leading_one_closes(tabs: BrowserContext, one_session: FixtureHub) -> None:
    first, second, third = [await tabs.new_page() for _ in range(3)]
    for page in (first, second, third):
        await page.goto("/hub/")
        await expect(page.get_by_text("Idle")).to_be_visible()
    await first.close()
    await until(lambda: one_session.streams == 1)
    one_session.change(ID, busy=True)
    await expect(second.get_by_text("Busy")).to_be_visible()
    await expect(third.get_by_text("Busy")).to_be_visible()


@pytest.mark.long
async def test_the_next_tab_takes_over_when_the_leading_one_crashes(tabs: BrowserContext, one_session: FixtureHub) -> None:
    first, second = await tabs.new_page(), await tabs.new_page()
    await first.goto("/hub/")
    await expect(first.get_by_text("Idle")).to_be_visible()
    await one_session.heard()
    await second.goto("/hub/")
    await expect(second.get_by_text("Idle")).to_be_visible()
    crashed = asyncio.Event()
    first.on("crash", lambda _: crashed.set())
    sent = asyncio.create_task((await tabs.new_cdp_session(first)).send("Page.crash"))  # a dead page gives no answer
    await asyncio.wait_for(crashed.wait(), timeout=10)
    sent.cancel()
    one_session.change(ID, busy=True)
    await expect(second.get_by_text("Busy")).to_be_visible(timeout=15_000)


async def test_the_next_tab_takes_over_when_the_leading_one_is_frozen(tabs: BrowserContext, one_session: FixtureHub) -> None:
    first, second = await tabs.new_page(), await tabs.new_page()
    for page in (first, second):
        await page.goto("/hub/")
        await expect(page.get_by_text("Idle")).to_be_visible()
        await one_session.heard()
    freezer = await tabs.new_cdp_session(first)
    await freezer.send("Page.setWebLifecycleState", {"state": "frozen"})
    one_session.change(ID, busy=True)
    await expect(second.get_by_text("Busy")).to_be_visible(timeout=15_000)
    await until(lambda: one_session.streams == 1)
    await freezer.send("Page.setWebLifecycleState", {"state": "active"})
    await expect(first.get_by_text("Busy")).to_be_visible()
    await until(lambda: one_session.streams == 1)


@pytest.mark.long
async def test_no_tab_that_nobody_looks_at_is_connected(tabs: BrowserContext, one_session: FixtureHub) -> None:
    first, second = await tabs.new_page(), await tabs.new_page()
    for page in (first, second):
        await page.goto("/hub/")
        await expect(page.get_by_text("Idle")).to_be_visible()
    await _hide(first)
    await until(lambda: one_session.streams == 1)
    one_session.change(ID, busy=True)
    await expect(second.get_by_text("Busy")).to_be_visible()
    await _hide(second)
    await until(lambda: one_session.streams == 0)
    one_session.change(ID, busy=False)
    await _hide(first, hidden=False)
    await expect(first.get_by_text("Idle")).to_be_visible()
    await until(lambda: one_session.streams == 1)


async def test_a_hidden_page_whose_session_starts_says_so_when_it_is_ready(page: Page, hub: FixtureHub) -> None:
    hub.put(world.starting())
    await page.goto(f"/hub/sessions/{ID}")
    await expect(page.get_by_role("heading", name="Starting PostgreSQL")).to_be_visible()
    await _hide(page)
    await until(lambda: hub.streams == 0)
    hub.put(world.session())
    await page.wait_for_url(f"**/s/{ID}/")


@pytest.mark.long
async def test_pages_that_were_left_hold_nothing(tabs: BrowserContext, one_session: FixtureHub) -> None:
    page = await tabs.new_page()
    # Full loads, each from a page that the browser keeps for Back.
    for load in range(12):
        await page.goto(f"/hub/sessions/{ID}?load={load}")
        await expect(page.get_by_role("heading", name="Idle")).to_be_visible()
    await until(lambda: one_session.streams == 1)


async def test_a_page_shown_again_on_back_is_as_the_world_is_now(tabs: BrowserContext, one_session: FixtureHub) -> None:
    page = await tabs.new_page()
    await page.goto("/hub/")
    await expect(page.get_by_text("Idle")).to_be_visible()
    await page.evaluate("window.kept = true")
    await page.goto(f"/s/{ID}/")
    await until(lambda: one_session.streams == 0)
    one_session.change(ID, busy=True)
    await page.go_back(wait_until="commit")
    assert await page.evaluate("window.kept"), "the browser did not keep the page, so that this shows nothing"
    await expect(page.get_by_text("Busy")).to_be_visible()
    await until(lambda: one_session.streams == 1)
    one_session.change(ID, busy=False)
    await expect(page.get_by_text("Idle")).to_be_visible()


@pytest.mark.long
async def test_signing_out_and_in_is_followed_by_all_tabs(tabs: BrowserContext, one_session: FixtureHub) -> None:
    one_session.put(world.session(id="other", owner="bo", name="Of bo"))
    first, second = await tabs.new_page(), await tabs.new_page()
    for page in (first, second):
        await page.goto("/hub/")
        await expect(page.get_by_text("Idle")).to_be_visible()
    await first.get_by_role("button", name="Account of ada").click()
    await first.get_by_role("menuitem", name="Sign out").click()
    for page in (first, second):
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await until(lambda: one_session.streams == 0)
    await first.get_by_label("Name").fill("bo")
    await first.get_by_label("Password").fill(one_session.world.password)
    await first.get_by_role("button", name="Sign in").click()
    for page in (first, second):
        await expect(page.get_by_role("link", name="Of bo", exact=True)).to_be_visible()
        await expect(page.get_by_role("link", name="RSpark", exact=True)).to_be_hidden()


@pytest.mark.long
async def test_back_after_signing_out_shows_nothing_of_the_one_before(tabs: BrowserContext, one_session: FixtureHub) -> None:
    page = await tabs.new_page()
    await page.goto("/hub/")
    await expect(page.get_by_text("Idle")).to_be_visible()
    await page.evaluate("window.kept = true")
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Account of ada").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    one_session.world.slow = 1.0
    await page.go_back(wait_until="commit")
    assert not await page.get_by_text("Idle").is_visible()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_one_who_is_signed_out_by_the_hub_is_told_so(page: Page, one_session: FixtureHub) -> None:
    await page.goto("/hub/")
    await expect(page.get_by_text("Idle")).to_be_visible()
    await one_session.heard()
    one_session.world.me = None
    one_session.hang_up()
    await expect(page.get_by_text("You were signed out")).to_be_visible()


@pytest.mark.long
async def test_an_administrators_tabs_share_the_widest_stream(tabs: BrowserContext, one_session: FixtureHub) -> None:
    one_session.world.me = world.me(admin=True)
    one_session.put(world.session(id="bobobobobo", owner="bo", name="Of bo"))
    home, everybody, others = [await tabs.new_page() for _ in range(3)]
    await home.goto("/hub/")
    await expect(home.get_by_role("link", name="RSpark", exact=True)).to_be_visible()
    await everybody.goto("/hub/admin/sessions")
    await expect(everybody.get_by_role("link", name="Of bo", exact=True)).to_be_visible()
    await others.goto("/hub/sessions/bobobobobo")
    await expect(others.get_by_role("heading", name="Idle")).to_be_visible()
    await until(lambda: one_session.streams == 1)
    await asyncio.sleep(0.5)  # the leader's stream is widened, and opens anew
    one_session.change("bobobobobo", busy=True)
    await expect(others.get_by_role("heading", name="Busy")).to_be_visible()
    await expect(home.get_by_role("link", name="Of bo", exact=True)).to_be_hidden()
    assert one_session.streams == 1
