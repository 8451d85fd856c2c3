"""Who may do what: every kind of identity, every action, every kind of thing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rsparkhub.domain.access import Action, Group, Identity, Installation, OwnedBy, Thing, may
from rsparkhub.domain.course import Course
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.session import Component, Session, State, Wanted
from rsparkhub.domain.share import Role, Share, role_called, share_of
from rsparkhub.domain.user import User
from rsparkhub.installed.schema import environment_schema

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def user(name: str, *, admin: bool = False, groups: frozenset[str] = frozenset()) -> User:
    return User(name=name, admin=admin, created=NOON, groups=groups)


def teacher(name: str, group: str) -> User:
    return User(name=name, admin=False, created=NOON, groups=frozenset({group}), teaches=frozenset({group}))


def session(owner: str | None, *, wanted: Wanted = Wanted.RUNNING, service: bool = False) -> Session:
    return Session(
        id="postgres" if service else "abc", kind="service" if service else "session", owner=owner, name="a",
        environment="rspark", wanted=wanted, state=State.RUNNING, created=NOON, queued_at=NOON,
    )  # fmt: skip


def environment(*groups: str) -> Environment:
    return environment_schema().parse(
        {
            "apiVersion": "rsparkhub/v1",
            "kind": "Environment",
            "metadata": {"name": "rspark", "title": "RSpark"},
            "spec": {"interface": "terminal", "access": {"groups": list(groups)}},
        }
    )


ADMIN = Identity(user=user("ada", admin=True), how="cookie")
OWNER = Identity(user=user("bob", groups=frozenset({"lab"})), how="cookie")
OTHER = Identity(user=user("eve"), how="token")
ITS_TOKEN = Identity(user=user("bob", groups=frozenset({"lab"})), how="token", session="abc")
ANOTHERS_TOKEN = Identity(user=user("bob"), how="token", session="xyz")
ADMINS_SESSION = Identity(user=user("ada", admin=True), how="token", session="xyz")
VIEWER = Identity(user=user("vera"), how="cookie")
EDITOR = Identity(user=user("edi"), how="cookie")
MEMBER = Identity(user=user("max", groups=frozenset({"class"})), how="cookie")
VIEWER_THERE = Identity(user=user("vera"), how="cookie", session="abc")  # at the session's own host
EDITOR_ELSEWHERE = Identity(user=user("edi"), how="cookie", session="xyz")
OTHER_THERE = Identity(user=user("eve"), how="cookie", session="abc")  # with whom it was shared
TEACHER = Identity(user=teacher("tess", "stat101"), how="cookie")
TEACHER_THERE = Identity(user=teacher("tess", "stat101"), how="cookie", session="abc")
TUTOR = Identity(user=teacher("tom", "lab"), how="cookie")
ELSEWHERE = Identity(user=teacher("tia", "math202"), how="cookie")
EVERYBODY = {
    "admin": ADMIN, "owner": OWNER, "other": OTHER, "its token": ITS_TOKEN, "another's token": ANOTHERS_TOKEN,
    "admin's session": ADMINS_SESSION, "viewer": VIEWER, "editor": EDITOR, "member": MEMBER, "viewer there": VIEWER_THERE,
    "editor elsewhere": EDITOR_ELSEWHERE, "other there": OTHER_THERE, "instructor": TEACHER, "instructor there": TEACHER_THERE,
    "instructor under no rule": TUTOR, "instructor of another group": ELSEWHERE,
}  # fmt: skip
SHARES = [
    Share(id="1", session="abc", person="vera", role=Role.VIEWER, created=NOON),
    Share(id="2", session="abc", person="edi", role=Role.EDITOR, created=NOON),
    Share(id="3", session="abc", group="class", role=Role.VIEWER, created=NOON),
]
#: The groups in which bob is taught.
COURSES = [Course(group="stat101", instructors_view=True), Course(group="lab")]
TEACHERS = {"instructor", "instructor under no rule"}
VIEWERS = {"viewer", "member", "viewer there"}

BOBS, GOING, SERVICE = session("bob"), session("bob", wanted=Wanted.DELETED), session(None, service=True)
#: thing, action → who may; whoever is not named may not.
RULES: list[tuple[str, Thing, Action, set[str]]] = [
    ("a session", BOBS, Action.READ, {"admin", "owner", "its token", "editor", "instructor there"} | VIEWERS | TEACHERS),
    ("a session", BOBS, Action.VIEW, {"admin", "owner", "its token", "editor", "instructor", "instructor there"} | VIEWERS),
    ("a session", BOBS, Action.OPEN, {"admin", "owner", "its token", "editor"}),
    ("a session", BOBS, Action.READ_LOG, {"admin", "owner", "its token", "editor"}),
    ("a session", BOBS, Action.RUN, {"admin", "owner", "editor"}),
    ("a session", BOBS, Action.SUSPEND, {"admin", "owner", "editor", "instructor there"} | TEACHERS),
    ("a session", BOBS, Action.STOP, {"admin", "owner"} | TEACHERS),
    ("a session", BOBS, Action.CHANGE, {"admin", "owner"}),
    ("one being deleted", GOING, Action.READ, {"admin", "owner", "its token", "editor", "instructor there"} | VIEWERS | TEACHERS),
    ("one being deleted", GOING, Action.VIEW, set()),
    ("one being deleted", GOING, Action.OPEN, set()),
    ("one being deleted", GOING, Action.CHANGE, {"admin", "owner"}),
    ("a shared service", SERVICE, Action.READ, set()),
    ("a shared service", SERVICE, Action.OPEN, set()),
    ("a shared service", SERVICE, Action.CHANGE, set()),
    (
        "an environment for all",
        environment("everyone"),
        Action.START,
        {"admin", "owner", "other", "viewer", "editor", "member", "instructor of another group"} | TEACHERS,
    ),
    ("an environment of a group", environment("lab"), Action.START, {"admin", "owner", "instructor under no rule"}),
    ("an environment of a group", environment("lab"), Action.READ, {"admin", "owner", "instructor under no rule"}),
    ("an environment of a group", environment("lab"), Action.CHANGE, set()),
    ("what is bob's", OwnedBy("bob"), Action.READ, {"admin", "owner"}),
    ("what is bob's", OwnedBy("bob"), Action.CHANGE, {"admin", "owner"}),
    ("what is everybody's", OwnedBy(None), Action.READ, {"admin"}),
    ("what is the group's", Group("stat101"), Action.READ, {"admin", "instructor"}),
    ("what is the group's", Group("stat101"), Action.CHANGE, {"admin", "instructor"}),
    ("what is a group's that is not there", Group("none"), Action.CHANGE, {"admin"}),
    ("the installation", Installation(), Action.READ, {"admin"}),
    ("the installation", Installation(), Action.CHANGE, {"admin"}),
]


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize(("what", "thing", "action", "allowed"), RULES, ids=[f"{rule[2]} {rule[0]}" for rule in RULES])
def test_who_may_do_what(what: str, thing: Thing, action: Action, allowed: set[str], who: str) -> None:
    said = may(EVERYBODY[who], action, thing, shares=SHARES, courses=COURSES, viewable=True)
    assert said is (who in allowed), f"{who}: {action} {what}"


def test_the_rule_of_a_group_opens_only_what_shows_something_to_who_only_looks() -> None:
    several = replace(BOBS, components=(Component(name="interface", title="R"), Component(name="interface-lab", title="app")))
    for thing, viewable in ((BOBS, False), (several, True)):
        assert not may(TEACHER, Action.VIEW, thing, courses=COURSES, viewable=viewable)
        assert may(TEACHER, Action.READ, thing, courses=COURSES, viewable=viewable)


def test_of_several_shares_the_one_that_lets_do_the_most_counts() -> None:
    until = [
        Share(id="2", session="abc", person="eve", role=Role.EDITOR, created=NOON, expires=NOON + timedelta(days=days))
        for days in (1, 3, 2)
    ]
    viewing = Share(id="9", session="abc", group="everyone", role=Role.VIEWER, created=NOON)
    assert share_of(OTHER.user, [viewing, *until]) is until[1]
    assert share_of(OTHER.user, [viewing]) is viewing
    assert share_of(ADMIN.user, until) is None


def test_a_role_that_is_not_known_lets_look_and_no_more() -> None:
    """As of a version to come, or damaged."""
    assert [role_called(word) for word in ("viewer", "editor", "owner", "", None, 3)] == [
        Role.VIEWER, Role.EDITOR, Role.VIEWER, Role.VIEWER, Role.VIEWER, Role.VIEWER,
    ]  # fmt: skip
