"""The debugger in a browser, with keys alone and real R: breakpoints in the margin, steps, calls and their variables."""

import re

import pytest
from playwright.async_api import Browser, BrowserContext, ViewportSize, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.conftest import connected
from session.tests.rc2.test_debugger import in_force
from session.tests.rc2.test_page import PHONE, axe_finds_nothing, enter, in_each_look, open_file, opened
from session.tests.running import CHECKOUT, Running

from rspark_session.rc2 import protocol

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

CODE = """inner <- function(a) {
  part <- list(double = a * 2)
  part$double + 1
}
outer <- function(x) {
  y <- inner(x)
  y + 1
}
"""


async def test_a_mistake_is_found_with_the_keyboard_alone(context: BrowserContext, edge: Edge, running: Running) -> None:
    (running.home / "found.R").write_text(CODE)
    page = await opened(context, edge, running)
    await open_file(page, "found.R")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Shift+F9")
    mark = page.locator(".cm-breakpoints .breakpoint")
    await expect(mark).to_have_attribute("title", "Breakpoint, in force once this code was run")
    await page.keyboard.press("Control+Alt+R")
    await expect(mark).to_have_attribute("title", "Breakpoint")
    # what is typed above moves it
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("# a comment\n")
    async with connected(running) as other:

        def moved() -> bool:
            told = [each for each in other.notices if isinstance(each, protocol.Breakpoints)]
            return any(each.line == 3 for file in told[-1].files for each in file.breakpoints) if told else False

        await other.until(moved)
    await expect(mark).to_have_attribute("title", "Breakpoint")
    await page.keyboard.press("Control+Z")
    await enter(page, "outer(1)")
    bar = page.locator(".console").get_by_role("toolbar", name=re.compile("Debugger of"))
    await expect(bar).to_contain_text("Waits in inner at found.R:2")
    await expect(page.locator(".cm-stopped")).to_have_text("  part <- list(double = a * 2)")
    await page.keyboard.press("F10")
    await expect(page.locator(".cm-stopped")).to_have_text("  part$double + 1")
    await page.keyboard.press("Alt+Shift+B")
    pane = page.get_by_role("group", name="Debugger", exact=True)
    await expect(pane).to_be_focused()
    values = pane.get_by_role("table", name="Variables of this call")
    await expect(values.get_by_role("row").filter(has_text="part")).to_contain_text("list of 1: double")
    await values.get_by_role("button", name="Unfold part").press("Enter")
    await expect(values.get_by_role("row").filter(has_text=re.compile("^ *double"))).to_contain_text("2")
    call = pane.get_by_role("list", name="Calls, the innermost first").get_by_role("button", name="outer")
    await call.press("Enter")
    await expect(page.locator(".cm-stopped")).to_have_text("  y <- inner(x)")
    await expect(values.get_by_role("row").filter(has_text="x")).to_contain_text("1")
    await page.keyboard.press("Shift+F5")
    await expect(bar).to_have_count(0)
    await expect(page.get_by_role("log", name="Transcript")).to_contain_text("[1] 4")
    await expect(page.locator(".cm-stopped")).to_have_count(0)
    await pane.get_by_role("button", name=re.compile("Remove the breakpoint")).press("Enter")
    await expect(mark).to_have_count(0)


@pytest.mark.long
async def test_an_error_leads_to_its_line_and_typing_goes_on(context: BrowserContext, edge: Edge, running: Running) -> None:
    (running.home / "wrong.R").write_text("wrong <- function(x) {\n  y <- 'a'\n  x + y\n}\n")
    page = await opened(context, edge, running)
    await open_file(page, "wrong.R")
    await page.keyboard.press("Control+Alt+R")
    await page.keyboard.press("Alt+Shift+B")
    pane = page.get_by_role("group", name="Debugger", exact=True)
    errors = pane.get_by_role("checkbox", name="Stop where an error happens")
    await errors.press("Space")
    await expect(errors).to_be_checked()
    await enter(page, "wrong(1)")
    await expect(pane).to_contain_text("non-numeric argument")
    await expect(page.locator(".cm-stopped")).to_have_text("  x + y")
    answer = page.get_by_role("textbox", name="Browse[1]>")
    await answer.fill("cat('y is', y)")
    await answer.press("Enter")
    await expect(page.get_by_role("log", name="Transcript")).to_contain_text("y is a")
    await expect(page.get_by_role("textbox", name="Browse[1]>")).to_have_value("")
    await page.keyboard.press("Shift+F8")
    await expect(page.get_by_role("contentinfo")).to_contain_text("R: Ready")
    await errors.press("Space")
    await expect(errors).not_to_be_checked()


@pytest.mark.long
async def test_who_writes_in_another_file_goes_on_there(context: BrowserContext, edge: Edge, running: Running) -> None:
    """Somebody else debugs in the console that is shown here, too."""
    (running.home / "waits.R").write_text(CODE)
    (running.home / "written.R").write_text("first <- 1\n")
    lines = CODE.splitlines()
    page = await opened(context, edge, running)
    await open_file(page, "waits.R")
    await page.keyboard.press("Control+Alt+R")
    await open_file(page, "written.R")
    editor = page.get_by_role("textbox", name="Editor of written.R")
    bar = page.locator(".console").get_by_role("toolbar", name=re.compile("Debugger of"))
    async with connected(running) as other:
        console = await other.start("ir")
        at = protocol.BreakpointAt(line=2, text=lines[1].strip())
        await other.send(protocol.SetBreakpoints(path="waits.R", breakpoints=(at,)))
        await in_force(other, "waits.R", [2])
        execution = await other.begin(console, "outer(1)")
        await expect(bar).to_contain_text("Waits in inner at waits.R:2")
        await expect(editor).to_be_focused()
        await page.keyboard.type("x")
        await expect(editor).to_contain_text("x")
        # whoever looks at the console is led to where it stops, and nowhere when it goes on; its buttons keep the focus
        following = bar.get_by_role("button", name="Next", exact=True)
        await following.focus()
        await following.press("Enter")
        await expect(page.locator(".cm-stopped")).to_have_text("  part$double + 1")
        await expect(page.get_by_role("textbox", name=re.compile("^Browse"))).to_be_visible()
        await expect(following).to_be_focused()
        await page.get_by_role("tab", name="written.R").click()
        await page.keyboard.press("Control+2")
        await expect(editor).to_be_visible()
        await other.send(protocol.Step(console=console, step="continue"))
        await other.finished(execution)
        await expect(bar).to_have_count(0)
        await expect(editor).to_be_visible()
        await other.send(protocol.SetBreakpoints(path="waits.R", breakpoints=()))


@in_each_look
async def test_axe_finds_nothing(chromium: Browser, edge: Edge, running: Running, theme: str, size: ViewportSize) -> None:
    (running.home / "looked.R").write_text(CODE)
    lines = CODE.splitlines()
    at = tuple(protocol.BreakpointAt(line=line, text=lines[line - 1].strip()) for line in (3, 7))
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", locale="en-GB")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    async with connected(running) as client:
        console = await client.start("ir")
        await client.send(protocol.SetBreakpoints(path="looked.R", breakpoints=at))
        await client.run(console, CODE, source=protocol.Source(path="looked.R", first_line=1, last_line=8))
        execution = await client.begin(console, "outer(1)")
        await client.until(lambda: client.event(protocol.InputRequest, execution))
        try:
            page = await context.new_page()
            await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
            await expect(page.locator(".cm-stopped")).to_have_text("  part$double + 1")
            await expect(page.locator(".cm-line").first).to_be_in_viewport()
            results = CHECKOUT / "test-results/rc2"
            results.mkdir(parents=True, exist_ok=True)
            if size is PHONE:
                await page.screenshot(path=results / f"debugger-line-{size['width']}-{theme}.png")
            await page.keyboard.press("Alt+Shift+B")
            pane = page.get_by_role("group", name="Debugger", exact=True)
            await expect(pane.get_by_role("row").filter(has_text="part")).to_contain_text("list of 1: double")
            await page.screenshot(path=results / f"debugger-{size['width']}-{theme}.png")
            await axe_finds_nothing(page)
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        finally:
            await client.send(protocol.Step(console=console, step="stop"))
            await client.finished(execution)
            await context.close()
