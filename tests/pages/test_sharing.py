"""Sessions that are shared: whom one lets in, and what others share."""

import pytest
from playwright.async_api import Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID = "kq4wz7m2xb"
PATH = f"/hub/sessions/{ID}"


async def test_a_session_is_shared_and_shared_no_longer(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto(PATH)
    section = page.get_by_role("region", name="Shared with")
    await expect(section).to_contain_text("Nobody.")
    await section.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("nobody")
    await dialog.get_by_role("button", name="Share").click()
    await expect(dialog).to_contain_text("There is no user called nobody.")
    await dialog.get_by_label("Name").fill("Eve")
    await dialog.get_by_label("They may").select_option("editor")
    await expect(dialog).to_contain_text("runs code as ada")
    await dialog.get_by_label("For").select_option("")
    await dialog.get_by_role("button", name="Share").click()
    await expect(dialog).to_be_hidden()
    await expect(section).to_contain_text("eve")
    await expect(section).to_contain_text("works in it")
    assert hub.world.asked[-1] == (
        "POST",
        f"/sessions/{ID}/shares",
        {"kind": "person", "name": "eve", "role": "editor", "expires": None},
    )
    await section.get_by_role("button", name="End sharing with eve").click()
    await expect(section).to_contain_text("Nobody.")


async def test_it_is_shared_with_a_group_for_a_while(page: Page, hub: FixtureHub) -> None:
    hub.put(world.session())
    await page.goto(PATH)
    await page.get_by_role("region", name="Shared with").get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("With").select_option("group")
    await dialog.get_by_role("button", name="Share").click()
    await expect(page.get_by_role("region", name="Shared with")).to_contain_text("Everyone")
    await expect(page.get_by_role("region", name="Shared with")).to_contain_text("looks at it until")


@pytest.mark.parametrize(("role", "sleeps"), [("viewer", False), ("editor", True)])
async def test_what_others_share_is_listed_and_offers_what_one_may(page: Page, hub: FixtureHub, role: str, sleeps: bool) -> None:
    shared = world.session(owner="bob", name="Homework")
    hub.world.logs = {"interface": "secret"}
    hub.put(shared)
    hub.world.shared = [{"session": shared, "role": role, "expires": None}]
    await page.goto("/hub/")
    section = page.get_by_role("region", name="Shared with you")
    await expect(section.get_by_role("link", name="Open Homework")).to_have_attribute("href", f"/s/{ID}/")
    await section.get_by_role("link", name="Homework", exact=True).click()
    await expect(page.get_by_role("heading", name="Idle")).to_be_visible()
    await expect(page.get_by_text("you may work in it" if sleeps else "you may look at it")).to_be_visible()
    await expect(page.get_by_role("button", name="Sleep")).to_have_count(1 if sleeps else 0)
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    await expect(page.get_by_role("button", name="More for Homework")).to_have_count(0)
    await expect(page.get_by_role("region", name="Log")).to_have_count(1 if sleeps else 0)
    hub.world.shared = []
    hub.delete(ID)
    await expect(page.get_by_role("heading", name="This session is no longer here")).to_be_visible()
