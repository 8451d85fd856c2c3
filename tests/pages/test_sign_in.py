"""Signing in and out."""

import pytest
from playwright.async_api import Page, expect

from rsparkhub.auth.sign_in.base import SignInProblem
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def nobody(hub: FixtureHub) -> FixtureHub:
    hub.world.me = None
    return hub


async def _sign_in(page: Page, password: str) -> None:
    await page.get_by_label("Name", exact=True).fill("ada")
    await page.get_by_label("Password", exact=True).fill(password)
    await page.keyboard.press("Enter")


async def test_a_name_and_a_password_lead_home(page: Page, nobody: FixtureHub) -> None:
    await page.goto("/hub/")
    await _sign_in(page, nobody.world.password)
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()


async def test_after_the_sign_in_one_is_where_one_wanted_to_be(page: Page, nobody: FixtureHub) -> None:
    await page.goto("/hub/?next=/s/abc/lab")
    await expect(page.get_by_text("Sign in to open your session.")).to_be_visible()
    await _sign_in(page, nobody.world.password)
    await page.wait_for_url("**/s/abc/lab")


async def test_after_the_sign_in_a_link_goes_on_and_has_started_nothing(page: Page, nobody: FixtureHub) -> None:
    await page.goto("/hub/start?environment=rspark&from=https://git.example/labs&open=lab1.Rmd")
    await expect(page.get_by_text("Sign in to go on with your link.")).to_be_visible()
    await _sign_in(page, nobody.world.password)
    await expect(page.get_by_role("button", name="Start and open lab1.Rmd")).to_be_visible()
    assert nobody.world.sessions == {}


async def test_nobody_is_sent_to_a_foreign_place(page: Page, nobody: FixtureHub) -> None:
    await page.goto("/hub/?next=//evil.example/hub/")
    await _sign_in(page, nobody.world.password)
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    assert page.url == f"{nobody.url}/hub/"


async def test_a_wrong_password_is_said_and_can_be_typed_again(page: Page, nobody: FixtureHub) -> None:
    await page.goto("/hub/")
    await _sign_in(page, "wrong")
    await expect(page.get_by_role("alert")).to_contain_text("Name or password is not right.")
    await expect(page.get_by_label("Password")).to_be_focused()
    await expect(page.get_by_label("Password")).to_have_value("")
    await expect(page.get_by_label("Name")).to_have_value("ada")


async def test_too_many_tries_say_how_long_to_wait(page: Page, nobody: FixtureHub) -> None:
    nobody.world.attempts_left = 0
    await page.goto("/hub/")
    await _sign_in(page, "wrong")
    await expect(page.get_by_role("alert")).to_contain_text("You can try again in")
    button = page.get_by_role("button", name="Sign in")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await page.get_by_label("Name").fill("bob")  # whom nothing holds up
    await expect(button).not_to_have_attribute("aria-disabled", "true")
    await page.get_by_label("Name").fill("Ada ")
    await expect(button).to_have_attribute("aria-disabled", "true")


async def test_a_used_link_says_what_to_do(page: Page, nobody: FixtureHub) -> None:
    await page.goto("/hub/?link=used")
    await expect(page.get_by_text("Ask your administrator for a new one")).to_be_visible()


async def test_signing_out_leaves_nothing_on_the_page(page: Page, hub: FixtureHub) -> None:
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Account of ada").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.url == f"{hub.url}/hub/"
    assert hub.world.me is None


async def test_the_ways_to_sign_in_are_the_hubs(page: Page, nobody: FixtureHub) -> None:
    nobody.world.ways.append({"name": "ldap", "title": "Your university", "fields": ["name", "password"]})
    await page.goto("/hub/")
    await page.get_by_label("Sign in by").select_option("Your university")
    await _sign_in(page, nobody.world.password)
    await expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    body = {"name": "ada", "password": nobody.world.password, "way": "ldap"}
    assert ("POST", "/login", body) in nobody.world.asked


_LAB = {"name": "oidc:lab", "title": "The lab", "fields": [], "url": "http://localhost:1/hub/sign-in/oidc/lab"}


async def test_another_site_is_a_button_that_brings_back_to_where_one_wanted_to_be(page: Page, nobody: FixtureHub) -> None:
    nobody.world.ways.append(_LAB)
    await page.goto("/hub/?next=/s/abc/lab")
    button = page.get_by_role("list", name="Sign in at").get_by_role("link", name="The lab")
    await expect(button).to_have_attribute("href", f"{_LAB['url']}?next=%2Fs%2Fabc%2Flab")
    await expect(page.get_by_label("Password")).to_be_visible()


async def test_where_people_sign_in_at_other_sites_alone_no_password_is_asked_for(page: Page, nobody: FixtureHub) -> None:
    nobody.world.ways = [_LAB]
    await page.goto("/hub/")
    await expect(page.get_by_role("link", name="The lab")).to_be_visible()
    await expect(page.get_by_label("Password")).to_have_count(0)
    await expect(page.get_by_text("sign in by a link")).to_have_count(0)


async def test_each_thing_that_goes_wrong_elsewhere_has_a_sentence(page: Page, nobody: FixtureHub) -> None:
    for problem in SignInProblem:
        await page.goto(f"/hub/?problem={problem.value}")
        await expect(page.get_by_role("alert")).to_contain_text(". ")
    await page.goto("/hub/?problem=Send your password to evil.example")
    await expect(page.get_by_label("Password")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_signing_out_goes_on_to_the_site_where_one_signed_in(page: Page, hub: FixtureHub) -> None:
    hub.world.sign_out_url = "/hub/sign-in/oidc/lab/sign-out"
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Account of ada").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await page.wait_for_url("**/hub/sign-in/oidc/lab/sign-out")


async def test_where_people_sign_in_by_links_alone_no_password_is_asked_for(page: Page, nobody: FixtureHub) -> None:
    nobody.world.ways = []
    await page.goto("/hub/")
    await expect(page.get_by_text("Here people sign in by a link. Ask your administrator for one.")).to_be_visible()
    await expect(page.get_by_label("Password")).to_have_count(0)
