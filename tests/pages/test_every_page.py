"""Every page in every state, in both themes, on a desktop and on a phone: axe finds nothing, nothing sticks out, no line of
the policy is broken; and a photograph for people to look at.
"""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, ViewportSize

from tests.pages.conftest import RESULTS, ROOT
from tests.pages.fixture_hub import FixtureHub
from tests.pages.scenes import SCENES, Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PHONE: ViewportSize = {"width": 360, "height": 740}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def axe(page: Page) -> list[str]:
    # As a script of the page it would be against the policy; the browser's own tools may evaluate.
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    # No rule of these asks for the style sheets, which axe would load once more, past the page's policy.
    found = await page.evaluate("tags => axe.run(document, {runOnly: tags, preload: false})", TAGS)
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def sticks_out(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= wide) return [];
          return [...document.querySelectorAll('body *')]
            .filter((each) => each.getBoundingClientRect().right > wide + 1)
            .map((each) => each.outerHTML.slice(0, 120));
        }"""
    )
    return found


async def photograph(page: Page, name: str) -> None:
    """Take the picture when two in a row are the same: what was just asked for, another theme, may not be drawn yet."""
    path: Path = RESULTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    before, picture = b"", await page.screenshot()
    for _ in range(10):
        if picture == before:
            break
        before, picture = picture, await page.screenshot()
    path.write_bytes(picture)


@pytest.mark.parametrize("scene", SCENES, ids=str)
async def test_everybody_can_use(scene: Scene, page: Page, hub: FixtureHub) -> None:
    scene.arrange(hub)
    await page.emulate_media(color_scheme="light")
    await page.goto(scene.path)
    await page.get_by_text(scene.see).first.wait_for()
    await scene.act(page)
    await page.evaluate("document.fonts.ready")
    assert await page.title() != ""
    assert await sticks_out(page) == []
    await photograph(page, f"{scene.name}-light")
    assert await axe(page) == []
    await page.emulate_media(color_scheme="dark")
    await photograph(page, f"{scene.name}-dark")
    assert await axe(page) == []


@pytest.mark.long
@pytest.mark.parametrize("scene", SCENES, ids=str)
async def test_it_fits_a_phone(scene: Scene, browser: Browser, hub: FixtureHub) -> None:
    scene.arrange(hub)
    context = await browser.new_context(
        viewport=PHONE,
        base_url=hub.url,
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
        reduced_motion="reduce",
        locale="en-GB",
    )
    context.set_default_timeout(60_000)
    try:
        page = await context.new_page()
        await page.goto(scene.path)
        await page.get_by_text(scene.see).first.wait_for()
        await scene.act(page)
        await page.evaluate("document.fonts.ready")
        await photograph(page, f"phone/{scene.name}")
        assert await sticks_out(page) == []
    finally:
        await context.close()
