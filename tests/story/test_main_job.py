"""The story of a first day, in a real browser against a real installation."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.installation import ROOT, Installation
from tests.story.rc2 import READY, Room

SHOTS = ROOT / "test-results/story"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Counted from the CSV files that the sample database is made of.
FLIGHTS = "336776"
FIRST_CARRIERS = [("UA", "58665"), ("B6", "54635"), ("EV", "54173")]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("story") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        context = chromium.new_context(viewport={"width": 1280, "height": 860})
        yield context
        chromium.close()


@pytest.fixture(autouse=True)
def pictured(browser: BrowserContext) -> Iterator[None]:
    """Leave a picture of each page as the test left it: a failure is seen, not guessed."""
    yield
    for number, page in enumerate(browser.pages):
        shoot(page, f"end-{number}")


def shoot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def room_of(browser: BrowserContext, page: Page) -> Page:
    """The page on which Rc² is: the same one, or one that opened."""
    for each in reversed(browser.pages):
        if "/s/" in each.url:
            return each
    page.wait_for_url(re.compile(r"/s/[a-z0-9]+/"), timeout=READY)
    return page


@pytest.mark.timeout(600)
def test_a_person_works_in_r_sleeps_and_finds_the_variables_again(installation: Installation, browser: BrowserContext) -> None:
    page = browser.new_page()

    # The link signs in, once.
    assert installation.link is not None
    page.goto(installation.link)
    page.get_by_role("button", name="Sign in as").click()
    expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    shoot(page, "1-catalog")

    # RSpark starts part by part, and opens by itself.
    page.get_by_role("button", name="Start RSpark", exact=True).click()
    page.wait_for_url(re.compile(r"/hub/sessions/[a-z0-9]+"))
    session = page.url.rstrip("/").rsplit("/", 1)[1].split("?")[0]
    for part in ("Rc²", "PostgreSQL"):
        expect(page.get_by_text(part).first).to_be_visible(timeout=READY)
    shoot(page, "2-starting")
    page.wait_for_url(re.compile(rf"/s/{session}/"), timeout=READY)
    opened = room_of(browser, page)

    # In a first session the welcome document is open, and its chunks run where they stand.
    room = Room.opened(opened)
    welcome = room.document("Welcome.Rmd")
    output = room.run_chunk(welcome, 0)
    expect(output.first).to_contain_text("Median", timeout=READY)
    shoot(opened, "3-welcome")

    # R answers, PostgreSQL and Spark give the same, right numbers, a plot is seen.
    expect(room.run("library(rspark); set.seed(2026); answer <- 42; answer * 2")).to_contain_text("84")
    counted = room.run(
        'con <- postgres("flights"); '
        'print(DBI::dbGetQuery(con, "SELECT carrier, count(*)::int AS n FROM flights GROUP BY 1 ORDER BY n DESC LIMIT 3")); '
        'cat("rows:", DBI::dbGetQuery(con, "SELECT count(*)::int AS n FROM flights")$n)'
    )
    expect(counted).to_contain_text(f"rows: {FLIGHTS}")
    for carrier, count in FIRST_CARRIERS:
        expect(counted).to_contain_text(re.compile(rf"{carrier}\s+{count}"))
    spark = room.run(
        'spark_postgres("flights", dbname = "flights", view = "flights"); '
        'carriers <- spark_sql("SELECT carrier, count(*) AS n FROM flights GROUP BY carrier ORDER BY n DESC LIMIT 3"); '
        "print(carriers)",
        within=240,
    )
    for carrier, count in FIRST_CARRIERS:
        expect(spark).to_contain_text(re.compile(rf"{carrier}\s+{count}"))
    shoot(opened, "4-postgres-and-spark")
    room.run('barplot(carriers$n, names.arg = carriers$carrier, main = "Flights from New York, 2013")')
    picture = opened.get_by_role("img", name=re.compile(r"^Plot of barplot")).first
    expect(picture).to_be_visible(timeout=READY)
    assert picture.evaluate("node => node.getBoundingClientRect().width") > 200
    shoot(opened, "5-plot")

    # Spark's own pages are behind the same edge.
    ui = browser.new_page()
    ui.goto(f"{installation.url}/s/{session}/spark/")
    expect(ui.get_by_text("Completed Jobs").first).to_be_visible(timeout=READY)
    shoot(ui, "6-spark")
    ui.close()

    # Asleep: the workspace is saved, the exit code is 0, what could not be kept is named.
    opened.close()
    page = browser.new_page()
    page.goto(f"{installation.url}/hub/sessions/{session}")
    expect(page.get_by_text("Nothing computes.")).to_be_visible(timeout=READY)  # else it asks first
    shoot(page, "7-running")
    page.get_by_role("button", name="Sleep").first.click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=READY)
    expect(page.get_by_text("con", exact=True)).to_be_visible()
    shoot(page, "8-asleep")
    with installation.client() as hub:
        asleep = hub.get(f"/hub/api/sessions/{session}").json()
    assert asleep["state"] == "suspended"
    assert asleep["last_exit"]["code"] == 0
    [kernel] = asleep["last_exit"]["saved"]["kernels"]
    assert {lost["name"] for lost in kernel["lost"]} == {"con"}

    # Awake again: the same console with its transcript, the variables there.
    page.get_by_role("button", name="Resume").click()
    page.wait_for_url(re.compile(rf"/s/{session}/"), timeout=READY)
    room = Room.opened(page)
    expect(room.executions.filter(has_text=f"rows: {FLIGHTS}")).to_be_visible(timeout=READY)
    found = room.run('cat(answer, nrow(carriers), "rspark" %in% .packages(), exists("con"))')
    expect(found).to_contain_text("42 3 TRUE FALSE", timeout=READY)
    shoot(page, "9-awake")


def test_the_link_works_once(installation: Installation, browser: BrowserContext) -> None:
    assert installation.link is not None
    assert browser.browser is not None
    stranger = browser.browser.new_context()
    page = stranger.new_page()
    page.goto(installation.link)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    stranger.close()


def test_the_hub_s_cookie_is_not_sent_to_the_session(installation: Installation, browser: BrowserContext) -> None:
    cookies = {cookie["name"]: cookie["domain"] for cookie in browser.cookies()}
    assert cookies[f"rsparkhub-{installation.port}"] == "localhost"
    assert any(domain.endswith(".localhost") for name, domain in cookies.items() if not name.startswith("rsparkhub"))
