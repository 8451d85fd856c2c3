"""Home: my sessions and what I can start."""

import pytest
from playwright.async_api import Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHIFTS = """
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
  }).observe({type: 'layout-shift', buffered: true});
"""


async def _names(page: Page) -> list[str]:
    return await page.locator("ul.rows > li .name").all_inner_texts()


async def test_one_press_starts_and_leads_to_where_it_can_be_watched(page: Page, hub: FixtureHub) -> None:
    hub.world.environments = [world.rspark()]
    await page.goto("/hub/")
    await page.get_by_role("button", name="Start RSpark").click()
    await page.wait_for_url("**/hub/sessions/new0")
    await expect(page.get_by_role("heading", name="RSpark")).to_be_focused()
    assert hub.world.asked == [("POST", "/sessions", {"environment": "rspark"})]


async def test_two_presses_start_one(page: Page, hub: FixtureHub) -> None:
    hub.world.slow = 0.3
    await page.goto("/hub/")
    await page.get_by_role("button", name="Start R basics").dblclick()
    await page.wait_for_url("**/hub/sessions/new0")
    assert len(hub.world.asked) == 1


async def test_a_refusal_is_told_in_the_hubs_words(page: Page, hub: FixtureHub) -> None:
    said = "You have 5 sessions, which is the most there may be. Delete one that you don't need, then try again."
    hub.world.refusals["POST /sessions"] = (409, said)
    await page.goto("/hub/")
    await page.get_by_role("button", name="Start R basics").click()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text(said)
    await expect(page.get_by_role("button", name="Start R basics")).not_to_have_attribute("aria-busy", "true")


async def test_resume_leads_to_where_it_can_be_watched(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep())
    await page.goto("/hub/")
    await page.get_by_role("button", name="Resume Homework 3").click()
    await page.wait_for_url("**/hub/sessions/kq4wz7m2xb")


async def test_a_session_that_falls_asleep_stays_in_its_place(page: Page, hub: FixtureHub) -> None:
    for session in world.everything():
        hub.put(session)
    await page.goto("/hub/")
    await expect(page.get_by_role("link", name="Spark lab")).to_be_visible()
    before = await _names(page)
    await hub.heard()
    hub.change("busyaaaaaa", state="suspended", wanted="suspended", busy=False)
    await expect(page.get_by_role("button", name="Resume Flight delays")).to_be_visible()
    assert await _names(page) == before


async def test_one_started_elsewhere_comes_on_top(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session(id="old", name="Old"))
    await page.goto("/hub/")
    await expect(page.get_by_role("link", name="Old", exact=True)).to_be_visible()
    await hub.heard()
    hub.put(world.queued(1, id="fresh", name="Fresh", created=world.ago(seconds=1)))
    await expect(page.get_by_role("link", name="Fresh", exact=True)).to_be_visible()
    assert await _names(page) == ["Fresh", "Old"]


async def test_nothing_jumps_while_the_page_comes(page: Page, hub: FixtureHub) -> None:
    for session in world.everything():
        hub.put(session)
    hub.world.slow = 0.4
    await page.add_init_script(SHIFTS)
    await page.goto("/hub/")
    await expect(page.get_by_role("link", name="Spark lab")).to_be_visible()
    hub.world.slow = 0
    hub.change("busyaaaaaa", memory=int(3.9 * world.GIB), cpu=0.2, busy=False)
    await expect(page.get_by_text("3.9 of 4 GB")).to_be_visible()
    assert await page.evaluate("window.shifted ?? 0") < 0.01


async def test_a_deletion_asks_first_and_no_leaves_all_as_it_is(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep())
    await page.goto("/hub/")
    more = page.get_by_role("button", name="More for Homework 3")
    await more.click()
    await page.get_by_role("menuitem", name="Delete").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert hub.world.asked == []
    await more.click()
    await page.get_by_role("menuitem", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Being deleted", exact=True)).to_be_visible()
    hub.delete("kq4wz7m2xb")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()


async def test_what_sleeps_already_is_offered_before_another(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep())
    await page.goto("/hub/")
    await expect(page.get_by_text("You have one asleep:")).to_be_visible()
    await expect(page.get_by_role("button", name="Start another RSpark")).to_be_visible()


async def test_what_can_not_be_started_here_says_why_and_has_no_button(page: Page, hub: FixtureHub) -> None:
    why = "HDFS is not installed here. Run `make hdfs` where RSparkHub is installed, then start RSparkHub again."
    hub.world.environments = [world.rspark(), world.basics() | {"unavailable": why}]
    await page.goto("/hub/")
    await expect(page.get_by_text(why)).to_be_visible()
    await expect(page.get_by_role("button", name="Start")).to_have_count(1)


async def test_what_is_hidden_is_not_offered_and_its_sessions_go_on(page: Page, hub: FixtureHub) -> None:
    hub.world.environments = [world.rspark(), world.basics() | {"hidden": True}]
    await page.goto("/hub/")
    await expect(page.get_by_role("button", name="Start RSpark")).to_be_visible()
    await expect(page.get_by_text("R basics")).to_have_count(0)
    session = hub.put(world.session(environment="r-basics", title="R basics", name="Homework"))
    await page.reload()
    await expect(page.get_by_role("link", name="Homework", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Start R basics")).to_have_count(0)
    await page.goto(f"/hub/sessions/{session['id']}")
    await expect(page.get_by_text("is not in the catalog at present")).to_have_count(0)


async def test_what_an_environment_offers_is_chosen_before_it_starts(page: Page, hub: FixtureHub) -> None:
    hub.world.environments = [world.sized()]
    await page.goto("/hub/")
    await page.get_by_role("button", name="Start Statistics lab").click()
    dialog = page.get_by_role("dialog", name="Start Statistics lab")
    await expect(dialog.get_by_label("Workers")).to_have_value("2")
    await dialog.get_by_label("Size").select_option("large")
    await dialog.get_by_label("Workers").fill("9")
    await dialog.get_by_role("button", name="Start").click()
    await expect(dialog.get_by_role("alert")).to_have_text("The option workers of Statistics lab is to be a number from 1 to 8.")
    await dialog.get_by_label("Workers").fill("3")
    await dialog.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("heading", name="Statistics lab", level=1)).to_be_visible()
    said = hub.world.asked[-1][2]
    assert said == {"environment": "sized", "options": {"size": "large", "workers": "3"}}
    facts = page.get_by_role("region", name="About it")
    await expect(facts.get_by_text("Large: 4 cores")).to_be_visible()
    await expect(dialog).to_have_count(0)


async def test_a_link_brings_its_options_into_a_new_session(page: Page, hub: FixtureHub) -> None:
    hub.world.environments = [world.sized()]
    await page.goto("/hub/start?environment=sized&from=tutorial&option=size%3Dlarge")
    await expect(page.get_by_label("Size")).to_have_value("large")
    await page.get_by_role("button", name="Start and get the files").click()
    await expect(page.get_by_role("heading", name="Statistics lab", level=1)).to_be_visible()
    started = [call for call in hub.world.asked if call[1] == "/sessions"]
    assert started == [("POST", "/sessions", {"environment": "sized", "reuse": True, "options": {"size": "large"}})]
