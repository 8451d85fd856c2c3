"""Rc²'s page in a browser, behind a real edge, with real R: what a person sees, and can do with the keyboard alone."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, Response, Route, ViewportSize, async_playwright, expect
from session.tests.browsing import Edge
from session.tests.running import CHECKOUT, Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = CHECKOUT / "web/node_modules/axe-core/axe.min.js"
WIDE: ViewportSize = {"width": 1440, "height": 900}
LONG = 60_000  # milliseconds
PHONE: ViewportSize = {"width": 390, "height": 844}
_SIZES: dict[str, ViewportSize] = {"wide": WIDE, "tablet": {"width": 1024, "height": 768}, "phone": PHONE}
_FIRST_LOOKS = {("wide", "light"), ("phone", "dark")}  # the others take minutes together
#: Has a test look at a page in light and dark, at three sizes.
in_each_look = pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param(size, theme, id=f"{name}-{theme}", marks=() if (name, theme) in _FIRST_LOOKS else pytest.mark.long)
        for name, size in _SIZES.items()
        for theme in ("light", "dark")
    ],
)

SCRIPT = """square <- function(x) {
  y <- x^2
  y
}

a <- square(4)
cat("a is", a, "\\n")
table <- data.frame(
  id = 1:5000,
  group = rep(c("left", "right"), 2500)
)
plot(1:10)
"""

DOCUMENT = """# A document

```{r one}
b <- 6 * 7
b
```

```{r two}
cat("b is", b, "\\n")
```
"""


def notebook(*cells: tuple[str, str, str]) -> str:
    """A notebook of R, of cells by their kinds, ids and sources; what is of code has shown something before."""
    shown = [
        {"name": "stdout", "output_type": "stream", "text": ["from before\n"]},
        {"data": {"text/html": ["<table><td>framed</td></table>"]}, "metadata": {}, "output_type": "display_data"},
    ]
    more = {"code": {"execution_count": 3, "outputs": shown}, "markdown": {}}
    made = [{"cell_type": kind, "id": name, "metadata": {}, "source": [text], **more[kind]} for kind, name, text in cells]
    metadata = {"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


DRAFT_IS_KEPT = """new Promise((resolve) => {
  const opening = indexedDB.open('rc2');
  opening.onsuccess = () => {
    const reading = opening.result.transaction('drafts').objectStore('drafts').getAll();
    reading.onsuccess = () => {
      resolve(reading.result.some(({ text }) => text.includes('mine <- 2')));
      opening.result.close();
    };
  };
})"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(running: Running, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """The edge before the module's session, whose home has files."""
    (running.home / "script.R").write_text(SCRIPT)
    (running.home / "document.Rmd").write_text(DOCUMENT)
    edge = Edge(tmp_path_factory.mktemp("edge"))
    edge.lead_to(running.status()["address"])
    await edge.start()
    yield edge
    edge.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport=WIDE, reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(60_000)
    yield context
    await context.close()


async def opened(context: BrowserContext, edge: Edge, running: Running) -> Page:
    """The room in a new page, with its console ready."""
    page = await context.new_page()
    await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
    await expect(page.get_by_role("contentinfo")).to_contain_text("R: Ready", timeout=60_000)
    return page


async def axe_finds_nothing(page: Page) -> None:
    await page.evaluate(AXE.read_text())  # the page's policy lets in no other script
    found = await page.evaluate("axe.run()")
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]] == []


async def open_file(page: Page, name: str) -> None:
    await page.get_by_role("treeitem", name=name).click()
    await expect(page.get_by_role("textbox", name=f"Editor of {name}")).to_be_focused()


async def enter(page: Page, line: str) -> None:
    """Run a line at the console."""
    await page.keyboard.press("Control+2")
    await expect(page.get_by_role("textbox", name="Console input")).to_be_focused()
    await page.keyboard.type(line)
    await page.keyboard.press("Enter")


async def until_true(page: Page, script: str) -> None:
    """Wait until a script gives true; the page's policy forbids Playwright's own way."""
    async with asyncio.timeout(60):
        while not await page.evaluate(script):
            await asyncio.sleep(0.05)


async def test_a_script_runs_by_statement(context: BrowserContext, edge: Edge, running: Running) -> None:
    problems: list[str] = []
    page = await opened(context, edge, running)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await open_file(page, "script.R")
    await page.keyboard.press("Control+Home")
    transcript = page.get_by_role("log", name="Transcript")
    for _ in range(5):
        await page.keyboard.press("Control+Enter")
    await expect(transcript).to_contain_text("a is 16")
    # A function of four lines is one statement, and so is a call of four.
    await expect(transcript.locator(".execution .input")).to_have_count(5)
    variables = page.get_by_role("table", name="Variables")
    await expect(variables.get_by_role("row").filter(has_text="square")).to_contain_text("function(x)")
    await expect(page.get_by_role("img", name="Plot of plot(1:10)")).to_be_visible()
    await variables.get_by_role("button", name="table").click()
    sheet = page.get_by_role("grid")
    await expect(sheet.get_by_role("columnheader", name=re.compile("group"))).to_be_visible()
    await sheet.focus()
    await page.keyboard.press("Control+End")
    await expect(sheet.get_by_role("gridcell", name="5000", exact=True)).to_be_visible()
    assert problems == []


async def test_the_first_load_is_small(context: BrowserContext, edge: Edge, running: Running) -> None:
    """Scripts and styles until the console of an empty home is ready, before the editor's languages; compressed as by an edge."""
    page, answers = await context.new_page(), list[Response]()
    page.on("response", lambda answer: answers.append(answer) if "/assets/" in answer.url else None)

    async def empty(route: Route) -> None:
        listing = await (await route.fetch()).json()
        await route.fulfill(json={**listing, "content": []})

    async def unnamed(route: Route) -> None:
        await route.fulfill(json={**await (await route.fetch()).json(), "documents": []})

    await page.route(re.compile(r"/api/contents/?\?"), empty)
    await page.route("**/rc2/config.json", unnamed)
    await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
    await expect(page.get_by_role("contentinfo")).to_contain_text("R: Ready", timeout=60_000)
    await page.wait_for_load_state("networkidle")
    sizes = {answer.url: len(gzip.compress(await answer.body())) for answer in answers if answer.url.endswith((".js", ".css"))}
    assert 100_000 < sum(sizes.values()) < 350_000, sizes


@pytest.mark.long
async def test_chunks_run_in_place(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    await open_file(page, "document.Rmd")
    editor = page.get_by_role("textbox", name="Editor of document.Rmd")
    await page.keyboard.press("Control+End")
    await page.keyboard.press("Control+Alt+P")
    await expect(editor.locator(".chunk-output").nth(0)).to_contain_text("[1] 42")
    await expect(editor.locator(".chunk-output").nth(1)).to_contain_text("b is 42")
    await page.reload()  # output is there again, from the log
    await expect(editor.locator(".chunk-output").nth(1)).to_contain_text("b is 42")


async def shows(place: Locator, text: str) -> None:
    await expect(place).to_contain_text(text, timeout=LONG)


async def test_a_notebook_is_a_document_whose_cells_run_in_place(context: BrowserContext, edge: Edge, running: Running) -> None:
    file = running.home / "cells.ipynb"
    file.write_text(notebook(("markdown", "title", "# Cells"), ("code", "first", "n <- 6 * 7; n"), ("code", "second", "n + 1")))
    before = json.loads(file.read_text())["cells"]
    page = await opened(context, edge, running)
    await open_file(page, "cells.ipynb")
    editor, status = page.get_by_role("textbox", name="Editor of cells.ipynb"), page.get_by_role("contentinfo")
    outputs = editor.locator(".chunk-output")
    await shows(editor, "# Cells")
    await shows(outputs.nth(0), "from before")
    await expect(outputs.nth(0).frame_locator("iframe").get_by_text("framed")).to_be_visible(timeout=LONG)
    await editor.get_by_text("n <- 6").click()
    await page.keyboard.press("Control+Enter")  # the whole cell, and on to the next one
    await shows(outputs.nth(0), "[1] 42")
    await shows(status, "1 file not saved")
    await page.keyboard.press("Control+s")
    await expect(status).not_to_contain_text("not saved", timeout=LONG)
    title, first, second = json.loads(file.read_text())["cells"]
    assert (title, second) == (before[0], before[2])
    assert {**first, "outputs": [], "execution_count": 3} == {**before[1], "outputs": []}
    assert ["".join(output["data"]["text/plain"]) for output in first["outputs"]] == ["[1] 42"]
    # A new cell and new text get ids of their own; what JupyterLab writes meanwhile is not overwritten.
    await page.keyboard.press("Control+End")
    await page.keyboard.type("New text\n\n")
    await page.keyboard.press("Control+Alt+i")
    await page.keyboard.type("n + 2")
    await page.keyboard.press("Control+Shift+Enter")
    await shows(outputs.nth(2), "[1] 44")
    await expect(outputs.nth(2).locator(".output.ok")).to_be_visible(timeout=LONG)  # it has ended
    theirs = file.read_text().replace("# Cells", "# Theirs")
    file.write_text(theirs)
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("This file has changed in the session since you opened it.")).to_be_visible(timeout=LONG)
    assert file.read_text() == theirs
    await page.get_by_role("button", name="Keep mine").click()
    await expect(status).not_to_contain_text("not saved", timeout=LONG)
    cells = json.loads(file.read_text())["cells"]
    assert [cell["source"] for cell in cells] == [["# Cells"], ["n <- 6 * 7; n"], ["n + 1"], ["New text"], ["n + 2"]]
    assert cells[1:3] == [first, second]
    assert ["".join(output["data"]["text/plain"]) for output in cells[4]["outputs"]] == ["[1] 44"]
    assert len({cell["id"] for cell in cells}) == 5
    await page.reload()
    await shows(outputs.nth(1), "from before")
    await shows(outputs.nth(2), "[1] 44")
    await expect(status).not_to_contain_text("not saved", timeout=LONG)
    (running.home / "julia.ipynb").write_text(file.read_text().replace('"R"', '"julia"').replace('"ir"', '"julia"'))
    await page.get_by_role("button", name="Refresh").click()
    await open_file(page, "julia.ipynb")
    await expect(page.get_by_text("This session has no julia to run this notebook with.")).to_be_visible(timeout=LONG)


async def test_the_console_asks_and_is_interrupted(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    transcript = page.get_by_role("log", name="Transcript")
    await enter(page, "name <- readline('Who? ')")
    answer = page.get_by_role("textbox", name="Who?")
    await expect(answer).to_be_focused()
    await page.keyboard.type("Ada")
    await page.keyboard.press("Enter")
    await enter(page, "paste0('Hello ', name)")
    await expect(transcript).to_contain_text("Hello Ada")
    await enter(page, "{ cat('begun\\n'); Sys.sleep(600) }")
    await expect(transcript).to_contain_text("begun")
    await page.get_by_role("button", name="Interrupt").click()
    await expect(transcript).to_contain_text("Interrupted.")
    await enter(page, "stop('this is wrong')")
    await expect(transcript.locator(".error").last).to_contain_text("this is wrong")
    # What was run comes back.
    await page.keyboard.press("Control+2")
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("textbox", name="Console input")).to_contain_text("stop('this is wrong')")
    await page.keyboard.press("Control+r")
    await page.get_by_role("combobox", name="Search the history").fill("paste0")
    await expect(page.get_by_role("option").first).to_contain_text("paste0('Hello ', name)")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Console input")).to_contain_text("paste0('Hello ', name)")


async def test_nothing_is_lost_while_the_network_is(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    transcript = page.get_by_role("log", name="Transcript")
    await enter(page, "for (i in 1:350) { cat('line', i, '\\n'); Sys.sleep(0.02) }")
    await expect(transcript).to_contain_text("line 3 ")
    edge.stop()
    await expect(page.get_by_role("contentinfo")).to_contain_text("Offline")
    # What is asked for meanwhile waits. So many lines move the first output out of view.
    await enter(page, "for (i in 1:60) cat('later\\n'); cat('after', 'all\\n')")
    await asyncio.sleep(3.5)
    await edge.start()
    await expect(page.get_by_role("contentinfo")).to_contain_text("Connected")
    await expect(transcript).to_contain_text("after all")
    shown = await transcript.text_content() or ""  # inner_text() is without what the browser does not draw, as it is out of view
    assert [int(number) for number in re.findall(r"line (\d+) \n", shown)] == list(range(1, 351))
    assert shown.count("after all") == 1


@pytest.mark.long
async def test_a_terminal_that_comes_back_types_nothing_by_itself(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    await page.keyboard.press("Control+Shift+p")
    await page.get_by_role("combobox", name="Command or file").fill("New terminal")
    await page.keyboard.press("Enter")
    rows = page.locator("[data-terminal] .xterm-rows")
    await expect(rows).to_contain_text("ann:")
    # A program asks where the cursor is, and has its answer. What the shell showed, the question too, comes again later.
    await page.keyboard.type("printf '\\033[6n'; read -rsd R; echo $((6 * 7)) asked\n")
    await expect(rows).to_contain_text("42 asked")
    edge.stop()
    await expect(page.get_by_text("The connection is lost.")).to_be_visible()
    await edge.start()
    await expect(page.get_by_text("The connection is lost.")).to_be_hidden()
    await expect(rows).to_contain_text("42 asked")
    await page.locator("[data-terminal] textarea").focus()
    await page.keyboard.type("echo $((6 * 8)) after\n")
    await expect(rows).to_contain_text("48 after")
    assert not re.search(r"\d;\d+R", await rows.inner_text())


@pytest.mark.long
async def test_what_is_typed_survives_and_overwrites_nothing(context: BrowserContext, edge: Edge, running: Running) -> None:
    file: Path = running.home / "kept.R"
    file.write_text("first <- 1\n")
    page = await opened(context, edge, running)
    await open_file(page, "kept.R")
    await page.keyboard.press("Control+End")
    await page.keyboard.type("mine <- 2")
    await expect(page.get_by_role("contentinfo")).to_contain_text("1 file not saved")
    await until_true(page, DRAFT_IS_KEPT)
    await page.close()
    file.write_text("theirs <- 3\n")
    page = await opened(context, edge, running)
    editor = page.get_by_role("textbox", name="Editor of kept.R")
    await expect(editor).to_contain_text("mine <- 2")
    await expect(page.get_by_text("This file has changed in the session since you opened it.")).to_be_visible()
    await editor.focus()
    await page.keyboard.press("Control+s")
    assert file.read_text() == "theirs <- 3\n"
    await page.get_by_role("button", name="Keep mine").click()
    await expect(page.get_by_role("contentinfo")).not_to_contain_text("not saved")
    assert file.read_text() == "first <- 1\nmine <- 2"


@pytest.mark.long
async def test_the_keys_of_rstudio_and_the_palette(context: BrowserContext, edge: Edge, running: Running) -> None:
    (running.home / "keys.Rmd").write_text("text\n")
    page = await opened(context, edge, running)
    await open_file(page, "keys.Rmd")
    editor = page.get_by_role("textbox", name="Editor of keys.Rmd")
    await page.keyboard.press("Control+End")
    await page.keyboard.press("Control+Alt+i")
    await page.keyboard.type("x")
    await page.keyboard.press("Alt+-")
    await page.keyboard.type("y")
    await page.keyboard.press("Control+Shift+M")
    await page.keyboard.type("z")
    await expect(editor).to_contain_text("x <- y |> z")
    await page.keyboard.press("Control+Shift+c")
    await expect(editor).to_contain_text("# x <- y |> z")
    await page.keyboard.press("Control+Shift+p")
    await page.get_by_role("combobox").fill("keys")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Keys")
    await expect(dialog.get_by_role("row", name=re.compile("Insert a chunk"))).to_contain_text("Ctrl + Alt + I")
    await dialog.get_by_role("button", name="Change the keys of Save", exact=True).click()
    await page.keyboard.press("Control+Shift+F7")
    await expect(dialog.get_by_role("row", name=re.compile("^Save Ctrl"))).to_contain_text("Ctrl + Shift + F7")
    await page.keyboard.press("Escape")
    await editor.focus()
    await page.keyboard.press("Control+Shift+F7")
    await expect(page.get_by_role("contentinfo")).not_to_contain_text("not saved")


@pytest.mark.long
async def test_panes_are_as_they_were_left(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    await open_file(page, "script.R")
    await page.keyboard.press("Control+b")
    await expect(page.get_by_role("tree")).to_be_hidden()
    await until_true(page, "Object.values(localStorage).some(text => text.includes('document:script.R'))")
    await page.keyboard.press("Alt+Shift+r")
    await expect(page.locator(".xterm-rows")).to_contain_text("ann")
    await page.reload()
    await expect(page.get_by_role("textbox", name="Editor of script.R")).to_be_visible()
    await expect(page.get_by_role("tree")).to_be_hidden()


@pytest.mark.long
async def test_a_question_leads_nobody_away_from_what_they_write(context: BrowserContext, edge: Edge, running: Running) -> None:
    writes, asks = await opened(context, edge, running), await opened(context, edge, running)
    await open_file(writes, "script.R")
    await enter(asks, "other <- readline('Which one? ')")
    question = writes.get_by_role("textbox", name="Which one?")
    await expect(question).to_be_visible()
    await expect(writes.get_by_role("textbox", name="Editor of script.R")).to_be_focused()
    await question.focus()
    await asks.get_by_role("textbox", name="Which one?").fill("this one")
    await asks.keyboard.press("Enter")
    await expect(question).to_be_hidden()
    # Who was about to answer goes on at the console.
    await expect(writes.get_by_role("textbox", name="Console input")).to_be_focused()


async def test_who_opens_a_document_is_not_led_to_another_one(context: BrowserContext, edge: Edge, running: Running) -> None:
    """Opening a home's first document by itself takes a moment, in which a person may open theirs."""
    page = await context.new_page()
    opened_theirs = asyncio.Event()

    async def late(route: Route) -> None:
        await opened_theirs.wait()
        await route.continue_()

    await page.route(re.compile(r"/api/contents/document\.Rmd"), late)
    await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
    await open_file(page, "script.R")
    opened_theirs.set()
    await until_true(page, "Object.values(localStorage).some(text => text.includes('document:script.R'))")
    await expect(page.get_by_role("textbox", name="Editor of script.R")).to_be_visible()
    await expect(page.get_by_role("tab", name="document.Rmd")).to_have_count(0)


@pytest.mark.long
async def test_who_types_while_the_first_document_opens_goes_on_where_they_were(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    page = await context.new_page()
    typing = asyncio.Event()

    async def late(route: Route) -> None:
        await typing.wait()
        await route.continue_()

    await page.route(re.compile(r"/api/contents/Welcome\.Rmd"), late)
    await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
    await expect(page.get_by_role("contentinfo")).to_contain_text("R: Ready", timeout=60_000)
    await page.keyboard.press("Control+2")
    line = page.get_by_role("textbox", name="Console input")
    await expect(line).to_be_focused()
    # A slow browser has letters waiting in the moment in which the pane is moved.
    await (await context.new_cdp_session(page)).send("Emulation.setCPUThrottlingRate", {"rate": 8})
    typing.set()
    text = "letters <- paste0('none of them', ' is lost, and all in order')"
    await page.keyboard.type(text)
    await expect(page.get_by_role("textbox", name="Editor of Welcome.Rmd")).to_be_visible()
    await expect(line).to_have_text(text)


async def test_a_key_leads_into_a_pane_that_was_never_shown(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    await page.keyboard.press("Control+3")
    await expect(page.get_by_role("searchbox", name="Topic")).to_be_focused()


@in_each_look
async def test_axe_finds_nothing(chromium: Browser, edge: Edge, running: Running, theme: str, size: ViewportSize) -> None:
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        await page.get_by_role("treeitem", name="document.Rmd").click()
        await expect(page.get_by_role("textbox", name="Editor of document.Rmd")).to_be_visible()
        results = CHECKOUT / "test-results/rc2"
        await page.screenshot(path=results / f"{size['width']}-{theme}.png")
        await axe_finds_nothing(page)
    finally:
        await context.close()


async def test_a_phone_reads_and_runs(chromium: Browser, edge: Edge, running: Running) -> None:
    context = await chromium.new_context(viewport=PHONE, has_touch=True, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        await page.get_by_role("treeitem", name="document.Rmd").click()
        await page.get_by_role("button", name="Run this chunk").first.click()
        await expect(page.locator(".chunk-output").first).to_contain_text("[1] 42")
        await page.get_by_role("button", name="Console", exact=True).click()
        await expect(page.get_by_role("log")).to_contain_text("[1] 42")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    finally:
        await context.close()


async def test_output_makes_no_editor_wider_on_a_phone(chromium: Browser, edge: Edge, running: Running) -> None:
    (running.home / "tables.Rmd").write_text("```{r table}\nhead(mtcars)\nplot(1)\n```\n")
    context = await chromium.new_context(viewport=PHONE, has_touch=True, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        await page.get_by_role("treeitem", name="tables.Rmd").click()
        await page.get_by_role("button", name="Run this chunk").click()
        await expect(page.frame_locator(".chunk-output iframe").get_by_text("Mazda RX4", exact=True)).to_be_visible(
            timeout=60_000
        )
        await expect(page.locator(".chunk-output img")).to_be_visible(timeout=60_000)
        assert await page.locator(".cm-scroller").evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")
        await expect(page.get_by_role("button", name="Run this chunk")).to_be_in_viewport(ratio=1)
    finally:
        await context.close()


@pytest.mark.long
async def test_many_tabs_are_all_there_and_one_that_was_left_goes_on(edge: Edge, running: Running) -> None:
    """A browser has six connections to a host, and keeps pages that were left: neither may leave a page without its session."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"], ignore_default_args=["--disable-back-forward-cache"]
        )
        context = await browser.new_context(viewport=WIDE, reduced_motion="reduce", locale="en-GB")
        context.set_default_timeout(60_000)
        for _ in range(8):
            page = await opened(context, edge, running)
        await enter(page, "cat('before', 'leaving\\n')")
        transcript = page.get_by_role("log", name="Transcript")
        await expect(transcript).to_contain_text("before leaving")
        await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}agent/nowhere")
        await page.go_back(wait_until="commit")  # a page that the browser kept is not loaded again
        await expect(page.get_by_role("contentinfo")).to_contain_text("R: Ready")
        await enter(page, "cat('after', 'all\\n')")
        await expect(transcript).to_contain_text("after all")
        await expect(context.pages[0].get_by_role("log", name="Transcript")).to_contain_text("after all")
        await browser.close()


SLOW = """bar <- txtProgressBar(max = 4, style = 3)
for (i in 1:4) {
  setTxtProgressBar(bar, i)
  while (!file.exists(paste0("go", i))) Sys.sleep(0.05)
}
stop("nearly")
"""


@pytest.mark.long
async def test_a_job_runs_in_the_background(context: BrowserContext, edge: Edge, running: Running) -> None:
    (running.home / "slow.R").write_text(SLOW)
    (running.home / "quick.sh").write_text("echo quick\n")
    page = await opened(context, edge, running)
    other = await opened(context, edge, running)
    await open_file(page, "slow.R")
    await page.keyboard.press("Control+Alt+Shift+r")
    jobs = page.get_by_role("group", name="Jobs")
    await expect(jobs.get_by_role("progressbar", name="Progress of slow.R")).to_have_attribute("aria-valuenow", "25")
    await enter(page, "cat('the console', 'is free\\n')")
    await expect(page.get_by_role("log", name="Transcript")).to_contain_text("the console is free")
    await expect(page.get_by_role("contentinfo")).to_contain_text("1 job 25 %")
    for number in range(1, 5):
        (running.home / f"go{number}").touch()
    # Its end is told in another tab, too.
    await expect(other.get_by_text(re.compile("slow.R failed after"))).to_be_visible()
    await other.get_by_role("button", name="Show", exact=True).click()
    await expect(other.get_by_role("log", name="Output of slow.R")).to_contain_text("Error")
    await expect(other.get_by_role("log", name="Output of slow.R")).to_contain_text("nearly")
    await other.get_by_role("button", name="Go to line 6 of slow.R").click()
    await expect(other.get_by_role("textbox", name="Editor of slow.R")).to_be_focused()
    await expect(other.get_by_role("contentinfo")).to_contain_text("Line 6")
    # And to who comes later, once.
    await other.close()
    await page.close()
    writer = await opened(context, edge, running)
    await open_file(writer, "quick.sh")
    await writer.keyboard.press("Control+Alt+Shift+r")
    await expect(writer.get_by_role("log", name="Output of quick.sh")).to_contain_text("quick")
    await expect(writer.get_by_text(re.compile("quick.sh is done after"))).to_be_visible()
    await writer.get_by_role("button", name=re.compile("^slow.R")).click()
    await expect(writer.get_by_role("log", name="Output of slow.R")).to_contain_text("nearly")
    await writer.reload()
    await expect(writer.get_by_role("contentinfo")).to_contain_text("R: Ready")
    await expect(writer.get_by_text(re.compile("quick.sh is done after"))).to_have_count(0)


REPORT = """# A report

```{r}
answer <- 6 * 7
```

The answer is `r answer`.
"""


async def test_a_document_is_rendered_and_previewed(context: BrowserContext, edge: Edge, running: Running) -> None:
    (running.home / "report.Rmd").write_text(REPORT)
    page = await opened(context, edge, running)
    await open_file(page, "report.Rmd")
    await page.keyboard.press("Control+Shift+k")
    frame = page.frame_locator("iframe[title='Preview of report.html']")
    await expect(frame.get_by_text("The answer is 42.")).to_be_visible(timeout=60_000)
    assert await page.locator("iframe").get_attribute("sandbox") == "allow-scripts allow-popups"
    await page.get_by_role("textbox", name="Editor of report.Rmd").focus()
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await page.keyboard.type("\nstop('not yet')")  # what is rendered is saved before
    await page.keyboard.press("Control+Shift+k")
    preview = page.get_by_role("group", name="Preview")
    await expect(preview).to_contain_text("The last render failed.", timeout=60_000)
    await preview.get_by_role("button", name=re.compile("Go to line")).click()
    await expect(page.get_by_role("textbox", name="Editor of report.Rmd")).to_be_focused()
    await preview.get_by_role("button", name="Show the output").click()
    await expect(page.get_by_role("log", name="Output of report.Rmd to HTML")).to_contain_text("not yet", timeout=60_000)
