"""Every page in every state that is worth looking at: how the world is, where to go, and what to wait for there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import FilePayload, Page, expect

from tests.pages import world
from tests.pages.fixture_hub import FixtureHub

Arrange = Callable[[FixtureHub], None]
Act = Callable[[Page], Awaitable[None]]


async def nothing(_: Page) -> None:
    """Leave the page as it came."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`see` is a text that stands on the page when it is there."""

    name: str
    path: str
    see: str
    arrange: Arrange
    act: Act = nothing

    def __str__(self) -> str:
        return self.name


def _nobody(hub: FixtureHub) -> None:
    hub.world.me = None


def _other_sites(hub: FixtureHub) -> None:
    _nobody(hub)
    for name, title in (("university", "University account"), ("lab", "The lab")):
        url = f"http://localhost:8000/hub/sign-in/oidc/{name}"
        hub.world.ways.append({"name": f"oidc:{name}", "title": title, "fields": [], "url": url})


def _other_sites_alone(hub: FixtureHub) -> None:
    _other_sites(hub)
    del hub.world.ways[0]


def _admin(hub: FixtureHub) -> None:
    hub.world.me = world.me(admin=True)


def _one_environment(hub: FixtureHub) -> None:
    hub.world.environments = [world.rspark()]


def _no_environment(hub: FixtureHub) -> None:
    hub.world.environments = []


def _everything(hub: FixtureHub) -> None:
    for session in world.everything():
        hub.put(session)


def _nothing(_: FixtureHub) -> None:
    pass


def _with(make: Callable[..., world.Json], *states: object, **changes: object) -> Arrange:
    def arrange(hub: FixtureHub) -> None:
        hub.world.logs = {
            "postgres": "".join(f"2026-11-24 09:14:0{n % 10} UTC [41] LOG:  checkpoint {n} complete\n" for n in range(60))
            + 'FATAL:  could not write lock file "postmaster.pid": No space left on device\n',
            "spark": "26/11/24 09:14:02 WARN NativeCodeLoader: Unable to load native-hadoop library\n",
            "interface": "[I 2026-11-24 09:14:05 ServerApp] Jupyter Server is running\n",
            "agent": "the ensemble is ready\n",
        }
        # Made when it is put, so that "9 minutes" are 9 minutes then.
        hub.put(make(*states, **changes))

    return arrange


def _crowd(hub: FixtureHub) -> None:
    _admin(hub)
    hub.world.sessions = {session["id"]: session for session in world.crowd(1000)}


def _people(hub: FixtureHub) -> None:
    _crowd(hub)
    hub.world.people = [
        world.person(name, admin=name == "ada", last_seen=world.ago(hours=n * 5), has_password=n % 3 > 0)
        for n, name in enumerate(world.PEOPLE)
    ]
    hub.world.groups = [
        {"name": "stats-101", "members": world.PEOPLE[:18], "instructors": [], "instructors_view": False},
        {"name": "spark-lab", "members": world.PEOPLE[10:], "instructors": [], "instructors_view": False},
    ]


def _history(hub: FixtureHub) -> None:
    _admin(hub)
    hub.world.events = world.history(1200)


def _tokens(hub: FixtureHub) -> None:
    hub.world.tokens = [world.token("t1", "My laptop"), world.token("t2", "Nightly report", last_used=None)]


def arrange_course(hub: FixtureHub) -> None:
    """Somebody teaches a course that gives data and takes work."""
    hub.world.me = world.me() | {"courses": [world.membership(instructor=True)]}
    hub.world.course["assignments"] = [
        {"name": "lab1", "due": world.ago(days=9)},
        {"name": "lab2", "due": world.ahead(hours=30)},
    ]
    hub.world.data = [
        world.data_file("d1", "week1/flights.csv", 31_000_000),
        world.data_file("d2", "week1/airports.csv", 240_000),
        world.data_file("d3", "a-name-that-is-rather-long-for-a-phone/and-a-folder-within/measurements-2026.parquet", 96_000_000),
    ]
    hub.world.hand_ins = [
        world.hand_in("h1", "bo", "lab1.Rmd", assignment="lab1",
                      returned=[world.returned("r1", "remarks.txt"), world.returned("r2", "lab1.Rmd")]),
        world.hand_in("h2", "carla", "lab1.tar.gz", assignment="lab1", late=True, at=world.ago(minutes=20)),
    ]  # fmt: skip


def arrange_work(hub: FixtureHub) -> None:
    """Somebody is taught in a course, has handed in, and got something back."""
    arrange_course(hub)
    hub.world.me = world.me(name="bo") | {"courses": [world.membership(due=world.ahead(hours=30))]}
    hub.world.hand_ins = [
        world.hand_in("h1", "bo", "lab1.Rmd", late=True, at=world.ago(days=8), assignment="lab1",
                      returned=[world.returned("r1", "remarks.txt"), world.returned("r2", "lab1-remarks.html")]),
        world.hand_in("h2", "bo", "project.tar.gz"),
    ]  # fmt: skip


def _no_work(hub: FixtureHub) -> None:
    hub.world.me = world.me(name="bo") | {"courses": [world.membership(course_folder=False)]}
    hub.world.has_course = False


async def _refused_file(page: Page) -> None:
    file: FilePayload = {"name": "-notes.csv", "mimeType": "text/csv", "buffer": b"1"}
    await page.get_by_label("Files of data").set_input_files([file])
    await page.get_by_role("alert").wait_for()


async def _give_back(page: Page) -> None:
    await page.get_by_role("button", name="Actions for lab1.tar.gz of carla").click()
    await page.get_by_role("menuitem", name="Give back").click()
    await page.get_by_role("dialog").wait_for()


async def _wrong_password(page: Page) -> None:
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill("guess")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("alert").wait_for()


async def _too_often(page: Page) -> None:
    await page.get_by_label("Name").fill("ada")
    password = page.get_by_label("Password")
    for _ in range(3):
        await password.fill("guess")
        await page.get_by_role("button", name="Sign in").click()
        await expect(password).to_have_value("")  # the page has heard that it was wrong
    await password.fill("guess")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("You can try again in").wait_for()


async def _account_menu(page: Page) -> None:
    await page.get_by_role("button", name="Account of ada").click()
    await page.get_by_role("menu").wait_for()


async def _help(page: Page) -> None:
    await page.keyboard.press("?")
    await page.get_by_role("dialog").wait_for()


async def _show_log(page: Page) -> None:
    await page.get_by_role("button", name="Show the log").click()
    await page.get_by_role("log").get_by_text("checkpoint").first.wait_for()


async def _log_there(page: Page) -> None:
    await page.get_by_role("log").get_by_text("No space left").wait_for()


async def _delete(page: Page) -> None:
    await page.get_by_role("button", name="More for Homework 3").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await page.get_by_role("dialog").wait_for()


async def _rename(page: Page) -> None:
    await page.get_by_role("button", name="More for Homework 3").click()
    await page.get_by_role("menuitem", name="Rename").click()
    await page.get_by_role("dialog").wait_for()


def _sized(hub: FixtureHub) -> None:
    hub.world.environments = [world.sized()]


def _teaching(hub: FixtureHub) -> None:
    hub.world.me = world.me() | {"courses": [world.membership(instructor=True, instructors_view=True)]}
    hub.world.course["announcement"] = {"text": "The exam begins at nine.", "link": None, "by": "ada", "at": world.ago(hours=1)}
    for person in hub.world.course["people"]:
        person["full_name"] = f"{person['name'].title()} Müller-Lüdenscheidt"
    hub.world.hand_ins = [world.hand_in(f"of-{name}", name, "lab1-flight-delays-in-winter.Rmd") for name in world.PEOPLE[1:8]]
    for session in world.crowd(8):
        hub.put(session | {"viewable": True})


async def _choose_options(page: Page) -> None:
    await page.get_by_role("button", name="Start Statistics lab").click()
    await page.get_by_role("dialog").wait_for()


async def _choose_some(page: Page) -> None:
    for row in range(4):
        await page.get_by_role("checkbox", name="Choose Homework").nth(row).check()


async def _groups(page: Page) -> None:
    await page.get_by_role("tab", name="Groups").click()


async def _add_person(page: Page) -> None:
    await page.get_by_role("button", name="Add a person").click()
    await page.get_by_role("dialog").wait_for()


async def _add_class(page: Page) -> None:
    await page.get_by_role("button", name="Add a class").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("The list").fill("zoe, Zoe Zed, zoe@example.org, stats\nYan")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await dialog.get_by_role("alert").wait_for()


async def _share(page: Page) -> None:
    await page.get_by_role("region", name="Shared with").get_by_role("button", name="Share").click()
    await page.get_by_role("dialog").wait_for()


async def _link(page: Page) -> None:
    await page.get_by_role("button", name="Actions for bo").click()
    await page.get_by_role("menuitem", name="One-time sign-in link").click()
    await page.get_by_role("dialog").wait_for()


async def _edit_group(page: Page) -> None:
    await _groups(page)
    await page.get_by_role("button", name="Actions for the group stats-101").click()
    await page.get_by_role("menuitem", name="Choose its people").click()
    await page.get_by_role("dialog").wait_for()


async def _remove_group(page: Page) -> None:
    await _groups(page)
    await page.get_by_role("button", name="Actions for the group stats-101").click()
    await page.get_by_role("menuitem", name="Remove").click()
    await page.get_by_role("dialog").wait_for()


async def _choose_scopes(page: Page) -> None:
    await page.get_by_role("button", name="Make a token").click()
    await page.get_by_role("checkbox", name="sessions: start").wait_for()


async def _make_token(page: Page) -> None:
    await page.get_by_role("button", name="Make a token").click()
    await page.get_by_label("What is it for").fill("My laptop")
    await page.get_by_role("button", name="Make", exact=True).click()
    await page.get_by_text("Copy it now").wait_for()


def _shared(hub: FixtureHub) -> None:
    shared = world.session(owner="bob", name="Homework")
    hub.put(shared)
    hub.world.shared = [{"session": shared, "role": "viewer", "expires": None}]


_ONE = "/hub/sessions/kq4wz7m2xb"
_LONG = "An analysis with a very long name that somebody gave it without thinking of where it has to stand"

_COURSE = "/hub/groups/stats-101"
_LINK = "/hub/start?environment=rspark&from=https%3A//github.com/our-course/labs&branch=week-2&open=labs/lab1.Rmd"


def _brought(**changes: object) -> Arrange:
    def arrange(hub: FixtureHub) -> None:
        hub.put(world.session())
        hub.world.handout = world.handout(**changes)

    return arrange


async def _agree(page: Page) -> None:
    await page.get_by_role("button", name="Start and open lab1.Rmd").click()
    await page.get_by_text("From github.com/our-course/labs").or_(page.get_by_text("The files are")).first.wait_for()


async def _link_dialog(page: Page) -> None:
    await page.get_by_role("button", name="Copy a link for students").first.click()
    await page.get_by_role("dialog").wait_for()
    await page.get_by_label("Files from").fill("https://github.com/our-course/labs")


async def _made_link(page: Page) -> None:
    await _link_dialog(page)
    await page.get_by_role("button", name="Make the link").click()
    await page.get_by_role("button", name="Copy link").wait_for()


SCENES = [
    Scene(name="sign-in", path="/hub/", see="Sign in", arrange=_nobody),
    Scene(name="sign-in-used-link", path="/hub/?link=used", see="This link can’t be used any more", arrange=_nobody),
    Scene(name="sign-in-wrong", path="/hub/", see="Sign in", arrange=_nobody, act=_wrong_password),
    Scene(name="sign-in-too-often", path="/hub/", see="Sign in", arrange=_nobody, act=_too_often),
    Scene(name="sign-in-elsewhere", path="/hub/?next=/s/abc/", see="University account", arrange=_other_sites),
    Scene(name="sign-in-taken", path="/hub/?problem=taken", see="Somebody here has your name", arrange=_other_sites_alone),
    Scene(name="home-one-button", path="/hub/", see="Start RSpark", arrange=_one_environment),
    Scene(name="home-first-time", path="/hub/", see="Start a session", arrange=_nothing),
    Scene(name="home-nothing", path="/hub/", see="There is nothing to start yet", arrange=_no_environment),
    Scene(name="home-everything", path="/hub/", see="Flight delays", arrange=_everything),
    Scene(name="home-delete", path="/hub/", see="Homework 3", arrange=_everything, act=_delete),
    Scene(name="home-rename", path="/hub/", see="Homework 3", arrange=_everything, act=_rename),
    Scene(name="home-options", path="/hub/", see="Start Statistics lab", arrange=_sized, act=_choose_options),
    Scene(name="start-options", path=_LINK.replace("rspark", "sized"), see="Workers", arrange=_sized),
    Scene(name="account-menu", path="/hub/", see="Flight delays", arrange=_everything, act=_account_menu),
    Scene(name="help", path="/hub/", see="Flight delays", arrange=_everything, act=_help),
    Scene(name="session-queued", path=_ONE, see="14th in the queue", arrange=_with(world.queued, 14)),
    Scene(name="session-starting", path=_ONE, see="Starting PostgreSQL", arrange=_with(world.starting)),
    Scene(name="session-starting-log", path=_ONE, see="Starting PostgreSQL", arrange=_with(world.starting), act=_show_log),
    Scene(name="session-running", path=_ONE, see="Open JupyterLab", arrange=_with(world.session)),
    Scene(name="session-share", path=_ONE, see="Open JupyterLab", arrange=_with(world.session), act=_share),
    Scene(name="session-shared", path="/hub/", see="Homework", arrange=_shared),
    Scene(name="session-busy", path=_ONE, see="R kernel, analysis.ipynb", arrange=_with(world.longest_soon)),
    Scene(name="session-idle", path=_ONE, see="Sleeps in 9 min", arrange=_with(world.idle_soon)),
    Scene(
        name="session-idle-at-the-bound",
        path=_ONE,
        see="as late as it may",
        arrange=_with(world.session, sleeps=world.sleeps(hours=12, can_extend=False)),
    ),
    Scene(
        name="session-brought-back",
        path=_ONE,
        see="42 variables brought back",
        arrange=_with(world.busy, restored=world.SAVED, generation=2),
    ),
    Scene(name="session-asleep", path=_ONE, see="PqConnection", arrange=_with(world.asleep)),
    Scene(name="session-failed", path=_ONE, see="PostgreSQL failed", arrange=_with(world.failed), act=_log_there),
    Scene(name="session-stopped", path=_ONE, see="Start again", arrange=_with(world.stopped)),
    Scene(
        name="session-ending",
        path=_ONE,
        see="being saved",
        arrange=_with(world.session, state="suspending", wanted="suspended"),
    ),
    Scene(name="session-long-name", path=_ONE, see="Open JupyterLab", arrange=_with(world.session, name=_LONG)),
    Scene(name="session-missing", path="/hub/sessions/nowhere", see="There is nothing at this address", arrange=_nothing),
    Scene(name="start", path=_LINK, see="Open lab1.Rmd", arrange=_nothing),
    Scene(name="start-again", path=_LINK, see="goes on", arrange=_brought()),
    Scene(name="start-incomplete", path="/hub/start?environment=rspark", see="This link is not complete", arrange=_nothing),
    Scene(name="start-bringing", path=_LINK, see="Open lab1.Rmd", arrange=_brought(), act=_agree),
    Scene(
        name="start-failed",
        path=_LINK,
        see="Open lab1.Rmd",
        arrange=_brought(state="failed", reason="The repository has no branch week-2. Ask who sent you the link."),
        act=_agree,
    ),
    Scene(
        name="start-side-by-side",
        path=_LINK,
        see="Open lab1.Rmd",
        arrange=_brought(
            state="done",
            notes=["You changed lab1.Rmd, and so did who made it. Yours is as it was; the new one is lab1.new-1a2b3c4.Rmd."],
        ),
        act=_agree,
    ),
    Scene(name="link-dialog", path="/hub/", see="Flight delays", arrange=_everything, act=_link_dialog),
    Scene(name="link-made", path="/hub/", see="Flight delays", arrange=_everything, act=_made_link),
    Scene(name="account", path="/hub/account", see="Nightly report", arrange=_tokens),
    Scene(name="account-scopes", path="/hub/account", see="Nightly report", arrange=_tokens, act=_choose_scopes),
    Scene(name="account-new-token", path="/hub/account", see="You have no tokens", arrange=_nothing, act=_make_token),
    Scene(name="group", path="/hub/groups/stats-101", see="The exam begins at nine", arrange=_teaching),
    Scene(name="admin-sessions", path="/hub/admin/sessions", see="Homework 1", arrange=_crowd),
    Scene(name="admin-sessions-chosen", path="/hub/admin/sessions", see="Homework 1", arrange=_crowd, act=_choose_some),
    Scene(name="admin-sessions-none", path="/hub/admin/sessions?q=nonsense", see="No session matches “nonsense”", arrange=_crowd),
    Scene(name="admin-people", path="/hub/admin/people", see="carla", arrange=_people),
    Scene(name="admin-people-add", path="/hub/admin/people", see="carla", arrange=_people, act=_add_person),
    Scene(name="admin-people-class", path="/hub/admin/people", see="carla", arrange=_people, act=_add_class),
    Scene(name="admin-people-link", path="/hub/admin/people", see="carla", arrange=_people, act=_link),
    Scene(name="admin-groups", path="/hub/admin/people", see="carla", arrange=_people, act=_groups),
    Scene(name="admin-group-remove", path="/hub/admin/people", see="carla", arrange=_people, act=_remove_group),
    Scene(name="admin-group-edit", path="/hub/admin/people", see="carla", arrange=_people, act=_edit_group),
    Scene(name="admin-environments", path="/hub/admin/environments", see="Kept asleep for", arrange=_crowd),
    Scene(name="admin-audit", path="/hub/admin/audit", see="makes a one-time sign-in link", arrange=_history),
    Scene(name="course", path=_COURSE, see="week1/flights.csv", arrange=arrange_course),
    Scene(name="course-refused", path=_COURSE, see="week1/flights.csv", arrange=arrange_course, act=_refused_file),
    Scene(name="course-give-back", path=_COURSE, see="lab1.tar.gz", arrange=arrange_course, act=_give_back),
    Scene(name="work", path=_COURSE, see="Show the units in your plots", arrange=arrange_work),
    Scene(name="work-none", path=_COURSE, see="Nothing is here yet", arrange=_no_work),
    Scene(name="home-due", path="/hub/", see="Work for", arrange=arrange_work),
    Scene(name="gallery", path="/hub/gallery", see="Code and emptiness", arrange=_nothing),
]
