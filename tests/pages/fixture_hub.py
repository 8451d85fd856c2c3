"""A hub that says what a test tells it to: a fixture, and nothing that a person ever meets.

It serves the built pages with the hub's own policy, and the API's calls with the hub's own wire types, so that what it says
is what a hub would say. What can't be brought about with a real hub at will (a queue of 14, a failure, a thousand sessions,
a connection that breaks) is set here in a line. `python -m tests.pages.fixture_hub` serves it for `npm run dev`.
"""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rsparkhub.api.language import language_of
from rsparkhub.api.resources.pages import CONTENT_SECURITY_POLICY, built_languages, index_in
from rsparkhub.domain.coursework import Assignment, assignment_of, by_name, check_name, check_path
from rsparkhub.domain.errors import InvalidInput
from rsparkhub.domain.roster import read_roster
from rsparkhub.wire.course import CourseView
from rsparkhub.wire.coursework import CourseDataView, CourseFolderList, HandInList
from rsparkhub.wire.environment import EnvironmentList
from rsparkhub.wire.handout import HandoutView
from rsparkhub.wire.record import EventView
from rsparkhub.wire.session import Extension, Renaming, SessionView
from rsparkhub.wire.share import SharedSessionView, ShareView
from rsparkhub.wire.users import (
    BrowserList,
    CreatedToken,
    Me,
    RemovedGroupView,
    RemovedUserView,
    RosterProblemView,
    RosterResult,
    SignedOut,
    SignInLink,
    TokenView,
    UserView,
    WayToSignIn,
)
from tests.pages import world as examples

PAGES = Path(__file__).parents[2] / "hub" / "src" / "rsparkhub" / "pages"

Json = dict[str, Any]


class World:
    """What the hub knows, and who listens to it."""

    def __init__(self) -> None:
        self.me: Json | None = examples.me()
        self.password = "correct horse"
        self.ways: list[Json] = [{"name": "password", "title": "Name and password", "fields": ["name", "password"]}]
        self.environments: list[Json] = [examples.rspark(), examples.basics(), examples.terminal()]
        self.catalog_problems: list[Json] = []
        self.sessions: dict[str, Json] = {}
        self.people: list[Json] = [examples.person("ada", admin=True)]
        self.removed: list[Json] = []
        self.removed_groups: list[Json] = []
        self.trust: str | None = None
        self.address: str | None = None  # that of links; its own by default
        self.groups: list[Json] = []
        self.tokens: list[Json] = []
        self.events: list[Json] = []
        self.shares: list[Json] = []
        self.shared: list[Json] = []  # {session, role, expires}: what others share
        self.handout: Json = examples.handout()
        self.course: Json = examples.course()
        self.data: list[Json] = []
        self.hand_ins: list[Json] = []
        self.handed_in: dict[str, bytes] = {}  # what came, by the names of files
        self.data_room = 200 * 2**20
        self.has_course = True  # whether the course has something for its students
        self.logs: dict[str, str] = {}
        self.endless_logs = False
        self.attempts_left = 3
        self.sign_out_url: str | None = None
        self.busy_refusals = False
        self.asked: list[tuple[str, str, Json | None]] = []
        self.refusals: dict[str, tuple[int, str]] = {}
        self.slow = 0.0
        self.held = False  # what changes something is answered once it is no longer
        self.browsers: list[Json] = []
        self.away = False


class FixtureHub:
    """Serves a `World` on a port of its own, from a thread of its own."""

    def __init__(self) -> None:
        self.world = World()
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self.followed_logs = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = Starlette(routes=self._routes(), middleware=[Middleware(_Remember, hub=self)])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._run, name="fixture-hub", daemon=True)

    def __enter__(self) -> "FixtureHub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._on_loop(self._hang_up)
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def reset(self) -> World:
        """Begin anew, with nobody listening."""
        self._on_loop(self._hang_up)
        deadline = time.monotonic() + 5
        while self._listeners and time.monotonic() < deadline:
            time.sleep(0.005)
        self.world = World()
        return self.world

    def put(self, session: Json) -> Json:
        """Let a session be so, and tell it."""
        told = SessionView.model_validate(session).model_dump(mode="json")
        self.world.sessions[told["id"]] = told
        self._say("session", told)
        return told

    def change(self, session_id: str, **changes: Any) -> Json:
        """Let a session be different, and tell it."""
        return self.put(self.world.sessions[session_id] | changes)

    def progress(self, session_id: str, part: str, state: str) -> None:
        """Let a part of a session be so, and tell it before the session itself does."""
        self._say("progress", {"session": session_id, "part": part, "title": None, "state": state, "reason": None})

    def delete(self, session_id: str) -> None:
        """Let a session be gone, and tell it."""
        del self.world.sessions[session_id]
        self._say("deleted", {"id": session_id})

    def go_away(self) -> None:
        """Answer nothing any more, and end every stream."""
        self.world.away = True
        self._on_loop(self._hang_up)

    def come_back(self) -> None:
        self.world.away = False

    @property
    def streams(self) -> int:
        """How many event streams are open."""
        return len(self._listeners)

    def hang_up(self) -> None:
        """End every stream."""
        self._on_loop(self._hang_up)

    async def heard(self) -> None:
        """Wait until a page listens to what is told."""
        async with asyncio.timeout(10):
            while not self._listeners:
                await asyncio.sleep(0.01)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])

    def _on_loop(self, call: Callable[[], None]) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        if threading.current_thread() is self._thread:
            call()
            return
        done = threading.Event()

        def run() -> None:
            call()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(timeout=5)

    def _hang_up(self) -> None:
        for listener in self._listeners:
            listener.put_nowait(None)

    def _say(self, event: str, data: Json) -> None:
        text = f"event: {event}\nid: 1\ndata: {json.dumps(data)}\n\n"

        def tell() -> None:
            for listener in self._listeners:
                listener.put_nowait(text)

        self._on_loop(tell)

    def _routes(self) -> list[Route]:
        api = "/hub/api"
        return [
            Route(f"{api}/me", self._me),
            Route(f"{api}/login", self._ways),
            Route(f"{api}/login", self._login, methods=["POST"]),
            Route(f"{api}/logout", self._logout, methods=["POST"]),
            Route(f"{api}/environments", self._environments),
            Route(f"{api}/sessions", self._sessions),
            Route(f"{api}/sessions", self._start, methods=["POST"]),
            Route(f"{api}/sessions/{{id}}", self._session),
            Route(f"{api}/sessions/{{id}}", self._rename, methods=["PATCH"]),
            Route(f"{api}/sessions/{{id}}/extend", self._extend, methods=["POST"]),
            Route(f"{api}/sessions/{{id}}", self._want_deleted, methods=["DELETE"]),
            Route(f"{api}/sessions/{{id}}/events", self._stream),
            Route(f"{api}/sessions/{{id}}/logs", self._logs),
            Route(f"{api}/sessions/{{id}}/shares", self._shares),
            Route(f"{api}/sessions/{{id}}/shares", self._share, methods=["POST"]),
            Route(f"{api}/sessions/{{id}}/shares/{{share}}", self._unshare, methods=["DELETE"]),
            Route(f"{api}/sessions/{{id}}/handouts", self._bring, methods=["POST"]),
            Route(f"{api}/sessions/{{id}}/handouts/{{handout}}", self._handout),
            Route(f"{api}/links", self._make_link, methods=["POST"]),
            Route(f"{api}/shared-sessions", self._shared),
            Route(f"{api}/sessions/{{id}}/{{change}}", self._want, methods=["POST"]),
            Route(f"{api}/events", self._stream),
            Route(f"{api}/users", self._people),
            Route(f"{api}/users", self._add_person, methods=["POST"]),
            Route(f"{api}/roster", self._add_class, methods=["POST"]),
            Route(f"{api}/users/{{name}}", self._remove_person, methods=["DELETE"]),
            Route(f"{api}/removed-users", self._removed),
            Route(f"{api}/removed-users/{{id}}", self._discard, methods=["DELETE"]),
            Route(f"{api}/removed-groups", self._removed_groups),
            Route(f"{api}/removed-groups/{{id}}", self._discard_group, methods=["DELETE"]),
            Route(f"{api}/users/{{name}}/password", self._done, methods=["POST"]),
            Route(f"{api}/users/{{name}}/link", self._link, methods=["POST"]),
            Route(f"{api}/groups", self._groups),
            Route(f"{api}/groups", self._add_group, methods=["POST"]),
            Route(f"{api}/groups/{{name}}", self._course),
            Route(f"{api}/groups/{{name}}/sessions", self._course_sessions),
            Route(f"{api}/groups/{{name}}/course-folder", self._set_folder, methods=["PUT"]),
            Route(f"{api}/groups/{{name}}/data", self._data),
            Route(f"{api}/groups/{{name}}/data", self._give, methods=["PUT"]),
            Route(f"{api}/groups/{{name}}/data/{{id}}", self._take_away, methods=["DELETE"]),
            Route(f"{api}/groups/{{name}}/hand-ins", self._hand_ins),
            Route(f"{api}/groups/{{name}}/hand-ins", self._hand_in, methods=["POST"]),
            Route(f"{api}/courses", self._courses),
            Route(f"{api}/groups/{{name}}/my-hand-ins", self._hand_ins),
            Route(f"{api}/groups/{{name}}/returned/{{id}}", self._returned),
            Route(f"{api}/groups/{{name}}/hand-ins/{{id}}", self._remove_hand_in, methods=["DELETE"]),
            Route(f"{api}/groups/{{name}}/hand-ins/{{id}}/returned", self._give_back, methods=["POST"]),
            Route(f"{api}/groups/{{name}}", self._set_members, methods=["PUT"]),
            Route(f"{api}/groups/{{name}}", self._remove_group, methods=["DELETE"]),
            Route(f"{api}/users/{{name}}/{{change}}", self._change_person, methods=["POST"]),
            Route(f"{api}/users/{{name}}/browsers", self._browsers),
            Route(f"{api}/users/{{name}}/browsers/{{id}}", self._done, methods=["DELETE"]),
            Route(f"{api}/users/{{name}}/tokens", self._tokens),
            Route(f"{api}/users/{{name}}/tokens/{{id}}", self._revoke, methods=["DELETE"]),
            Route(f"{api}/groups/{{name}}/announcement", self._announce, methods=["PUT"]),
            Route(f"{api}/tokens", self._tokens),
            Route(f"{api}/tokens", self._make_token, methods=["POST"]),
            Route(f"{api}/tokens/{{id}}", self._revoke, methods=["DELETE"]),
            Route(f"{api}/audit", self._audit),
            Route("/s/{id}/", self._interface),
            Route("/hub/{path:path}", self._page),
        ]

    # Sign-in

    async def _me(self, request: Request) -> Response:
        if self.world.me is None:
            return problem(401, "Sign in first.")
        return JSONResponse(Me.model_validate(self.world.me).model_dump(mode="json"))

    async def _ways(self, request: Request) -> Response:
        ways = [WayToSignIn.model_validate(each).model_dump(mode="json") for each in self.world.ways]
        return JSONResponse(ways)

    async def _login(self, request: Request) -> Response:
        said = await request.json()
        if self.world.attempts_left == 0:
            return problem(429, "Too many attempts to sign in. Wait a little.", {"Retry-After": "42"})
        if said["password"] != self.world.password:
            self.world.attempts_left -= 1
            return problem(401, "Name or password is not right.")
        self.world.me = examples.me() | {"name": said["name"]}
        return JSONResponse({"token": "t", "expires": None, "user": self.world.me})

    async def _logout(self, request: Request) -> Response:
        self.world.me = None
        return JSONResponse(SignedOut(url=self.world.sign_out_url).model_dump(mode="json"))

    # Sessions

    async def _environments(self, request: Request) -> Response:
        problems = self.world.catalog_problems
        told = problems if (self.world.me or {}).get("admin") else []
        said = {"environments": self.world.environments, "incomplete": bool(problems), "problems": told}
        return JSONResponse(EnvironmentList.model_validate(said).model_dump(mode="json"))

    def _seen(self, everybody: bool) -> list[Json]:
        me = (self.world.me or {}).get("name")
        seen = [session for session in self.world.sessions.values() if everybody or session["owner"] == me]
        return sorted(seen, key=lambda session: session["created"], reverse=True)

    async def _sessions(self, request: Request) -> Response:
        seen = self._seen(request.query_params.get("all") == "true")
        after = request.query_params.get("after")
        if after:
            seen = seen[[session["id"] for session in seen].index(after) + 1 :]
        limit = int(request.query_params["limit"])
        more = seen[limit - 1]["id"] if len(seen) > limit else None
        return JSONResponse({"sessions": seen[:limit], "next": more})

    async def _start(self, request: Request) -> Response:
        said = await request.json()
        environment = next(each for each in self.world.environments if each["name"] == said["environment"])
        there = [each for each in self._seen(False) if each["environment"] == environment["name"]]
        if said.get("reuse") and there:
            return JSONResponse(there[0], status_code=202)
        if said.get("options", {}).get("workers") == "9":
            return problem(422, "The option workers of Statistics lab is to be a number from 1 to 8.")
        session = examples.session(
            id=f"new{len(self.world.sessions)}",
            environment=environment["name"],
            title=environment["title"],
            name=said.get("name") or environment["title"],
            options={"size": "small", "workers": 2, "trace": False} | said.get("options", {}),
            state="queued",
            ready=None,
            services=[],
            queue_position=1,
        )
        self.world.sessions[session["id"]] = session
        return JSONResponse(session, status_code=202)

    async def _session(self, request: Request) -> Response:
        session = self.world.sessions.get(request.path_params["id"])
        return JSONResponse(session) if session else problem(404, "There is no such session.")

    async def _want(self, request: Request) -> Response:
        change = request.path_params["change"]
        changes: dict[str, Json] = {
            "suspend": {"wanted": "suspended", "state": "suspending"},
            "resume": {"wanted": "running", "state": "queued", "queue_position": 1},
            "stop": {"wanted": "stopped", "state": "stopping"},
        }
        session, consent = self.world.sessions[request.path_params["id"]], await _json(request)
        if self.world.busy_refusals and session["busy"] and change != "resume" and not {*consent} & {"confirm", "force"}:
            return problem(409, "It computes.", code="busy", running=session["busy_with"])
        return JSONResponse(self.change(session["id"], **changes[change]), status_code=202)

    async def _rename(self, request: Request) -> Response:
        said = Renaming.model_validate(await request.json())
        return JSONResponse(self.change(request.path_params["id"], name=said.name))

    async def _extend(self, request: Request) -> Response:
        extension = Extension.model_validate(await request.json())
        session = self.world.sessions[request.path_params["id"]]
        if not session["sleeps"]["can_extend"]:
            return problem(409, f"{session['name']} sleeps as late as it may: 12 hours ahead. Put it off again later.")
        at = datetime.fromisoformat(session["sleeps"]["at"]) + extension.duration
        sleeps = session["sleeps"] | {"at": at.isoformat(), "can_extend": at < examples.now() + timedelta(hours=12)}
        return JSONResponse(self.change(session["id"], sleeps=sleeps, warnings=[]))

    async def _want_deleted(self, request: Request) -> Response:
        return JSONResponse(self.change(request.path_params["id"], wanted="deleted", state="stopping"), status_code=202)

    async def _shares(self, request: Request) -> Response:
        return JSONResponse({"shares": self.world.shares})

    async def _share(self, request: Request) -> Response:
        said = await request.json()
        if said["name"] == "nobody":
            return problem(404, "There is no user called nobody.")
        made = {**said, "id": f"h{len(self.world.shares)}", "created": examples.ago(seconds=1)}
        self.world.shares.append(ShareView.model_validate(made).model_dump(mode="json"))
        return JSONResponse(self.world.shares[-1], status_code=201)

    async def _unshare(self, request: Request) -> Response:
        self.world.shares = [each for each in self.world.shares if each["id"] != request.path_params["share"]]
        return Response(status_code=204)

    async def _bring(self, request: Request) -> Response:
        return JSONResponse(HandoutView.model_validate(self.world.handout).model_dump(mode="json"), status_code=202)

    async def _handout(self, request: Request) -> Response:
        return JSONResponse(HandoutView.model_validate(self.world.handout).model_dump(mode="json"))

    async def _make_link(self, request: Request) -> Response:
        said = await request.json()
        if "://" in said["source"] and not said["source"].startswith("http"):
            return problem(422, "source: the source is the https or http address of a Git repository.")
        chosen = [("option", f"{name}={value}") for name, value in said.get("options", {}).items()]
        query = urlencode([("environment", said["environment"]), ("from", said["source"]), *chosen])
        return JSONResponse({"url": f"{self.url}/hub/start?{query}"})

    async def _shared(self, request: Request) -> Response:
        views = [SharedSessionView.model_validate(each).model_dump(mode="json") for each in self.world.shared]
        return JSONResponse({"sessions": views})

    async def _stream(self, request: Request) -> Response:
        listener: asyncio.Queue[str | None] = asyncio.Queue()

        async def pieces() -> AsyncIterator[str]:
            self._listeners.add(listener)
            try:
                yield ": hello\n\n"
                while (text := await listener.get()) is not None:
                    yield text
            finally:
                self._listeners.discard(listener)

        return StreamingResponse(pieces(), media_type="text/event-stream")

    async def _logs(self, request: Request) -> Response:
        service = request.query_params.get("service")
        if service is None:
            return JSONResponse({"services": sorted(self.world.logs)})
        if service not in self.world.logs:
            return problem(404, f"The session has no log of {service}.")

        async def pieces() -> AsyncIterator[str]:
            yield self.world.logs[service]
            if not self.world.endless_logs or "follow" not in request.query_params:
                return
            self.followed_logs += 1
            try:
                while self.world.endless_logs:
                    await asyncio.sleep(0.1)
            finally:
                self.followed_logs -= 1

        return StreamingResponse(pieces(), media_type="text/plain")

    # Administration

    async def _people(self, request: Request) -> Response:
        people = [UserView.model_validate(each).model_dump(mode="json") for each in self.world.people]
        return JSONResponse({"users": people, "notice": self.world.trust})

    async def _add_person(self, request: Request) -> Response:
        said = await request.json()
        if any(person["name"] == said["name"] for person in self.world.people):
            return problem(409, f"There is somebody called {said['name']} already. Choose another name.")
        self.world.people.append(examples.person(said["name"], admin=said["admin"], last_seen=None, has_password=False))
        return JSONResponse(self.world.people[-1], status_code=201)

    async def _add_class(self, request: Request) -> Response:
        rows, problems = read_roster((await request.json())["text"])
        added = [] if problems else [row.name for row in rows]
        self.world.people += [examples.person(name, last_seen=None, has_password=False) for name in added]
        wrong = [RosterProblemView(line=each.line, text=each.text) for each in problems]
        result = RosterResult(problems=wrong, added=added, there=[], links="name,link\n" if added else "")
        return JSONResponse(result.model_dump(mode="json"))

    async def _remove_person(self, request: Request) -> Response:
        self.world.people = [each for each in self.world.people if each["name"] != request.path_params["name"]]
        return Response(status_code=204)

    async def _removed(self, request: Request) -> Response:
        listed = [RemovedUserView.model_validate(each).model_dump(mode="json") for each in self.world.removed]
        self.world.removed = [each for each in self.world.removed if each["data"] == "keep"]
        return JSONResponse({"removed": listed})

    async def _discard(self, request: Request) -> Response:
        [found] = [each for each in self.world.removed if each["id"] == request.path_params["id"]]
        found["data"] = request.query_params["data"]
        return JSONResponse(found, status_code=202)

    async def _removed_groups(self, request: Request) -> Response:
        listed = [RemovedGroupView.model_validate(each).model_dump(mode="json") for each in self.world.removed_groups]
        self.world.removed_groups = [each for each in self.world.removed_groups if each["data"] == "keep"]
        return JSONResponse({"removed": listed})

    async def _discard_group(self, request: Request) -> Response:
        [found] = [each for each in self.world.removed_groups if each["id"] == request.path_params["id"]]
        found["data"] = request.query_params["data"]
        return JSONResponse(found, status_code=202)

    async def _link(self, request: Request) -> Response:
        link = SignInLink(
            url=f"{self.world.address or self.url}/hub/?token=4f1c9a7be2d84c5b9f31", expires=examples.now() + timedelta(days=1)
        )
        return JSONResponse(link.model_dump(mode="json"), status_code=201)

    async def _groups(self, request: Request) -> Response:
        return JSONResponse({"groups": self.world.groups})

    async def _add_group(self, request: Request) -> Response:
        said = await request.json()
        self.world.groups.append({"name": said["name"], "members": said["members"], "instructors": [], "instructors_view": False})
        return JSONResponse(self.world.groups[-1], status_code=201)

    async def _set_members(self, request: Request) -> Response:
        group = next(each for each in self.world.groups if each["name"] == request.path_params["name"])
        group["members"] = (await request.json())["members"]
        return JSONResponse(group)

    async def _remove_group(self, request: Request) -> Response:
        name, data = request.path_params["name"], request.query_params["data"]
        self.world.groups = [each for each in self.world.groups if each["name"] != name]
        left = {
            "id": name,
            "name": f"{name} (removed)",
            "removed": examples.ago(hours=0),
            "data": data,
            "left": ["hdfs", "postgres"],
        }
        self.world.removed_groups.append(left)
        return Response(status_code=204)

    async def _change_person(self, request: Request) -> Response:
        person = next(each for each in self.world.people if each["name"] == request.path_params["name"])
        person["disabled"] = examples.ago(seconds=0) if request.path_params["change"] == "disable" else None
        return JSONResponse(UserView.model_validate(person).model_dump(mode="json"))

    async def _browsers(self, request: Request) -> Response:
        return JSONResponse(BrowserList.model_validate({"browsers": self.world.browsers}).model_dump(mode="json"))

    # Courses

    async def _course(self, request: Request) -> Response:
        return JSONResponse(CourseView.model_validate(self.world.course).model_dump(mode="json"))

    async def _course_sessions(self, request: Request) -> Response:
        return JSONResponse({"sessions": self._seen(True), "next": None})

    async def _set_folder(self, request: Request) -> Response:
        said = await request.json()
        own = {each["name"]: each for each in [*self.world.course["assignments"], *said.get("assignments", [])]}
        self.world.course |= said | {"assignments": [each for each in own.values() if each["due"]]}
        return await self._course(request)

    async def _data(self, request: Request) -> Response:
        size = sum(file["size"] for file in self.world.data)
        said = {"data": self.world.data, "size": size, "room": self.world.data_room}
        return JSONResponse(CourseDataView.model_validate(said).model_dump(mode="json"))

    async def _give(self, request: Request) -> Response:
        body, path = await request.body(), request.query_params["path"]
        try:
            check_path(path)
        except InvalidInput as error:
            return problem(422, str(error))
        self.world.data = [file for file in self.world.data if file["path"] != path]
        self.world.data.append({"id": f"d{len(self.world.asked)}", "path": path, "size": len(body)})
        return JSONResponse(self.world.data[-1])

    async def _take_away(self, request: Request) -> Response:
        self.world.data = [file for file in self.world.data if file["id"] != request.path_params["id"]]
        return Response(status_code=204)

    async def _hand_ins(self, request: Request) -> Response:
        return JSONResponse(HandInList.model_validate({"hand_ins": self.world.hand_ins}).model_dump(mode="json"))

    async def _hand_in(self, request: Request) -> Response:
        body, file = await request.body(), request.query_params["file"]
        try:
            check_name(file)
        except InvalidInput as error:
            return problem(422, str(error))
        if not self.world.course["course_folder"]:
            return problem(409, "stats-101 takes no work now. Its instructors and administrators open its course folder.")
        own = (
            Assignment(name=each["name"], due=datetime.fromisoformat(each["due"])) for each in self.world.course["assignments"]
        )
        of, now = assignment_of(file, by_name(own)), examples.ago(seconds=0)
        made = examples.hand_in(
            f"h{len(self.world.asked)}", "bo", file, size=len(body), at=now, assignment=of and of.name,
            late=of is not None and of.due < datetime.fromisoformat(now),
        )  # fmt: skip
        self.world.hand_ins.append(made)
        self.world.handed_in[file] = body
        return JSONResponse(made, status_code=201)

    async def _courses(self, request: Request) -> Response:
        data = self.world.data if request.query_params.get("data") != "false" else []
        said = {"group": self.world.course["name"], "instructor": False, "data": data, "files": len(self.world.data)}
        said |= {name: self.world.course[name] for name in ("course_folder", "due", "assignments", "file_size")}
        found = CourseFolderList.model_validate({"courses": [said] if self.world.has_course else []})
        return JSONResponse(found.model_dump(mode="json"))

    async def _returned(self, request: Request) -> Response:
        return PlainTextResponse("8 of 10.\nShow the units in your plots.\n")

    async def _remove_hand_in(self, request: Request) -> Response:
        self.world.hand_ins = [each for each in self.world.hand_ins if each["id"] != request.path_params["id"]]
        return Response(status_code=204)

    async def _give_back(self, request: Request) -> Response:
        (handed_in,) = [each for each in self.world.hand_ins if each["id"] == request.path_params["id"]]
        returned = examples.returned(f"r{len(self.world.asked)}", request.query_params["file"])
        handed_in["returned"].append(returned)
        return JSONResponse(returned, status_code=201)

    async def _announce(self, request: Request) -> Response:
        said = await request.json()
        told = {"text": said["text"], "link": None, "by": "ada", "at": examples.ago(seconds=0)}
        self.world.course["announcement"] = told if said["text"] else None
        return await self._course(request)

    async def _tokens(self, request: Request) -> Response:
        return JSONResponse({"tokens": [TokenView.model_validate(each).model_dump(mode="json") for each in self.world.tokens]})

    async def _make_token(self, request: Request) -> Response:
        said = await request.json()
        token = examples.token(f"t{len(self.world.tokens)}", said["name"], last_used=None, scopes=said["scopes"])
        self.world.tokens.append(token)
        return JSONResponse(CreatedToken(**token, token="rsh_8f2k3m9q").model_dump(mode="json"), status_code=201)

    async def _revoke(self, request: Request) -> Response:
        self.world.tokens = [each for each in self.world.tokens if each["id"] != request.path_params["id"]]
        return Response(status_code=204)

    async def _audit(self, request: Request) -> Response:
        asked = request.query_params
        before, limit = int(asked.get("before", 2**53)), int(asked["limit"])
        views = [EventView.model_validate(event) for event in reversed(self.world.events) if event["id"] < before]
        found = [
            view
            for view in views
            if asked.get("kind") in {None, view.kind}
            and asked.get("person") in {None, view.by, view.owner}
            and asked.get("session") in {None, view.session, view.session_name}
            and ("since" not in asked or view.at >= datetime.fromisoformat(asked["since"]))
        ]
        more = found[limit - 1].id if len(found) > limit else None
        return JSONResponse({"events": [view.model_dump(mode="json") for view in found[:limit]], "next": more})

    async def _done(self, request: Request) -> Response:
        return Response(status_code=204)

    # What isn't the API

    async def _interface(self, request: Request) -> Response:
        return PlainTextResponse(f"The interface of {request.path_params['id']}")

    async def _page(self, request: Request) -> Response:
        path = (PAGES / request.path_params["path"]).resolve()
        index = index_in(language_of(request, built_languages(PAGES)))
        found = path if path.is_file() and path.is_relative_to(PAGES) else PAGES / index
        return FileResponse(found, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})


class _Remember:
    """Notes what was asked for, refuses what a test wants refused, and is away when a test wants it so."""

    def __init__(self, app: ASGIApp, hub: FixtureHub) -> None:
        self._app = app
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or don't."""
        world = self._hub.world
        if scope["type"] != "http" or not scope["path"].startswith("/hub/api/"):
            await self._app(scope, receive, send)
            return
        call = f"{scope['method']} {scope['path'].removeprefix('/hub/api')}"
        if scope["method"] != "GET":
            receive, body = await _read(receive, scope["headers"])
            world.asked.append((scope["method"], scope["path"].removeprefix("/hub/api"), body))
        while world.held and scope["method"] != "GET":
            await asyncio.sleep(0.02)
        if world.slow and "text/event-stream" not in dict(scope["headers"]).get(b"accept", b"").decode():
            await asyncio.sleep(world.slow)
        if world.away:
            await PlainTextResponse("Bad Gateway", status_code=502)(scope, receive, send)
        elif call in world.refusals:
            await problem(*world.refusals[call])(scope, receive, send)
        else:
            with contextlib.suppress(asyncio.CancelledError):
                await self._app(scope, receive, send)


async def _read(receive: Receive, headers: list[tuple[bytes, bytes]]) -> tuple[Receive, Json | None]:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    told = False

    async def again() -> Any:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    is_file = any(name == b"content-type" and value == b"application/octet-stream" for name, value in headers)
    return again, json.loads(body) if body and not is_file else None


async def _json(request: Request) -> Json:
    body = await request.body()
    return dict(json.loads(body)) if body else {}


def problem(status: int, detail: str, headers: dict[str, str] | None = None, *, code: str = "fixture", **more: Any) -> Response:
    """Answer as the hub does when something is wrong."""
    body = {"type": "about:blank", "title": "", "status": status, "detail": detail, "code": code, **more}
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)


def main() -> None:
    """Serve an example of everything until Ctrl+C."""
    with FixtureHub() as hub:
        for session in examples.everything():
            hub.put(session)
        print(hub.url)
        threading.Event().wait()


if __name__ == "__main__":
    main()
