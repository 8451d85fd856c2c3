"""A browser, a fixture hub, and pages that were built from what stands in `web/`."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, ViewportSize, async_playwright

from tests.pages.fixture_hub import PAGES, FixtureHub

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "test-results" / "pages"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}


def _newest(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and "node_modules" not in path.parts)
    return max(path.stat().st_mtime for path in files)


@pytest.fixture(scope="session")
def pages() -> Path:
    """Give the built pages, built now if something changed since."""
    web, index = ROOT / "web", PAGES / "index.html"
    newest = max(_newest(web / "ui" / "src"), _newest(web / "hub" / "src"), (web / "hub" / "index.html").stat().st_mtime)
    if not index.exists() or index.stat().st_mtime < newest:
        npm = shutil.which("npm")
        if npm is None:
            pytest.fail("The pages are not built, and npm is not here to build them. Run `make web`.")
        built = subprocess.run([npm, "run", "build", "-w", "hub"], cwd=web, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            pytest.fail(f"The pages could not be built:\n{built.stdout}{built.stderr}")
    return PAGES


@pytest.fixture(scope="session")
def served(pages: Path) -> Iterator[FixtureHub]:
    with FixtureHub() as hub:
        yield hub


@pytest.fixture
def hub(served: FixtureHub) -> FixtureHub:
    served.reset()
    return served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            # Pages that are left are kept for Back, with all that they hold, as in a person's browser.
            ignore_default_args=["--disable-back-forward-cache"],
            env=dict(os.environ),
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, hub: FixtureHub) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport=DESKTOP, base_url=hub.url, reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(60_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """Give a page on which nothing may go wrong unseen: an error in the console fails the test."""
    page = await context.new_page()
    problems: list[str] = []

    def console(message: ConsoleMessage) -> None:
        # An answer that says what is wrong is no error of the page; the browser notes it all the same.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            problems.append(message.text)

    def broke(error: Error) -> None:
        problems.append(str(error))

    page.on("console", console)
    page.on("pageerror", broke)
    yield page
    assert problems == []
