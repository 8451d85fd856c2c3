"""Help in a browser: words lead to topics and vignettes, links lead on, "Back" leads back, and examples run in the console."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, Route, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import axe_finds_nothing, opened
from session.tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

INDEXED = 240_000  # milliseconds in which the help of all that is installed here is read


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, edge: Edge, running: Running) -> AsyncIterator[Page]:
    yield await opened(context, edge, running)


async def look_up(page: Page, text: str) -> Locator:
    """Ask for help by the keyboard, and return the pane."""
    await page.keyboard.press("Control+3")
    pane = page.get_by_role("group", name="Help")
    await pane.get_by_role("searchbox").fill(text)
    await page.keyboard.press("Enter")
    return pane


async def test_links_of_a_topic_lead_on_and_back(page: Page) -> None:
    pane = await look_up(page, "mean")
    await expect(pane.get_by_role("document", name="Arithmetic Mean")).to_contain_text("fraction (0 to 0.5)")
    await pane.get_by_role("link", name="weighted.mean").click()
    await expect(pane.get_by_role("document", name="Weighted Arithmetic Mean")).to_be_visible()
    await pane.get_by_role("link", name="Index", exact=True).click()
    index = pane.get_by_role("document", name="Package stats")
    await index.get_by_role("button", name=re.compile("^lm stats Fitting Linear Models$")).click()
    await expect(pane.get_by_role("document", name="Fitting Linear Models")).to_be_visible()
    for title in ("Package stats", "Weighted Arithmetic Mean", "Arithmetic Mean"):
        await pane.get_by_role("button", name="Back").click()
        await expect(pane.get_by_role("document", name=title, exact=True)).to_be_visible()
    await axe_finds_nothing(page)


async def test_examples_run_in_the_console(page: Page) -> None:
    pane = await look_up(page, "rev")
    await pane.get_by_role("link", name="Run examples").click()
    await expect(page.get_by_role("log", name="Transcript")).to_contain_text("rev> ")


@pytest.mark.long
async def test_words_lead_to_vignettes_that_are_read_in_a_frame_of_their_own(page: Page) -> None:
    pane = await look_up(page, "beside it. This package connects R")
    guide = pane.get_by_role("button", name="The data of a session, from R rspark, a vignette")
    await expect(guide).to_be_visible(timeout=INDEXED)
    await expect(guide.locator("mark").first).to_be_visible()
    await guide.click()
    frame = page.frame_locator('iframe[title="The data of a session, from R"]')
    await expect(frame.get_by_role("heading", name="When the session sleeps")).to_be_visible()
    # Nothing of it reaches the page around it.
    inner = next(one for one in page.frames if "/rc2/api/vignette/" in one.url)
    assert await inner.evaluate("self.origin") == "null"
    await axe_finds_nothing(page)


@pytest.mark.long
async def test_what_nobody_has_written_of_is_said(page: Page) -> None:
    pane = await look_up(page, "xyzzyplugh")
    await expect(pane).to_contain_text("There is no help on xyzzyplugh in what is installed here.", timeout=INDEXED)


@pytest.mark.long
async def test_another_console_leaves_help_as_it_is(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if request.url.endswith("/help") else None)
    pane = await look_up(page, "mean")
    await pane.get_by_role("link", name="weighted.mean").click()
    await expect(pane.get_by_role("document", name="Weighted Arithmetic Mean")).to_be_visible()
    await page.get_by_role("button", name="Consoles, R").click()
    await page.get_by_role("menuitem", name="Start Python").click()
    await page.get_by_role("button", name="Consoles, ").click()
    await page.get_by_role("menuitemradio", name="Python").click()
    await expect(page.get_by_role("contentinfo")).to_contain_text("Python: Ready")
    # What is asked by the other console comes after what would have been asked when it was shown.
    pane = await look_up(page, "str.join")
    await expect(pane.get_by_role("document")).to_contain_text("Concatenate any number of strings")
    assert [json.loads(text).get("topic") for text in asked] == ["mean", "weighted.mean", "str.join"]
    await pane.get_by_role("button", name="Back").click()
    await expect(pane.get_by_role("document", name="Weighted Arithmetic Mean")).to_be_visible()


@pytest.mark.long
async def test_the_newest_question_has_the_page_whichever_answer_comes_last(page: Page) -> None:
    pane = await look_up(page, "rev")
    await expect(pane.get_by_role("document", name="Reverse Elements")).to_be_visible()
    asked, answered = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        if '"mean"' not in (route.request.post_data or ""):
            await route.continue_()
            return
        answer = await route.fetch()
        asked.set()
        await answered.wait()
        await route.fulfill(response=answer)

    await page.route("**/rc2/api/consoles/*/help", late)
    await look_up(page, "mean")
    await asked.wait()
    await look_up(page, "sd")
    await expect(pane.get_by_role("document", name="Standard Deviation")).to_be_visible()
    async with page.expect_event("requestfinished", lambda request: '"mean"' in (request.post_data or "")):
        answered.set()
    # The answer has been read, and what follows from it is done, when another has come that was asked later.
    await pane.get_by_role("link", name="mad", exact=True).click()
    await expect(pane.get_by_role("document", name="Median Absolute Deviation")).to_be_visible()
    for title in ("Standard Deviation", "Reverse Elements"):
        await pane.get_by_role("button", name="Back").click()
        await expect(pane.get_by_role("document", name=title, exact=True)).to_be_visible()
