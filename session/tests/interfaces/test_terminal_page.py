"""The terminal in a browser, behind a real edge: what a person sees and can do with the keyboard alone."""

import asyncio
import re
from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect
from session.tests.browsing import Edge, browser
from session.tests.running import CHECKOUT, Running, interface, members

Start = Callable[..., Running]
AXE = CHECKOUT / "web/node_modules/axe-core/axe.min.js"


async def opened(start: Start, edge: Edge, page: Page) -> Running:
    """A session whose terminal is open in the browser."""
    running = start(interface=interface("terminal"))
    edge.lead_to((await running.until_state("ready"))["address"])
    await edge.start()
    await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}")
    await expect(page.locator(".xterm-rows")).to_contain_text("ann")
    return running


async def enter(page: Page, line: str) -> None:
    await page.keyboard.type(line)
    await page.keyboard.press("Enter")


@pytest.mark.long
async def test_a_person_types_and_reads_with_nothing_but_the_keyboard(start: Start, edge: Edge) -> None:
    async with browser() as page:
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        await opened(start, edge, page)
        rows = page.locator(".xterm-rows")
        await enter(page, "echo $((6 * 7)) is the answer")
        await expect(rows).to_contain_text("42 is the answer")
        await page.reload()
        await expect(rows).to_contain_text("42 is the answer")  # what was shown is shown again
        await enter(page, "exit")
        button = page.get_by_role("button", name="Start a new one")
        await expect(page.get_by_role("status")).to_have_text("The shell has ended.")
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(rows).not_to_contain_text("the answer")
        await enter(page, "echo again")
        await expect(rows).to_contain_text("again")
        assert problems == []


@pytest.mark.long
async def test_it_holds_through_a_lost_network(start: Start, edge: Edge) -> None:
    async with browser() as page:
        await opened(start, edge, page)
        await enter(page, "echo before; sleep 2; echo meanwhile")
        await expect(page.locator(".xterm-rows")).to_contain_text("before")
        edge.stop()
        await expect(page.get_by_role("status")).to_contain_text("The connection is lost.")
        await asyncio.sleep(2.5)
        await edge.start()
        await page.get_by_role("button", name="Try now").click()
        await expect(page.get_by_role("status")).to_be_hidden()
        await expect(page.locator(".xterm-rows")).to_contain_text("meanwhile")
        shown = await page.locator(".xterm-rows").inner_text()
        assert shown.count("sleep 2") == 1  # once, and not once for each connection
        await enter(page, "echo after")
        await expect(page.locator(".xterm-rows")).to_contain_text("after")


async def test_the_shell_knows_the_size_of_the_window(start: Start, edge: Edge) -> None:
    async with browser() as page:
        await opened(start, edge, page)
        for width, fits in ((600, range(40, 75)), (1200, range(110, 150))):
            await page.set_viewport_size({"width": width, "height": 500})
            await until_columns(page, fits)


async def until_columns(page: Page, fits: range) -> None:
    """Ask the shell for its width until it fits; a new size takes a moment to arrive."""
    rows = page.locator(".xterm-rows")
    async with asyncio.timeout(60):
        while True:
            await enter(page, "clear; echo columns: $(tput cols).")
            await expect(rows).to_contain_text(re.compile(r"columns: \d+\."))
            seen = re.findall(r"columns: (\d+)\.", await rows.inner_text())  # none while the rows are drawn anew
            if seen and int(seen[-1]) in fits:
                return


@pytest.mark.long
async def test_it_goes_on_when_the_session_is_awake_again(start: Start, edge: Edge) -> None:
    async with browser() as page:
        running = await opened(start, edge, page)
        (running.home / "here").mkdir()
        await enter(page, "cd here; echo before")
        await expect(page.locator(".xterm-rows")).to_contain_text("before")
        # The hub answers so for a session that doesn't run; here the edge is told to.
        asleep = True
        await page.route("**/api/terminals", lambda route: route.fulfill(status=424) if asleep else route.continue_())
        assert await running.suspend() == 0
        assert not members(running.name)
        await expect(page.get_by_role("status")).to_contain_text("This session is asleep.")
        link = page.get_by_role("link", name="Your sessions")
        await expect(link).to_be_focused()
        assert await link.get_attribute("href") == "http://localhost:8000/hub/"
        edge.stop()
        running = start(interface=interface("terminal"), generation=2, resume=True)
        edge.lead_to((await running.until_state("ready"))["address"])
        await edge.start()
        asleep = False
        await expect(page.get_by_role("status")).to_be_hidden(timeout=30_000)
        await enter(page, "pwd")
        await expect(page.locator(".xterm-rows")).to_contain_text(f"{running.home}/here")


@pytest.mark.long
async def test_a_session_that_is_not_theirs_any_more_says_so(start: Start, edge: Edge) -> None:
    async with browser() as page:
        await opened(start, edge, page)
        await page.route("**/api/terminals", lambda route: route.fulfill(status=404))
        edge.stop()
        await edge.start()
        await page.get_by_role("button", name="Try now").click()
        await expect(page.get_by_role("status")).to_have_text("This session has ended, or you are signed out.")


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_it(start: Start, edge: Edge, scheme: str) -> None:
    async with browser(color_scheme=scheme) as page:
        await opened(start, edge, page)
        await enter(page, r"printf '\033[31mred \033[32mgreen \033[33myellow \033[34mblue\033[0m\n'")
        await expect(page.locator(".xterm-rows")).to_contain_text("red green")
        await page.keyboard.press("F6")  # leaves the terminal
        reading = page.get_by_role("button", name="Screen reader mode")
        await reading.focus()
        await expect(reading).to_have_attribute("aria-pressed", "false")
        await page.keyboard.press("Enter")
        await expect(reading).to_have_attribute("aria-pressed", "true")
        await expect(page.locator(".xterm-accessibility")).to_contain_text("red green")
        await enter(page, "exit")
        await expect(page.get_by_role("button", name="Start a new one")).to_be_focused()
        await page.evaluate(AXE.read_text())
        found = await page.evaluate(
            "axe.run().then((result) => result.violations.map((one) => `${one.id}: ${one.nodes[0].html}`))"
        )
        assert found == []
