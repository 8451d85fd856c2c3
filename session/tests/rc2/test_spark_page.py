"""Spark beside the code in a browser: how far a call is, a button that cancels, a summary that stays, and the pane of jobs."""

import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.conftest import connected
from session.tests.rc2.test_page import PHONE, axe_finds_nothing, in_each_look
from session.tests.running import CHECKOUT, Running, interface, spec

from rspark_session.rc2 import protocol

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

START = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\nimport os, time"
WAITS = """
def wait(n):
    while n > 1 and not os.path.exists('{go}'): time.sleep(0.05)
    return n
spark.sparkContext.parallelize(range(8), 8).map(wait).count()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A session of Python alone, whose driver has started."""
    folder = tmp_path_factory.mktemp("rc2")
    changes = {"interface": interface("rc2", kernels=["python"]), "spark": {"mode": "local", "memory": 2**29, "cores": 1}}
    running = Running(spec(folder, id="t" + uuid.uuid4().hex[:9], memory=2**32, **changes))
    running.start()
    await running.until_state("ready")
    async with connected(running) as client:
        await client.run(await client.start("python3"), START)
    yield running
    await running.close()


async def begin(running: Running) -> Path:
    """Begin a call of eight tasks, of which two end, and return the file for which the others wait."""
    go = running.home / f"go-{uuid.uuid4().hex}"
    async with connected(running) as client:
        execution = await client.begin(await client.start("python3"), WAITS.format(go=go))
        await client.until(lambda: client.event(protocol.ExecutionStarted, execution))
    return go


async def opened(context: BrowserContext, edge: Edge, running: Running) -> Page:
    page = await context.new_page()
    await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}rc2/")
    await expect(page.get_by_role("contentinfo")).to_contain_text("Python")
    return page


@pytest.mark.long
async def test_progress_stands_beside_the_call_and_its_summary_stays(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    page = await opened(context, edge, running)
    go = await begin(running)
    transcript = page.get_by_role("log", name="Transcript")
    beside = transcript.get_by_role("group", name="Spark")
    await expect(beside).to_contain_text("0 of 1 stage · 2 of 8 tasks")
    await expect(beside.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
    await expect(page.get_by_role("contentinfo")).to_contain_text("Spark: 1 job")
    await page.keyboard.press("Alt+Shift+S")
    pane = page.get_by_role("group", name="Spark").filter(has=page.get_by_role("list", name="Jobs of Spark, newest first"))
    await expect(pane.get_by_role("listitem").filter(has_text="In [")).to_contain_text("2 of 8 tasks")
    await expect(pane.get_by_role("link", name="Spark’s own pages")).to_have_attribute(
        "href", re.compile(r"/spark/\?application=")
    )
    await page.keyboard.press("Control+2")
    go.touch()
    summary = transcript.get_by_role("button", name=re.compile("Spark · 1 job, 8 tasks"))
    await expect(summary).to_be_visible()
    await expect(beside).to_have_count(0)
    await page.reload()
    await expect(summary).to_be_visible()


async def test_a_call_is_cancelled_where_it_stands(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    await begin(running)
    transcript = page.get_by_role("log", name="Transcript")
    await transcript.get_by_role("group", name="Spark").get_by_role("button", name="Cancel").click()
    await expect(transcript.get_by_role("button", name=re.compile("Spark · 1 job, which failed"))).to_be_visible()
    await expect(page.get_by_role("contentinfo")).to_contain_text("Python: Ready")


@in_each_look
async def test_axe_finds_nothing(chromium: Browser, edge: Edge, running: Running, theme: str, size: ViewportSize) -> None:
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", locale="en-GB")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    go = await begin(running)
    try:
        page = await opened(context, edge, running)
        if size is PHONE:
            await page.get_by_role("button", name="Console", exact=True).click()
        beside = page.get_by_role("log", name="Transcript").get_by_role("group", name="Spark")
        await expect(beside).to_contain_text("2 of 8 tasks")
        results = CHECKOUT / "test-results/rc2"
        await page.screenshot(path=results / f"spark-beside-{size['width']}-{theme}.png")
        await axe_finds_nothing(page)
        await page.keyboard.press("Alt+Shift+S")
        await expect(page.get_by_role("list", name="Jobs of Spark, newest first")).to_contain_text("2 of 8 tasks")
        await page.screenshot(path=results / f"spark-{size['width']}-{theme}.png")
        await axe_finds_nothing(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    finally:
        go.touch()
        await context.close()
