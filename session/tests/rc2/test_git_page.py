"""Git in Rc²'s page: a change in part, a commit, a push to a remote that asks, a branch, a conflict; and how the pane looks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect
from session.tests.browsing import Edge
from session.tests.rc2 import test_page
from session.tests.rc2.git_remote import PASSWORD, USER, Remote, remote
from session.tests.rc2.test_git import shell
from session.tests.rc2.test_page import axe_finds_nothing, in_each_look, opened
from session.tests.running import CHECKOUT, Running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
edge, chromium, context = test_page.edge, test_page.chromium, test_page.context

LINES = [f"line {number}" for number in range(40)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with remote(tmp_path_factory.mktemp("remote"), "course") as served:
        yield served


@pytest.fixture
def course(running: Running) -> Path:
    """A repository in the home, with one commit, and two changes of one file that are far from each other."""
    folder = running.home / "course"
    if not folder.exists():
        folder.mkdir()
        shell(folder, "init", "-q", "-b", "main")
        (folder / "analysis.R").write_text("\n".join(LINES) + "\n")
        shell(folder, "add", "-A")
        shell(folder, "commit", "-qm", "Start")
    changed = ["first changed", *LINES[1:-1], "last changed"]
    (folder / "analysis.R").write_text("\n".join(changed) + "\n")
    (folder / "notes.md").write_text("notes\n")
    return folder


async def open_git(page: Page) -> None:
    await page.keyboard.press("Control+Shift+g")
    await expect(page.get_by_role("group", name="Git", exact=True)).to_be_visible()


async def test_work_is_committed_shared_and_joined(
    context: BrowserContext, edge: Edge, running: Running, course: Path, served: Remote, tmp_path: Path
) -> None:
    page = await opened(context, edge, running)
    await expect(page.get_by_role("treeitem", name="course, has changes")).to_be_visible()
    await open_git(page)
    pane = page.get_by_role("group", name="Git", exact=True)

    # One of two changes of a file is staged, and another file.
    await pane.get_by_role("button", name="analysis.R changed").click()
    diff = page.get_by_role("group", name="Changes of analysis.R")
    await expect(diff.get_by_role("button", name="Stage this change")).to_have_count(2)
    await diff.get_by_role("button", name="Stage this change").first.click()
    staged = pane.get_by_role("region", name="Staged")
    await expect(staged.get_by_role("button", name="analysis.R changed")).to_be_visible()
    await expect(diff.get_by_role("button", name="Stage this change")).to_have_count(1)
    await pane.get_by_role("button", name="Stage notes.md").click()
    await expect(staged.get_by_role("button", name="notes.md new")).to_be_visible()

    # Who commits is asked once.
    message = pane.get_by_role("textbox", name="Message")
    await message.fill("The first line")
    await message.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Who commits?")
    await dialog.get_by_role("textbox", name="Name").fill("Ann")
    await dialog.get_by_role("textbox", name="E-mail").fill("ann@example.org")
    await dialog.get_by_role("button", name="Commit").click()
    await expect(staged).to_be_hidden()
    assert shell(course, "show", "HEAD:analysis.R").splitlines() == ["first changed", *LINES[1:]]

    # What is discarded is asked for.
    await pane.get_by_role("button", name="Discard the changes of analysis.R").click()
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await expect(pane.get_by_text("Nothing has changed since the last commit.")).to_be_visible()

    # The remote asks who it is, once.
    await pane.get_by_role("button", name="Push").click()
    dialog = page.get_by_role("dialog", name="Address of the remote")
    await dialog.get_by_role("textbox", name="Address").fill(served.address("course"))
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    for password in ("wrong", PASSWORD):
        if password == "wrong":
            await pane.get_by_role("button", name="Push").click()
        dialog = page.get_by_role("dialog", name="Sign in to the remote")
        await dialog.get_by_role("textbox", name="Name").fill(USER)
        await dialog.get_by_label("Password or token").fill(password)
        await dialog.get_by_role("button", name="Sign in").click()
        if password == "wrong":
            await expect(dialog).to_contain_text("does not take this name and password")
    await until(
        lambda: shell(served.folder / "course.git", "log", "--all", "--format=%s").startswith("The first line"), "it is there"
    )

    # A branch is made.
    await pane.get_by_role("button", name="Branch main").click()
    dialog = page.get_by_role("dialog", name="Branches")
    await dialog.get_by_role("textbox").fill("try")
    await dialog.get_by_role("textbox").press("Enter")
    await expect(pane.get_by_role("button", name="Branch try")).to_be_visible()
    # Enter also goes to one that there is, before the list of them has come.
    await pane.get_by_role("button", name="Branch try").click()
    await dialog.get_by_role("textbox").fill("main")
    await dialog.get_by_role("textbox").press("Enter")
    await expect(pane.get_by_role("button", name="Branch main")).to_be_visible()

    # Somebody else has changed the same line.
    shell(tmp_path, "clone", "-q", str(served.folder / "course.git"), "theirs")
    (tmp_path / "theirs/analysis.R").write_text("\n".join(["first theirs", *LINES[1:]]) + "\n")
    shell(tmp_path / "theirs", "commit", "-qam", "Theirs")
    shell(tmp_path / "theirs", "push", "-q")
    (course / "analysis.R").write_text("\n".join(["first mine", *LINES[1:]]) + "\n")
    shell(course, "commit", "-qam", "Mine")
    await expect(pane.get_by_role("button", name="Branch main")).to_be_visible()
    await pane.get_by_role("button", name="Pull").click()
    await pane.get_by_role("button", name="analysis.R in conflict").click()
    await expect(page.get_by_role("textbox", name="analysis.R: Theirs")).to_contain_text("first theirs")
    mine = page.get_by_role("textbox", name="analysis.R: Yours")
    await mine.click()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("both: ")
    await page.get_by_role("button", name="Save as settled").click()
    await pane.get_by_role("button", name="Finish").click()
    await expect(pane.get_by_text("Nothing has changed since the last commit.")).to_be_visible()
    assert (course / "analysis.R").read_text().startswith("both: first mine\n")

    # What was done is in the history.
    await pane.get_by_role("tab", name="History").click()
    await pane.get_by_role("button", name="The first line").click()
    await pane.get_by_role("button", name="notes.md new").click()
    await expect(page.get_by_role("group", name="Changes of notes.md")).to_contain_text("notes")


@in_each_look
async def test_axe_finds_nothing_in_git(
    chromium: Browser, edge: Edge, running: Running, course: Path, theme: str, size: ViewportSize
) -> None:
    context = await chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        page = await opened(context, edge, running)
        await page.keyboard.press("Control+Shift+g")
        results = CHECKOUT / "test-results/rc2"
        for step in ("changes", "diff"):
            if step == "diff":
                await page.get_by_role("button", name="analysis.R changed").click()
                await expect(page.get_by_role("textbox", name=re.compile("analysis.R: On the disk"))).to_be_visible()
            else:
                await expect(page.get_by_role("button", name="analysis.R changed")).to_be_visible()
            await page.screenshot(path=results / f"git-{step}-{size['width']}-{theme}.png")
            await axe_finds_nothing(page)
    finally:
        await context.close()
