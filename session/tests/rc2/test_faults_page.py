"""Files and outputs that are not what a page expects: each ends in a sentence, and the page goes on."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from session.tests.browsing import Edge, browser
from session.tests.running import Running, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(running: Running, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The room's address, behind an edge; its home has files of every kind."""
    home = running.home
    (home / "binary.dat").write_bytes(b"\0\x01\xff" * 1000)
    with (home / "large.txt").open("wb") as large:
        large.truncate(200 * 2**20)
    (home / "line.txt").write_text("x" * 5 * 2**20 + "\nlast\n")
    (home / "windows.R").write_bytes(b"a <- 1\r\nb <- 2\r\n")
    (home / "latin.R").write_bytes("# Größe\n".encode("latin-1"))
    (home / "broken.R").write_bytes(b"a <- '\xc3('\n")
    (home / "shared.R").write_text("one <- 1\n")
    edge = Edge(tmp_path_factory.mktemp("edge"))
    edge.lead_to(running.status()["address"])
    await edge.start()
    yield f"http://localhost:{edge.port}{running.asked['base_path']}rc2/"
    edge.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def page(address: str) -> AsyncIterator[Page]:
    """The room in a browser, with its console ready."""
    async with browser() as page:
        await page.set_viewport_size({"width": 1440, "height": 900})
        await opened(page, address)
        yield page


async def opened(page: Page, address: str) -> None:
    await page.goto(address)
    await expect(page.get_by_role("contentinfo")).to_contain_text("R: Ready")


async def open_file(page: Page, name: str) -> None:
    await page.get_by_role("treeitem", name=name, exact=True).click()


async def editor_of(page: Page, name: str) -> None:
    await open_file(page, name)
    await expect(page.get_by_role("textbox", name=f"Editor of {name}")).to_be_focused()


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("binary.dat", "binary.dat is not UTF-8 text"),
        ("large.txt", "large.txt is too large to edit here"),
        ("latin.R", "latin.R is not UTF-8 text"),
        ("broken.R", "broken.R is not UTF-8 text"),
    ],
)
async def test_what_is_no_text_of_the_editors_is_said_and_left_as_it_is(
    running: Running, page: Page, name: str, why: str
) -> None:
    before = (running.home / name).stat()
    await open_file(page, name)
    await expect(page.get_by_text(why)).to_be_visible()
    await editor_of(page, "shared.R")
    assert (running.home / name).stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.long
async def test_a_line_of_5_mb_is_edited_and_saved(running: Running, page: Page) -> None:
    await editor_of(page, "line.txt")
    await page.keyboard.press("Control+End")
    await page.keyboard.type("more")
    await page.keyboard.press("Control+s")
    await until(lambda: (running.home / "line.txt").read_text() == "x" * 5 * 2**20 + "\nlast\nmore", "it is saved")


@pytest.mark.long
async def test_line_ends_stay_what_they_are(running: Running, page: Page) -> None:
    await editor_of(page, "windows.R")
    await page.keyboard.press("Control+End")
    await page.keyboard.type("c <- 3")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Control+s")
    await until(lambda: (running.home / "windows.R").read_bytes() == b"a <- 1\r\nb <- 2\r\nc <- 3\r\n", "it is saved")


@pytest.mark.long
async def test_of_two_tabs_that_save_the_second_is_asked(running: Running, page: Page, address: str) -> None:
    chromium = page.context.browser
    assert chromium is not None
    other = await chromium.new_page(viewport={"width": 1440, "height": 900})
    await opened(other, address)
    for tab, typed in ((page, "mine <- 2"), (other, "theirs <- 3")):
        await editor_of(tab, "shared.R")
        await tab.keyboard.press("Control+End")
        await tab.keyboard.type(typed)
    await page.keyboard.press("Control+s")
    await until(lambda: (running.home / "shared.R").read_text() == "one <- 1\nmine <- 2", "the first is saved")
    await other.keyboard.press("Control+s")
    await expect(other.get_by_text("This file has changed in the session since you opened it.")).to_be_visible()
    await expect(other.get_by_role("textbox", name="Editor of shared.R")).to_contain_text("theirs <- 3")
    assert (running.home / "shared.R").read_text() == "one <- 1\nmine <- 2"
    await other.close()


@pytest.mark.long
async def test_html_of_an_output_reaches_neither_the_hub_nor_the_page(page: Page) -> None:
    reached: list[str] = []
    page.on("response", lambda answer: reached.append(answer.url) if "/stolen" in answer.url else None)
    script = (
        "const said = []; const note = (what) => { said.push(what); document.body.textContent = said.join(' '); };"
        "try { parent.document.title; note('page'); } catch { note('no-page'); }"
        "try { document.cookie; note('cookie'); } catch { note('no-cookie'); }"
        "fetch(location.origin + '/hub/api/stolen', { credentials: 'include' }).then(() => note('hub'), () => note('no-hub'));"
        "fetch(new URL('/hub/api/stolen', document.baseURI)).then(() => note('hub-too'), () => note('no-hub-too'));"
        "new Image().src = '/hub/api/stolen';"
    )
    await page.keyboard.press("Control+2")
    await page.keyboard.type(f'IRdisplay::display_html("<body><script>{script}</script></body>")')
    await page.keyboard.press("Enter")
    frame = page.frame_locator("iframe").last
    await expect(frame.locator("body")).to_contain_text("no-hub-too", timeout=60_000)
    told = set((await frame.locator("body").inner_text()).split())
    assert told == {"no-page", "no-cookie", "no-hub", "no-hub-too"}
    assert reached == []
