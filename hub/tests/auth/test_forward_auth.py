"""Every case of a forward-auth request, as data."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock

import pytest

from rsparkhub.auth.forward_auth import (
    NO_SUCH_SESSION,
    Allow,
    ForwardAuthRequest,
    Redirect,
    Refuse,
    SignInAtSession,
    authorize,
    may_go_on,
)
from rsparkhub.auth.session_address import request_origin, session_in_uri
from rsparkhub.auth.visits import Visits, visit_of
from rsparkhub.domain.access import Identity
from rsparkhub.domain.course import Course
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import Component, Session, State, Wanted
from rsparkhub.domain.share import Role, Share
from rsparkhub.domain.user import User
from rsparkhub.settings import Settings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SESSION = Session(
    id="abcdefghjk", owner="ada", name="R", environment="rspark", wanted=Wanted.RUNNING, state=State.RUNNING, created=NOON,
    queued_at=NOON, upstream="127.0.0.1:4242", secret="s3cret", generation=1,
)  # fmt: skip
ADA = Identity(user=User(name="ada", admin=False, created=NOON), how="cookie")
ADAS_TOKEN = replace(ADA, how="token")
BOB = Identity(user=User(name="bob", admin=False, created=NOON), how="cookie")
ROOT = Identity(user=User(name="root", admin=True, created=NOON), how="cookie")
THERE = replace(ADA, session=SESSION.id)  # a browser at the session's own host

PATH = "127.0.0.1:8000"  # here sessions live under the hub's name
HUB = "localhost:8000"  # here each has a host of its own
OWN = f"{SESSION.id}.localhost:8000"
URI = f"/s/{SESSION.id}/lab?x=1"

ALLOWED = Allow(upstream="127.0.0.1:4242", secret="s3cret")
OPENS: dict[str, Any] = {"html": True, "fetch_mode": "navigate", "fetch_dest": "document", "fetch_site": "none"}


def ask(
    *, identity: Identity | None = ADA, session: Session | None = SESSION, settings: dict[str, Any] | None = None, **said: Any
) -> Any:
    fields = {"method": "GET", "host": PATH, "uri": URI, **said}
    came_in = request_origin(fields.pop("host"), Settings(**(settings or {})))
    request = ForwardAuthRequest(**fields, came_in=came_in, session=session_in_uri(fields["uri"]))
    return authorize(request, session, identity)


def status(said: Any) -> int:
    assert isinstance(said, Refuse)
    return said.status


def test_the_owner_may_pass() -> None:
    assert ask() == ALLOWED


def test_an_administrator_may_pass_where_the_session_can_not_act_as_them() -> None:
    assert ask(identity=replace(ROOT, how="token")) == ALLOWED
    assert ask(identity=replace(ROOT, session=SESSION.id), host=OWN) == ALLOWED


@pytest.mark.parametrize("said", [{}, OPENS, {"upgrade": "websocket", "origin": f"http://{PATH}"}])
def test_an_administrators_browser_does_not_open_a_students_page_under_the_hubs_origin(said: dict[str, Any]) -> None:
    assert status(ask(identity=ROOT, **said)) == 403


def test_another_person_is_told_that_there_is_no_such_session() -> None:
    theirs, nobodys = ask(identity=BOB), ask(identity=BOB, session=None)
    assert status(theirs) == 404
    assert theirs == nobodys


def test_a_session_that_speaks_for_its_owner_reaches_itself_alone() -> None:
    own = replace(ADAS_TOKEN, session=SESSION.id)
    assert ask(identity=own) == ALLOWED
    assert status(ask(identity=replace(own, session="zzzzzzzzzz"))) == 404


@pytest.mark.parametrize("said", [{}, {"upgrade": "websocket"}, {"method": "POST"}, OPENS])
@pytest.mark.parametrize("how", ["token", "query", "cookie"])
@pytest.mark.parametrize("session", [SESSION, replace(SESSION, id="zzzzzzzzzz"), None])
def test_a_token_without_the_scope_opens_no_session_and_does_not_learn_whether_there_is_one(
    said: dict[str, Any], how: Any, session: Session | None
) -> None:
    """At a session's own host a browser may have come by such a token, so a cookie is no exception."""
    for scope in Scope:
        identity = replace(ADA, how=how, scopes=frozenset({scope}))
        answer = ask(identity=identity, session=session, **said)
        if scope in {Scope.ALL, Scope.SESSIONS}:
            assert "scope" not in getattr(answer, "detail", "")
        else:
            assert status(answer) == 403
            assert "needs the scope sessions" in answer.detail


def test_what_is_open_does_not_go_on_by_a_token_without_the_scope() -> None:
    came_in = request_origin(PATH, Settings())
    request = ForwardAuthRequest(method="GET", uri=URI, came_in=came_in, session=SESSION.id, upgrade="websocket")
    for scope in Scope:
        going_on = may_go_on(request, SESSION, replace(ADAS_TOKEN, scopes=frozenset({scope})))
        assert going_on.good is (scope in {Scope.ALL, Scope.SESSIONS})


def test_a_shared_service_is_no_session() -> None:
    assert status(ask(identity=ROOT, session=replace(SESSION, kind="service", owner=None))) == 404


def test_a_row_of_another_session_is_never_taken_for_this_one() -> None:
    assert status(ask(session=replace(SESSION, id="zzzzzzzzzz"))) == 404


def test_a_deleted_session_is_gone_also_while_it_still_runs() -> None:
    assert status(ask(session=replace(SESSION, wanted=Wanted.DELETED))) == 404


class TestNobodySignedIn:
    def test_a_browser_that_opens_a_page_is_sent_to_sign_in_and_back(self) -> None:
        assert ask(identity=None, session=None, **OPENS) == Redirect(url=f"/hub/?next=/s/{SESSION.id}/lab%3Fx%3D1")

    def test_a_browser_without_tls_opens_pages_by_asking_for_html(self) -> None:
        assert isinstance(ask(identity=None, session=None, html=True), Redirect)

    def test_a_program_is_told(self) -> None:
        assert status(ask(identity=None, session=None, html=False)) == 401

    def test_a_form_that_is_sent_is_not_redirected_but_told(self) -> None:
        assert status(ask(identity=None, session=None, method="POST", **OPENS)) == 401

    def test_at_the_sessions_own_host_a_browser_is_sent_to_the_hub(self) -> None:
        assert ask(identity=None, session=None, host=OWN, **OPENS) == Redirect(url=f"http://localhost:8000{URI}")


class TestASessionThatDoesNotRun:
    @pytest.mark.parametrize("state", [state for state in State if state is not State.RUNNING])
    def test_a_browser_sees_the_hubs_page_about_it(self, state: State) -> None:
        there = Redirect(url=f"/hub/sessions/{SESSION.id}")
        assert ask(session=replace(SESSION, state=state), **OPENS) == there
        assert ask(session=replace(SESSION, state=state), host=HUB, **OPENS) == there

    def test_from_its_own_host_too(self) -> None:
        said = ask(identity=THERE, session=replace(SESSION, state=State.SUSPENDED), host=OWN, **OPENS)
        assert said == Redirect(url=f"http://localhost:8000/hub/sessions/{SESSION.id}")

    def test_a_program_is_told_what_it_is(self) -> None:
        said = ask(session=replace(SESSION, state=State.SUSPENDED))
        assert status(said) == 424
        assert "is asleep" in said.detail

    def test_a_session_that_was_asked_to_sleep_is_left_alone_at_once(self) -> None:
        assert status(ask(session=replace(SESSION, wanted=Wanted.SUSPENDED))) == 424

    def test_one_without_an_upstream_does_not_run(self) -> None:
        assert status(ask(session=replace(SESSION, upstream=None))) == 424


class TestAddresses:
    @pytest.mark.parametrize(
        "uri", ["/s/", "/s", "/s//lab", "/s/ABCDEFGHJK/", "/s/%61bcdefghjk/", "/x/", f"//s/{SESSION.id}/", ""]
    )
    def test_what_is_no_sessions_address_is_nothing(self, uri: str) -> None:
        assert status(ask(uri=uri)) == 404

    @pytest.mark.parametrize(
        "path",
        [
            "/..",
            "/../zzzzzzzzzz/",
            "/a/../../x",
            "/%2e%2e/x",
            "/.%2E/x",
            "/a/..%2fx",
            "/..%5cx",
            "/..\\x",
            "/./x",
            "/%2e/x",
            "/a/..",
        ],
    )
    def test_a_path_that_climbs_is_refused(self, path: str) -> None:
        assert status(ask(uri=f"/s/{SESSION.id}{path}")) == 400

    @pytest.mark.parametrize("path", ["/.ipynb_checkpoints/x", "/a..b", "/...", "/a%2Fb", "//x", "/x?y=/../z", "/%20", "/ü"])
    def test_a_path_that_only_looks_odd_passes(self, path: str) -> None:
        assert ask(uri=f"/s/{SESSION.id}{path}") == ALLOWED

    @pytest.mark.parametrize(("uri", "there"), [("", "/"), ("?x=1", "/?x=1")])
    def test_a_missing_slash_is_added(self, uri: str, there: str) -> None:
        assert ask(uri=f"/s/{SESSION.id}{uri}") == Redirect(url=f"/s/{SESSION.id}{there}")

    def test_a_program_that_is_sent_there_still_has_its_token(self) -> None:
        query = replace(ADA, how="query")
        for uri, there in (("", "/?token=a%2Fb"), ("?x=1", "/?x=1&token=a%2Fb")):
            assert ask(uri=f"/s/{SESSION.id}{uri}", identity=query, token="a/b") == Redirect(url=f"/s/{SESSION.id}{there}")
        assert ask(uri=f"/s/{SESSION.id}", identity=query, token="a", **OPENS) == Redirect(url=f"/s/{SESSION.id}/")

    def test_a_name_that_only_begins_like_the_session_is_another(self) -> None:
        assert status(ask(uri=f"/s/{SESSION.id}x/")) == 404


class TestCookies:
    """A cookie shows which browser it is, not whose page makes it ask."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
    def test_a_change_needs_the_origin_of_the_session(self, method: str) -> None:
        assert ask(method=method, origin=f"http://{PATH}") == ALLOWED
        assert status(ask(method=method)) == 403
        assert status(ask(method=method, origin="http://evil.example")) == 403
        assert status(ask(method=method, origin="null")) == 403

    def test_so_does_a_websocket(self) -> None:
        assert ask(upgrade="websocket", origin=f"http://{PATH}") == ALLOWED
        assert status(ask(upgrade="websocket")) == 403
        assert status(ask(upgrade="WebSocket", origin="http://evil.example")) == 403

    @pytest.mark.parametrize("origin", ["https://127.0.0.1:8000", "http://127.0.0.1", "http://127.0.0.1:80001", "http://[", "x"])
    def test_an_origin_is_scheme_host_and_port(self, origin: str) -> None:
        assert status(ask(method="POST", origin=origin)) == 403

    def test_a_browser_that_says_same_origin_is_believed(self) -> None:
        assert ask(method="POST", fetch_site="same-origin", fetch_mode="cors") == ALLOWED

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    @pytest.mark.parametrize(("mode", "dest"), [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("", "")])
    def test_another_origins_page_reads_nothing(self, site: str, mode: str, dest: str) -> None:
        assert status(ask(fetch_site=site, fetch_mode=mode, fetch_dest=dest)) == 403

    def test_another_origins_page_that_shows_its_origin_reads_nothing(self) -> None:
        assert status(ask(origin="http://evil.example")) == 403

    def test_a_link_on_another_site_opens_the_session(self) -> None:
        assert ask(**{**OPENS, "fetch_site": "cross-site"}) == ALLOWED

    def test_a_program_with_a_token_needs_no_origin(self) -> None:
        assert ask(identity=ADAS_TOKEN, method="POST") == ALLOWED
        assert ask(identity=ADAS_TOKEN, upgrade="websocket") == ALLOWED

    @pytest.mark.parametrize("upgrade", ["h2c", "websocket, h2c", "TLS/1.0"])
    def test_no_other_upgrade_passes(self, upgrade: str) -> None:
        assert status(ask(identity=ADAS_TOKEN, upgrade=upgrade)) == 400


class TestSessionsWithHostsOfTheirOwn:
    def test_a_browser_goes_to_the_sessions_host(self) -> None:
        assert ask(host=HUB, **OPENS) == SignInAtSession(session=SESSION.id, next=URI)

    def test_with_the_slash_that_was_missing(self) -> None:
        assert ask(host=HUB, uri=f"/s/{SESSION.id}", **OPENS) == SignInAtSession(session=SESSION.id, next=f"/s/{SESSION.id}/")

    def test_there_it_passes(self) -> None:
        assert ask(identity=THERE, host=OWN, **OPENS) == ALLOWED

    def test_at_its_host_the_origin_is_its_own_and_not_the_hubs(self) -> None:
        assert ask(identity=THERE, host=OWN, method="POST", origin=f"http://{OWN}") == ALLOWED
        assert status(ask(identity=THERE, host=OWN, method="POST", origin=f"http://{HUB}")) == 403
        assert status(ask(identity=THERE, host=OWN, upgrade="websocket", origin="http://zzzzzzzzzz.localhost:8000")) == 403

    @pytest.mark.parametrize("mode", ["cors", "no-cors", "same-origin", "websocket"])
    def test_a_page_of_the_hub_gets_nothing_of_a_session_under_the_hubs_name(self, mode: str) -> None:
        assert status(ask(host=HUB, fetch_site="same-origin", fetch_mode=mode, fetch_dest="empty")) == 403

    def test_a_form_sent_under_the_hubs_name_is_refused(self) -> None:
        assert status(ask(host=HUB, method="POST", origin=f"http://{HUB}", **{**OPENS, "fetch_site": "same-origin"})) == 403

    def test_a_program_with_the_cookie_passes_and_what_comes_back_is_sandboxed(self) -> None:
        assert ask(host=HUB) == replace(ALLOWED, sandboxed=True)
        assert ask(host=HUB, method="POST", origin=f"http://{HUB}") == replace(ALLOWED, sandboxed=True)

    def test_a_program_with_a_token_passes_under_the_hubs_name(self) -> None:
        assert ask(identity=ADAS_TOKEN, host=HUB, html=True) == ALLOWED

    def test_a_session_is_not_served_at_the_host_of_another(self) -> None:
        assert status(ask(identity=ADAS_TOKEN, host="zzzzzzzzzz.localhost:8000")) == 404

    def test_by_a_number_there_are_no_names_so_sessions_live_under_the_hubs_own(self) -> None:
        assert ask(host="127.0.0.1:8000", **OPENS) == ALLOWED
        assert ask(host="[::1]:8000", **OPENS) == ALLOWED

    def test_path_means_path_also_on_localhost(self) -> None:
        assert ask(host=HUB, settings={"session_origin": "path"}, **OPENS) == ALLOWED

    def test_subdomains_of_a_public_name(self) -> None:
        settings = {"session_origin": "subdomain", "public_url": "https://hub.example.org"}
        own = f"{SESSION.id}.hub.example.org"
        assert ask(host="hub.example.org", settings=settings, **OPENS) == SignInAtSession(session=SESSION.id, next=URI)
        assert ask(identity=THERE, host=own, settings=settings, method="POST", origin=f"https://{own}") == ALLOWED
        assert status(ask(identity=THERE, host=own, settings=settings, method="POST", origin=f"http://{own}")) == 403
        # Under another name the hub is the same hub: a session's content does not come under that one either.
        assert ask(host="10.0.0.1", settings=settings, **OPENS) == SignInAtSession(session=SESSION.id, next=URI)

    def test_a_public_name_alone_changes_nothing(self) -> None:
        settings = {"public_url": "https://hub.example.org"}
        assert ask(host="hub.example.org", settings=settings, **OPENS) == ALLOWED
        assert ask(host="hub.example.org", settings=settings, method="POST", origin="https://hub.example.org") == ALLOWED
        assert status(ask(host="hub.example.org", settings=settings, method="POST", origin="http://hub.example.org")) == 403


WATCHED = Share(id="share", session=SESSION.id, group="everyone", role=Role.VIEWER, created=NOON)


@pytest.mark.parametrize(
    ("method", "upgrade", "for_visitors", "passes"),
    [
        ("GET", "", False, True),
        ("GET", "websocket", False, False),
        ("GET", "websocket", True, True),
        ("POST", "", True, False),
        ("POST", "websocket", True, False),
        ("GET", "h2c", True, False),
    ],
)
def test_who_may_only_view_uses_the_websockets_of_what_is_made_for_visitors(
    method: str, upgrade: str, for_visitors: bool, passes: bool
) -> None:
    came_in = request_origin(PATH, Settings())
    request = ForwardAuthRequest(method=method, uri=URI, upgrade=upgrade, came_in=came_in, session=session_in_uri(URI))
    viewer = replace(BOB, how="token")
    said = authorize(request, SESSION, viewer, [WATCHED], for_visitors=for_visitors)
    assert isinstance(said, Allow) is passes
    if upgrade != "h2c":  # which is nobody's
        assert may_go_on(request, SESSION, viewer, [WATCHED], for_visitors=for_visitors).good is passes
        assert authorize(request, SESSION, viewer, for_visitors=for_visitors) == NO_SUCH_SESSION, "not without a share"


def test_who_may_only_view_is_shown_nothing_of_a_session_that_opens_several_interfaces() -> None:
    """One of them may be made for visitors, and the next show all of the home."""
    several = replace(SESSION, components=(*SESSION.components, Component(name="interface-lab", title="app")))
    viewer = replace(BOB, how="token")
    for upgrade in ("", "websocket"):
        request = ForwardAuthRequest(
            method="GET", uri=URI, upgrade=upgrade, came_in=request_origin(PATH, Settings()), session=session_in_uri(URI)
        )
        said = authorize(request, several, viewer, [WATCHED], for_visitors=True)
        assert isinstance(said, Refuse)
        assert (said.status, "several interfaces" in said.detail) == (403, True)
        assert not may_go_on(request, several, viewer, [WATCHED], for_visitors=True).good
        editor = replace(WATCHED, role=Role.EDITOR)
        assert isinstance(authorize(request, several, viewer, [editor], for_visitors=True), Allow)


TESS = Identity(user=User(name="tess", admin=False, created=NOON, teaches=frozenset({"art", "stat101"})), how="token")
COURSES = [Course(group="art"), Course(group="stat101", instructors_view=True)]


def asks(upgrade: str = "") -> ForwardAuthRequest:
    came_in = request_origin(PATH, Settings())
    return ForwardAuthRequest(method="GET", uri=URI, upgrade=upgrade, came_in=came_in, session=session_in_uri(URI))


def test_the_rule_of_a_group_opens_what_is_viewable() -> None:
    assert isinstance(authorize(asks(), SESSION, TESS, courses=COURSES, viewable=True), Allow)
    assert authorize(asks(), SESSION, TESS, courses=COURSES) == NO_SUCH_SESSION
    assert not may_go_on(asks(), SESSION, TESS, courses=COURSES).good


def test_a_websocket_that_a_share_alone_allows_ends_with_it_though_the_rule_lets_them_look() -> None:
    until = NOON.replace(hour=13)
    editor = Share(id="share", session=SESSION.id, person="tess", role=Role.EDITOR, created=NOON, expires=until)
    for upgrade, viewable, ends in (("websocket", True, until), ("", True, None), ("", False, until)):
        said = authorize(asks(upgrade), SESSION, TESS, [editor], COURSES, viewable=viewable)
        assert isinstance(said, Allow)
        assert said.until == ends, upgrade


def test_a_visit_is_one_of_the_group_whose_rule_lets_in() -> None:
    assert visit_of(TESS.user, SESSION, COURSES).group == "stat101"
    assert visit_of(TESS.user, SESSION, COURSES[:1]).group == "art"


async def test_a_visit_that_could_not_be_written_is_written_with_the_next_request() -> None:
    visit, store = visit_of(TESS.user, SESSION, COURSES), AsyncMock()
    visits = Visits(store, "interface", now=lambda: NOON)
    store.sessions.visit.side_effect = Unavailable("The disk is full.")
    await visits.note(visit)
    assert not visits.is_noted(visit)
    store.sessions.visit.side_effect = None
    await visits.note(visit)
    assert visits.is_noted(visit)
