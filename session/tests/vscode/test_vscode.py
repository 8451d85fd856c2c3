"""VS Code in a browser, behind a real edge: code-server as `scripts/install vscode` has it, which takes a while at first."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect
from session.tests.browsing import Edge, browser
from session.tests.running import CHECKOUT, Running, command_of, interface, members, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
Start = Callable[..., Running]
VSCODE = interface("vscode", title="VS Code")
DATA = ".local/share/code-server"
SLOW = 180_000.0  # milliseconds: twenty megabytes of page on a busy machine
#: Seconds in which an open page that nobody uses has asked for all that it asks by itself.
QUIET = 90.0


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    subprocess.run([CHECKOUT / "scripts/install", "vscode"], check=True)


async def opened(start: Start, edge: Edge, page: Page, **more: object) -> Running:
    """A session whose VS Code is open in the browser; its terminals are drawn as text."""
    running = start(interface=VSCODE, **more)
    user = running.home / DATA / "User"
    if not user.exists():
        user.mkdir(parents=True)
        (user / "settings.json").write_text(json.dumps({"terminal.integrated.gpuAcceleration": "off"}))
    edge.lead_to((await running.until_state("ready"))["address"])
    await edge.start()
    await show(page, edge, running)
    return running


async def show(page: Page, edge: Edge, running: Running) -> None:
    await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}", wait_until="commit")
    await expect(page.locator(".monaco-workbench .explorer-folders-view")).to_be_visible(timeout=SLOW)


async def command(page: Page, words: str) -> None:
    """Run a command by its palette."""
    await page.keyboard.press("F1")
    await page.locator(".quick-input-widget input").fill(f">{words}")
    await page.locator(".quick-input-list .monaco-list-row", has_text=words).first.click()


async def open_file(page: Page, name: str) -> None:
    await page.keyboard.press("Control+p")
    await page.locator(".quick-input-widget input").fill(name)
    await page.locator(".quick-input-list .monaco-list-row", has_text=name).first.click()
    await expect(page.get_by_role("tab", name=re.compile(re.escape(name)))).to_be_visible()


async def type_in_editor(page: Page, words: str) -> None:
    await page.locator(".editor-group-container.active .view-lines").first.click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(words)


async def in_terminal(page: Page, line: str) -> None:
    """Enter a line in the terminal, which is opened where it is not."""
    if not await page.locator(".terminal-wrapper.active .xterm").is_visible():
        await page.keyboard.press("Control+Backquote")
    await page.locator(".terminal-wrapper.active .xterm").click()
    await page.keyboard.type(line)
    await page.keyboard.press("Enter")


async def write_unsaved(page: Page, words: str) -> None:
    """Write into a document that has no file."""
    await command(page, "File: New Untitled Text File")
    await expect(page.get_by_role("tab", name=re.compile("Untitled-1"))).to_be_visible()
    await type_in_editor(page, words)


def backups(running: Running) -> list[str]:
    """What VS Code keeps in the home of what is not saved."""
    folder = running.home / DATA / "User/Backups"
    return [path.read_text() for path in folder.rglob("*") if path.is_file() and path.name != "workspaces.json"]


async def test_it_is_opened_used_put_to_sleep_woken_and_stopped(start: Start, edge: Edge) -> None:
    async with browser() as page:
        running = await opened(start, edge, page, environ={"LEFT": "seven"})
        (running.home / "analysis.R").write_text("x <- 6\n")
        await open_file(page, "analysis.R")
        await expect(page.locator("#status\\.editor\\.mode")).to_have_text("R")
        await type_in_editor(page, "x * 7")
        await until(lambda: "x * 7" in (running.home / "analysis.R").read_text(), "it is saved by itself")

        await in_terminal(page, 'echo "$RSPARK_SESSION $LEFT" > told; Rscript -e "cat(6 * 7)" > answer')
        await in_terminal(page, 'python -c "import pyspark" && touch spark')
        await until((running.home / "spark").exists, "Python has what the session has")
        assert (running.home / "told").read_text() == f"{running.asked['id']} seven\n"
        assert (running.home / "answer").read_text() == "42"
        await in_terminal(page, "sleep 1000")
        await until(lambda: "A terminal runs sleep" in running.status()["busy_with"], "what runs in a terminal is work")
        await page.keyboard.press("Control+c")
        await until(lambda: not running.status()["busy_with"], "a shell at its prompt is none")

        await write_unsaved(page, "words that have no file")
        await until(lambda: any("words that have no file" in each for each in backups(running)), "VS Code keeps them")
        assert await running.suspend() == 0
        assert not members(running.name)

        edge.stop()
        woken = start(interface=VSCODE, generation=2, resume=True)
        edge.lead_to((await woken.until_state("ready"))["address"])
        await edge.start()
        await show(page, edge, woken)
        await expect(page.locator(".editor-group-container .view-lines").first).to_contain_text("words that have no file")
        await expect(page.get_by_role("tab", name=re.compile("analysis.R"))).to_be_visible()
        assert (await woken.post("agent/stop")).status_code == 202
        assert await woken.ended() == 0
        assert not members(woken.name)


async def test_another_browser_finds_what_was_not_saved(start: Start, edge: Edge) -> None:
    async with browser() as page:
        running = await opened(start, edge, page)
        await write_unsaved(page, "written elsewhere")
        await until(lambda: any("written elsewhere" in each for each in backups(running)), "VS Code keeps them")
    async with browser() as page:
        await show(page, edge, running)
        await expect(page.locator(".editor-group-container .view-lines").first).to_contain_text("written elsewhere")


@pytest.mark.parametrize("which", ["parent", "child"])
async def test_a_server_that_is_killed_is_started_again_and_the_session_ends_with_0(start: Start, which: str) -> None:
    running = start(interface=VSCODE)
    await running.until_state("ready")
    servers = [process for process in members(running.name) if any("out/node/entry" in word for word in command_of(process))]
    assert len(servers) == 2
    os.kill(servers[0 if which == "parent" else 1].pid, signal.SIGKILL)
    await until(lambda: not any(process.is_running() for process in servers), "nothing of it holds on")
    await until(lambda: running.part("interface")["state"] == "ready", "it is back")
    page = await running.get("", follow_redirects=True)
    assert (page.status_code, page.url.params["folder"], "workbench" in page.text) == (200, str(running.home), True)
    assert await running.suspend() == 0
    assert not members(running.name)


async def test_it_holds_through_a_lost_network(start: Start, edge: Edge) -> None:
    async with browser() as page:
        running = await opened(start, edge, page)
        (running.home / "notes.txt").write_text("before\n")
        await open_file(page, "notes.txt")
        await in_terminal(page, "cat > heard")
        edge.stop()
        await type_in_editor(page, "meanwhile")
        await asyncio.sleep(10)
        await edge.start()
        await until(lambda: "meanwhile" in (running.home / "notes.txt").read_text(), "it is saved when the network is back")
        await page.locator(".terminal-wrapper.active .xterm").click()
        await page.keyboard.type("after\n")
        await page.keyboard.press("Control+d")
        await until(lambda: "after" in (running.home / "heard").read_text(), "the terminal goes on")


async def test_typing_is_activity_and_an_open_page_is_none(start: Start, edge: Edge) -> None:
    async with browser() as page:
        running = await opened(start, edge, page)
        (running.home / "notes.txt").write_text("one\n")
        await open_file(page, "notes.txt")
        await in_terminal(page, "true")
        await until(lambda: running.status()["last_activity"], "the visit is seen")

        async def rests() -> str:
            await asyncio.sleep(QUIET / 3)  # all that follows by itself
            before: str = running.status()["last_activity"]
            await asyncio.sleep(QUIET)
            assert running.status()["last_activity"] == before, "an open page is no activity"
            return before

        before = await rests()
        await type_in_editor(page, "two")
        await until(lambda: running.status()["last_activity"] > before, "typing is seen")
        before = await rests()
        await in_terminal(page, "true")
        await until(lambda: running.status()["last_activity"] > before, "typing in a terminal")
