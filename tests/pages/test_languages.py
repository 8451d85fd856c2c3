"""The pages in German: a browser that asks for it gets them, whole, and a person can choose otherwise.

What is on a page is compared with the catalog, and, apart from what the hub's answers brought, searched for words of English.
"""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import polib
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Error, Page, Response, ViewportSize, expect

from tests.pages.conftest import DESKTOP, ROOT
from tests.pages.fixture_hub import FixtureHub
from tests.pages.scenes import SCENES, Scene, nothing
from tests.pages.test_every_page import PHONE, axe, photograph, sticks_out

pytestmark = pytest.mark.asyncio(loop_scope="session")

CATALOG = ROOT / "web" / "hub" / "src" / "languages" / "de.po"
#: Pages whose state needs no pressing of buttons, which are called in English there; the gallery is for who builds the pages.
SHOWN = [scene for scene in SCENES if scene.act is nothing and scene.name != "gallery"]
SCENES_BY_NAME = {scene.name: scene for scene in SCENES}
TABLET: ViewportSize = {"width": 768, "height": 1024}
_CHANGES = re.compile(r"\{\d+\}|</?\d+/?>")
#: Words that German doesn't have, and no name of a program is.
_ENGLISH = re.compile(
    r"\b(the|and|of|you|your|is|are|it|its|with|from|that|this|not|no|to|for|by|has|have|can|session|sessions|people|file|files|"
    r"group|sleep|sleeps|open|ready|nobody|ago|never|yesterday)\b",  # and no "start": German has it too
    re.IGNORECASE,
)
_LOADING = re.compile("(wird|werden) geladen|^Wird geladen")
#: What people read or hear of a page: its texts, without code, and what is said of its parts.
_READ = """() => {
  const read = [document.title];
  const all = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let at = all.currentNode; at; at = all.nextNode()) {
    const element = at.nodeType === Node.TEXT_NODE ? at.parentElement : at;
    if (element.closest('[lang=en], code, pre, script, style, noscript, kbd, [role=log]')) continue;
    if (at.nodeType === Node.TEXT_NODE) read.push(at.data);
    else for (const name of ['aria-label', 'title', 'placeholder', 'aria-valuetext']) read.push(at.getAttribute(name) ?? '');
  }
  return read.map((text) => text.replace(/\\s+/g, ' ').trim()).filter(Boolean);
}"""


def _english_of_the_pages() -> re.Pattern[str]:
    """Return what matches a text of the pages that is other in German."""
    said = set[str]()
    for entry in polib.pofile(str(CATALOG)):
        for english, german in zip((entry.msgid, entry.msgid_plural), _forms(entry), strict=False):
            for piece in re.split(r"</?\d+/?>", english):
                words = _CHANGES.sub("", piece)
                if len(re.findall(r"[A-Za-z]", words)) > 2 and piece.strip() not in german:
                    said.add(".+".join(map(re.escape, re.split(r"\{\d+\}", piece.strip()))))
    return re.compile("|".join(sorted(said)))


def _forms(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@dataclass
class German:
    """A page of a German browser, and all the texts that the hub's answers brought to it."""

    page: Page
    brought: set[str] = field(default_factory=set)

    async def hear(self, response: Response) -> None:
        """Note the texts of an answer of the API."""
        kind = response.headers.get("content-type", "")
        if "/hub/api/" in response.url and ("json" in kind or "text/plain" in kind):
            with suppress(Error):  # the page was left before it was read
                self.note(await response.json() if "json" in kind else await response.text())

    def note(self, value: Any) -> None:
        """Note the texts of JSON."""
        if isinstance(value, str):
            self.brought.add(" ".join(value.split()))  # as it is shown
        elif isinstance(value, list | dict):
            for each in value.values() if isinstance(value, dict) else value:
                self.note(each)

    async def there(self) -> None:
        """Wait until nothing more comes."""
        for _ in range(2):  # what comes first may have something to fetch of its own
            await self.page.locator("h1").first.wait_for()
            await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
            await expect(self.page.get_by_text(_LOADING)).to_have_count(0)

    async def english(self) -> list[str]:
        """Return what is English on the page and of the page's own."""
        texts: list[str] = await self.page.evaluate(_READ)
        pattern = _english_of_the_pages()
        longest_first = sorted((each for each in self.brought if len(each) > 2), key=len, reverse=True)
        found = []
        for text in texts:
            if text in self.brought or text.capitalize() in self.brought:
                continue
            own = text
            for each in longest_first:
                own = own.replace(each, "…")
            if pattern.fullmatch(own) or _ENGLISH.search(own):
                found.append(text)
        return found


async def _german(browser: Browser, hub: FixtureHub, viewport: ViewportSize) -> BrowserContext:
    context = await browser.new_context(viewport=viewport, base_url=hub.url, reduced_motion="reduce", locale="de-DE")
    context.set_default_timeout(60_000)
    return context


@pytest_asyncio.fixture(loop_scope="session")
async def german(browser: Browser, hub: FixtureHub) -> AsyncIterator[German]:
    context = await _german(browser, hub, DESKTOP)
    made = German(await context.new_page())
    made.page.on("response", made.hear)
    yield made
    await context.close()


@pytest.mark.long
@pytest.mark.parametrize("scene", SHOWN, ids=str)
async def test_no_english_is_left_on_a_page(scene: Scene, german: German, hub: FixtureHub) -> None:
    scene.arrange(hub)
    german.note(list(hub.world.sessions.values()))  # streams of events bring them too
    await german.page.goto(scene.path)
    await german.there()
    await expect(german.page.locator("html")).to_have_attribute("lang", "de")
    assert await german.english() == []
    assert await axe(german.page) == []
    for size in (DESKTOP, TABLET, PHONE):
        await german.page.set_viewport_size(size)
        assert await sticks_out(german.page) == []
        await photograph(german.page, f"de/{size['width']}/{scene.name}")


async def test_menus_dialogs_and_help_are_german(german: German, hub: FixtureHub) -> None:
    page = german.page
    SCENES_BY_NAME["home-everything"].arrange(hub)
    await page.goto("/hub/")
    await german.there()
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Hilfe").wait_for()
    assert await german.english() == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Mehr zu Homework 3").click()
    await page.get_by_role("menuitem", name="Löschen").click()
    await page.get_by_role("dialog").wait_for()
    assert await german.english() == []
    assert await axe(page) == []


async def test_what_the_hub_finds_wrong_is_shown_as_it_says_it(german: German, hub: FixtureHub) -> None:
    page = german.page
    hub.world.me = None
    await page.goto("/hub/")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Passwort").fill("guess")
    async with page.expect_request("**/hub/api/login") as asked:
        await page.get_by_role("button", name="Anmelden").click()
    assert (await (await asked.value).all_headers())["accept-language"].startswith("de")


async def test_a_language_is_chosen_in_the_menu_and_stays(german: German, hub: FixtureHub) -> None:
    page = german.page
    await page.goto("/hub/account")
    await page.get_by_role("button", name="Konto von ada").click()
    await expect(page.get_by_role("menuitemradio", name="Deutsch")).to_be_checked()
    await page.get_by_role("menuitemradio", name="English").click()
    await page.get_by_role("heading", name="Account").wait_for()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.goto("/hub/")
    await page.get_by_role("heading", name="Start a session").wait_for()
    await page.goto("/hub/account")
    await page.get_by_role("combobox", name="Language").select_option("Deutsch")
    await page.get_by_role("heading", name="Konto").wait_for()


async def test_what_is_written_stays_and_the_next_page_is_in_the_new_language(german: German, hub: FixtureHub) -> None:
    page = german.page
    await page.goto("/hub/account")
    await page.get_by_label("Neues Passwort").fill("a long secret")
    await page.get_by_role("combobox", name="Sprache").select_option("English")
    await page.get_by_text("Die nächste Seite erscheint in dieser Sprache").wait_for()
    await expect(page.get_by_label("Neues Passwort")).to_have_value("a long secret")
    await page.get_by_role("link", name="Start", exact=True).click()
    await page.get_by_role("heading", name="Start a session").wait_for()


async def test_the_language_of_the_sign_in_is_chosen_there_and_the_name_stays(german: German, hub: FixtureHub) -> None:
    page = german.page
    hub.world.me = None
    await page.goto("/hub/?next=/s/abc/")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_role("button", name="English").click()
    await page.get_by_role("heading", name="Sign in").wait_for()
    await expect(page.get_by_label("Name")).to_have_value("ada")
    await page.get_by_text("Sign in to open your session.").wait_for()


async def test_a_password_that_is_written_keeps_the_sign_in_and_the_next_page_is_in_the_new_language(
    german: German, hub: FixtureHub
) -> None:
    page = german.page
    hub.world.me = None
    await page.goto("/hub/")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Passwort").fill(hub.world.password)
    await page.get_by_role("button", name="English").click()
    await page.get_by_text("Die nächste Seite erscheint in dieser Sprache").wait_for()
    await expect(page.get_by_label("Passwort")).to_have_value(hub.world.password)
    await page.get_by_role("button", name="Anmelden").click()
    await page.get_by_role("heading", name="Start a session").wait_for()


async def test_what_is_there_before_the_app_is_german(german: German, hub: FixtureHub) -> None:
    await german.page.goto("/hub/")
    assert await german.page.locator("meta[name=description]").get_attribute("content") == (
        "R, Spark und PostgreSQL im Browser, schlafend und wieder wach"
    )
    assert "brauchen JavaScript" in (await german.page.locator("noscript").inner_text())


async def test_numbers_and_dates_are_german(german: German, hub: FixtureHub) -> None:
    page = german.page
    SCENES_BY_NAME["admin-sessions"].arrange(hub)
    await page.goto("/hub/admin/sessions")
    await german.there()
    chip = page.get_by_role("button", name=re.compile("Läuft")).first
    await expect(chip).to_contain_text(re.compile(r"\d"))
    await expect(page.get_by_role("cell", name=re.compile("vor \\d+ (Min|Std|Tag)")).first).to_be_visible()
