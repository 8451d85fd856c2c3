"""The connections pane in a browser: real PostgreSQL, by the keyboard alone, and how it looks."""

import re
import uuid
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import axe_finds_nothing, in_each_look, opened
from session.tests.running import CHECKOUT, Running, interface, spec
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

FLIGHTS = """
CREATE TABLE flights (id int PRIMARY KEY, carrier text, delay numeric(6, 1), "time hour" timestamptz);
INSERT INTO flights SELECT n, (ARRAY['UA', 'AA', 'B6'])[n % 3 + 1], CASE WHEN n % 7 > 0 THEN n / 10.0 END,
  timestamptz '2013-01-01' + n * interval '1 h'
  FROM generate_series(1, 3000) n;
CREATE TABLE airlines (carrier text PRIMARY KEY, name text NOT NULL);
CREATE VIEW late AS SELECT * FROM flights WHERE delay > 100;
CREATE TABLE "odd ""name"" with ä" (n int);
CREATE SCHEMA course; CREATE TABLE course.exam (points int);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for database in ("ann", "flights", "group_stats"):
            connection.execute(f"CREATE DATABASE {database}")  # type: ignore[arg-type]
    with psycopg.connect(server.url("flights"), autocommit=True) as connection:
        connection.execute(FLIGHTS)  # type: ignore[arg-type]
    yield server
    server.remove()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Running]:
    """A session with PostgreSQL, object storage by its name, and Spark that nobody has started."""
    folder = tmp_path_factory.mktemp("rc2")
    environ = {
        "PGHOST": server.url("").partition("host=")[2],
        "PGUSER": "postgres",
        "PGDATABASE": "ann",
        "RSPARK_S3_BUCKET": "user-ann",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
    }
    spark = {"mode": "local", "memory": 2**29, "cores": 1}
    changes = {"interface": interface("rc2"), "environ": environ, "spark": spark}
    running = Running(spec(folder, id="t" + uuid.uuid4().hex[:9], **changes))
    running.start()
    await running.until_state("ready")
    yield running
    await running.close()


def entry(tree: Locator, name: str) -> Locator:
    return tree.get_by_role("treeitem", name=re.compile(f"^{re.escape(name)}(,|$)"))


async def open_pane(page: Page) -> Locator:
    """Open the pane by its key, and return its tree."""
    await page.keyboard.press("Alt+Shift+D")
    tree = page.get_by_role("tree", name="Connections")
    await expect(entry(tree, "PostgreSQL")).to_be_visible()
    await tree.focus()
    return tree


async def unfold(page: Page, tree: Locator, *names: str) -> None:
    """Go down to each entry and unfold it."""
    for name in names:
        await expect(entry(tree, name)).to_be_visible()
        while await entry(tree, name).get_attribute("aria-selected") != "true":
            await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowRight")
        await expect(entry(tree, name)).to_have_attribute("aria-expanded", "true")


async def test_a_table_is_found_and_its_first_rows_opened_by_keys_alone(
    context: BrowserContext, edge: Edge, running: Running
) -> None:
    page = await opened(context, edge, running)
    tree = await open_pane(page)
    await unfold(page, tree, "PostgreSQL", "flights", "public", "flights, table")
    await expect(tree.get_by_role("treeitem", name="id, column, primary key, integer not null")).to_be_visible()
    await expect(entry(tree, 'odd "name" with ä')).to_be_visible()
    await page.keyboard.press("Enter")
    sheet = page.get_by_role("grid", name=re.compile("^flights"))
    await expect(sheet.get_by_role("columnheader", name=re.compile("time hour"))).to_contain_text("timestamp with time zone")
    table = page.get_by_role("group", name="Table flights")
    await expect(table.get_by_role("status")).to_have_text("3,000 rows × 4")
    await sheet.focus()
    await page.keyboard.press("Control+End")
    await expect(sheet.get_by_role("gridcell", name="3000", exact=True)).to_be_visible()
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("s")
    await page.keyboard.press("s")
    await expect(sheet.get_by_role("gridcell").first).to_have_text("3000")
    await table.get_by_role("searchbox").fill("UA")
    await expect(table.get_by_role("status")).to_have_text("1,000 of 3,000 rows × 4")
    # The filter leads to a table, and Escape takes it away.
    await page.keyboard.press("Alt+Shift+D")
    await page.keyboard.type("late")
    await expect(tree.get_by_role("treeitem")).to_have_count(4)
    await page.keyboard.press("ArrowDown")
    await expect(tree).to_be_focused()
    await page.keyboard.press("/")
    await page.keyboard.press("Escape")
    await expect(entry(tree, "Object storage")).to_be_visible()


@pytest.mark.long
async def test_the_lines_that_connect_go_to_the_prompt(context: BrowserContext, edge: Edge, running: Running) -> None:
    page = await opened(context, edge, running)
    tree = await open_pane(page)
    await unfold(page, tree, "PostgreSQL", "flights")
    connect = page.get_by_role("group", name="Connect to flights")
    code = connect.get_by_role("region", name="Code that connects")
    await expect(code).to_have_text('con <- rspark::postgres("flights")')
    await connect.get_by_role("button", name="Python").click()
    await expect(code).to_contain_text('psycopg.connect(dbname="flights")')
    await connect.get_by_role("button", name="R", exact=True).click()
    await connect.get_by_role("button", name="Put it at the console’s prompt").click()
    await expect(page.get_by_role("textbox", name="Console input")).to_be_focused()
    await expect(page.get_by_role("textbox", name="Console input")).to_contain_text('con <- rspark::postgres("flights")')


@pytest.mark.long
async def test_what_an_execution_made_is_there_and_a_server_that_is_down_is_one_sentence(
    context: BrowserContext, edge: Edge, running: Running, server: PostgresServer
) -> None:
    page = await opened(context, edge, running)
    tree = await open_pane(page)
    await unfold(page, tree, "PostgreSQL", "ann", "public")
    await expect(tree.get_by_role("treeitem", name="No tables yet")).to_be_visible()
    with psycopg.connect(server.url("ann"), autocommit=True) as connection:
        connection.execute("CREATE TABLE made (n int)")
    await test_page.enter(page, "1 + 1")
    await expect(entry(tree, "made")).to_be_visible()
    # Spark is not started by looking.
    spark = entry(tree, "Spark in R")
    await spark.click()
    await expect(tree.get_by_role("treeitem", name="Spark has not started. Enter starts it.")).to_be_visible()
    server.stop()
    await page.get_by_role("button", name="Refresh the connections").click()
    problem = tree.get_by_role("treeitem", name=re.compile("PostgreSQL does not answer.*Enter tries again"))
    await expect(problem).to_be_visible()
    server.run()
    await problem.click()
    await tree.focus()
    await page.keyboard.press("Enter")
    await expect(entry(tree, "made")).to_be_visible()


@in_each_look
async def test_axe_finds_nothing(chromium: Browser, edge: Edge, running: Running, theme: str, size: ViewportSize) -> None:
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", locale="en-GB")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        tree = await open_pane(page)
        await unfold(page, tree, "PostgreSQL", "flights", "public", "flights, table", "Spark in R")
        await expect(tree.get_by_role("treeitem", name=re.compile("Spark has not started"))).to_be_visible()
        await entry(tree, "flights, table").click()
        results = CHECKOUT / "test-results/rc2"
        await page.screenshot(path=results / f"connections-{size['width']}-{theme}.png")
        await axe_finds_nothing(page)
        await page.get_by_role("group", name="Connect to flights").get_by_role("button", name="First rows").click()
        await expect(page.get_by_role("grid").get_by_role("gridcell", name="UA").first).to_be_visible()
        await page.screenshot(path=results / f"connections-rows-{size['width']}-{theme}.png")
        await axe_finds_nothing(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    finally:
        await context.close()
