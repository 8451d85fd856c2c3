"""A teacher hands out one link: a student opens it in a real browser, and the document of a real Git repository is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.git_server import Course, serving
from tests.installation import Installation
from tests.story.test_main_job import CHROMIUM, READY

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    root = tmp_path_factory.mktemp("repositories")
    with serving(root) as url:
        course = Course(root / "labs", f"{url}/labs")
        course.commit({"lab1.Rmd": "# The first lab\n", "data/cars.csv": "speed\n1\n"})
        yield course


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("link")
    environments = folder / "environments"
    environments.mkdir()
    for name, interface in {"lab": "jupyterlab", "room": "rc2"}.items():
        environment = {
            "apiVersion": "rsparkhub/v1",
            "kind": "Environment",
            "metadata": {"name": name, "title": name.capitalize()},
            "spec": {"interface": interface, "image": "none:1", "kernels": ["python"]},
        }
        (environments / f"{name}.yaml").write_text(yaml.safe_dump(environment))
    with Installation(folder / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(environments)}) as running:
        yield running


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        context = chromium.new_context(viewport={"width": 1280, "height": 860})
        page = context.new_page()
        assert installation.link is not None
        page.goto(installation.link)
        page.get_by_role("button", name="Sign in as").click()
        expect(page.get_by_role("heading", name="Start a session")).to_be_visible(timeout=READY)
        page.close()
        yield context
        chromium.close()


def link_to(installation: Installation, course: Course, environment: str) -> str:
    said = {"environment": environment, "from": course.url, "open": "lab1.Rmd"}
    return f"{installation.url}/hub/start?{urlencode(said)}"


def opened(browser: BrowserContext, link: str) -> Page:
    """The page of a link, where the person has agreed."""
    page = browser.new_page()
    page.goto(link)
    page.get_by_role("button", name="Start and open lab1.Rmd").click()
    page.wait_for_url(re.compile(r"/hub/sessions/[a-z0-9]+"))
    return page


@pytest.mark.timeout(600)
def test_a_link_starts_brings_and_opens_and_again_leaves_a_students_work_alone(
    installation: Installation, browser: BrowserContext, course: Course
) -> None:
    link = link_to(installation, course, "lab")
    with installation.client() as hub:
        looked = browser.new_page()
        looked.goto(link)
        expect(looked.get_by_role("heading", name="Open lab1.Rmd")).to_be_visible(timeout=READY)
        expect(looked.get_by_text("What you changed there before stays as it is")).to_be_visible()
        assert hub.get("/hub/api/sessions").json()["sessions"] == [], "to look at a link starts nothing"
        looked.close()

        page = opened(browser, link)
        page.wait_for_url(re.compile(r"/s/[a-z0-9]+/lab"), timeout=READY)
        expect(page.locator(".jp-FileEditor .cm-content")).to_contain_text("The first lab", timeout=READY)
        page.close()

        [session] = hub.get("/hub/api/sessions").json()["sessions"]
        [document] = [each for each in Path(installation.data).rglob("lab1.Rmd") if each.parent.name == "labs"]
        document.write_text("# My answer\n")
        version = course.commit({"lab1.Rmd": "# The first lab, corrected\n"})

        page = opened(browser, link)
        beside = f"lab1.new-{version}.Rmd"
        expect(page.get_by_text(f"Yours is as it was; the new one is {beside}.")).to_be_visible(timeout=READY)
        page.get_by_role("link", name="Open lab1.Rmd").click()
        expect(page.locator(".jp-FileEditor .cm-content")).to_contain_text("My answer", timeout=READY)
        assert document.read_text() == "# My answer\n"
        assert document.with_name(beside).read_text() == "# The first lab, corrected\n"
        assert [each["id"] for each in hub.get("/hub/api/sessions").json()["sessions"]] == [session["id"]]
        page.close()


@pytest.mark.timeout(600)
def test_the_same_document_opens_in_rc2(installation: Installation, browser: BrowserContext, course: Course) -> None:
    page = opened(browser, link_to(installation, course, "room"))
    page.wait_for_url(re.compile(r"/s/[a-z0-9]+/rc2/"), timeout=READY)
    expect(page.locator(".cm-content").filter(has_text=re.compile("My answer|The first lab")).first).to_be_visible(timeout=READY)
    assert "open=" not in page.url


@pytest.mark.long
@pytest.mark.timeout(300)
def test_what_goes_wrong_is_one_sentence_and_can_be_tried_again(
    installation: Installation, browser: BrowserContext, course: Course
) -> None:
    said = {"environment": "lab", "from": course.url, "branch": "gone", "open": "lab1.Rmd"}
    page = opened(browser, f"{installation.url}/hub/start?{urlencode(said)}")
    expect(page.get_by_text("The repository has no branch gone. Ask who sent you the link.")).to_be_visible(timeout=READY)
    course.git("branch", "gone")
    course.git("update-server-info")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url(re.compile(r"/s/[a-z0-9]+/lab"), timeout=READY)
