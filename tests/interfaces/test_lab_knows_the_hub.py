"""JupyterLab in a browser says when its session sleeps, and what to do, from the page that was open all the while."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.installation import Installation
from tests.interfaces.waiting import until
from tests.story.jupyterlab import Notebook

READY = 120_000  # milliseconds
TIME = r"(tomorrow )?\d\d:\d\d"

ENVIRONMENT = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: notebooks, title: Notebooks}
spec:
  interface: jupyterlab
  kernels: [python]
  resources: {cpu: 1, memory: 2Gi}
  services:
    spark: {mode: local, memory: 1Gi}
  lifecycle: {idle: 3h, suspended: 7d, longest: 12h, grace: 60s}
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "environments").mkdir()
    (folder / "environments/notebooks.yaml").write_text(ENVIRONMENT)
    with Installation(folder / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(folder / "environments")}) as running:
        yield running


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[BrowserContext]:
    """A browser that is signed in."""
    assert installation.link is not None
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(READY)
        page = context.new_page()
        page.goto(installation.link)
        page.get_by_role("button", name="Sign in as").click()
        expect(page.get_by_role("heading", name="Start a session")).to_be_visible(timeout=READY)
        page.close()
        yield context
        chromium.close()


@pytest.fixture(scope="module")
def made(installation: Installation) -> str:
    """The id of a session."""
    with installation.client() as hub:
        return str(hub.post("/hub/api/sessions", json={"environment": "notebooks", "name": "Thesis"}).json()["id"])


@pytest.fixture
def session(installation: Installation, made: str) -> str:
    """The id of a session that is awake."""
    with installation.client() as hub:
        hub.post(f"/hub/api/sessions/{made}/resume").raise_for_status()
        until(lambda: hub.get(f"/hub/api/sessions/{made}").json(), lambda found: found["state"] == "running")
    return made


@pytest.fixture
def page(installation: Installation, browser: BrowserContext, session: str) -> Iterator[Page]:
    """JupyterLab of the session."""
    page = browser.new_page()
    page.goto(f"{installation.url}/s/{session}/lab")
    yield page
    page.close()


@pytest.mark.timeout(600)
def test_it_says_whose_it_is_and_when_it_sleeps(page: Page, session: str) -> None:
    assert page.url.startswith(f"http://{session}.localhost:"), "the session has a host of its own"
    expect(page).to_have_title(re.compile("JupyterLab.* – Thesis$"), timeout=READY)
    sleeps = page.locator("#rsparkhub-sleeps")
    expect(sleeps).to_contain_text(re.compile(f"^Sleeps at {TIME}"), timeout=READY)
    before = sleeps.inner_text()
    sleeps.get_by_role("button", name="+2 h").click()
    expect(sleeps).not_to_contain_text(before.removesuffix("+2 h").strip(), timeout=READY)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_page_that_was_left_open_says_that_it_sleeps_and_wakes_it(
    installation: Installation, browser: BrowserContext, page: Page, session: str
) -> None:
    notebook = Notebook.new(page, "Python")
    notebook.run("x = 41")
    typed = notebook.cells.last.locator(".cm-content")
    typed.click()
    page.keyboard.insert_text("x + 1")

    hub = browser.new_page()
    hub.goto(f"{installation.url}/hub/sessions/{session}")
    expect(hub.get_by_text("Nothing computes.")).to_be_visible(timeout=READY)  # else it asks first
    hub.get_by_role("button", name="Sleep").first.click()
    expect(hub.get_by_role("button", name="Resume")).to_be_visible(timeout=READY)
    hub.close()

    asleep = page.get_by_role("alertdialog", name=re.compile(f"^Asleep since {TIME}$"))
    expect(asleep).to_contain_text("Your work is kept.", timeout=READY)
    expect(page.locator("#rsparkhub-sleeps")).to_have_text(re.compile(r"^(\+2 h)?$"))
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    expect(typed).to_have_text("x + 1")

    asleep.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("alertdialog")).to_be_hidden(timeout=READY)
    notebook.wait_for_kernel()
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    expect(typed).to_have_text("x + 1")
    typed.click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-NotebookPanel:visible .jp-OutputArea-output").last).to_have_text("42", timeout=READY)
    expect(page.locator("#rsparkhub-sleeps")).to_contain_text(re.compile(f"^Sleeps at {TIME}"), timeout=READY)


@pytest.mark.timeout(600)
def test_the_launcher_leads_to_the_pages_of_spark(browser: BrowserContext, page: Page, session: str) -> None:
    page.locator('[title^="New Launcher"]').first.click()
    with browser.expect_page() as opened:
        page.locator(".jp-LauncherCard", has_text="Spark’s jobs").first.click()
    opened.value.wait_for_url(f"**/s/{session}/spark/")
    expect(opened.value.get_by_role("heading", name="No Spark application is running")).to_be_visible(timeout=READY)
    opened.value.close()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_file_menu_leads_to_the_hub_and_puts_to_sleep_what_computes_once_that_is_agreed(
    browser: BrowserContext, page: Page
) -> None:
    notebook = Notebook.new(page, "Python")
    file_menu = page.get_by_role("menuitem", name="File", exact=True)
    file_menu.click()
    with browser.expect_page() as opened:
        page.get_by_role("menuitem", name="Your sessions").click()
    expect(opened.value.get_by_role("link", name="Open Thesis")).to_be_visible(timeout=READY)
    opened.value.close()

    notebook.run("1")  # a kernel that computes before the page has met it is never told to be busy
    notebook.cells.last.locator(".cm-content").click()
    page.keyboard.insert_text("while True: pass")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#rsparkhub-sleeps")).to_contain_text("Awake while it computes", timeout=READY)
    for answer in ("Cancel", "Sleep anyway"):
        file_menu.click()
        page.get_by_role("menuitem", name="Sleep", exact=True).click()
        asked = page.get_by_role("dialog", name="Sleep Thesis anyway?")
        expect(asked).to_contain_text("It computes", timeout=READY)
        asked.get_by_role("button", name=answer).click()
        expect(asked).to_be_hidden()
    expect(page.get_by_role("alertdialog", name=re.compile("^Asleep since"))).to_be_visible(timeout=READY)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_is_the_same_where_sessions_have_no_hosts_of_their_own(
    installation: Installation, browser: BrowserContext, session: str
) -> None:
    """By a number there are no names; and who was stopped is told so."""
    assert browser.browser is not None
    by_number = browser.browser.new_context()
    page = by_number.new_page()
    with installation.client() as hub:
        name = hub.get("/hub/api/me").json()["name"]
        link = str(hub.post(f"/hub/api/users/{name}/link").json()["url"])
        page.goto(link.replace("//localhost:", "//127.0.0.1:"))
        page.get_by_role("button", name="Sign in as").click()
        expect(page.get_by_role("link", name="Open Thesis")).to_be_visible(timeout=READY)
        page.goto(f"{installation.address}/s/{session}/lab")
        expect(page.locator("#rsparkhub-sleeps")).to_contain_text(re.compile(f"^Sleeps at {TIME}"), timeout=READY)

        hub.post(f"/hub/api/sessions/{session}/stop", json={"confirm": True}).raise_for_status()
        stopped = page.get_by_role("alertdialog", name=re.compile(f"^Stopped since {TIME}$"))
        expect(stopped).to_contain_text("Variables were not saved. Files are kept.", timeout=READY)
        stopped.get_by_role("button", name="Start again").click()
        expect(page.get_by_role("alertdialog")).to_be_hidden(timeout=READY)
        assert hub.get(f"/hub/api/sessions/{session}").json()["state"] == "running"
    by_number.close()
