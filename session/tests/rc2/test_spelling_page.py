"""Misspelt words of prose in the editor, in a browser on a session whose page brings Hunspell and its dictionaries."""

import re

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import axe_finds_nothing, in_each_look, open_file, opened
from session.tests.running import CHECKOUT, Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

DOCUMENT = """---
title: A titel
output: html_dokument
---

# Colour

This sentense has `inlin` code, $alphaa$, read.csv and [a link](https://exampel.org).

```{r}
valu <- "texxt" # a comentt
```
"""
GERMAN = "Ein Konfidenzintervall, die Wahrscheinlichkeitsverteilung und ein Fehller.\n"


async def marked(page: Page, *words: str) -> None:
    await expect(page.locator(".cm-misspelt")).to_have_text(list(words))


async def test_misspelt_words_of_prose_are_marked_and_can_be_replaced_learned_and_ignored(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    (running.home / "spelling.Rmd").write_text(DOCUMENT)
    problems: list[str] = []
    page = await opened(context, edge, running)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await open_file(page, "spelling.Rmd")
    await marked(page, "titel", "sentense", "comentt")

    # By the keyboard: the menu has it, and gives it back.
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("F7")
    menu = page.get_by_role("menu", name="Instead of titel")
    await expect(menu.get_by_role("menuitem").first).to_be_focused()
    choice = menu.get_by_role("menuitem", name="title", exact=True)
    while not await choice.evaluate("item => item === document.activeElement"):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    editor = page.get_by_role("textbox", name="Editor of spelling.Rmd")
    await expect(editor).to_be_focused()
    await expect(editor.locator(".cm-line").nth(1)).to_have_text("title: A title")
    await marked(page, "sentense", "comentt")
    await page.keyboard.press("F7")
    await expect(page.get_by_role("menu", name="Instead of sentense")).to_be_visible()
    await page.keyboard.press("End")
    await expect(page.get_by_role("menuitem", name="Ignore in this document")).to_be_focused()
    await page.keyboard.press("Enter")
    await marked(page, "comentt")

    # By the pointer; what is learned is kept in the home.
    await page.locator(".cm-misspelt").click(button="right")
    async with page.expect_response(lambda answer: answer.url.endswith("/preferences") and answer.request.method == "POST"):
        await page.get_by_role("menuitem", name="Add to dictionary").click()
    await marked(page)
    assert (await running.get("rc2/api/preferences")).json()["words"] == ["comentt"]
    await page.keyboard.press("Control+s")
    await expect(page.get_by_role("contentinfo")).not_to_contain_text("not saved")
    await page.reload()
    await marked(page, "sentense")  # which was ignored until now
    await page.keyboard.press("Control+,")
    await page.get_by_role("textbox", name="Words of your own").fill("sentense")
    await page.keyboard.press("Escape")
    await marked(page, "comentt")
    assert problems == []


async def test_the_language_is_the_documents_or_the_one_that_is_set(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    (running.home / "german.md").write_text(GERMAN)
    page = await opened(context, edge, running)
    await open_file(page, "german.md")
    await expect(page.locator(".cm-misspelt").filter(has_text="Wahrscheinlichkeitsverteilung")).to_have_count(1)

    async def choose(language: str) -> None:
        await page.keyboard.press("Control+,")
        await page.get_by_role("combobox", name="Spelling of text and comments").select_option(label=language)
        await page.keyboard.press("Escape")
        await page.get_by_role("textbox", name="Editor of german.md").focus()

    await choose("German")
    await marked(page, "Fehller")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("F7")
    await expect(
        page.get_by_role("menu", name="Instead of Fehller").get_by_role("menuitem", name="Fehler", exact=True)
    ).to_be_visible()
    await page.keyboard.press("Escape")
    await choose("English (US)")
    await expect(page.locator(".cm-misspelt").filter(has_text="Konfidenzintervall")).to_have_count(1)
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("---\nlang: de-AT\n---\n\n")
    await marked(page, "Fehller")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    for _ in range(len("de-AT")):
        await page.keyboard.press("Backspace")
    await page.keyboard.type("fr")
    await marked(page)
    await page.keyboard.press("F7")
    await expect(page.get_by_text("There is no dictionary of fr, the language of this document.")).to_be_visible()
    await choose("Not checked")
    await page.keyboard.press("F7")
    await expect(page.get_by_text(re.compile("^No words are checked here"))).to_be_visible()
    await choose("In the language of the browser")


@in_each_look
async def test_axe_finds_nothing(chromium: Browser, edge: Edge, running: Running, theme: str, size: ViewportSize) -> None:
    (running.home / "looks.md").write_text("# A title\n\nThis wrodd is here, and anotherr one there.\n")
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        await page.get_by_role("treeitem", name="looks.md").click()
        await marked(page, "wrodd", "anotherr")
        await page.locator(".cm-misspelt").first.click(button="right")
        await expect(page.get_by_role("menu", name="Instead of wrodd")).to_be_visible()
        await page.screenshot(path=CHECKOUT / f"test-results/rc2/spelling-{size['width']}-{theme}.png")
        await axe_finds_nothing(page)
    finally:
        await context.close()
