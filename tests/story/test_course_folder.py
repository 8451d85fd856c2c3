"""The folder of a course in a real browser: an instructor opens it, a student hands in, and the instructor saves it."""

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.installation import Installation
from tests.story.test_course import signed_in
from tests.story.test_main_job import CHROMIUM, READY

pytestmark = pytest.mark.long

CLASS = "name,full name,group,role\ntess,Tess Teacher,stat101,instructor\nsam,Sam Student,stat101,member\n"
SIZES = {"small": (390, 844), "medium": (1024, 768), "large": (1600, 1000)}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path / "data") as running:
        yield running


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


@pytest.mark.timeout(600)
def test_an_instructor_opens_the_folder_and_saves_what_is_handed_in(
    installation: Installation, chromium: Browser, tmp_path: Path
) -> None:
    with installation.client() as http:
        added = http.post("/hub/api/roster", json={"text": CLASS}).raise_for_status().json()
        links = {row["name"]: row["link"] for row in csv.DictReader(io.StringIO(added["links"]))}
        tess = signed_in(chromium, links["tess"])
        tess.get_by_role("link", name="stat101").click()
        tess.get_by_role("button", name="Let students hand in work").click()
        expect(tess.get_by_text("Nothing is handed in.")).to_be_visible(timeout=READY)
        tess.get_by_label("Work is due").fill("2026-01-05T23:59")
        tess.get_by_role("button", name="Set", exact=True).click()
        expect(tess.get_by_text("5 Jan")).to_be_visible(timeout=READY)
        expect(tess.get_by_label("Work is due")).to_have_value("2026-01-05T23:59")

        sam = signed_in(chromium, links["sam"])
        sam.get_by_role("link", name="stat101").first.click()
        sam.get_by_label("Files of other work").set_input_files([{"name": "lab1.Rmd", "mimeType": "", "buffer": b"1 + 1"}])
        expect(sam.get_by_text("lab1.Rmd is handed in, late.")).to_be_visible(timeout=READY)
        assert sam.evaluate("fetch('/hub/api/groups/stat101/hand-ins').then(answer => answer.status)") == 403
        row = tess.get_by_role("row", name="sam lab1.Rmd")
        expect(row).to_be_visible(timeout=READY)
        expect(row).to_contain_text("late")
        expect(tess.get_by_text("1 of 1 have handed in.")).to_be_visible(timeout=READY)
        with tess.expect_download() as saving:
            tess.get_by_role("link", name="Save all").click()
        saving.value.save_as(tmp_path / "all.zip")
        with zipfile.ZipFile(tmp_path / "all.zip") as archive:
            assert [archive.read(name) for name in archive.namelist()] == [b"1 + 1"]
        with tess.expect_download() as saving:
            row.get_by_role("link", name="lab1.Rmd").click()
        assert saving.value.suggested_filename == "lab1.Rmd"
        if folder := os.environ.get("RSPARK_PICTURES"):
            for theme in ("light", "dark"):
                tess.emulate_media(color_scheme="light" if theme == "light" else "dark")
                for size, (width, height) in SIZES.items():
                    tess.set_viewport_size({"width": width, "height": height})
                    tess.get_by_role("heading", name="Work handed in").scroll_into_view_if_needed()
                    tess.screenshot(path=f"{folder}/{size}-{theme}.png", full_page=True)
        tess.get_by_role("button", name="Close the folder").click()
        expect(tess.get_by_role("button", name="Let students hand in work")).to_be_visible(timeout=READY)
        expect(row).to_be_visible(timeout=READY)
        expect(tess.get_by_role("link", name="Save all")).to_be_visible(timeout=READY)
        events = http.get("/hub/api/audit?kind=group").raise_for_status().json()["events"]
        assert "tess collects all that was handed in to the group stat101." in [event["text"] for event in events]
