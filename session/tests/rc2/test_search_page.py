"""Search and replace in Rc²'s page: by the keyboard alone, in files and in what editors have open; and how the pane looks."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Locator, Page, Route, ViewportSize, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import axe_finds_nothing, in_each_look, opened, until_true
from session.tests.running import CHECKOUT, Running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

TEXTS = {
    "clean.R": "first\r\nneedle <- 1\r\nneedle + needle\r\n",
    "typed.R": "needle\n",
    "closed.R": "x <- needle(1)\nno end: needle",
    "notes/plan.md": "# Needle\n",
}


@pytest.fixture
def course(running: Running) -> Path:
    """A folder of the home with files that have the same word."""
    folder = running.home / "find"
    for name, text in TEXTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
        os.utime(folder / name, (10**9, 10**9))  # of an old file a browser would keep the answers
    (folder / "latin.txt").write_bytes("needle für alle\n".encode("latin-1"))
    return folder


def pane_of(page: Page) -> Locator:
    return page.get_by_role("group", name="Search in files")


async def open_search(page: Page, keys: str = "Control+Shift+f") -> Locator:
    """Open the pane by its key; the words are typed over then."""
    await page.keyboard.press(keys)
    await expect(pane_of(page).get_by_role("textbox", name="Search for")).to_be_focused()
    return pane_of(page)


async def search(page: Page, keys: str, words: str) -> Locator:
    """Search in the folder of this test."""
    pane = await open_search(page, keys)
    which = pane.get_by_role("button", name="Which files")
    if await which.get_attribute("aria-expanded") == "false":
        await which.click()
    await pane.get_by_role("textbox", name="Folder").fill("find")
    await pane.get_by_role("textbox", name="Search for").fill(words)
    await pane.get_by_role("textbox", name="Search for").press("Enter")
    return pane


async def open_found(page: Page, name: str) -> Locator:
    """Open a document of this test by its name."""
    await page.keyboard.press("Control+p")
    await page.get_by_role("combobox", name="File").fill(name)
    await page.get_by_role("option", name=f"{name} find").click()
    editor = page.get_by_role("textbox", name=f"Editor of {name}")
    await expect(editor).to_be_focused()
    return editor


@pytest.mark.long
async def test_what_is_selected_is_found_and_opened_by_keys_alone(
    context: BrowserContext, edge: Edge, running: Running, course: Path
) -> None:
    page = await opened(context, edge, running)
    await search(page, "Control+Shift+f", "plus")
    editor = await open_found(page, "clean.R")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Control+Shift+ArrowRight")
    pane = await open_search(page)
    await expect(pane.get_by_role("textbox", name="Search for")).to_have_value("needle")
    await expect(pane.get_by_role("status").first).to_have_text("8 matches in 5 files")
    await page.keyboard.press("ArrowDown")
    tree = pane.get_by_role("tree", name="Found")
    await expect(tree).to_be_focused()
    await expect(tree.get_by_role("treeitem", name="find/clean.R, 3 matches")).to_have_attribute("aria-selected", "true")
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(tree.get_by_role("treeitem", name="Line 3: needle + needle").nth(1)).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(editor).to_be_focused()
    await page.keyboard.type("found")  # the match is selected
    await expect(editor).to_contain_text("needle + found")
    # What is typed and not saved is searched as it is there.
    await open_search(page)
    await pane.get_by_role("button", name="Match case").click()
    await expect(pane.get_by_role("status").first).to_have_text("6 matches in 4 files")
    await pane.get_by_role("button", name="Regular expression").click()
    await pane.get_by_role("textbox", name="Search for").fill("(needle")
    await expect(pane.get_by_role("alert")).to_contain_text("This expression is not understood: unclosed group.")


@pytest.mark.long
async def test_all_is_replaced_and_brought_back_by_one_undo(
    context: BrowserContext, edge: Edge, running: Running, course: Path
) -> None:
    page = await opened(context, edge, running)
    await open_found(page, "clean.R")
    typed = await open_found(page, "typed.R")
    await page.keyboard.press("Control+End")
    await page.keyboard.type("needle not saved")
    pane = await search(page, "Control+Shift+h", "needle")
    await expect(pane.get_by_role("status").first).to_have_text("9 matches in 5 files")
    await pane.get_by_role("textbox", name="Replace by").fill("$thread")
    tree = pane.get_by_role("tree", name="Found")
    await expect(tree.get_by_role("treeitem", name="Line 1: x <- needle(1), becomes $thread")).to_be_visible()
    latin = tree.get_by_role("treeitem", name="find/latin.txt, 1 match. It is not UTF-8 text, and is left as it is.")
    await expect(latin).to_be_visible()

    # One match of a file that nobody has open.
    row = tree.get_by_role("treeitem", name="Line 1: x <- needle(1)")
    await row.hover()
    await row.get_by_title("Replace in line 1").click()
    await expect(pane.get_by_role("status").first).to_have_text("8 matches in 5 files")
    assert (course / "closed.R").read_text() == "x <- $thread(1)\nno end: needle"

    # One file is left out; then all.
    row = tree.get_by_role("treeitem", name="find/notes/plan.md")
    await row.hover()
    await row.get_by_title("Leave out find/notes/plan.md").click()
    await pane.get_by_role("button", name="Replace all").click()
    dialog = page.get_by_role("dialog", name="Replace 6 matches in 3 files?")
    await dialog.get_by_role("button", name="Replace", exact=True).click()
    await expect(pane.get_by_role("button", name="Undo the replacement")).to_be_visible()
    await expect(pane.get_by_role("status").first).to_have_text("1 match in 1 file")  # what was left out stays out
    assert (course / "closed.R").read_text() == "x <- $thread(1)\nno end: $thread"
    assert (course / "clean.R").read_bytes() == TEXTS["clean.R"].replace("needle", "$thread").encode()
    assert (course / "notes/plan.md").read_text() == TEXTS["notes/plan.md"]
    # What was not saved is changed in its editor alone.
    await expect(typed).to_contain_text("$thread not saved")
    assert (course / "typed.R").read_text() == "needle\n"
    await expect(page.get_by_text("has changed in the session")).to_have_count(0)

    # One Undo brings all back but what was changed since.
    (course / "closed.R").write_text("changed since\n")
    await pane.get_by_role("button", name="Undo the replacement").click()
    await expect(pane.get_by_text("1 file was passed over")).to_be_visible()
    await expect(pane).to_contain_text("find/closed.R: It has been changed since, and is left as it is.")
    await until(lambda: (course / "clean.R").read_bytes() == TEXTS["clean.R"].encode(), "the file is as before")
    await expect(typed).to_contain_text("needle not saved")
    assert (course / "closed.R").read_text() == "changed since\n"
    await expect(page.get_by_text("has changed in the session")).to_have_count(0)

    # In the editor, too, it was one step each.
    await typed.focus()
    await page.keyboard.press("Control+z")
    await expect(typed).to_contain_text("$thread not saved")
    await page.keyboard.press("Control+z")
    await expect(typed).to_contain_text("needle not saved")


@pytest.mark.long
async def test_of_many_files_only_the_rows_that_are_seen_are_drawn_and_a_replacement_is_stopped(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    folder = running.home / "many"
    folder.mkdir(exist_ok=True)
    for number in range(3000):
        (folder / f"{number:04}.txt").write_text("straw\n" * 3)
    page = await opened(context, edge, running)
    pane = await open_search(page)
    await pane.get_by_role("textbox", name="Search for").fill("straw")
    await expect(pane.get_by_role("status").first).to_have_text("9,000 matches in 3,000 files")
    tree = pane.get_by_role("tree", name="Found")
    assert await tree.get_by_role("treeitem").count() < 200
    await pane.get_by_role("textbox", name="Search for").press("ArrowDown")
    await page.keyboard.press("End")
    await expect(tree.get_by_role("treeitem", name="Line 3: straw").last).to_have_attribute("aria-selected", "true")
    await until_true(page, "document.querySelector('[role=tree][aria-label=Found]').scrollTop > 100000")

    # Who stops a replacement, before anything is told of it, can undo what it has done nevertheless.
    stopped = asyncio.Event()

    async def hold(route: Route) -> None:
        await route.fetch()
        await stopped.wait()
        with suppress(Error):  # the page waits for it no more
            await route.abort()

    await page.route("**/rc2/api/search/replace", hold)
    await pane.get_by_role("button", name="Replace", exact=True).click()
    await pane.get_by_role("textbox", name="Replace by").fill("hay")
    await pane.get_by_role("button", name="Which files").click()
    await pane.get_by_role("textbox", name="Files").fill("000*.txt")
    await expect(pane.get_by_role("status").first).to_have_text("30 matches in 10 files")
    await pane.get_by_role("button", name="Replace all").click()
    dialog = page.get_by_role("dialog", name="Replace 30 matches in 10 files?")
    await dialog.get_by_role("button", name="Replace", exact=True).click()
    await until(lambda: (folder / "0009.txt").read_text() == "hay\n" * 3, "the files are changed")
    await pane.get_by_role("button", name="Stop").click()
    stopped.set()
    await expect(pane.get_by_role("status").first).to_have_text("Nothing found")
    await pane.get_by_role("button", name="Undo the replacement").click()
    await expect(pane.get_by_role("status").first).to_have_text("30 matches in 10 files")
    assert {(folder / f"{number:04}.txt").read_text() for number in range(3000)} == {"straw\n" * 3}


@in_each_look
async def test_axe_finds_nothing_in_the_search(
    chromium: Browser, edge: Edge, running: Running, course: Path, theme: str, size: ViewportSize
) -> None:
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        pane = await search(page, "Control+Shift+h", "needle")
        await expect(pane.get_by_role("treeitem", name="find/clean.R, 3 matches")).to_be_visible()
        results = CHECKOUT / "test-results/rc2"
        for step in ("found", "replace"):
            if step == "replace":
                await pane.get_by_role("textbox", name="Replace by").fill("thread")
                await expect(pane.get_by_role("treeitem", name="Line 2: needle <- 1, becomes thread")).to_be_visible()
            await page.screenshot(path=results / f"search-{step}-{size['width']}-{theme}.png")
            await axe_finds_nothing(page)
        # What is found opens in the editor.
        await pane.get_by_role("treeitem", name="Line 2: needle <- 1, becomes thread").click()
        await expect(page.get_by_role("textbox", name="Editor of clean.R")).to_contain_text("needle <- 1")
    finally:
        await context.close()
