"""The client of the API server, against an HTTP server that answers as Kubernetes' API is documented."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from rsparkhub.backends.kubernetes.api import Api, Refused
from rsparkhub.domain.errors import Unavailable
from rsparkhub.settings.kubernetes import KubernetesSettings

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "s"}}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status(code: int, reason: str, message: str = "", **headers: str) -> web.Response:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code, headers=headers)


class Server:
    """Answers each call with the next of what it was given; the last one stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: list[Handler] = []
        self.asked: list[web.Request] = []
        self.bodies: list[Any] = []
        self.token = "first"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.strip("/") == "version":
            return web.json_response({"major": "1", "minor": "35", "gitVersion": "v1.35.0"})
        self.asked.append(request)
        self.bodies.append(await request.read())
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return status(401, "Unauthorized")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    def answer(self, *answers: web.Response | Handler) -> None:
        async def given(response: web.Response) -> web.StreamResponse:
            return web.Response(body=response.body, status=response.status, headers=response.headers)  # each is sent once

        self.answers = [(lambda _, each=each: given(each)) if isinstance(each, web.Response) else each for each in answers]

    def write(self, address: str, token: str) -> None:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": address}}],
            "users": [{"name": "test", "user": {"token": token}}],
        }
        self.path.write_text(yaml.safe_dump(config))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    stand_in = Server(tmp_path / "kubeconfig")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stand_in.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    stand_in.address = f"http://{host}:{port}"  # type: ignore[attr-defined]
    stand_in.write(stand_in.address, "first")  # type: ignore[attr-defined]
    yield stand_in
    await runner.cleanup()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    async with Api(KubernetesSettings(kubeconfig=server.path)) as client:
        yield client


async def test_an_object_is_created_by_one_call(server: Server, api: Api) -> None:
    server.answer(web.json_response({**POD, "metadata": {**POD["metadata"], "uid": "7"}}, status=201))  # type: ignore[dict-item]
    made = await api.create(POD)
    assert made["metadata"]["uid"] == "7"
    (asked,) = server.asked
    assert (asked.method, asked.path_qs) == ("POST", "/api/v1/namespaces/s/pods?fieldManager=rsparkhub")
    assert json.loads(server.bodies[0]) == POD


async def test_what_is_there_already_is_told_apart_from_what_somebody_changes_at_the_same_time(server: Server, api: Api) -> None:
    server.answer(status(409, "AlreadyExists"), status(409, "Conflict", "the object has been modified"))
    with pytest.raises(Refused) as refused:
        await api.create(POD)
    assert refused.value.already_exists
    assert refused.value.kind == "Pod"
    with pytest.raises(Unavailable, match="has been modified"):
        await api.create(POD)


async def test_a_refusal_is_no_outage_and_an_outage_no_refusal(server: Server, api: Api) -> None:
    server.answer(status(403, "Forbidden", "exceeded quota"), status(500, "InternalError", "etcdserver: request timed out"))
    with pytest.raises(Refused, match="exceeded quota"):
        await api.create(POD)
    with pytest.raises(Unavailable, match="etcdserver"):
        await api.create(POD)


async def test_what_is_not_there_is_none(server: Server, api: Api) -> None:
    server.answer(status(404, "NotFound"))
    assert await api.get("Pod", "s", "a") is None
    assert await api.merge("Pod", "s", "a", {}) is None
    assert await api.delete("Pod", "s", "a") is False


async def test_an_api_server_that_has_no_time_is_asked_again_when_it_says(server: Server, api: Api) -> None:
    busy = status(429, "TooManyRequests", **{"Retry-After": "0"})
    server.answer(busy, status(429, "TooManyRequests", **{"Retry-After": "mad"}), web.json_response(POD))
    assert await api.get("Pod", "s", "a") == POD
    assert len(server.asked) == 3


async def test_a_token_that_has_run_out_is_read_anew_once_for_all_who_wait(server: Server, api: Api) -> None:
    server.answer(lambda _: asyncio.sleep(0, web.json_response(POD)))
    await api.get("Pod", "s", "a")
    server.token = "second"
    server.write(server.address, "second")  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(api.get("Pod", "s", "a") for _ in range(5))) == [POD] * 5
    assert len(server.asked) <= 1 + 5 * 2


async def test_credentials_that_are_refused_are_told(server: Server, api: Api) -> None:
    server.token = "another"
    with pytest.raises(Unavailable, match="refuses the credentials"):
        await api.get("Pod", "s", "a")


async def test_a_connection_that_was_closed_is_opened_again(server: Server, api: Api) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    server.answer(hang_up, web.json_response(POD, status=201))
    assert await api.create(POD) == POD
    server.answer(hang_up)
    with pytest.raises(Unavailable, match="can't be reached"):
        await api.create(POD)


async def test_pages_are_one_list(server: Server, api: Api) -> None:
    first = {"metadata": {"resourceVersion": "5", "continue": "more"}, "items": [{"n": 1}]}
    server.answer(web.json_response(first), web.json_response({"metadata": {"resourceVersion": "5"}, "items": None}))
    listed = await api.list("Pod", None, labels="a=b,c in (d)", names_only=True)
    assert (listed.items, listed.version) == ([{"n": 1}], "5")
    assert server.asked[0].query["labelSelector"] == "a=b,c in (d)"
    assert server.asked[1].query["continue"] == "more"
    assert server.asked[0].headers["Accept"].startswith("application/json;as=PartialObjectMetadataList")


async def test_a_watch_gives_objects_of_any_size_as_they_come(server: Server, api: Api) -> None:
    sizes = [10, 300_000, 10]

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for size in sizes:
            await response.write(json.dumps({"type": "ADDED", "object": "x" * size}).encode() + b"\n")
        return response

    server.answer(stream)
    async with api.watch("Pod", "s", labels="", version="7", seconds=5) as events:
        assert [len(event["object"]) async for event in events] == sizes
    assert server.asked[0].query["resourceVersion"] == "7"


async def test_an_api_server_that_is_away_is_unavailable(server: Server, api: Api, tmp_path: Path) -> None:
    server.write("http://127.0.0.1:1", "first")
    with pytest.raises(Unavailable, match="no way to a Kubernetes API server"):
        await api.get("Pod", "s", "a")
