"""On a slow network: whatever is pressed shows it until the hub has answered, is sent once, and says why it was refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub
from tests.pages.scenes import arrange_course

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID = "kq4wz7m2xb"
WHY = "The hub is on a journey. Ask again tomorrow."


@dataclass(frozen=True, kw_only=True)
class Press:
    """`steps` are presses by role and name, the last of which makes the `call`; `fill` is what is typed before the last."""

    path: str
    steps: list[tuple[str, str]]
    call: str
    arrange: Callable[[FixtureHub], None]
    fill: Callable[[Page], Awaitable[None]] | None = None

    def __str__(self) -> str:
        return " ".join([self.path, *(name for _, name in self.steps)])


def _sessions(hub: FixtureHub) -> None:
    for session in world.everything():
        hub.put(session)


def _nothing(_: FixtureHub) -> None:
    pass


def _nobody(hub: FixtureHub) -> None:
    hub.world.me = None


def _starting(hub: FixtureHub) -> None:
    hub.put(world.starting())


def _shared(hub: FixtureHub) -> None:
    hub.put(world.session())
    share = {"id": "h0", "kind": "person", "name": "bo", "role": "viewer", "expires": None, "created": world.ago(hours=1)}
    hub.world.shares = [share]


def _tokens(hub: FixtureHub) -> None:
    hub.world.tokens = [world.token("t1", "My laptop")]


def _people(hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)
    hub.world.people = [world.person("ada", admin=True), world.person("bo")]
    hub.world.browsers = [{"id": "b1", "created": world.ago(hours=1), "expires": world.ahead(hours=9)}]
    hub.world.removed = [{"id": "eve", "name": "eve", "removed": world.ago(days=1), "data": "keep", "left": ["home"]}]


def _teaching(hub: FixtureHub) -> None:
    arrange_course(hub)
    hub.world.course["announcement"] = {"text": "The exam begins at nine.", "link": None, "by": "ada", "at": world.ago(hours=1)}
    hub.put(world.session(owner="bo", name="Homework"))


async def _new_password(page: Page) -> None:
    await page.get_by_label("New password").fill("correct horse")


async def _who(page: Page) -> None:
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill("correct horse")


async def _text(page: Page) -> None:
    await page.get_by_label("Text").fill("The room is another.")


async def _own_due_time(page: Page) -> None:
    await page.get_by_label("Only for").fill("lab3")


async def _remarks(page: Page) -> None:
    await page.get_by_label("Remarks, or a grade").fill("8 of 10.")


async def _file_with_remarks(page: Page) -> None:
    remarks: FilePayload = {"name": "remarks.html", "mimeType": "text/html", "buffer": b"<p>8 of 10"}
    await page.get_by_label("A file with remarks").set_input_files([remarks])


_GROUP = "/hub/groups/stats-101"
_FOLDER = "PUT /groups/stats-101/course-folder"
_HANDED_IN = "/groups/stats-101/hand-ins/h2"
_GIVE_BACK = [("button", "Give back lab1.tar.gz to carla"), ("button", "Give back")]
_LINK = "/hub/start?environment=rspark&from=https%3A//github.com/our-course/labs&open=labs/lab1.Rmd"

PRESSES = [
    Press(path="/hub/", steps=[("button", "Start RSpark")], call="POST /sessions", arrange=_nothing),
    Press(
        path="/hub/", steps=[("button", "Sleep Flight delays")], call="POST /sessions/busyaaaaaa/suspend", arrange=_sessions
    ),
    Press(
        path="/hub/", steps=[("button", "Resume Homework 3")], call="POST /sessions/asleepaaaa/resume", arrange=_sessions
    ),
    Press(path="/hub/", steps=[("button", "+2 h for RSpark")], call="POST /sessions/idleaaaaaa/extend", arrange=_sessions),
    Press(
        path="/hub/",
        steps=[("button", "More for Homework 3"), ("menuitem", "Delete"), ("button", "Delete")],
        call="DELETE /sessions/asleepaaaa",
        arrange=_sessions,
    ),
    Press(
        path="/hub/",
        steps=[("button", "More for Flight delays"), ("menuitem", "Stop"), ("button", "Stop without saving")],
        call="POST /sessions/busyaaaaaa/stop",
        arrange=_sessions,
    ),
    Press(
        path="/hub/", steps=[("button", "Account of ada"), ("menuitem", "Sign out")], call="POST /logout", arrange=_nothing
    ),
    Press(path="/hub/", steps=[("button", "Sign in")], call="POST /login", arrange=_nobody, fill=_who),
    Press(
        path=f"/hub/sessions/{ID}", steps=[("button", "Cancel")], call=f"POST /sessions/{ID}/stop", arrange=_starting
    ),
    Press(
        path=f"/hub/sessions/{ID}",
        steps=[("button", "End sharing with bo")],
        call=f"DELETE /sessions/{ID}/shares/h0",
        arrange=_shared,
    ),
    Press(
        path="/hub/account",
        steps=[("button", "Revoke My laptop"), ("button", "Revoke")],
        call="DELETE /tokens/t1",
        arrange=_tokens,
    ),
    Press(
        path="/hub/account",
        steps=[("button", "Change password")],
        call="POST /users/ada/password",
        arrange=_nothing,
        fill=_new_password,
    ),
    Press(path=_LINK, steps=[("button", "Start and open lab1.Rmd")], call="POST /sessions", arrange=_nothing),
    Press(
        path="/hub/admin/people",
        steps=[("button", "Actions for bo"), ("menuitem", "One-time sign-in link")],
        call="POST /users/bo/link",
        arrange=_people,
    ),
    Press(
        path="/hub/admin/people",
        steps=[("button", "Actions for bo"), ("menuitem", "Disable"), ("button", "Disable bo")],
        call="POST /users/bo/disable",
        arrange=_people,
    ),
    Press(
        path="/hub/admin/people",
        steps=[("button", "Actions for bo"), ("menuitem", "Browsers and tokens"), ("button", "Sign out")],
        call="DELETE /users/bo/browsers/b1",
        arrange=_people,
    ),
    Press(
        path="/hub/admin/people",
        steps=[("tab", "Removed"), ("button", "Actions for what eve left"), ("menuitem", "Delete"), ("button", "Delete it")],
        call="DELETE /removed-users/eve",
        arrange=_people,
    ),
    Press(path=_GROUP, steps=[("button", "Take it back")], call="PUT /groups/stats-101/announcement", arrange=_teaching),
    Press(path=_GROUP, steps=[("button", "Tell")], call="PUT /groups/stats-101/announcement", arrange=_teaching, fill=_text),
    Press(path=_GROUP, steps=[("button", "Set")], call=_FOLDER, arrange=_teaching),
    Press(path=_GROUP, steps=[("button", "No due time")], call=_FOLDER, arrange=_teaching),
    Press(path=_GROUP, steps=[("button", "Close the folder")], call=_FOLDER, arrange=_teaching),
    Press(path=_GROUP, steps=[("button", "Set")], call=_FOLDER, arrange=_teaching, fill=_own_due_time),
    Press(path=_GROUP, steps=[("button", "No own due time for lab1")], call=_FOLDER, arrange=_teaching),
    Press(path=_GROUP, steps=_GIVE_BACK, call=f"POST {_HANDED_IN}/returned", arrange=_teaching, fill=_remarks),
    Press(path=_GROUP, steps=_GIVE_BACK, call=f"POST {_HANDED_IN}/returned", arrange=_teaching, fill=_file_with_remarks),
    Press(
        path=_GROUP,
        steps=[("button", "Actions for lab1.tar.gz of carla"), ("menuitem", "Remove"), ("button", "Remove")],
        call=f"DELETE {_HANDED_IN}",
        arrange=_teaching,
    ),
    Press(
        path=_GROUP,
        steps=[("button", "Take week1/airports.csv away"), ("button", "Take away")],
        call="DELETE /groups/stats-101/data/d2",
        arrange=_teaching,
    ),
    Press(
        path=_GROUP,
        steps=[("button", "Actions for Homework of bo"), ("menuitem", "Sleep")],
        call=f"POST /sessions/{ID}/suspend",
        arrange=_teaching,
    ),
]  # fmt: skip


def _find(page: Page, step: tuple[str, str]) -> Locator:
    role, name = step
    return page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type] # a role is one of many literals


@pytest.mark.long
@pytest.mark.parametrize("press", PRESSES, ids=str)
async def test_what_is_pressed_shows_it_is_sent_once_and_says_why_it_was_refused(
    press: Press, page: Page, hub: FixtureHub
) -> None:
    press.arrange(hub)
    hub.world.held, hub.world.refusals[press.call] = True, (409, WHY)
    await page.goto(press.path)
    await expect(_find(page, press.steps[0])).to_be_visible()
    *before, last = press.steps
    for step in before:
        await _find(page, step).click()
    if press.fill:
        await press.fill(page)
    await _find(page, last).click()
    at_work = page.locator("button[aria-busy=true]")
    await expect(at_work).to_have_count(1)
    await expect(at_work).to_be_visible()
    # Again, by the keyboard and as fast as one likes.
    for _ in range(2):
        await at_work.press("Enter")
    await expect(page.get_by_role("menuitem")).to_have_count(0)
    hub.world.held = False
    await expect(page.get_by_text(WHY).first).to_be_visible()
    await expect(at_work).to_have_count(0)
    assert [f"{method} {path}" for method, path, _ in hub.world.asked if path != "/links"] == [press.call]
