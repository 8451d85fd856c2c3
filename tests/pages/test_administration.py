"""Everybody's sessions, people, environments and the audit."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def crowd(hub: FixtureHub) -> FixtureHub:
    hub.world.me = world.me(admin=True)
    hub.world.sessions = {session["id"]: session for session in world.crowd(1000)}
    hub.world.people = [world.person(name, admin=name == "ada") for name in world.PEOPLE]
    return hub


async def test_a_thousand_sessions_are_a_screenful_of_rows(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/sessions")
    table = page.get_by_role("table", name="All sessions")
    await expect(table).to_have_attribute("aria-rowcount", "1001")
    assert await page.locator("tbody tr").count() < 60
    await page.get_by_role("group", name="All sessions").evaluate("each => each.scrollTo(0, each.scrollHeight)")
    await expect(page.locator("tr[aria-rowindex='1001']")).to_be_visible()
    assert await page.locator("tbody tr").count() < 60
    await expect(page.get_by_role("columnheader", name="Session")).to_be_in_viewport()


async def test_columns_sort_both_ways(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/sessions")
    memory = page.get_by_role("columnheader", name="Memory")
    await memory.get_by_role("button").click()
    await expect(memory).to_have_attribute("aria-sort", "descending")
    await expect(page.locator("tbody tr").first).to_contain_text("3.5 GB")
    await memory.get_by_role("button").click()
    await expect(memory).to_have_attribute("aria-sort", "ascending")
    await expect(page.locator("tbody tr").first).to_contain_text("1.3 GB")


async def test_a_view_stands_in_the_address(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/sessions")
    await page.get_by_role("button", name="Failed 100").click()
    await page.get_by_role("searchbox", name="Search sessions").fill("bo homework")
    await page.wait_for_url("**/admin/sessions?state=failed&q=bo+homework")
    shown = await page.get_by_role("table").get_attribute("aria-rowcount")
    await page.reload()
    await expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", shown or "")
    await expect(page.get_by_role("button", name="Failed")).to_have_attribute("aria-pressed", "true")
    assert int(shown or 0) < 30


async def test_many_are_put_to_sleep_at_once(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/sessions?state=running&owner=bo")
    await page.get_by_role("checkbox", name="Choose all rows shown").check()
    chosen = int((await page.get_by_text(" chosen").inner_text()).split()[0])
    assert chosen > 3
    await page.get_by_role("button", name="Sleep", exact=True).click()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text(f"{chosen} sessions will sleep.")
    asked = [path for method, path, _ in crowd.world.asked if path.endswith("/suspend")]
    assert len(asked) == len(set(asked)) == chosen


async def test_a_deletion_of_many_says_whose(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/sessions?state=stopped")
    for row in range(3):
        await page.get_by_role("checkbox", name="Choose Homework").nth(row).check()
    await page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading")).to_have_text("Delete 3 sessions of 3 people?")
    await dialog.get_by_role("button", name="Cancel").click()
    assert crowd.world.asked == []


async def test_a_row_changes_where_it_stands(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/sessions?q=s0000")
    await expect(page.locator("tbody tr")).to_contain_text("Running")
    await crowd.heard()
    crowd.change("s0000", state="failed", reason="R ended by itself.")
    await expect(page.locator("tbody tr")).to_contain_text("Failed")


async def test_a_person_is_added_and_gets_a_link(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/people")
    await page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await dialog.get_by_label("Name").fill("New One")
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("A name begins with a lower-case letter")
    await dialog.get_by_label("Name").fill("bo")
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("There is somebody called bo already.")
    await dialog.get_by_label("Name").fill("gauss")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Sign-in link for gauss")).to_contain_text("/hub/?token=")
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("cell", name="gauss", exact=True)).to_be_visible()


async def test_a_removal_says_what_goes_and_what_stays(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/people")
    await page.get_by_role("button", name="Actions for bo").click()
    await page.get_by_role("menuitem", name="Remove").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("sessions of theirs will be deleted")
    await expect(dialog).to_contain_text("files of the home folder are kept")
    await dialog.get_by_role("button", name="Remove bo").click()
    await expect(page.get_by_role("cell", name="bo", exact=True)).to_be_hidden()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("bo is removed.")


async def test_a_password_is_set(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/people")
    await page.get_by_role("button", name="Actions for bo").click()
    await page.get_by_role("menuitem", name="Set a password").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("New password").fill("short")
    await dialog.get_by_role("button", name="Set password").click()
    await expect(dialog).to_contain_text("Use at least 8 characters.")
    await dialog.get_by_label("New password").fill("long enough")
    await dialog.get_by_role("button", name="Set password").click()
    await expect(dialog).to_be_hidden()
    assert crowd.world.asked == [("POST", "/users/bo/password", {"password": "long enough"})]


async def test_a_group_is_made_of_people(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/people")
    await page.get_by_role("tab", name="Groups").click()
    await expect(page.get_by_text("There are no groups yet")).to_be_visible()
    await page.get_by_role("button", name="Add a group").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("stats-101")
    await dialog.get_by_label("People", exact=True).first.fill("ca")
    await dialog.get_by_label("carla").check()
    await dialog.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("row", name="stats-101")).to_contain_text("carla")


async def test_a_persons_number_of_sessions_leads_to_them(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/people")
    await page.get_by_role("row", name="carla").get_by_role("link").click()
    await page.wait_for_url("**/admin/sessions?owner=carla")
    await expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "40")


async def test_the_audit_begins_with_the_newest_and_goes_back_to_the_first(page: Page, crowd: FixtureHub) -> None:
    crowd.world.events = world.history(500)
    await page.goto("/hub/admin/audit")
    await expect(page.get_by_text("200 events shown, there are older ones")).to_be_visible()
    first = page.locator("tbody tr").first
    await expect(first).to_contain_text("ada makes a one-time sign-in link for")
    await page.get_by_role("button", name="Show older").click()
    await expect(page.get_by_text("400 events shown, there are older ones")).to_be_visible()
    await page.get_by_role("button", name="Show older").click()
    await expect(page.get_by_text("500 events shown.")).to_be_visible()
    await expect(page.get_by_role("button", name="Show older")).to_be_hidden()
    await expect(first).to_contain_text("ada makes a one-time sign-in link for")


async def test_the_audit_is_chosen_by_the_hub_and_the_choice_stands_in_the_address(page: Page, crowd: FixtureHub) -> None:
    crowd.world.events = world.history(500)
    await page.goto("/hub/admin/audit")
    await page.get_by_label("Kind").select_option("visit")
    await expect(page.get_by_text("50 events shown.")).to_be_visible()
    await expect(page.locator("tbody tr").first).to_contain_text("ada opens Homework 50, a session of")
    await page.get_by_label("Time").select_option("1")
    await expect(page.get_by_text("48 events shown.")).to_be_visible()
    await page.get_by_label("Person").fill("bo")
    await expect(page.get_by_text("1 event shown.")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"/audit\?person=bo&kind=visit&days=1$"))
    await page.reload()
    await expect(page.get_by_text("1 event shown.")).to_be_visible()
    await expect(page.get_by_label("Person")).to_have_value("bo")
    await page.get_by_label("Session, by name or id").fill("no such session")
    await expect(page.get_by_text("Nothing matches these filters")).to_be_visible()


async def test_a_name_in_the_audit_leads_to_all_of_that_person(page: Page, crowd: FixtureHub) -> None:
    crowd.world.events = world.history(500)
    await page.goto("/hub/admin/audit?kind=sign-in")
    await page.get_by_role("button", name="carla", exact=True).first.click()
    await expect(page.get_by_label("Person")).to_have_value("carla")
    await expect(page.get_by_text("2 events shown.")).to_be_visible()
    await page.get_by_label("Kind").select_option("created")
    await page.get_by_role("link", name="Homework").first.click()
    await page.wait_for_url("**/hub/sessions/*")


async def test_whom_people_must_trust_is_said_where_people_are_added(page: Page, crowd: FixtureHub) -> None:
    await page.goto("/hub/admin/people")
    await expect(page.get_by_role("table", name="People")).to_be_visible()
    await expect(page.get_by_text("trust each other")).to_have_count(0)
    crowd.world.trust = "All sessions run under one account. Use it with people who trust each other."
    await page.reload()
    await expect(page.get_by_text("people who trust each other")).to_be_visible()


async def test_what_removed_people_left_is_listed_and_deleted_after_a_question(page: Page, crowd: FixtureHub) -> None:
    left = {"name": "bo (removed)", "removed": "2026-11-20T09:00:00Z", "data": "keep", "left": ["home", "postgres"]}
    crowd.world.removed = [{"id": "bo", **left}, {"id": "cleo-2", **left, "left": ["home"]}]
    await page.goto("/hub/admin/people")
    await page.get_by_role("tab", name="Removed").click()
    table = page.get_by_role("table", name="Removed people")
    await expect(table.get_by_role("row", name="bo")).to_contain_text("home folder, postgres")
    await page.get_by_role("button", name="Actions for what bo left").click()
    await page.get_by_role("menuitem", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("home folder, postgres")
    await dialog.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("What bo left is being deleted.")
    await expect(table.get_by_role("row", name="bo")).to_have_count(0)
    await expect(table.get_by_role("row", name="cleo-2")).to_be_visible()
    assert ("DELETE", "/removed-users/bo", None) in crowd.world.asked


@pytest.mark.long
async def test_what_becomes_of_a_groups_data_is_chosen_and_what_is_kept_is_listed(page: Page, crowd: FixtureHub) -> None:
    crowd.world.groups = [{"name": "lab", "members": [], "instructors": [], "instructors_view": False}]
    await page.goto("/hub/admin/people")
    await page.get_by_role("tab", name="Groups").click()
    await page.get_by_role("button", name="Actions for the group lab").click()
    await page.get_by_role("menuitem", name="Remove").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("databases, folder and bucket are kept")).to_be_checked()
    await dialog.get_by_label("written into an archive").check()
    await dialog.get_by_label("databases, folder and bucket are kept").check()
    await dialog.get_by_role("button", name="Remove the group").click()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("The group lab is removed.")
    await page.get_by_role("tab", name="Removed").click()
    table = page.get_by_role("table", name="Removed people and groups")
    await expect(table.get_by_role("row", name="lab")).to_contain_text("hdfs, postgres")
    await page.get_by_role("button", name="Actions for what the group lab left").click()
    await page.get_by_role("menuitem", name="Delete", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    await expect(table.get_by_role("row", name="lab")).to_have_count(0)
    assert ("DELETE", "/removed-groups/lab", None) in crowd.world.asked


async def test_a_class_is_added_at_once_and_its_links_are_downloaded(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    await page.goto("/hub/admin/people")
    await page.get_by_role("button", name="Add a class").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("The list").fill("zoe, Zoe Zed, zoe@example.org, stats\nYan")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Line 2: Yan is no name")
    await dialog.get_by_label("The list").fill("zoe, Zoe Zed, zoe@example.org, stats\nyan")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(dialog).to_contain_text("2 people added.")
    async with page.expect_download() as downloading:
        await dialog.get_by_role("button", name="Download the links").click()
    assert (await downloading.value).suggested_filename == "sign-in-links.csv"
    await dialog.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("cell", name="zoe", exact=True)).to_be_visible()
