"""A course: its instructor sees who is in it, looks at a student's session in a real browser, and the student is told."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.installation import ROOT, Installation
from tests.interfaces.waiting import until
from tests.story.test_main_job import CHROMIUM, READY

pytestmark = pytest.mark.long

PROGRAM = [str(ROOT / ".venv-session/bin/python"), str(ROOT / "session/tests/interfaces/web_server.py"), "{port}", "{base}"]
CLASS = "name,full name,group,role\ntess,Tess Teacher,stat101,instructor\nsam,Sam Student,stat101,member\n"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    folder = tmp_path / "environments"
    folder.mkdir()
    environment = {
        "apiVersion": "rsparkhub/v1",
        "kind": "Environment",
        "metadata": {"name": "pages", "title": "Pages"},
        "spec": {"interface": {"web": {"command": PROGRAM, "health": "{base}healthz"}}, "image": "none:1", "kernels": []},
    }
    (folder / "pages.yaml").write_text(yaml.safe_dump(environment))
    with Installation(tmp_path / "data", environ={"RSPARKHUB_ENVIRONMENTS": str(folder)}) as running:
        yield running


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


def signed_in(chromium: Browser, link: str) -> Page:
    """The first page of a person, in a browser of their own."""
    page = chromium.new_context(viewport={"width": 1280, "height": 860}).new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in as").click()
    expect(page.get_by_role("link", name="Home", exact=True)).to_be_visible(timeout=READY)
    return page


@pytest.mark.timeout(600)
def test_an_instructor_looks_and_changes_nothing_and_the_student_is_told(installation: Installation, chromium: Browser) -> None:
    with installation.client() as http:
        added = http.post("/hub/api/roster", json={"text": CLASS}).raise_for_status().json()
        links = {row["name"]: row["link"] for row in csv.DictReader(io.StringIO(added["links"]))}
        body = {"environment": "pages", "owner": "sam", "name": "Homework"}
        session = http.post("/hub/api/sessions", json=body).raise_for_status().json()["id"]

        def show() -> dict[str, Any]:
            found: dict[str, Any] = http.get(f"/hub/api/sessions/{session}").raise_for_status().json()
            return found

        until(show, lambda found: found["state"] == "running")
        tess = signed_in(chromium, links["tess"])
        tess.get_by_role("link", name="stat101").click()
        expect(tess.get_by_role("heading", name="1 session")).to_be_visible(timeout=READY)
        row = tess.get_by_role("row", name=re.compile("sam.*Homework"))
        expect(row.first).to_be_visible(timeout=READY)
        actions = tess.get_by_role("button", name="Actions for Homework of sam")
        actions.click()
        expect(tess.get_by_role("menuitem", name="Stop")).to_be_visible()
        expect(tess.get_by_role("menuitem", name="Look")).to_have_count(0)  # not without the rule
        tess.keyboard.press("Escape")
        refused = tess.goto(f"{installation.url}/s/{session}/page")
        assert refused is not None
        assert refused.status == 404

        assert installation.command("group", "rule", "stat101", "--view").returncode == 0
        sam = signed_in(chromium, links["sam"])
        expect(sam.get_by_text("Instructors of stat101 can look at your sessions.")).to_be_visible(timeout=READY)
        tess.goto(f"{installation.url}/hub/groups/stat101")
        expect(tess.get_by_text("Their people are told.")).to_be_visible(timeout=READY)
        actions.click()
        tess.get_by_role("menuitem", name="Look").click()
        tess.wait_for_url(re.compile(rf"//{session}\."), timeout=READY)  # the session's own host
        expect(tess.get_by_text(f"page /s/{session}/")).to_be_visible(timeout=READY)
        status = tess.evaluate("fetch('compute/apart?seconds=1', {method: 'POST'}).then(answer => answer.status)")
        assert status == 403, "who looks changes nothing"

        sam.goto(f"{installation.url}/hub/sessions/{session}")
        expect(sam.get_by_text("tess, instructor of stat101")).to_be_visible(timeout=READY)
        events = http.get("/hub/api/audit?kind=visit").raise_for_status().json()["events"]
        assert "tess, an instructor of stat101, opens Homework, a session of sam." in [event["text"] for event in events]

        assert installation.command("group", "instructors", "stat101").returncode == 0
        until(lambda: tess.evaluate("fetch('page').then(answer => answer.status)"), lambda status: status == 404)
        tess.goto(f"{installation.url}/hub/groups/stat101")
        expect(tess.get_by_text("Your instructor has given no data")).to_be_visible(timeout=READY)  # she is in it as others are
        expect(tess.get_by_text("Homework")).to_have_count(0)
