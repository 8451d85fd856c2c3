"""Who may do what: every kind of identity, every action, every kind of thing."""

from datetime import UTC, datetime

import pytest

from rsparkhub.domain.access import Action, Identity, Installation, OwnedBy, Thing, may
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.domain.user import User
from rsparkhub.installed.schema import environment_schema

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def user(name: str, *, admin: bool = False, groups: frozenset[str] = frozenset()) -> User:
    return User(name=name, admin=admin, created=NOON, groups=groups)


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
EVERYBODY = {
    "admin": ADMIN, "owner": OWNER, "other": OTHER, "its token": ITS_TOKEN, "another's token": ANOTHERS_TOKEN,
    "admin's session": ADMINS_SESSION,
}  # fmt: skip

BOBS, GOING, SERVICE = session("bob"), session("bob", wanted=Wanted.DELETED), session(None, service=True)
#: thing, action → who may; whoever is not named may not.
RULES: list[tuple[str, Thing, Action, set[str]]] = [
    ("a session", BOBS, Action.READ, {"admin", "owner", "its token"}),
    ("a session", BOBS, Action.OPEN, {"admin", "owner", "its token"}),
    ("a session", BOBS, Action.CHANGE, {"admin", "owner"}),
    ("one being deleted", GOING, Action.READ, {"admin", "owner", "its token"}),
    ("one being deleted", GOING, Action.OPEN, set()),
    ("one being deleted", GOING, Action.CHANGE, {"admin", "owner"}),
    ("a shared service", SERVICE, Action.READ, set()),
    ("a shared service", SERVICE, Action.OPEN, set()),
    ("a shared service", SERVICE, Action.CHANGE, set()),
    ("an environment for all", environment("everyone"), Action.START, {"admin", "owner", "other"}),
    ("an environment of a group", environment("lab"), Action.START, {"admin", "owner"}),
    ("an environment of a group", environment("lab"), Action.READ, {"admin", "owner"}),
    ("an environment of a group", environment("lab"), Action.CHANGE, set()),
    ("what is bob's", OwnedBy("bob"), Action.READ, {"admin", "owner"}),
    ("what is bob's", OwnedBy("bob"), Action.CHANGE, {"admin", "owner"}),
    ("what is everybody's", OwnedBy(None), Action.READ, {"admin"}),
    ("the installation", Installation(), Action.READ, {"admin"}),
    ("the installation", Installation(), Action.CHANGE, {"admin"}),
]


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize(("what", "thing", "action", "allowed"), RULES, ids=[f"{rule[2]} {rule[0]}" for rule in RULES])
def test_who_may_do_what(what: str, thing: Thing, action: Action, allowed: set[str], who: str) -> None:
    assert may(EVERYBODY[who], action, thing) is (who in allowed), f"{who}: {action} {what}"
