"""Which document is open in a browser that is new to a session: what greets a new home, or begins its project; and it runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from session.tests.browsing import Edge, browser
from session.tests.running import CHECKOUT, Running, interface

Start = Callable[..., Running]
LONG = 90_000  # milliseconds


@asynccontextmanager
async def opened(running: Running, folder: Path, query: str = "") -> AsyncIterator[Page]:
    """The page of a session that is ready, in a browser that has never seen it."""
    folder.mkdir()
    edge = Edge(folder)
    edge.lead_to(running.status()["address"])
    await edge.start()
    try:
        async with browser() as page:
            await page.set_viewport_size({"width": 1280, "height": 800})
            await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}{query}")
            yield page
    finally:
        edge.stop()


async def runs(page: Page, document: str, shown: str) -> None:
    """Press the arrow of the first chunk of a document that is open, and see what it gives."""
    editor = page.get_by_role("textbox", name=f"Editor of {document}")
    await expect(editor).to_be_visible(timeout=LONG)
    await editor.get_by_role("button", name="Run this chunk").first.click(timeout=LONG)
    await expect(editor.locator(".chunk-output").first).to_contain_text(shown, timeout=LONG)


async def test_a_new_home_is_greeted_in_r_and_what_is_deleted_opens_no_more(start: Start, tmp_path: Path) -> None:
    running = start(interface=interface("rc2"))
    await running.until_state("ready")
    async with opened(running, tmp_path / "first") as page:
        await runs(page, "Welcome.Rmd", "Median")
    (running.home / "Welcome.Rmd").unlink()
    (running.home / "script.py").write_text("1\n")
    (running.home / "script.R").write_text("1\n")
    async with opened(running, tmp_path / "second") as page:
        await expect(page.get_by_role("textbox", name="Editor of script.R")).to_be_visible(timeout=LONG)


@pytest.mark.long
async def test_a_session_of_python_is_greeted_in_python_also_where_r_has_greeted_before(start: Start, tmp_path: Path) -> None:
    running = start(interface=interface("rc2", kernels=["python", "bash"]))
    await running.until_state("ready")
    (running.home / "Welcome.Rmd").write_text("```{r}\n1\n```\n")
    async with opened(running, tmp_path / "edge") as page:
        await runs(page, "Welcome.qmd", "mean")


async def test_a_project_begins_with_its_first_chapter(start: Start, tmp_path: Path) -> None:
    running = start(interface=interface("rc2"), template="tutorial")
    await running.until_state("ready")
    async with opened(running, tmp_path / "edge") as page:
        first = min((CHECKOUT / "docs/tutorial").glob("*.Rmd")).name
        await expect(page.get_by_role("textbox", name=f"Editor of {first}")).to_be_visible(timeout=LONG)
        assert (running.home / "Welcome.Rmd").is_file()


async def test_what_the_address_names_opens_alone(start: Start, tmp_path: Path) -> None:
    running = start(interface=interface("rc2"))
    await running.until_state("ready")
    (running.home / "lab1.Rmd").write_text("# The first lab\n")
    async with opened(running, tmp_path / "edge", "rc2/?open=lab1.Rmd") as page:
        await expect(page.get_by_role("textbox", name="Editor of lab1.Rmd")).to_be_visible(timeout=LONG)
        assert await page.get_by_role("textbox", name="Editor of Welcome.Rmd").count() == 0
        await expect(page.locator(".pane-tab").filter(has_text="Welcome")).to_have_count(0)
