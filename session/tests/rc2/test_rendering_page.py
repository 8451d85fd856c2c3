"""Notebooks as jobs, and the preview that follows the cursor, in a browser."""

import re

import pytest
from playwright.async_api import BrowserContext, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_notebooks import code, notebook, prose
from session.tests.rc2.test_page import axe_finds_nothing, open_file, opened
from session.tests.running import CHECKOUT, Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

LONG = "\n\n".join(f"Paragraph {number}." for number in range(60))
DOCUMENT = f"---\ntitle: Long\n---\n\n# First\n\n{LONG}\n\n$$\na\n=\nb\n$$\n\n# The *last* one\n\nThe end.\n"


async def test_the_preview_follows_the_cursor_and_leads_back(context: BrowserContext, edge: Edge, running: Running) -> None:
    (running.home / "long.md").write_text(DOCUMENT)
    page = await opened(context, edge, running)
    await open_file(page, "long.md")
    await page.keyboard.press("Control+Shift+p")
    await page.get_by_role("combobox").fill("Preview what is typed")
    await page.keyboard.press("Enter")
    preview = page.get_by_role("document", name="Preview of long.md")
    first, end = (preview.get_by_text(words, exact=True) for words in ("Paragraph 0.", "The end."))
    await expect(first).to_be_in_viewport()
    await expect(end).not_to_be_in_viewport()
    editor = page.get_by_role("textbox", name="Editor of long.md")
    await editor.focus()
    await page.keyboard.press("Control+End")
    await expect(end).to_be_in_viewport()
    await page.keyboard.press("Control+Home")
    await expect(first).to_be_in_viewport()
    await preview.get_by_text("Paragraph 7.", exact=True).dblclick()
    line = DOCUMENT[: DOCUMENT.index("Paragraph 7.")].count("\n") + 1
    await expect(page.get_by_role("contentinfo")).to_contain_text(f"Line {line}")
    await expect(editor).to_be_focused()
    await preview.get_by_role("heading", name="The last one").scroll_into_view_if_needed()
    await preview.get_by_role("heading", name="The last one").dblclick()
    line = DOCUMENT[: DOCUMENT.index("# The")].count("\n") + 1
    await expect(page.get_by_role("contentinfo")).to_contain_text(f"Line {line}")
    # The page that is rendered follows as well, by its headings.
    await page.keyboard.press("Control+Shift+k")
    rendered = page.frame_locator("iframe[title='Preview of long.html']")
    await expect(rendered.get_by_text("The end.")).to_be_in_viewport(timeout=60_000)
    await editor.focus()
    await page.keyboard.press("Control+Home")
    await expect(rendered.get_by_text("Paragraph 0.", exact=True)).to_be_in_viewport()
    await expect(editor).to_be_focused()
    await page.keyboard.press("Control+End")
    await expect(rendered.get_by_text("The end.")).to_be_in_viewport()
    await expect(editor).to_be_focused()


async def test_a_notebook_runs_as_a_job_and_its_copy_is_opened(context: BrowserContext, edge: Edge, running: Running) -> None:
    (running.home / "job.ipynb").write_text(notebook(prose("top", "# A title"), code("one", "print(6 * 7)")))
    (running.home / "bad.ipynb").write_text(notebook(code("one", "1"), code("two", "1 / 0")))
    page = await opened(context, edge, running)
    await open_file(page, "job.ipynb")
    await page.keyboard.press("Control+Alt+Shift+r")
    jobs = page.get_by_role("group", name="Jobs")
    await jobs.get_by_role("button", name="Open job executed.ipynb").click(timeout=120_000)
    await expect(page.get_by_role("textbox", name="Editor of job executed.ipynb")).to_be_visible()
    await expect(page.get_by_text("42", exact=True).first).to_be_visible()
    await page.keyboard.press("Control+Shift+k")
    frame = page.frame_locator("iframe[title='Preview of job executed.html']")
    await expect(frame.get_by_role("heading", name="A title")).to_be_visible(timeout=60_000)
    await page.screenshot(path=CHECKOUT / "test-results/rc2/notebook-rendered.png")
    await page.get_by_role("treeitem", name="bad.ipynb").click()
    await expect(page.get_by_role("textbox", name="Editor of bad.ipynb")).to_be_visible()
    await page.keyboard.press("Control+Alt+Shift+r")
    await jobs.get_by_role("button", name=re.compile("Go to line 6 of bad.ipynb")).click(timeout=120_000)
    await expect(page.get_by_role("textbox", name="Editor of bad.ipynb")).to_be_focused()
    await expect(page.get_by_role("contentinfo")).to_contain_text("Line 6")
    await axe_finds_nothing(page)
