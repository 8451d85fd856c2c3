"""A student hands in from the page of a group: files and folders, chosen or dropped, for an assignment or as other work."""

import io
import tarfile
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.pages.fixture_hub import FixtureHub
from tests.pages.scenes import arrange_work

pytestmark = pytest.mark.asyncio(loop_scope="session")

COURSE = "/hub/groups/stats-101"


def _file(name: str, content: bytes = b"1 + 1\n") -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


async def test_a_file_is_handed_in_for_its_assignment_and_shown_at_once(page: Page, hub: FixtureHub) -> None:
    arrange_work(hub)
    await page.goto(COURSE)
    lab2 = page.get_by_role("listitem").filter(has_text="lab2")
    await expect(lab2).to_contain_text("not yet")
    await lab2.get_by_label("Files for lab2").set_input_files([_file("lab2.Rmd")])
    await expect(lab2.get_by_role("status")).to_have_text("lab2.Rmd is handed in for lab2.")
    await expect(lab2).not_to_contain_text("not yet")
    table = page.get_by_role("table", name="What you handed in")
    await expect(table.get_by_role("row").nth(1)).to_contain_text("lab2.Rmd")
    # Again: it is there beside what was there before.
    await lab2.get_by_label("Files for lab2").set_input_files([_file("lab2.Rmd"), _file("plot.png")])
    await expect(lab2.get_by_role("status")).to_have_text("lab2.Rmd and lab2.plot.png are handed in for lab2.")
    await expect(table.get_by_role("link", name="lab2.Rmd")).to_have_count(2)
    lab1 = page.get_by_role("listitem").filter(has_text="lab1")
    await lab1.get_by_label("Files for lab1").set_input_files([_file("lab1-.Rmd")])
    await expect(lab1.get_by_role("status")).to_have_text("lab1.lab1-.Rmd is handed in for lab1, late.")


async def test_what_is_for_no_assignment_is_said(page: Page, hub: FixtureHub) -> None:
    arrange_work(hub)
    await page.goto(COURSE)
    other = page.get_by_role("listitem").filter(has_text="Other work")
    await other.get_by_label("Files of other work").set_input_files([_file("lab1-.Rmd"), _file("LAB2.R"), _file("notes.md")])
    await expect(other.get_by_role("status")).to_have_text(
        "lab1-.Rmd and notes.md are handed in as other work, for none of the assignments. LAB2.R is handed in for lab2."
    )


async def test_what_is_refused_is_said_in_one_sentence(page: Page, hub: FixtureHub) -> None:
    arrange_work(hub)
    hub.world.course["file_size"] = 2**20
    await page.goto(COURSE)
    other = page.get_by_role("listitem").filter(has_text="Other work")
    await other.get_by_label("Files of other work").set_input_files(
        [_file("-a.R"), _file("-b.R"), _file("large.csv", bytes(2**20 + 1)), _file("good.R")]
    )
    names, large = other.get_by_role("alert").nth(0), other.get_by_role("alert").nth(1)
    await expect(names).to_contain_text("Not done: -a.R and -b.R")
    await expect(names).to_contain_text("Rename it, and try again.")
    await expect(large).to_contain_text("A file of a course has up to 1 MiB. Leave out what can be computed again.")
    await expect(other.get_by_role("status")).to_contain_text("good.R is handed in")
    hub.world.course["course_folder"] = False  # by its instructor, after this page was read
    lab2 = page.get_by_role("listitem").filter(has_text="lab2")
    await lab2.get_by_label("Files for lab2").set_input_files([_file("lab2.Rmd")])
    await expect(page.get_by_text("This course takes no work now.")).to_be_visible()
    assert list(hub.world.handed_in) == ["good.R"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "labs"
    (made / "plots").mkdir(parents=True)
    (made / "lab2.Rmd").write_text("1 + 1\n")
    (made / "plots" / "Verspätung.svg").write_text("<svg/>")
    (made / ".Rprofile").write_text("library(rspark)\n")
    return made


def _members(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {each.name: content.read() for each in archive if (content := archive.extractfile(each))}


IN_FOLDER = {"labs/lab2.Rmd": b"1 + 1\n", "labs/plots/Verspätung.svg": b"<svg/>", "labs/.Rprofile": b"library(rspark)\n"}


async def test_a_folder_is_handed_in_as_one_file(page: Page, hub: FixtureHub, folder: Path) -> None:
    arrange_work(hub)
    await page.goto(COURSE)
    lab2 = page.get_by_role("listitem").filter(has_text="lab2")
    await lab2.get_by_label("Folder for lab2").set_input_files(folder)
    await expect(lab2.get_by_role("status")).to_have_text("lab2.labs.tar.gz is handed in for lab2.")
    assert _members(hub.world.handed_in["lab2.labs.tar.gz"]) == IN_FOLDER


async def test_files_and_folders_are_dropped(page: Page, hub: FixtureHub, folder: Path, tmp_path: Path) -> None:
    arrange_work(hub)
    (tmp_path / "lab2.md").write_text("2")
    await page.goto(COURSE)
    lab2 = page.get_by_role("listitem").filter(has_text="lab2")
    await lab2.get_by_role("group").scroll_into_view_if_needed()
    box = await lab2.get_by_role("group").bounding_box()
    assert box is not None
    devtools = await page.context.new_cdp_session(page)
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    files = {"items": [], "files": [str(tmp_path / "lab2.md"), str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await devtools.send("Input.dispatchDragEvent", {"type": kind, **at, "data": files})
    await expect(lab2.get_by_role("status")).to_have_text("lab2.md and lab2.labs.tar.gz are handed in for lab2.")
    assert hub.world.handed_in["lab2.md"] == b"2"
    assert _members(hub.world.handed_in["lab2.labs.tar.gz"]) == IN_FOLDER


async def test_who_uses_the_keyboard_hands_in_and_stops_with_one_button(page: Page, hub: FixtureHub) -> None:
    arrange_work(hub)
    page.on("filechooser", lambda _: None)  # from here on the browser asks the test, and not only once the key is pressed
    await page.goto(COURSE)
    lab2 = page.get_by_role("group", name="Sending for lab2")
    button = lab2.get_by_role("button", name="Hand in files")
    await button.focus()
    await expect(button).to_be_focused()
    hub.world.held = True
    async with page.expect_file_chooser() as choosing:
        await page.keyboard.press("Enter")
    async with page.expect_request("**/hand-ins?file=lab2.Rmd"):
        await (await choosing.value).set_files([_file("lab2.Rmd")])
    await expect(lab2.get_by_role("status")).to_have_text("Sending lab2.Rmd")
    await expect(lab2.get_by_role("progressbar", name="Sending")).to_be_visible()
    await expect(lab2.get_by_role("button", name="Stop")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(lab2.get_by_role("alert")).to_contain_text("You stopped it. What was sent before is there.")
    await expect(lab2.get_by_role("button", name="Hand in files")).to_be_focused()
    hub.world.held = False


async def test_it_fits_a_phone(browser: Browser, hub: FixtureHub) -> None:
    arrange_work(hub)
    hub.world.course["assignments"][0]["name"] = "W" * 60
    context = await browser.new_context(viewport={"width": 360, "height": 740}, base_url=hub.url, has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(COURSE)
    for button in await page.get_by_role("button", name="Hand in").all():
        await button.scroll_into_view_if_needed()
        box = await button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await context.close()
