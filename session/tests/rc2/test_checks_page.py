"""Mistakes marked in the editor, and code brought into form, in a browser on a session with the real lintr, air and ruff."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import axe_finds_nothing, in_each_look, open_file, opened
from session.tests.running import CHECKOUT, Running, command_of, members

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

WRONG = "x<-c(1,NA)\nif (any(x == NA)) print('gone')\ny <- T\n"
DOCUMENT = "# A title\n\n```{r}\nz<-T\n```\n\nText with T and F.\n\n```{python}\nw=1\n```\n"


async def typed(page: Page, name: str) -> str:
    """Return the text of an editor."""
    lines = page.get_by_role("textbox", name=f"Editor of {name}").locator(".cm-line")
    return "\n".join(await lines.all_inner_texts())


@pytest.mark.long
async def test_mistakes_are_marked_as_they_are_typed_and_are_gone_when_mended(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    (running.home / "wrong.R").write_text(WRONG)
    problems: list[str] = []
    page = await opened(context, edge, running)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await open_file(page, "wrong.R")
    await expect(page.get_by_role("contentinfo")).to_contain_text("2 mistakes marked")
    await expect(page.locator(".cm-lintRange-warning")).to_have_count(1)
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("F8")
    await expect(page.locator(".cm-diagnostic")).to_contain_text("Use is.na")
    await page.get_by_role("contentinfo").get_by_role("button", name="2 mistakes marked").click()
    listed = page.get_by_role("listbox", name="Diagnostics")
    await expect(listed.get_by_role("option")).to_have_count(2)
    await page.screenshot(path=CHECKOUT / "test-results/rc2/mistakes.png")
    await listed.press("Escape")
    await page.get_by_role("textbox", name="Editor of wrong.R").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("f <- function( {")
    await expect(page.locator(".cm-lintRange-error")).to_have_count(1)
    await page.keyboard.press("Control+Z")
    await expect(page.locator(".cm-lintRange-error")).to_have_count(0)
    assert problems == []


@pytest.mark.long
async def test_a_file_and_a_chunk_are_reformatted_and_one_undo_takes_it_back(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    (running.home / "form.R").write_text("f<-function(x){x+1}\n")
    (running.home / "form.py").write_text("x={'a':1}\n")
    (running.home / "chunks.Rmd").write_text(DOCUMENT)
    page = await opened(context, edge, running)
    await open_file(page, "form.R")
    await page.keyboard.press("Control+Shift+A")
    editor = page.get_by_role("textbox", name="Editor of form.R")
    await expect(editor.locator(".cm-line")).to_have_text(["f <- function(x) {", "  x + 1", "}", ""])
    await page.keyboard.press("Control+Z")
    await expect(editor.locator(".cm-line")).to_have_text(["f<-function(x){x+1}", ""])
    await page.keyboard.press("Control+End")
    await page.keyboard.type("g <- function( {")
    await page.keyboard.press("Control+Shift+A")
    await expect(page.get_by_text("This code can’t be reformatted: it is not complete, or no R.")).to_be_visible()
    assert "g <- function( {" in await typed(page, "form.R")
    await open_file(page, "form.py")
    await page.keyboard.press("Control+Shift+A")
    await expect(page.get_by_role("textbox", name="Editor of form.py").locator(".cm-line").first).to_have_text('x = {"a": 1}')
    await open_file(page, "chunks.Rmd")
    await expect(page.get_by_role("contentinfo")).to_contain_text("1 mistake marked")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+Shift+A")
    await expect(page.get_by_text("There is no code at the cursor to reformat")).to_be_visible()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Control+Shift+A")
    lines = page.get_by_role("textbox", name="Editor of chunks.Rmd").locator(".cm-line")
    await expect(lines.filter(has_text=re.compile("^z <- T$"))).to_have_count(1)
    await expect(lines.filter(has_text=re.compile("^w=1$"))).to_have_count(1)


@pytest.mark.long
async def test_a_server_that_dies_comes_back_and_who_wants_none_has_none(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    (running.home / "again.R").write_text("x <- T\n")
    page = await opened(context, edge, running)
    await open_file(page, "again.R")
    await expect(page.get_by_role("contentinfo")).to_contain_text("1 mistake marked")
    for process in members(running.name):
        if "rspark_session.rc2.language_servers.r" in command_of(process):
            process.kill()
    await expect(page.get_by_role("contentinfo")).not_to_contain_text("marked")
    await expect(page.get_by_role("contentinfo")).to_contain_text("1 mistake marked")
    await page.keyboard.press("Control+,")
    await page.get_by_label("Mark mistakes while typing").uncheck()
    await expect(page.get_by_role("contentinfo")).not_to_contain_text("marked")
    async with asyncio.timeout(60):
        while any("rspark_session.rc2.language_servers.r" in command_of(process) for process in members(running.name)):
            await asyncio.sleep(0.1)
    await page.get_by_label("Mark mistakes while typing").check()
    await expect(page.get_by_role("contentinfo")).to_contain_text("1 mistake marked")


@in_each_look
async def test_axe_finds_nothing(chromium: Browser, edge: Edge, running: Running, theme: str, size: ViewportSize) -> None:
    (running.home / "wrong.R").write_text(WRONG)
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        await page.get_by_role("treeitem", name="wrong.R").click()
        await expect(page.locator(".cm-lintRange-warning")).to_have_count(1)
        await page.get_by_role("textbox", name="Editor of wrong.R").focus()
        await page.keyboard.press("Control+Alt+Shift+D")
        await expect(page.get_by_role("listbox", name="Diagnostics")).to_be_visible()
        await page.screenshot(path=CHECKOUT / f"test-results/rc2/mistakes-{size['width']}-{theme}.png")
        await axe_finds_nothing(page)
    finally:
        await context.close()
