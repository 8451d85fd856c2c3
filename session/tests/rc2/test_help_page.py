"""Help in a browser: words lead to topics and vignettes, links lead on, "Back" leads back, and examples run in the console."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import axe_finds_nothing, opened
from session.tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context


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


async def test_words_lead_to_vignettes_that_are_read_in_a_frame_of_their_own(page: Page) -> None:
    pane = await look_up(page, "beside it. This package connects R")
    await pane.get_by_role("button", name="The data of a session, from R rspark, a vignette").click()
    frame = page.frame_locator('iframe[title="The data of a session, from R"]')
    await expect(frame.get_by_role("heading", name="When the session sleeps")).to_be_visible()
    # Nothing of it reaches the page around it.
    inner = next(one for one in page.frames if "/rc2/api/vignette/" in one.url)
    assert await inner.evaluate("self.origin") == "null"
    await axe_finds_nothing(page)


async def test_what_nobody_has_written_of_is_said(page: Page) -> None:
    pane = await look_up(page, "xyzzyplugh")
    await expect(pane).to_contain_text("There is no help on xyzzyplugh in what is installed here.")
