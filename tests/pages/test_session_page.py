"""A session's own page: it starts, opens, fails, sleeps and is gone, as the hub says it."""

import re
from datetime import datetime

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID = "kq4wz7m2xb"
PATH = f"/hub/sessions/{ID}"


async def test_parts_light_up_as_the_hub_tells(page: Page, hub: FixtureHub) -> None:
    hub.put(world.starting("starting", "waiting", "waiting"))
    await page.goto(PATH)
    await expect(page.get_by_role("heading", name="Starting PostgreSQL")).to_be_visible()
    await hub.heard()
    hub.progress(ID, "postgres", "ready")
    hub.progress(ID, "spark", "starting")
    await expect(page.get_by_role("heading", name="Starting Spark")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="PostgreSQL")).to_contain_text("ready")


async def test_it_moves_up_in_the_queue(page: Page, hub: FixtureHub) -> None:
    hub.put(world.queued(3))
    await page.goto(PATH)
    await expect(page.get_by_role("heading", name="3rd in the queue")).to_be_visible()
    await hub.heard()
    hub.change(ID, queue_position=1)
    await expect(page.get_by_role("heading", name="Next in the queue")).to_be_visible()
    await expect(page.get_by_text("takes about 20 s")).to_be_visible()


async def test_who_waited_for_it_is_taken_there_when_it_is_ready(page: Page, hub: FixtureHub) -> None:
    hub.put(world.queued(1))
    await page.goto(PATH)
    await expect(page.get_by_text("It opens by itself when it is ready.")).to_be_visible()
    await hub.heard()
    hub.change(ID, state="starting", queue_position=None, services=world.parts("ready", "ready", "starting"))
    hub.put(world.session())
    await page.wait_for_url(f"**/s/{ID}/")


async def test_going_back_from_the_session_does_not_lead_there_again(page: Page, hub: FixtureHub) -> None:
    hub.put(world.starting())
    await page.goto(PATH)
    await hub.heard()
    await expect(page.get_by_text("It opens by itself")).to_be_visible()
    hub.put(world.session())
    await page.wait_for_url(f"**/s/{ID}/")
    await page.go_back(wait_until="commit")  # a page that the browser kept is not loaded again
    await expect(page.get_by_role("heading", name="Idle")).to_be_visible()
    await expect(page).to_have_url(re.compile(PATH))


async def test_who_says_that_they_stay_is_not_taken_along(page: Page, hub: FixtureHub) -> None:
    hub.put(world.starting())
    await page.goto(PATH)
    await hub.heard()
    await page.get_by_role("button", name="Stay on this page").click()
    hub.put(world.session())
    await expect(page.get_by_role("link", name="Open JupyterLab")).to_be_visible()
    await expect(page).to_have_url(re.compile(PATH))


async def test_a_session_that_ran_already_waits_for_its_button(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto(PATH)
    await page.get_by_role("link", name="Open JupyterLab").click()
    await page.wait_for_url(f"**/s/{ID}/")


async def test_what_opens_beside_it_has_a_link_on_its_page_and_in_its_menu(page: Page, hub: FixtureHub) -> None:
    url = f"/s/{ID}/interfaces/shell/"
    hub.put(world.session(beside=[{"name": "shell", "title": "Terminal", "url": url}]))
    await page.goto(PATH)
    await expect(page.get_by_role("link", name="Terminal", exact=True)).to_have_attribute("href", url)
    await page.goto("/hub/")
    await page.get_by_role("button", name="More for RSpark").click()
    await page.get_by_role("menuitem", name="Open Terminal").click()
    await page.wait_for_url(f"**{url}")


async def test_a_failure_stays_with_its_reason_its_log_and_a_retry(page: Page, hub: FixtureHub) -> None:
    hub.world.logs = {"postgres": "FATAL:  No space left on device\n", "agent": "it ended\n"}
    hub.put(world.starting())
    await page.goto(PATH)
    await hub.heard()
    hub.put(world.failed())
    await expect(page.get_by_role("heading", name="PostgreSQL failed")).to_be_visible()
    await expect(page.get_by_role("region", name="State")).to_contain_text("because the disk is full")
    await expect(page.get_by_role("log")).to_contain_text("No space left on device")
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_role("heading", name="Next in the queue")).to_be_visible()
    assert ("POST", f"/sessions/{ID}/resume", None) in hub.world.asked


async def test_what_was_asked_shows_at_once_and_what_is_when_the_hub_says_it(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto(PATH)
    await hub.heard()
    hub.world.slow = 4.0
    sleep = page.get_by_role("button", name="Sleep")
    async with page.expect_response("**/suspend"):
        await sleep.click()
        # The answer is seconds away: the button says already that it is asked.
        await expect(sleep).to_have_attribute("aria-busy", "true", timeout=10000)
        await expect(page.get_by_role("heading", name="Idle")).to_be_visible(timeout=1000)
    await expect(page.get_by_role("heading", name="Going to sleep")).to_be_visible()


async def test_a_stop_asks_first_and_offers_sleep_instead(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto(PATH)
    await page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog", name="Stop RSpark?")
    await expect(dialog).to_contain_text("without saving variables")
    await dialog.get_by_role("button", name="Sleep").click()
    await expect(page.get_by_role("heading", name="Going to sleep")).to_be_visible()
    assert [call[1] for call in hub.world.asked] == [f"/sessions/{ID}/suspend"]


async def test_what_could_not_be_saved_is_named_with_why(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep())
    await page.goto(PATH)
    await expect(page.get_by_text("42 variables saved (12 MB), 2 objects not.")).to_be_visible()
    await expect(page.get_by_text("PqConnection")).to_be_visible()
    await expect(page.get_by_text("It points into memory that is gone.")).to_be_visible()


async def test_things_that_share_a_name_are_all_named(page: Page, hub: FixtureHub) -> None:
    twice = {"name": "con", "class": "PqConnection", "why": "A connection can't be saved."}
    kernel = world.SAVED["kernels"][0] | {"lost": [twice, twice]}
    services = [*world.parts("ended", "ended", "ended"), *world.parts("ended", "ended", "ended")]
    exit_ = {"code": 0, "saved": {"kernels": [kernel, kernel]}, "at": world.ago(hours=1)}
    hub.world.logs = {"postgres": "", "spark": "", "interface": ""}
    hub.put(world.asleep(last_exit=exit_, restored={"kernels": [kernel, kernel]}, services=services))
    await page.goto(PATH)
    await expect(page.get_by_text("A connection can't be saved.")).to_have_count(4)
    await hub.heard()
    warning = {"kind": "idle", "at": world.ahead(minutes=9), "text": "Nobody uses it."}
    hub.put(world.session(services=services, restored={"kernels": [kernel, kernel]}, warnings=[warning, warning]))
    await expect(page.get_by_text("Nobody uses it.")).to_have_count(2)
    await expect(page.get_by_text("A connection can't be saved.")).to_have_count(4)
    await page.get_by_role("button", name="Show the log").click()
    await expect(page.get_by_role("tab", name="Spark")).to_have_count(1)


async def test_what_can_not_be_shown_leaves_the_rest_usable(context: BrowserContext, hub: FixtureHub) -> None:
    page = await context.new_page()
    broken = hub.put(world.session(name="Broken", id="broken"))
    hub.put(world.session(name="Whole", id="whole"))
    broken["busy_with"], broken["busy"] = None, True  # of a shape that no hub of this version sends
    broken["services"] = [{"name": "spark", "title": {}, "state": "starting"}]
    broken["restored"] = {"kernels": 7}
    await page.goto("/hub/")
    await expect(page.get_by_text("This session can’t be shown.")).to_be_visible()
    await expect(page.get_by_role("link", name="Whole", exact=True)).to_be_visible()
    await page.goto("/hub/sessions/broken")
    await expect(page.get_by_text("can’t be shown. The rest of the page works.").first).to_be_visible()
    await page.get_by_role("link", name="RSparkHub, your sessions").click()
    await page.get_by_role("button", name="Sleep Whole").click()
    await expect(page.get_by_text("Going to sleep")).to_be_visible()


async def test_a_session_without_its_environment_says_why_it_can_not_start(page: Page, hub: FixtureHub) -> None:
    hub.world.environments = [world.basics()]
    hub.put(world.asleep())
    await page.goto(PATH)
    await expect(page.get_by_text("rspark, its environment, is not in the catalog at present")).to_be_visible()


async def test_the_log_of_each_part_is_a_key_away(page: Page, hub: FixtureHub) -> None:
    hub.world.logs = {"postgres": "from postgres\n", "spark": "from spark\n", "interface": "from jupyter\n"}
    hub.put(world.starting())
    await page.goto(PATH)
    await expect(page.get_by_role("heading", name="Starting PostgreSQL")).to_be_visible()
    await page.keyboard.press("l")
    await expect(page.get_by_role("log")).to_contain_text("from postgres")
    await page.get_by_role("tab", name="PostgreSQL").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("log")).to_contain_text("from spark")
    await page.get_by_role("button", name="Log of JupyterLab").click()
    await expect(page.get_by_role("log")).to_contain_text("from jupyter")


async def test_a_session_deleted_meanwhile_says_so(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto(PATH)
    await hub.heard()
    await expect(page.get_by_role("heading", name="Idle")).to_be_visible()
    hub.delete(ID)
    await expect(page.get_by_role("heading", name="This session is deleted")).to_be_visible()


async def test_an_administrator_sees_somebody_elses_and_is_not_taken_there(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    hub.put(world.starting(owner="bo"))
    await page.goto(PATH)
    await expect(page.get_by_text("of bo")).to_be_visible()
    await hub.heard()
    hub.put(world.session(owner="bo"))
    await expect(page.get_by_role("heading", name="Idle")).to_be_visible()
    await expect(page).to_have_url(re.compile(PATH))


async def test_a_change_of_state_is_said_aloud(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session(state="suspending", wanted="suspended"))
    await page.goto(PATH)
    await hub.heard()
    await expect(page.get_by_role("heading", name="Going to sleep")).to_be_visible()
    hub.put(world.asleep())
    await expect(page.get_by_role("status").filter(has_text="Homework 3 is asleep. Your work is kept.")).to_be_attached()


async def test_sleeping_what_computes_asks_first(page: Page, hub: FixtureHub) -> None:
    hub.put(world.busy())
    hub.world.busy_refusals = True
    await page.goto(PATH)
    await page.get_by_role("button", name="Sleep").click()
    dialog = page.get_by_role("dialog", name="Sleep Flight delays anyway?")
    await expect(dialog).to_contain_text("It computes: R kernel, analysis.ipynb.")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("heading", name="Busy")).to_be_visible()
    await page.get_by_role("button", name="Sleep").click()
    await dialog.get_by_role("button", name="Sleep anyway").click()
    await expect(page.get_by_role("heading", name="Going to sleep")).to_be_visible()
    assert hub.world.asked[-1] == ("POST", f"/sessions/{ID}/suspend", {"confirm": True})


async def test_what_was_ended_is_named_afterwards(page: Page, hub: FixtureHub) -> None:
    exit_ = {"code": 0, "saved": world.SAVED, "at": world.ago(hours=1), "ended": ["A terminal runs psql"]}
    hub.put(world.asleep(last_exit=exit_))
    await page.goto(PATH)
    await expect(page.get_by_text("Ended while it computed: A terminal runs psql.")).to_be_visible()


async def test_a_sleep_that_was_given_up_says_why_and_can_be_had_all_the_same(page: Page, hub: FixtureHub) -> None:
    lost = [{"name": "x", "class": "list", "why": "Your home is full.", "failed": True}]
    refused = {"at": world.ago(minutes=1), "reason": "could not keep `x` (Your home is full).", "lost": lost}
    hub.put(world.session(sleep_refused=refused))
    await page.goto(PATH)
    await expect(page.get_by_text("Not put to sleep: could not keep `x`")).to_be_visible()
    await page.get_by_role("button", name="Sleep anyway").click()
    await page.get_by_role("dialog").get_by_role("button", name="Sleep anyway").click()
    await expect(page.get_by_role("heading", name="Going to sleep")).to_be_visible()
    assert hub.world.asked[-1] == ("POST", f"/sessions/{ID}/suspend", {"force": True})


async def test_an_idle_session_says_when_it_sleeps_and_is_put_off_until_it_can_not_be(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session(sleeps=world.sleeps(hours=9)))
    await page.goto(PATH)
    state = page.get_by_role("region", name="State")
    more = state.get_by_role("button", name="+2 h for RSpark")
    await expect(state.get_by_text("Sleeps", exact=True)).to_be_visible()
    await more.click()
    await expect(state).to_contain_text(clock_of(hub.world.sessions[ID]["sleeps"]["at"]))
    await more.click()
    await expect(state.get_by_text("as late as it may")).to_be_visible()
    await expect(more).to_have_count(0)
    extended = [call for call in hub.world.asked if call[1].endswith("/extend")]
    assert extended == [("POST", f"/sessions/{ID}/extend", {"by": "2h"})] * 2


async def test_who_is_refused_more_time_is_told_why(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto("/hub/")
    more = page.get_by_role("button", name="+2 h for RSpark")
    await expect(more).to_be_visible()
    hub.world.sessions[ID]["sleeps"]["can_extend"] = False  # somebody else put it off meanwhile
    await more.click()
    await expect(page.get_by_text("RSpark sleeps as late as it may: 12 hours ahead.")).to_be_visible()


async def test_a_sleeping_session_says_until_when_it_is_kept(page: Page, hub: FixtureHub) -> None:
    hub.put(world.asleep(kept_until="2031-12-05T12:00:00Z"))
    await page.goto(PATH)
    await expect(page.get_by_text("Kept until 5 Dec 2031.")).to_be_visible()
    await page.goto("/hub/")
    await expect(page.get_by_text("Kept until 5 Dec 2031")).to_be_visible()


async def test_a_session_gets_another_name_everywhere(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto(PATH)
    await page.get_by_role("button", name="More for RSpark").click()
    await page.get_by_role("menuitem", name="Rename").click()
    dialog = page.get_by_role("dialog", name="Rename RSpark")
    await dialog.get_by_label("Name").fill("  ")
    await dialog.get_by_role("button", name="Rename").click()
    await expect(dialog.get_by_text("Enter a name.")).to_be_visible()
    await dialog.get_by_label("Name").fill(" Größe & 大小 ")
    await dialog.get_by_role("button", name="Rename").click()
    await expect(page.get_by_role("heading", name="Größe & 大小")).to_be_visible()
    await expect(dialog).to_have_count(0)
    await expect(page).to_have_title("Größe & 大小 · RSparkHub")
    assert hub.world.asked[-1] == ("PATCH", f"/sessions/{ID}", {"name": "Größe & 大小"})
    await page.get_by_role("link", name="RSparkHub, your sessions").click()
    await expect(page.get_by_role("link", name="Größe & 大小", exact=True)).to_be_visible()


def clock_of(time: str) -> str:
    """Return the hour and minute of a time, as pages say it here."""
    return f"{datetime.fromisoformat(time).astimezone():%H:%M}"
