"""Who may call what: every call of the API, asked by every kind of identity.

The calls are those that the app has: one that is added later is here by itself, and fails until `WHO` says who may.
"""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from world import World

from rsparkhub.api import app
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.share import Role
from rsparkhub.store.events import By

CALLS = sorted(
    f"{method} {route.path.removeprefix('/hub/api')}"
    for resource in app._RESOURCES
    for route in resource.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
)

ADMIN, OWNER, EDITOR, VIEWER, MEMBER, OTHER = "administrator", "owner", "editor", "viewer", "member of a viewing group", "other"
ITSELF, ANOTHER = "the session itself", "another session"
NOBODY, EXPIRED, REVOKED, DISABLED, FORGED = "nobody", "expired token", "revoked token", "disabled", "forged headers"
#: Of the group in which the owner is taught, which lets its instructors look into sessions; and of a group that they are not in.
TEACHER, ELSEWHERE = "instructor", "instructor of another group"
UNKNOWN = {NOBODY, EXPIRED, REVOKED, DISABLED, FORGED}
PEOPLE = {ADMIN, OWNER, EDITOR, VIEWER, MEMBER, OTHER, TEACHER, ELSEWHERE}
KNOWN = PEOPLE | {ITSELF, ANOTHER}
ALL = KNOWN | UNKNOWN

#: Tokens of people who may do the most, with one scope each.
NARROW = {
    f"{who} by a token for {scope}": (who, scope) for who in (ADMIN, OWNER, TEACHER) for scope in Scope if scope is not Scope.ALL
}

OWNERS = {ADMIN, OWNER}
EDITORS = OWNERS | {EDITOR}
READERS = EDITORS | {VIEWER, MEMBER, ITSELF, TEACHER}
TEACHERS = {ADMIN, TEACHER}
#: Who has to do with the course folder of a group that the owner is in; what there is somebody's, is answered as missing.
READING = {ADMIN, OWNER, TEACHER, ITSELF}
#: Who may make each call; of those that name somebody, it is the owner.
WHO: dict[str, set[str]] = {
    "GET /login": ALL,
    "POST /login": ALL,
    "GET /hub/sign-in/{way}/{site}": ALL,
    "GET /hub/sign-in/{way}/{site}/callback": ALL,
    "GET /hub/sign-in/{way}/{site}/sign-out": ALL,
    "POST /logout": KNOWN,
    "GET /me": KNOWN,
    "GET /environments": PEOPLE,
    "GET /environments/{name}": PEOPLE,
    "GET /sessions": PEOPLE,
    "POST /sessions": PEOPLE,
    "POST /links": PEOPLE,
    "GET /shared-sessions": PEOPLE,
    "GET /events": PEOPLE,
    "GET /usage": PEOPLE,
    "GET /sessions/{id}": READERS,
    "GET /sessions/{id}/events": READERS,
    "GET /sessions/{id}/logs": EDITORS | {ITSELF},
    "POST /sessions/{id}/suspend": EDITORS | {TEACHER},
    "POST /sessions/{id}/resume": EDITORS,
    "POST /sessions/{id}/extend": EDITORS,
    "PATCH /sessions/{id}": OWNERS,
    "POST /sessions/{id}/stop": OWNERS | {TEACHER},
    "DELETE /sessions/{id}": OWNERS,
    "POST /sessions/{id}/handouts": OWNERS,
    "GET /sessions/{id}/handouts/{handout}": OWNERS,
    "GET /sessions/{id}/shares": OWNERS,
    "POST /sessions/{id}/shares": OWNERS,
    "DELETE /sessions/{id}/shares/{share}": OWNERS,
    "GET /tokens": PEOPLE,
    "POST /tokens": PEOPLE,
    "DELETE /tokens/{id}": PEOPLE,  # their own alone
    "POST /roster": {ADMIN},
    "GET /users": {ADMIN},
    "POST /users": {ADMIN},
    "GET /users/{name}": {ADMIN},
    "DELETE /users/{name}": {ADMIN},
    "POST /users/{name}/disable": {ADMIN},
    "POST /users/{name}/enable": {ADMIN},
    "POST /users/{name}/link": {ADMIN},
    "POST /users/{name}/password": OWNERS,
    "GET /users/{name}/browsers": OWNERS,
    "DELETE /users/{name}/browsers/{id}": OWNERS,
    "GET /users/{name}/tokens": OWNERS,
    "DELETE /users/{name}/tokens/{id}": OWNERS,
    "GET /removed-users": {ADMIN},
    "DELETE /removed-users/{id}": {ADMIN},
    "GET /removed-groups": {ADMIN},
    "DELETE /removed-groups/{id}": {ADMIN},
    "GET /groups": {ADMIN},
    "POST /groups": {ADMIN},
    "PUT /groups/{name}": {ADMIN},
    "PATCH /groups/{name}": {ADMIN},
    "PUT /groups/{name}/instructors": {ADMIN},
    "GET /groups/{name}": TEACHERS,
    "GET /groups/{name}/sessions": TEACHERS,
    "POST /groups/{name}/people": {ADMIN},  # instructors where the setting `instructors_add` says so
    "POST /groups/{name}/roster": TEACHERS,
    "PUT /groups/{name}/announcement": TEACHERS,
    "DELETE /groups/{name}": {ADMIN},
    "GET /courses": KNOWN,
    "PUT /groups/{name}/course-folder": TEACHERS,
    "GET /groups/{name}/data": TEACHERS,
    "PUT /groups/{name}/data": TEACHERS,
    "DELETE /groups/{name}/data/{id}": TEACHERS,
    "GET /groups/{name}/data/{id}": READING,
    "POST /groups/{name}/hand-ins": READING - {ADMIN},
    "GET /groups/{name}/hand-ins": TEACHERS,
    "GET /groups/{name}/hand-ins.zip": TEACHERS,
    "GET /groups/{name}/my-hand-ins": READING,
    "GET /groups/{name}/hand-ins/{id}": READING,
    "DELETE /groups/{name}/hand-ins/{id}": TEACHERS,
    "POST /groups/{name}/hand-ins/{id}/returned": TEACHERS,
    "GET /groups/{name}/returned/{id}": READING,
    "GET /removed-groups/{id}/hand-ins.zip": {ADMIN},
    "GET /audit": {ADMIN},
}
#: Which scope a token needs, by how a call or its address begins: the first that fits.
NEEDED: dict[str, Scope | None] = {
    "/login": None, "/logout": None, "/me": None, "/hub/sign-in/": None,
    "/users/{name}/password": Scope.ALL,
    "/users/{name}/browsers": Scope.TOKENS, "/users/{name}/tokens": Scope.TOKENS, "/tokens": Scope.TOKENS,
    "/groups/{name}/sessions": Scope.SESSIONS, "/courses": Scope.SESSIONS, "/groups/{name}/my-hand-ins": Scope.SESSIONS,
    "GET /groups/{name}/data/": Scope.SESSIONS, "GET /groups/{name}/hand-ins/": Scope.SESSIONS,
    "GET /groups/{name}/returned/": Scope.SESSIONS,
    "/groups/{name}/hand-ins/": Scope.USERS, "POST /groups/{name}/hand-ins": Scope.SESSIONS,
    "/users": Scope.USERS, "/groups": Scope.USERS, "/roster": Scope.USERS, "/removed-": Scope.USERS,
    "/usage": Scope.READ, "/audit": Scope.READ,
    "/sessions": Scope.SESSIONS, "/shared-sessions": Scope.SESSIONS, "/environments": Scope.SESSIONS, "/links": Scope.SESSIONS,
    "/events": Scope.SESSIONS,
}  # fmt: skip


def enough(call: str) -> list[Scope]:
    """The scopes that are enough for a call, `all` aside: what it needs, and `read` for what only looks; of some, any is."""
    method, _, path = call.partition(" ")
    needed = next((scope for begin, scope in NEEDED.items() if path.startswith(begin) or call.startswith(begin)), Scope.ALL)
    if needed is None:
        return list(Scope)
    return [needed, Scope.READ] if method == "GET" and needed is not Scope.READ else [needed]


def may_make(who: str, call: str) -> bool:
    """A token may do what its person may, and no more."""
    if who not in NARROW:
        return who in WHO[call]
    person, scope = NARROW[who]
    return person in WHO[call] and scope in enough(call)


#: What is sent, where a call takes something.
SENT: dict[str, Any] = {
    "POST /login": {"name": "zoe", "password": "wrong horse"},
    "POST /sessions": {"environment": "rspark"},
    "POST /links": {"environment": "rspark", "source": "tutorial"},
    "PATCH /sessions/{id}": {"name": "Thesis"},
    "POST /sessions/{id}/handouts": {"source": "https://git.example/labs"},
    "POST /sessions/{id}/shares": {"name": "other", "role": "editor"},
    "POST /tokens": {"name": "laptop"},
    "POST /roster": {"text": "new"},
    "POST /users": {"name": "new"},
    "POST /users/{name}/password": {"password": "correct horse", "current": "correct horse"},
    "POST /groups": {"name": "new"},
    "PUT /groups/{name}": {"members": []},
    "PATCH /groups/{name}": {"instructors_view": True},
    "PUT /groups/{name}/instructors": {"instructors": ["teacher"]},
    "POST /groups/{name}/people": {"people": ["other"]},
    "POST /groups/{name}/roster": {"text": "new", "links": False},
    "PUT /groups/{name}/announcement": {"text": "Lab 1 is out."},
    "PUT /groups/{name}/course-folder": {"course_folder": False},
}
#: What is said in the address, where a call takes something there.
QUERY = {
    "PUT /groups/{name}/data": "path=flights.csv",
    "POST /groups/{name}/hand-ins": "file=lab1.Rmd",
    "POST /groups/{name}/hand-ins/{id}/returned": "file=remarks.txt",
}
#: What doesn't end is asked by those alone who may not; that the others may has tests of its own.
ENDLESS = {"GET /events"}


async def expired(world: World) -> httpx.AsyncClient:
    lifetime = timedelta(minutes=1)
    now = world.clock() - timedelta(hours=1)
    _, token = await world.authenticator.make_token("owner", name="old", now=now, lifetime=lifetime)
    return world.nobody(Authorization=f"Bearer {token}")


async def revoked(world: World) -> httpx.AsyncClient:
    token, secret = await world.authenticator.make_token("owner", name="lost", now=world.clock())
    await world.store.credentials.remove_token(token.id, user_name="owner")
    return world.nobody(Authorization=f"Bearer {secret}")


NAMES = {ADMIN: "ada", MEMBER: "member", TEACHER: "teacher", ELSEWHERE: "tutor"}


async def client_of(world: World, who: str, session: str, another: str) -> httpx.AsyncClient:
    match who:
        case "nobody":
            return world.nobody()
        case "forged headers":
            forged = {"X-Rspark-Secret": "s3cret", "X-Forwarded-User": "ada", "Remote-User": "ada", "X-Rspark-User": "ada"}
            return world.nobody(**forged)
        case "expired token":
            return await expired(world)
        case "revoked token":
            return await revoked(world)
        case "disabled":
            client = await world.program("gone")
            await world.store.users.disable("gone", now=world.clock())
            return client
        case "the session itself":
            return await world.in_session(session)
        case "another session":
            return await world.in_session(another)
    if who in NARROW:
        person, scope = NARROW[who]
        return await world.program(NAMES.get(person, person), scope)
    return await world.program(NAMES.get(who, who))


@pytest.fixture
async def sessions(world: World) -> tuple[str, str, str]:
    """A running session of the owner's that is shared, another's, and the id of a share."""
    for name in (OWNER, EDITOR, VIEWER, OTHER, "member", "gone", "teacher", "tutor"):
        await world.add_person(name)
    for group, members, instructor in (("class", ["owner"], "teacher"), ("elsewhere", ["member"], "tutor")):
        await world.store.users.add_group(group, members=members, now=world.clock())
        await world.store.courses.set_instructors(group, [instructor], by=By("ada", world.clock()))
        await world.store.courses.set_rule(group, instructors_view=True, by=By("ada", world.clock()))
    await world.store.users.add_group("lab", members=["member"], now=world.clock())
    session, another = await world.session_of("owner"), await world.session_of("other")
    by = By("owner", world.clock())
    await world.store.shares.set(session, person="editor", role=Role.EDITOR, by=by)
    await world.store.shares.set(session, person="viewer", role=Role.VIEWER, by=by)
    share = await world.store.shares.set(session, group="lab", role=Role.VIEWER, by=by)
    for each in (session, another):
        await world.controller.run(each)
    return session, another, share.id


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("call", CALLS)
async def test_who_may_call_what(world: World, sessions: tuple[str, str, str], call: str) -> None:
    assert call in WHO, "say in WHO who may make this call"
    session, another, share = sessions
    method, _, path = call.partition(" ")
    clients = {who: await client_of(world, who, session, another) for who in sorted(ALL | set(NARROW))}
    names = {"share": share, "handout": "0" * 16, "name": "owner", "id": session if "/sessions/" in path else "none"}
    names |= {"way": "oidc", "site": "campus"}
    if path.startswith(("/environments", "/groups")):
        names["name"] = "rspark" if path.startswith("/environments") else "class"
    refused_first = sorted(clients, key=lambda who: (may_make(who, call), who))
    found: dict[str, int] = {}
    for who in refused_first:
        if call in ENDLESS and may_make(who, call):
            continue
        url = path.format(**names) if path.startswith("/hub/") else f"/hub/api{path.format(**names)}"
        answer = await clients[who].request(method, f"{url}?{QUERY.get(call, '')}", json=SENT.get(call))
        found[who] = answer.status_code
        if who in NARROW and NARROW[who][1] not in enough(call):
            assert f"with the scope {' or '.join(enough(call))}, and" in answer.json()["detail"]
    of_session = "/sessions/" in path
    for who, status in found.items():
        if may_make(who, call):
            assert status not in {401, 403, 405} or call == "POST /login", (call, who, status)
            assert not (of_session and status == 404) or method == "DELETE", (call, who, status)  # one ended it before
        elif who in UNKNOWN:
            assert status == 401, (call, who, status)
        elif of_session and who in {OTHER, ANOTHER, ELSEWHERE}:
            assert status in {404, 403} if who == ANOTHER else status == 404, (call, who, status)
        else:
            assert status == 403, (call, who, status)


#: Nobody is kept from signing out. Signing in counts too; it is asked apart, since it needs a password.
WITHOUT_END = {"POST /login", "POST /logout"}


@pytest.mark.long
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_what_one_person_changes_in_a_loop_has_an_end_whatever_it_is(world: World, sessions: tuple[str, str, str]) -> None:
    """Making and deleting, renaming, sharing and no longer: each writes into the audit, which keeps it."""
    session, _, share = sessions
    owner, other, admin = [await world.program(name) for name in ("owner", "other", "ada")]
    for number in range(700):
        answer = await owner.patch(f"/hub/api/sessions/{session}", json={"name": f"n{number}"})
        if answer.status_code != 200:
            break
    assert (answer.status_code, number) == (429, 600)
    assert "Wait" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0
    names = {"id": session, "share": share, "name": "owner", "handout": "0" * 16}
    changing = {call for call in CALLS if OWNER in WHO[call] and not call.startswith("GET ")} - WITHOUT_END
    assert len(changing) > 10
    for call in sorted(changing):
        method, _, path = call.partition(" ")
        url = f"/hub/api{path.format(**names)}"
        assert (await owner.request(method, url, json=SENT.get(call))).status_code == 429, call
    await world.authenticator.set_password("owner", "correct horse")
    signing_in = {"name": "owner", "password": "correct horse"}
    assert (await world.nobody().post("/hub/api/login", json=signing_in)).status_code == 429
    for _ in range(3):  # of somebody who does not know the password
        assert (await world.nobody().post("/hub/api/login", json={"name": "other", "password": "wrong horse"})).status_code == 401
    assert (await owner.get(f"/hub/api/sessions/{session}")).status_code == 200
    assert (await other.post("/hub/api/links", json=SENT["POST /links"])).status_code == 200
    for _ in range(700):
        assert (await admin.patch(f"/hub/api/sessions/{session}", json={"name": "n"})).status_code == 200


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_each_call_says_of_which_scopes_a_token_needs_one(world: World) -> None:
    """The description is made of what is enforced. A call that says none is for tokens with `all`, and is found here."""
    said = {
        f"{method.upper()} {path.removeprefix('/hub/api')}": [
            each["token"] for each in call.get("security", ()) if "token" in each
        ]
        for path, calls in world.app.openapi()["paths"].items()
        for method, call in calls.items()
    }
    unlimited = {call: said.pop(call, []) for call in CALLS if enough(call) == list(Scope)}
    assert said == {call: [[scope] for scope in enough(call)] for call in CALLS if call not in unlimited}
    assert all(each in ([], [[]]) for each in unlimited.values())


def test_nobody_is_said_to_may_what_there_is_not() -> None:
    assert set(WHO) == set(CALLS)
