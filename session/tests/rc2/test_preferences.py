"""What a person prefers is in their home: another browser and another session find it, and no page undoes another's changes."""

import asyncio
import json
import re
import uuid
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.test_page import WIDE, open_file, opened
from session.tests.running import Running, interface, spec

from rspark_session.rc2 import protocol
from rspark_session.rc2.preferences import PreferenceStore

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium = test_page.edge, test_page.chromium


async def browser_of(chromium: Browser, edge: Edge, running: Running) -> Page:
    """A page in a browser that has been nowhere before."""
    context = await chromium.new_context(viewport=WIDE, reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(60_000)
    return await opened(context, edge, running)


@pytest.mark.long
async def test_another_browser_and_another_session_find_what_is_set(
    chromium: Browser, edge: Edge, running: Running, tmp_path: Path
) -> None:
    page = await browser_of(chromium, edge, running)
    await page.keyboard.press("Control+,")
    dialog = page.get_by_role("dialog", name="Settings")
    await dialog.get_by_role("checkbox", name="Keys of vim").check()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Alt+Shift+k")
    keys = page.get_by_role("dialog", name="Keys")
    await keys.get_by_role("button", name="Change the keys of High contrast", exact=True).click()
    async with page.expect_response(lambda answer: answer.url.endswith("/preferences") and answer.request.method == "POST"):
        await page.keyboard.press("Control+Shift+F7")
    await page.context.close()

    page = await browser_of(chromium, edge, running)
    await page.keyboard.press("Control+,")
    await expect(page.get_by_role("checkbox", name="Keys of vim")).to_be_checked()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+Shift+F7")
    await expect(page.locator("html")).to_have_attribute("data-contrast", "high")
    await page.context.close()

    home = str(running.home)
    other = Running(spec(tmp_path, id="t" + uuid.uuid4().hex[:9], interface=interface("rc2"), home=home))
    other.start()
    try:
        await other.until_state("ready")
        found = (await other.get("rc2/api/preferences")).json()
        assert (found["vim"], found["contrast"], found["keys"]) == (True, "high", {"contrast": ["Ctrl+Shift+F7"]})
        await other.post("rc2/api/preferences", json={"tab_size": 8})
        assert (await running.get("rc2/api/preferences")).json()["tab_size"] == 8
    finally:
        await other.close()


@pytest.mark.long
async def test_lines_of_text_are_wrapped_and_those_of_code_are_not_until_that_is_set(
    chromium: Browser, edge: Edge, running: Running
) -> None:
    (running.home / "long.R").write_text(f'x <- "{"x" * 60_000}"\n')  # which can't be drawn on one line, whatever is set
    page = await browser_of(chromium, edge, running)

    async def wrapped(text: bool, code: bool) -> None:
        for name, expected in (("document.Rmd", text), ("script.R", code), ("long.R", True)):
            await open_file(page, name)
            editor = page.get_by_role("textbox", name=f"Editor of {name}")
            wraps = re.compile("cm-lineWrapping")
            await (expect(editor).to_have_class(wraps) if expected else expect(editor).not_to_have_class(wraps))

    await wrapped(text=True, code=False)
    await page.keyboard.press("Control+,")
    dialog = page.get_by_role("dialog", name="Settings")
    await dialog.get_by_role("checkbox", name="Wrap long lines of text").uncheck()
    await dialog.get_by_role("checkbox", name="Wrap long lines of code").check()
    await page.keyboard.press("Escape")
    await wrapped(text=False, code=True)
    await page.context.close()


async def test_what_is_no_preference_is_refused(running: Running) -> None:
    for change in (
        {"theme": "pink"},
        {"font_size": 5000},
        {"keys": {"save": "Ctrl+S"}},
        {"spelling": "klingon"},
        {"words": ["x" * 61]},
    ):
        answer = await running.post("rc2/api/preferences", json=change)
        assert answer.status_code == 422
        assert next(iter(change)) in answer.json()["title"]


async def test_changes_at_once_are_all_kept(tmp_path: Path) -> None:
    changes = [{"vim": True}, {"tab_size": 4}, {"font_size": 20}, {"theme": "dark"}, {"wrap": True}]
    await asyncio.gather(
        *(
            asyncio.to_thread(PreferenceStore(tmp_path).change, protocol.PreferencesChange.model_validate(each))
            for each in changes
        )
    )
    found = PreferenceStore(tmp_path).read().model_dump()
    assert all(found[name] == value for each in changes for name, value in each.items())


async def test_a_broken_file_is_said_and_kept_aside(tmp_path: Path) -> None:
    store, folder = PreferenceStore(tmp_path), tmp_path / ".config/rspark"
    assert not store.read().kept
    folder.mkdir(parents=True)
    for broken in ("{", "[1]", "\x00"):
        (folder / "rc2.json").write_text(broken)
        assert "can't be read" in (store.read().note or "")
        assert store.change(protocol.PreferencesChange(vim=True)).note is None
        assert (folder / "rc2.json.broken").read_text() == broken
        assert store.read().vim
    # One of another form is as at first, and the others stay.
    (folder / "rc2.json").write_text(json.dumps({"vim": True, "theme": "pink", "tab_size": "wide", "later": 1}))
    found = store.read()
    assert (found.vim, found.theme, found.tab_size, found.note) == (True, "system", 2, None)
