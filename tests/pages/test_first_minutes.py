"""The first minutes of an administrator and of a student, and the questions before what many compute is ended."""

import pytest
from playwright.async_api import Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_three_steps_are_shown_until_they_are_done_and_then_never_again(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True) | {"has_password": False}
    await page.goto("/hub/")
    steps = page.get_by_role("region", name="First steps").get_by_role("listitem")
    await expect(steps).to_have_text([
        "Set a password your link works once",
        "Add your class each person gets a link",
        "Start a session to see that all of it runs",
    ])  # fmt: skip
    await expect(steps.get_by_role("link", name="Set a password")).to_have_attribute("href", "/hub/account")
    await steps.get_by_role("link", name="Add your class").click()
    await page.wait_for_url("**/hub/admin/people")
    hub.world.people.append(world.person("bo"))
    hub.world.me |= {"has_password": True}
    await page.goto("/hub/")
    await expect(steps.filter(has_text="done")).to_have_count(2)
    hub.put(world.session(owner="ada"))
    await page.goto("/hub/")
    await expect(page.get_by_role("link", name="RSpark", exact=True)).to_be_visible()
    await expect(steps).to_have_count(0)
    hub.world.people.pop()
    await page.reload()
    await expect(page.get_by_role("link", name="RSpark", exact=True)).to_be_visible()
    await expect(steps).to_have_count(0)


async def test_a_student_is_shown_no_steps(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    await expect(page.get_by_role("region", name="First steps")).to_have_count(0)


async def test_who_came_by_a_link_reads_how_to_come_back(page: Page, hub: FixtureHub) -> None:
    hub.world.me = world.me() | {"has_password": False}
    await page.goto("/hub/")
    note = page.get_by_text("So that you can come back")
    await expect(note).to_be_visible()
    await expect(page.get_by_text(f"Bookmark {hub.url}/hub/.")).to_contain_text("Your sign-in name is ada.")
    await page.get_by_role("link", name="Set a password").click()
    await page.wait_for_url("**/hub/account")
    hub.world.me |= {"has_password": True}
    await page.goto("/hub/")
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    await expect(note).to_have_count(0)


@pytest.mark.parametrize(
    ("address", "warned"), [("http://localhost:8000", True), ("http://127.0.0.1:8000", True), ("https://hub.example.org", False)]
)
async def test_a_link_that_works_on_this_computer_alone_is_said_to(
    page: Page, hub: FixtureHub, address: str, *, warned: bool
) -> None:
    hub.world.me = world.me(admin=True)
    hub.world.people.append(world.person("bo"))
    hub.world.address = address
    await page.goto("/hub/admin/people")
    await page.get_by_role("button", name="Actions for bo").click()
    await page.get_by_role("menuitem", name="One-time sign-in link").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"{address}/hub/?token=")
    await expect(dialog.get_by_text("This link works on this computer only")).to_have_count(int(warned))


@pytest.mark.parametrize(("button", "first"), [("Sleep", None), ("Stop", "Stop without saving")])
async def test_many_that_compute_are_ended_after_one_question(
    page: Page, hub: FixtureHub, button: str, first: str | None
) -> None:
    hub.world.me = world.me(admin=True)
    hub.world.busy_refusals = True
    for name, owner, make in (("One", "bo", world.busy), ("Two", "carla", world.busy), ("Three", "dmitri", world.session)):
        hub.put(make(id=f"{name.lower()}aaaaaaa"[:10], name=name, owner=owner))
    await page.goto("/hub/admin/sessions")
    await page.get_by_role("checkbox", name="Choose all rows shown").check()
    await page.get_by_role("button", name=button, exact=True).click()
    if first is not None:
        await page.get_by_role("dialog").get_by_role("button", name=first).click()
    question = page.get_by_role("dialog", name=f"2 sessions compute. {button} anyway?")
    await expect(question).to_contain_text("One of bo: R kernel, analysis.ipynb")
    await expect(question).to_contain_text("Two of carla: R kernel, analysis.ipynb")
    word = {"Sleep": "suspend", "Stop": "stop"}[button]
    asked = [path for _, path, _ in hub.world.asked if path.endswith(word)]
    assert len(asked) == 3
    await question.get_by_role("button", name=f"{button} anyway").click()
    await expect(question).to_have_count(0)
    await expect(page.get_by_text(f"2 sessions will {button.lower()}.")).to_be_visible()
    consents = [body for _, path, body in hub.world.asked if path.endswith(word)][3:]
    assert consents == [{"confirm": True}, {"confirm": True}]
