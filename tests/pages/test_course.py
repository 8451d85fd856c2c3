"""The page of a group: those who teach it give data and give work back, those who are taught see what is theirs."""

from datetime import datetime

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub
from tests.pages.scenes import arrange_course, arrange_work

pytestmark = pytest.mark.asyncio(loop_scope="session")

COURSE = "/hub/groups/stats-101"


def _file(name: str, content: bytes = b"a,b\n") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


async def test_files_are_added_and_taken_away(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    await page.goto(COURSE)
    await page.get_by_label("Add to the folder").fill("week2/")
    await page.get_by_label("Files of data").set_input_files([_file("a.csv"), _file("b.csv", b"1")])
    section = page.get_by_role("region", name="Data")
    await expect(section.get_by_role("status")).to_have_text("2 files added.")
    await expect(section.get_by_role("link", name="week2/b.csv")).to_be_visible()
    await expect(section.get_by_role("meter", name="Room")).to_have_attribute("aria-valuetext", "127 MB of 210 MB")
    await section.get_by_role("button", name="Take week2/a.csv away").click()
    await page.get_by_role("dialog").get_by_role("button", name="Take away").click()
    await expect(section.get_by_role("link", name="week2/a.csv")).to_have_count(0)
    await expect(section.get_by_role("link", name="week2/b.csv")).to_be_visible()


async def test_a_folder_comes_with_its_paths_and_without_what_is_hidden(
    page: Page, hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arrange_course(hub)
    folder = tmp_path_factory.mktemp("folder") / "labs"
    (folder / "week3").mkdir(parents=True)
    (folder / "week3" / "lab3.Rmd").write_text("1 + 1\n")
    (folder / ".Rhistory").write_text("1 + 1\n")
    await page.goto(COURSE)
    await page.get_by_label("Folder of data").set_input_files(folder)
    section = page.get_by_role("region", name="Data")
    await expect(section.get_by_role("status")).to_have_text("1 file added, 1 hidden file left out.")
    await expect(section.get_by_role("link", name="labs/week3/lab3.Rmd")).to_be_visible()


async def test_what_is_refused_is_said_in_one_sentence_and_the_rest_comes(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    hub.world.course["file_size"] = 2**20
    await page.goto(COURSE)
    await page.get_by_label("Files of data").set_input_files(
        [_file("-a.csv"), _file("-b.csv"), _file("large.csv", bytes(2**20 + 1)), _file("good.csv")]
    )
    section = page.get_by_role("region", name="Data")
    names, large = section.get_by_role("alert").nth(0), section.get_by_role("alert").nth(1)
    await expect(names).to_contain_text("Not done: -a.csv and -b.csv")
    await expect(names).to_contain_text("Rename it, and try again.")
    await expect(large).to_contain_text("Not done: large.csv")
    await expect(large).to_contain_text("A file of a course has up to 1 MiB. Leave out what can be computed again.")
    await expect(section.get_by_role("status")).to_have_text("1 file added.")
    assert [body for method, path, body in hub.world.asked if method == "PUT"] == [None] * 3  # the large one was never sent


async def test_what_is_sent_is_shown_and_can_be_stopped(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Data")
    await section.get_by_role("button", name="Add files").wait_for()
    hub.world.slow = 600
    await page.get_by_label("Files of data").set_input_files([_file("a.csv"), _file("b.csv")])
    await expect(section.get_by_text("Sending a.csv, 1 of 2")).to_be_visible()
    await expect(section.get_by_role("progressbar", name="Sending")).to_be_visible()
    await expect(section.get_by_role("button", name="Add files")).to_have_count(0)  # one sending at a time
    await expect(section.get_by_role("button", name="Add a folder")).to_be_disabled()
    hub.world.slow = 0
    await section.get_by_role("button", name="Stop").click()
    await expect(section.get_by_role("alert")).to_contain_text("You stopped it. What was sent before is there.")
    assert all(file["path"] != "b.csv" for file in hub.world.data)


async def test_who_leaves_while_files_are_sent_is_asked_or_told_what_was_added(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Data")
    await section.get_by_role("button", name="Add files").wait_for()
    leaves = "() => dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert await page.evaluate(leaves)
    hub.world.held = True
    async with page.expect_request("**/data?path=a.csv"):
        await page.get_by_label("Files of data").set_input_files([_file("a.csv"), _file("b.csv")])
    assert not await page.evaluate(leaves)
    await page.get_by_role("banner").get_by_role("link").first.click()
    await expect(page.get_by_text("Stopped: 0 of 2 files added to stats-101.")).to_be_visible()
    hub.world.held = False
    assert await page.evaluate(leaves)


async def test_a_grade_and_a_file_are_given_back(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Work handed in")
    await section.get_by_role("button", name="Give back lab1.tar.gz to carla").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Give back").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Write something, or choose a file.")
    await dialog.get_by_label("Remarks, or a grade").fill("8 of 10.")
    await dialog.get_by_label("A file with remarks").set_input_files([_file("lab1-remarks.html")])
    await dialog.get_by_role("button", name="Give back").click()
    await expect(dialog).to_have_count(0)
    row = section.get_by_role("row", name="carla")
    await expect(row.get_by_role("link", name="lab1-remarks.html")).to_be_visible()
    await expect(row.get_by_role("link", name="remarks.txt", exact=True)).to_be_visible()


async def test_what_is_given_back_to_one_never_goes_to_the_next(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    hub.world.hand_ins.append(world.hand_in("h3", "dan", "lab1.R"))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url.partition("/hand-ins/")[2]) if request.method == "POST" else None)
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Work handed in")
    await section.get_by_role("button", name="Give back lab1.tar.gz to carla").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Remarks, or a grade").fill("4 of 10.")
    await dialog.get_by_label("A file with remarks").set_input_files([_file("for-carla.html")])
    hub.world.held = True
    async with page.expect_request("**/h2/returned*"):
        await dialog.get_by_role("button", name="Give back").click()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await section.get_by_role("button", name="Give back lab1.R to dan").click()
    await dialog.get_by_label("Remarks, or a grade").fill("9 of 10.")
    hub.world.held = False
    await dialog.get_by_role("button", name="Give back").click()
    await expect(dialog).to_have_count(0)
    await expect(section.get_by_role("row", name="dan").get_by_role("link", name="remarks.txt")).to_be_visible()
    assert sent == ["h2/returned?file=for-carla.html", "h3/returned?file=remarks.txt"]


async def test_what_was_handed_in_is_removed_after_a_question(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    hub.world.hand_ins.append(world.hand_in("h3", "dan", "lab1.R"))
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Work handed in")
    await section.get_by_role("button", name="Actions for lab1.R of dan").click()
    await page.get_by_role("menuitem", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(section.get_by_role("row", name="dan")).to_have_count(0)
    await expect(section.get_by_role("row", name="carla")).to_be_visible()


async def test_a_student_sees_what_is_due_what_they_handed_in_and_what_came_back(page: Page, hub: FixtureHub) -> None:
    arrange_work(hub)
    await page.goto("/hub/")
    await expect(page.get_by_text("Work for stats-101 is due")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="stats-101").click()
    due = page.get_by_role("region", name="Due")
    await expect(due.get_by_role("listitem").filter(has_text="lab1")).to_contain_text("late")
    await expect(due.get_by_role("listitem").filter(has_text="lab2")).to_contain_text("not yet")
    await expect(due.get_by_role("listitem").nth(2)).to_contain_text("Other work")
    table = page.get_by_role("table", name="What you handed in")
    await expect(table.get_by_role("row", name="lab1.Rmd")).to_contain_text("late")
    await expect(table.get_by_role("row", name="project.tar.gz")).not_to_contain_text("late")
    link = table.get_by_role("link", name="project.tar.gz")
    await expect(link).to_have_attribute("href", "/hub/api/groups/stats-101/hand-ins/h2")
    back = page.get_by_role("region", name="What came back")
    await expect(back).to_contain_text("8 of 10.")
    await expect(back.get_by_role("link", name="lab1-remarks.html")).to_have_attribute(
        "href", "/hub/api/groups/stats-101/returned/r2"
    )
    await expect(due).to_contain_text("3 files of data")
    assert not [method for method, _, _ in hub.world.asked if method != "GET"]


async def test_who_is_not_in_a_group_is_told_so(page: Page, hub: FixtureHub) -> None:
    arrange_work(hub)
    hub.world.refusals["GET /groups/math/my-hand-ins"] = (403, "Only who is in this group reads its course folder.")
    await page.goto("/hub/groups/math")
    await expect(page.get_by_role("alert")).to_have_text("Only who is in this group reads its course folder.")


async def test_a_change_of_the_folder_names_nothing_else(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Work handed in")
    await section.get_by_role("button", name="No due time", exact=True).click()
    await expect(section.get_by_role("button", name="No due time", exact=True)).to_have_count(0)
    await section.get_by_role("button", name="No own due time for lab1").click()
    await expect(section.get_by_role("list", name="Due times of their own")).not_to_contain_text("lab1")
    hub.world.course["due"] = world.ahead(days=3)  # by another instructor, after this page was read
    await section.get_by_role("button", name="Close the folder").click()
    await expect(section.get_by_role("button", name="Let students hand in work")).to_be_visible()
    assert [body for method, _, body in hub.world.asked if method == "PUT"] == [
        {"due": None}, {"assignments": [{"name": "lab1", "due": None}]}, {"course_folder": False},
    ]  # fmt: skip


async def test_an_instructor_sees_for_which_assignment_something_is(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    hub.world.hand_ins.append(world.hand_in("h3", "dan", "lab1-.Rmd"))
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Work handed in")
    await expect(section.get_by_role("columnheader", name="For")).to_be_visible()
    await expect(section.get_by_role("row", name="carla").get_by_role("cell", name="lab1", exact=True)).to_be_visible()
    await expect(section.get_by_role("row", name="dan").get_by_role("cell", name="lab1", exact=True)).to_have_count(0)
    await page.set_viewport_size({"width": 480, "height": 800})
    await expect(section.get_by_role("columnheader", name="For")).to_have_count(0)
    await expect(section.get_by_role("row", name="carla")).to_be_visible()


async def test_on_a_phone_what_can_be_done_is_reached_without_scrolling_sideways(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    hub.put(world.session(owner="bo"))
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(COURSE)
    names = ["Actions for RSpark of bo", "Actions for lab1.tar.gz of carla", "Take week1/flights.csv away"]
    for button in [page.get_by_role("button", name=name) for name in names]:
        place = await button.evaluate(
            """each => {
              each.scrollIntoView({block: 'center', inline: 'nearest'});
              const {left, right, top, bottom} = each.getBoundingClientRect();
              const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
              return {left, right, on_top: each.contains(there), moved: each.closest('.scroll').scrollLeft};
            }"""
        )
        assert place["left"] >= 0
        assert place["right"] <= 360
        assert (place["on_top"], place["moved"]) == (True, 0)
    for name in names[:2]:  # a table of one row, and a row above another
        await page.get_by_role("button", name=name).click()
        await expect(page.get_by_role("menuitem").first).to_be_visible()
        for item in await page.get_by_role("menuitem").all():
            await item.click(trial=True)  # nothing lies over it, or cuts it off
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("menuitem")).to_have_count(0)


async def test_an_assignment_gets_a_due_time_of_its_own_and_loses_it(page: Page, hub: FixtureHub) -> None:
    arrange_course(hub)
    default = hub.world.course["due"]
    await page.goto(COURSE)
    section = page.get_by_role("region", name="Work handed in")
    await section.get_by_label("Only for").fill("lab3")
    await section.get_by_label("Work is due").fill("2030-01-05T23:59")
    await section.get_by_role("button", name="Set", exact=True).click()
    own = section.get_by_role("list", name="Due times of their own")
    await expect(own.get_by_role("listitem").nth(2)).to_contain_text("lab3 is due")
    await expect(section.get_by_label("Only for")).to_have_value("")
    await expect(section.get_by_label("Work is due")).not_to_have_value("2030-01-05T23:59")
    assert datetime.fromisoformat(hub.world.course["due"]) == datetime.fromisoformat(default)
    await section.get_by_role("button", name="No own due time for lab1").click()
    await expect(own.get_by_role("listitem")).to_have_count(2)
    await expect(own).not_to_contain_text("lab1")
