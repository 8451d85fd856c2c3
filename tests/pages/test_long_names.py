"""What people name goes as far as it may, in one word or in any script, and pushes nothing out of sight."""

import pytest
from playwright.async_api import Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = [(1280, 800), (820, 1100), (360, 740)]

WORD = "W" * 60  # what breaks nowhere
NAMES = [
    WORD,
    "Übung zu Flugverspätungen im Winter, für Größenordnungen: Köln und Düsseldorf",
    "统计学作业三航班延误分析与可视化第二部分统计学作业三航班延误分析与可视化",
    "تحليل تأخر الرحلات الجوية في الشتاء",
]
PERSON, GROUP = "m" * 32, "g" * 32


def _odd_names(hub: FixtureHub) -> None:
    """Let everything that people name be named as long as it may, in one word, or in other scripts."""
    told = {"text": WORD * 4, "link": "/hub/start?environment=rspark", "by": PERSON, "at": world.ago(hours=1)}
    membership = world.membership(group=GROUP, instructor=True, instructors_view=True, announcement=told)
    here = hub.world
    here.me = world.me(name=PERSON, admin=True) | {"groups": [GROUP], "courses": [membership]}
    long = {"title": WORD, "description": WORD * 2, "unavailable": None}
    here.environments = [world.rspark(), world.sized() | long, world.basics() | long | {"unavailable": WORD}]
    reason = f"{WORD}{WORD} ended."
    for number, name in enumerate(NAMES):
        hub.put(world.busy(id=f"busy{number}", owner=PERSON, name=name, busy_with=[f"R kernel, {name}.ipynb"]))
        hub.put(world.failed(id=f"failed{number}", owner=PERSON, name=name, reason=reason))
    sent = world.session(id="sent", owner="q" * 32, name=WORD)
    hub.put(sent)
    here.shared = [{"session": sent, "role": "editor", "expires": None}]
    here.shares = [{"id": "h0", "kind": "group", "name": GROUP, "role": "editor", "expires": None, "created": world.ago(hours=1)}]
    here.people = [world.person(PERSON, admin=True, disabled=world.ago(hours=1), groups=["everyone", GROUP])]
    here.groups = [{"name": GROUP, "members": [PERSON], "instructors": [], "instructors_view": False}]
    here.tokens = [world.token("t1", WORD)]
    own = [{"name": WORD, "due": world.ahead(days=2)}]
    here.course = world.course(name=GROUP, announcement=told, assignments=own)
    here.course["people"][0] |= {"name": PERSON, "full_name": WORD}
    here.data = [world.data_file("d1", f"{WORD}/{WORD}.csv", 2**20)]
    here.hand_ins = [
        world.hand_in("h1", PERSON, f"{WORD}.Rmd", assignment=WORD, late=True),
        world.hand_in("h2", PERSON, f"{WORD}.R", returned=[world.returned("r1", f"{WORD}.html")]),
    ]
    here.events = [event | {"session_name": event["session"] and WORD, "by": PERSON} for event in world.history(20)]


_LINK = f"environment=sized&from=https%3A//github.com/{'o' * 39}/{'r' * 80}&open={'d' * 50}/{'e' * 60}.Rmd"
ODD_PAGES = [
    "/hub/", "/hub/account", "/hub/admin/sessions", "/hub/admin/people", "/hub/admin/environments", "/hub/admin/audit",
    f"/hub/groups/{GROUP}", f"/hub/start?{_LINK}", "/hub/sessions/busy0", "/hub/sessions/busy3", "/hub/sessions/failed0",
]  # fmt: skip

# What sticks out of the page, and what says something and is drawn where its box is cut off.
_LOST = """() => {
  const wide = document.documentElement.clientWidth;
  const lost = document.documentElement.scrollWidth > wide ? ['the page scrolls sideways'] : [];
  for (const sign of document.querySelectorAll('td .badge, .meter .text, .row .badge' + (wide > 1000 ? ', nav a' : ''))) {
    const box = sign.closest('td, .meter, .row, nav').getBoundingClientRect(), own = sign.getBoundingClientRect();
    if (innerWidth > 760 && own.right > box.right + 1) lost.push(sign.textContent);
    if (sign.matches('.meter .text') && sign.scrollWidth > sign.clientWidth) lost.push(sign.textContent);
  }
  return lost;
}"""


async def _check(page: Page, path: str) -> None:
    """Check that a page shows all that it says, at each size."""
    await page.goto(path)
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.locator(".skeleton")).to_have_count(0)
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate(_LOST) == [], width


@pytest.mark.parametrize("path", ODD_PAGES)
async def test_a_long_name_pushes_nothing_out_of_sight(page: Page, hub: FixtureHub, path: str) -> None:
    _odd_names(hub)
    await _check(page, path)


async def test_a_long_name_pushes_nothing_out_of_a_students_sight(page: Page, hub: FixtureHub) -> None:
    _odd_names(hub)
    hub.world.me = world.me(name=PERSON) | {"groups": [GROUP], "courses": [world.membership(group=GROUP)]}
    await _check(page, f"/hub/groups/{GROUP}")
