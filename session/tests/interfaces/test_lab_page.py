"""JupyterLab in a browser, behind a real edge: it works, asks nobody outside, and finds its kernels again after a sleep."""

from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.async_api import Page, expect
from session.tests.browsing import Edge, browser
from session.tests.running import Running, interface

Start = Callable[..., Running]


async def awake(start: Start, edge: Edge, generation: int) -> Running:
    running = start(interface=interface("jupyterlab"), generation=generation, resume=generation > 1)
    edge.lead_to((await running.until_state("ready"))["address"])
    await edge.start()
    return running


async def run_cell(page: Page, code: str) -> None:
    """Once the kernel is there, type into the last cell of the notebook, and run it."""
    await expect(page.get_by_role("button", name="Python | Idle")).to_be_visible(timeout=120_000)
    cell = page.locator(".jp-Notebook .jp-CodeCell .cm-content").last
    await cell.click()
    await page.keyboard.type(code)
    await expect(cell).to_have_text(code)
    await page.keyboard.press("Shift+Enter")


def last_output(page: Page) -> object:
    return page.locator(".jp-Notebook .jp-OutputArea-output").last


async def test_an_open_notebook_goes_on_after_a_sleep(start: Start, edge: Edge) -> None:
    async with browser() as page:
        problems: list[str] = []
        asked: set[str] = set()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.add(urlsplit(request.url).hostname or ""))
        running = await awake(start, edge, 1)
        await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}lab")
        await page.locator(".jp-LauncherCard[title='Python']").first.click()
        await run_cell(page, "x = 41; x + 1")
        await expect(last_output(page)).to_have_text("42", timeout=60_000)
        assert asked <= {"localhost", ""}, "nobody outside is asked for anything"
        assert problems == []

        assert await running.suspend() == 0
        edge.stop()
        # A sleep that takes long is told of in a dialog, which waits for an answer.
        told = page.get_by_role("dialog", name="Server Connection Error")
        await page.add_locator_handler(told, lambda _: page.keyboard.press("Escape"))
        await awake(start, edge, 2)
        await run_cell(page, "x + 2")
        await expect(last_output(page)).to_have_text("43", timeout=60_000)
