"""What the backend asks of an API server, and what it finds: on one in memory, that counts."""

import asyncio
import os
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from rspark_contract.http import SECRET_HEADER, Ending
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.backend import KubernetesBackend
from rsparkhub.backends.kubernetes.objects import generation
from rsparkhub.backends.kubernetes.objects.names import AGENT_PORT, FORGET, OWNER, labels_of, plain
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.errors import CannotStart
from rsparkhub.settings.kubernetes import KubernetesSettings

from .stand_in_api_server import StandInApiServer, running
from .test_manifests import POSTGRES, SPARK, TERMINAL

NAMESPACE = "rspark-sessions"
REF = EnsembleRef(TERMINAL.id, TERMINAL.generation)
NAME = "rspark-kq4wz7m2xb-3"
ENDED = {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {"exitCode": 0, "message": "{}"}}}]}


class World:
    """An API server, and the controllers on it."""

    def __init__(self, server: StandInApiServer, settings: KubernetesSettings, stack: AsyncExitStack) -> None:
        self.server, self.settings, self._stack = server, settings, stack

    async def controller(self, *, watching: bool = True, believe: float = 2.0) -> KubernetesBackend:
        backend = KubernetesBackend(self.settings, believe=believe)
        self._stack.push_async_callback(backend.aclose)
        if watching:
            await self._stack.enter_async_context(_watched(backend))
        self.server.calls.clear()
        return backend


@asynccontextmanager
async def _watched(backend: KubernetesBackend) -> AsyncIterator[None]:
    async def follow() -> None:
        async with aclosing(backend.changes()) as changes:  # type: ignore[type-var]
            async for _ in changes:
                pass

    task = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        while not backend.is_watching:
            await asyncio.sleep(0.01)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as (server, kubeconfig), AsyncExitStack() as stack:
        yield World(server, KubernetesSettings(kubeconfig=kubeconfig), stack)


async def pod_is(world: World, **status: object) -> None:
    pod = world.server.objects["pods", NAMESPACE, NAME]
    pod["spec"]["nodeName"] = "node-1"
    await world.server.put("pods", NAMESPACE, NAME, {**pod, "status": status})


async def until_seen(backend: KubernetesBackend, phase: str) -> None:
    async with asyncio.timeout(5):
        while (await backend.observe(REF)).phase != phase:
            await asyncio.sleep(0.01)


async def test_a_start_costs_two_writes_and_no_read(world: World) -> None:
    backend = await world.controller()
    assert (await backend.observe(REF)).phase == "absent"
    await backend.apply(TERMINAL)
    assert world.server.calls == ["POST persistentvolumeclaims", "POST secrets", "POST pods"]
    world.server.calls.clear()
    second = replace(TERMINAL, id="another")
    assert (await backend.observe(EnsembleRef("another", 3))).phase == "absent"
    await backend.apply(second)
    assert (await backend.observe(EnsembleRef("another", 3))).phase == "starting"
    assert world.server.calls == ["POST secrets", "POST pods"], "her home is there"


async def test_a_second_apply_finds_what_the_first_made(world: World) -> None:
    first, second = await world.controller(), await world.controller(watching=False)
    await first.apply(TERMINAL)
    made = {key: item["metadata"]["uid"] for key, item in world.server.objects.items()}
    for backend in (first, second, await world.controller()):
        await backend.apply(TERMINAL)
        assert {key: item["metadata"]["uid"] for key, item in world.server.objects.items()} == made


async def test_two_controllers_that_apply_at_once_make_one_of_each(world: World) -> None:
    controllers = [await world.controller() for _ in range(3)]
    await asyncio.gather(*(backend.apply(TERMINAL) for backend in controllers))
    assert {kind for kind, _, _ in world.server.objects} == {"persistentvolumeclaims", "secrets", "pods"}
    assert len(world.server.objects) == 3


async def test_what_runs_and_ends_is_seen_without_asking(world: World) -> None:
    backend = await world.controller()
    await backend.apply(TERMINAL)
    world.server.calls.clear()
    assert (await backend.observe(REF)).phase == "starting"
    await pod_is(world, phase="Running")
    await until_seen(backend, "up")
    await pod_is(world, **ENDED)
    await until_seen(backend, "ended")
    await backend.kill(REF)
    assert world.server.calls == []
    await backend.remove(REF)
    assert world.server.calls == ["PATCH pods", "DELETE secrets"]
    seen = await backend.observe(REF)
    assert (seen.phase, seen.leftovers) == ("absent", False)
    assert set(world.server.of("persistentvolumeclaims")) == {"home-ada"}
    assert world.server.of("secrets") == world.server.of("pods") == {}


async def test_a_kill_returns_as_soon_as_the_node_says_that_it_ended(world: World) -> None:
    backend = await world.controller()
    await backend.apply(TERMINAL)
    await pod_is(world, phase="Running")
    killing = asyncio.create_task(backend.kill(REF))
    async with asyncio.timeout(5):
        while "deletionTimestamp" not in world.server.of("pods")[NAME]["metadata"]:
            await asyncio.sleep(0.01)
        assert not killing.done()
        await pod_is(world, **ENDED)
        await killing
    assert world.server.calls.count("GET pods") <= 2


async def test_a_pod_that_ends_already_is_not_deleted_again(world: World) -> None:
    """An agent stops answering before its node tells that it ended, and its end is asked for until then."""
    backend = await world.controller()
    await backend.apply(TERMINAL)
    await pod_is(world, phase="Running")
    await until_seen(backend, "up")
    world.server.calls.clear()
    await backend.end(REF, "stop", timedelta(seconds=5))
    await until_seen(backend, "ending")
    await backend.end(REF, "stop", timedelta(seconds=5))
    assert world.server.calls == ["DELETE pods"]


async def test_a_pod_of_a_lost_node_is_gone_as_soon_as_it_is_given_up(world: World) -> None:
    backend = await world.controller()
    await backend.apply(TERMINAL)
    pod = world.server.of("pods")[NAME]
    pod["spec"]["nodeName"], pod["metadata"]["deletionTimestamp"] = "node-1", "2026-11-01T00:00:00+00:00"
    await world.server.put("pods", NAMESPACE, NAME, {**pod, "status": {"phase": "Running"}})
    await until_seen(backend, "ended")
    world.server.silent = True
    await backend.remove(REF)
    assert (await backend.observe(REF)).phase == "absent"


async def test_that_a_pod_is_missing_is_asked_where_the_watch_is_silent(world: World) -> None:
    """A connection that hangs would hide the pod that another controller has made, and a second one be started."""
    backend, other = await world.controller(believe=0), await world.controller(watching=False)
    world.server.silent = True
    await other.apply(TERMINAL)
    assert (await backend.observe(REF)).phase == "starting"


async def test_what_was_begun_and_has_no_pod_is_left_over(world: World) -> None:
    backend = await world.controller()
    root = generation.root(Placed.of(TERMINAL, world.settings))
    await world.server.put("secrets", NAMESPACE, NAME, root, event="ADDED")
    async with asyncio.timeout(5):
        while not (await backend.observe(REF)).leftovers:
            await asyncio.sleep(0.01)
    await backend.kill(REF)
    assert world.server.of("secrets") == {}


async def test_what_a_home_shall_forget_is_told_to_its_next_agent(world: World) -> None:
    backend = await world.controller()
    await backend.apply(TERMINAL)
    await backend.forget_session("older", user="ada")
    assert world.server.of("persistentvolumeclaims")["home-ada"]["metadata"]["annotations"] == {FORGET: "older"}
    await backend.apply(replace(TERMINAL, id="another"))
    document = b64decode(world.server.of("secrets")["rspark-another-3"]["data"]["ensemble.json"]).decode()
    assert '"forget": ["older"]' in document


async def test_what_two_controllers_let_a_home_forget_at_once_is_both_forgotten(world: World) -> None:
    backend = await world.controller()
    await backend.apply(TERMINAL)
    others = [await world.controller() for _ in range(3)]
    world.server.silent = True
    for number, other in enumerate(others):
        await other.forget_session(f"older-{number}", user="ada")
    annotations = world.server.of("persistentvolumeclaims")["home-ada"]["metadata"]["annotations"]
    assert annotations == {FORGET: "older-0,older-1,older-2"}


async def test_many_sessions_of_one_user_that_are_deleted_at_once_find_no_claim_changed(world: World) -> None:
    backend = await world.controller()
    await backend.apply(TERMINAL)
    world.server.calls.clear()
    await asyncio.gather(*(backend.forget_session(f"older-{number}", user="ada") for number in range(10)))
    annotations = world.server.of("persistentvolumeclaims")["home-ada"]["metadata"]["annotations"]
    assert annotations == {FORGET: ",".join(f"older-{number}" for number in range(10))}
    assert world.server.calls == ["PATCH persistentvolumeclaims"] * 10


async def test_nobody_gets_a_home_by_a_name_that_looks_as_anothers_with_its_hash(world: World) -> None:
    theirs, mine = "grace_hopper", plain("grace_hopper")
    assert plain(mine) == mine
    backend = await world.controller()
    await backend.apply(replace(TERMINAL, user=theirs))
    for _ in range(2):
        with pytest.raises(CannotStart, match=f"The home of {mine} can't be told from that of {theirs}"):
            await backend.apply(replace(TERMINAL, id="another", user=mine))
    await backend.forget_session("older", user=mine)
    await backend.remove_home(mine, archive=None)
    assert world.server.of("persistentvolumeclaims")[f"home-{mine}"]["metadata"]["annotations"] == {OWNER: theirs}
    await backend.remove_home(theirs, archive=None)
    assert world.server.of("persistentvolumeclaims") == {}


async def test_a_home_of_the_version_before_is_whose_session_starts_first(world: World) -> None:
    theirs, mine = "grace_hopper", plain("grace_hopper")
    backend = await world.controller()
    await backend.apply(replace(TERMINAL, user=theirs))
    claim = world.server.objects["persistentvolumeclaims", NAMESPACE, f"home-{mine}"]
    meta = {**claim["metadata"], "annotations": {FORGET: "older"}}
    await world.server.put("persistentvolumeclaims", NAMESPACE, f"home-{mine}", {**claim, "metadata": meta})
    other = await world.controller()
    await other.apply(replace(TERMINAL, generation=4, user=theirs))
    annotations = world.server.of("persistentvolumeclaims")[f"home-{mine}"]["metadata"]["annotations"]
    assert annotations == {FORGET: "older", OWNER: theirs}
    with pytest.raises(CannotStart):
        await other.apply(replace(TERMINAL, id="another", user=mine))


async def test_what_there_is_of_one_session_is_known_without_asking(world: World) -> None:
    backend, other = await world.controller(), await world.controller(watching=False)
    for spec in (TERMINAL, replace(TERMINAL, generation=4), replace(TERMINAL, id="another")):
        await backend.apply(spec)
    world.server.calls.clear()
    expected = [REF, EnsembleRef(TERMINAL.id, 4)]
    assert await backend.list(session_id=TERMINAL.id) == expected
    await backend.forget_session("older", user="ada")
    assert world.server.calls == ["PATCH persistentvolumeclaims"]
    assert await other.list(session_id=TERMINAL.id) == expected


async def test_only_what_somebody_would_notice_is_worth_observing(world: World) -> None:
    backend, spoken = KubernetesBackend(world.settings), []
    async with asyncio.timeout(5), aclosing(backend.changes()) as changes:  # type: ignore[type-var]

        async def listen() -> None:
            async for ref in changes:
                spoken.append(ref)

        task = asyncio.create_task(listen())
        while not backend.is_watching:
            await asyncio.sleep(0.01)
        await backend.apply(TERMINAL)
        await pod_is(world, phase="Pending")
        await pod_is(world, phase="Running")
        await until_seen(backend, "up")
        assert spoken == [], "an agent that starts is heard itself"
        await pod_is(world, **ENDED)
        await until_seen(backend, "ended")
        await backend.remove(REF)
        while len(spoken) < 2:
            await asyncio.sleep(0.01)
        assert spoken[0] == REF
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await backend.aclose()


@pytest.mark.parametrize(
    ("ending", "asked", "deletes"),
    [
        ("sleep-if-idle", "POST /agent/suspend?if=idle", False),
        ("sleep", "POST /agent/suspend?if=kept", False),
        ("stop", "POST /agent/stop", True),
        ("suspend", None, True),  # SIGTERM says so
    ],
)
async def test_who_may_refuse_to_sleep_is_asked_and_no_pod_deleted(
    world: World, ending: Ending, asked: str | None, deletes: bool
) -> None:
    heard: list[tuple[str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST":
            heard.append((f"POST {request.path_qs}", request.headers.get(SECRET_HEADER)))
        return web.Response(status=202) if request.method == "POST" else web.json_response({"state": "ready"})

    backend = await world.controller()
    await backend.apply(TERMINAL)
    host = f"127.{os.getpid() % 200 + 10}.{os.getpid() // 200 % 250}.9"  # on which the port is free
    app = web.AppRunner(web.Application())
    app.app.router.add_route("*", "/{path:.*}", answer)
    await app.setup()
    await web.TCPSite(app, host, AGENT_PORT).start()
    await pod_is(world, phase="Running", podIP=host)
    await until_seen(backend, "up")
    world.server.calls.clear()
    await backend.end(REF, ending, timedelta(seconds=30))
    await app.cleanup()
    assert heard == ([(asked, TERMINAL.secret)] if asked else [])
    assert [call for call in world.server.calls if call.startswith("DELETE")] == (["DELETE pods"] if deletes else [])


async def test_what_a_driver_has_lost_is_made_again(world: World) -> None:
    backend = await world.controller()
    await backend.apply(SPARK)
    await asyncio.sleep(0.1)
    before = set(world.server.objects)
    for kind in ("serviceaccounts", "services", "networkpolicies"):
        for name in world.server.of(kind):
            del world.server.objects[kind, NAMESPACE, name]
    await backend.list()
    assert set(world.server.objects) == before


async def test_a_service_of_the_version_before_gets_its_policy_at_the_first_sweep(world: World) -> None:
    """That version made no policy of its own for a service; its pod runs on, and sessions of this version need to reach it."""
    await world.server.put("services", NAMESPACE, "postgres", {"kind": "Service", "metadata": {}, "spec": _ports(5432)})
    labels = labels_of(EnsembleRef("postgres", 1), user=None, component="service")
    pod = {"kind": "Pod", "metadata": {"labels": labels}, "spec": {"nodeName": "n"}, "status": {"phase": "Running"}}
    await world.server.put("pods", NAMESPACE, "rspark-postgres-1", pod, event="ADDED")
    backend = await world.controller()
    await backend.list()
    policy = world.server.of("networkpolicies")["rspark-service-postgres"]
    expected = generation.persistent(Placed.of(POSTGRES, world.settings))[-1]
    assert policy["spec"] == expected["spec"]


async def test_a_shared_service_is_reached_under_its_own_address(world: World) -> None:
    backend = await world.controller()
    await backend.apply(POSTGRES)
    assert world.server.of("services")["postgres"]["spec"]["ports"] == [
        {"name": "postgres", "port": 5432, "protocol": "TCP", "targetPort": 5432}
    ]
    assert set(world.server.of("networkpolicies")) == {"rspark-service-postgres"}


async def test_a_second_shared_service_starts_like_the_first(world: World) -> None:
    backend = await world.controller()
    hdfs: EnsembleSpec = replace(POSTGRES, id="hdfs", service_name="hdfs", ports={"rpc": 8020, "http": 9870})
    for spec in (POSTGRES, hdfs):
        await backend.apply(spec)
    assert set(world.server.of("services")) == {"postgres", "hdfs"}
    assert set(world.server.of("persistentvolumeclaims")) == {"service-postgres", "service-hdfs"}


def _ports(*ports: int) -> dict[str, object]:
    return {"ports": [{"name": "postgres", "port": port, "protocol": "TCP", "targetPort": port} for port in ports]}


async def test_a_session_whose_node_is_lost_has_no_log_and_settles_all_the_same(world: World) -> None:
    backend = await world.controller()
    await backend.apply(TERMINAL)
    await pod_is(world, **ENDED)
    await until_seen(backend, "ended")
    world.server.log = None
    assert await backend.log_tails(REF) == {}
