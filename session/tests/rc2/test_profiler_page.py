"""The profile of a selection in a browser: flames that the keyboard walks, a table of functions, and times beside the lines."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import LONG, axe_finds_nothing, open_file, opened
from session.tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

#: `grow` computes for half a second of the processor's time, however slow that is.
SCRIPT = """grow <- function(n) {
  t <- proc.time()[[1]]
  while (proc.time()[[1]] - t < n) {
    all <- rev(runif(2e5))
  }
}
made <- lapply(c(0.25, 0.25), grow)
quick <- 1
"""


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, edge: Edge, running: Running) -> AsyncIterator[Page]:
    (running.home / "slow.R").write_text(SCRIPT)
    (running.home / "slow.py").write_text("sum(range(10))\n")
    yield await opened(context, edge, running)


async def test_a_selection_is_profiled(page: Page) -> None:
    await open_file(page, "slow.R")
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Control+Alt+Shift+P")
    pane = page.get_by_role("group", name="Profile")
    flames = pane.get_by_role("tree", name="Flames")
    outer = flames.get_by_role("treeitem", name=re.compile("^lapply, .*called at slow.R:7"))
    await expect(outer).to_have_attribute("aria-level", "1")
    functions = pane.get_by_role("table", name="Functions")
    await expect(functions.get_by_role("row").filter(has_text="runif")).to_contain_text("%")
    await expect(pane).to_contain_text("R computed for")
    await axe_finds_nothing(page)
    # The keyboard walks the calls, zooms in, and out again.
    await flames.focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowDown")
    inner = flames.get_by_role("treeitem", selected=True)
    await expect(inner).to_have_attribute("aria-level", "2")
    await page.keyboard.press("Enter")
    await expect(inner).to_have_attribute("style", re.compile("width: 100%"))
    await page.keyboard.press("Escape")
    await expect(pane.get_by_role("button", name="Show all")).to_have_count(0)
    # What a call is told leads to its line, beside which stands its time.
    await outer.click()
    await page.keyboard.press("Escape")
    await pane.get_by_role("button", name="Go to line 7").click()
    editor = page.get_by_role("textbox", name="Editor of slow.R")
    await expect(editor).to_be_focused()
    await expect(editor.locator(".cm-line").nth(6).locator(".cm-profiled")).to_contain_text(re.compile(r"s, .*B"))
    await expect(editor.locator(".cm-line").nth(7).locator(".cm-profiled")).to_have_count(0)
    # The transcript leads to it again, also after a reload.
    await page.reload()
    transcript = page.get_by_role("log", name="Transcript")
    await expect(transcript.get_by_role("button", name=re.compile("Show the profile of"))).to_be_visible()


async def test_what_is_too_quick_is_said_of_r_and_of_python(page: Page) -> None:
    await open_file(page, "slow.R")
    await page.keyboard.press("Control+End")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Control+Shift+p")
    await page.get_by_role("combobox").fill("Profile the selection")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log", name="Transcript")).to_contain_text("The code was too quick to be profiled")
    await open_file(page, "slow.py")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+Alt+Shift+P")
    await expect(page.get_by_role("contentinfo")).to_contain_text("Python: Ready", timeout=LONG)
    await expect(page.get_by_role("log", name="Transcript")).to_contain_text("too quick to be profiled: Python")
