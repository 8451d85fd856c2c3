"""Asks for many starts at once, and measures: the driver, in a Python of its own (`requirements/launch.txt`).

`python drive.py '{"what": "rsparkhub", "starts": 100, "in_flight": 50, ...}'` prints one JSON line; see `Order`.
"""

import asyncio
import json
import os
import re
import signal
import ssl
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.launch.meter import Meter  # this Python has nothing of ours installed

_PROBE_EVERY = 0.1  # seconds between two questions of somebody else to the hub, answered or not
_LOOK_EVERY = 0.5  # seconds between two looks for what is ready
_PATIENCE = 420.0  # seconds for one burst
_RETRY = 0.2  # seconds before a request that found nobody is sent again
_AWAY = {502, 503, 504}


@dataclass(kw_only=True)
class Order:
    """What to measure.

    Attributes
    ----------
    what
        `bare`, `jupyterhub` or `rsparkhub`.
    starts, in_flight
        How many starts, and how many requests for one at a time.
    url, token
        The hub's API, or the API server.
    log
        JupyterHub's log, which says when each server was ready.
    certificate, authority
        Of the API server's client, and of itself; for `bare`.
    namespace
        Where bare pods are made.
    processes
        The processes to measure, by name.
    kill
        The name of the one to kill (SIGKILL) when half of the requests are answered.
    holder
        The file that names RSparkHub's processes, where one that was killed is found again.
    """

    what: str
    starts: int
    in_flight: int
    url: str = ""
    token: str = ""
    log: str = ""
    certificate: str = ""
    authority: str = ""
    namespace: str = ""
    processes: dict[str, list[int]] = field(default_factory=dict)
    kill: str | None = None
    holder: str = ""


class Contender(ABC):
    """Starts something by a request, and says when it was ready."""

    probe: str = ""

    def __init__(self, order: Order, http: aiohttp.ClientSession) -> None:
        self.order, self.http = order, http

    async def prepare(self) -> None:  # noqa: B027  # most need none
        """Make what must be there before the first request."""

    @abstractmethod
    async def start(self, number: int) -> int:
        """Ask for one start; return HTTP's status."""

    @abstractmethod
    async def ready(self) -> dict[int, float]:
        """Return the moments (Unix time) at which starts were ready, so far."""

    def failed(self) -> set[int]:
        """Return those of which was said, when `ready` last looked, that they will not be."""
        return set()

    async def any_starts(self) -> bool:
        """Return whether any is surely still on its way, by a question that costs less than `ready` does."""
        return False

    @abstractmethod
    async def stop(self) -> float:
        """Take away what was started; return the seconds that it took."""


class BarePods(Contender):
    """The limit: pods made by raw JSON, seen Running by one watch."""

    async def prepare(self) -> None:
        self._names = [f"bare-{number}-{uuid.uuid4().hex[:6]}" for number in range(self.order.starts)]
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._running: dict[int, float] = {}
        self._gone: set[int] = set()
        self._pods = f"{self.order.url}/api/v1/namespaces/{self.order.namespace}/pods"
        async with self.http.get(self._pods, params={"limit": "1"}) as answer:
            version = (await answer.json())["metadata"]["resourceVersion"]
        self._watching = asyncio.create_task(self._watch(version))
        await asyncio.sleep(0.5)  # the watch is open

    async def start(self, number: int) -> int:
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self._names[number], "labels": {"bench": "bare"}},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "nodeSelector": {"type": "kwok"},
                "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}],
                "containers": [{"name": "c", "image": "x"}],
            },
        }
        async with self.http.post(self._pods, json=pod) as answer:
            await answer.read()
            return answer.status

    async def ready(self) -> dict[int, float]:
        return dict(self._running)

    async def stop(self) -> float:
        began = time.monotonic()

        async def delete(number: int) -> None:
            async with self.http.delete(f"{self._pods}/{self._names[number]}", params={"gracePeriodSeconds": "1"}) as answer:
                await answer.read()

        await _each(range(self.order.starts), self.order.in_flight, delete)
        while len(self._gone) < self.order.starts:
            await asyncio.sleep(0.05)
        self._watching.cancel()
        return time.monotonic() - began

    async def _watch(self, version: str) -> None:
        while True:
            buffer = b""
            async with self.http.get(self._pods, params={"watch": "1", "resourceVersion": version}) as answer:
                async for piece in answer.content.iter_any():
                    *lines, buffer = (buffer + piece).split(b"\n")
                    for line in lines:
                        event = json.loads(line)
                        version = event["object"]["metadata"]["resourceVersion"]
                        self._take(event["type"], event["object"])

    def _take(self, kind: str, pod: dict[str, Any]) -> None:
        number = self._numbers.get(pod["metadata"]["name"])
        if number is None:
            return
        if kind == "DELETED":
            self._gone.add(number)
        elif pod["status"].get("phase") == "Running" and pod["status"].get("podIP"):
            self._running.setdefault(number, time.time())


class JupyterHub(Contender):
    """JupyterHub, by its REST API; its own log says when a server was ready, which costs it nothing."""

    probe = "/hub/api"
    _FAILED = re.compile(r"bench-(\d+)'s server failed to start")
    _READY = re.compile(r"\[I (\S+ [\d:.]+) .*User bench-(\d+) took [\d.]+ seconds to start")

    async def prepare(self) -> None:
        names = [f"bench-{number}" for number in range(self.order.starts)]
        for first in range(0, len(names), 100):
            async with self.http.post(
                f"{self.order.url}/hub/api/users", json={"usernames": names[first : first + 100]}
            ) as answer:
                assert answer.status in (201, 409), await answer.text()
        self._offset = Path(self.order.log).stat().st_size
        self._failures: set[int] = set()

    async def start(self, number: int) -> int:
        async with self.http.post(f"{self.order.url}/hub/api/users/bench-{number}/server") as answer:
            await answer.read()
            return answer.status

    async def ready(self) -> dict[int, float]:
        with Path(self.order.log).open(errors="replace") as log:
            log.seek(self._offset)
            lines = log.readlines()
        self._failures = {int(one[1]) for line in lines if (one := self._FAILED.search(line))}
        return {
            int(one[2]): datetime.strptime(one[1], "%Y-%m-%d %H:%M:%S.%f").timestamp()  # noqa: DTZ007  # its log is local
            for line in lines
            if (one := self._READY.search(line))
        }

    def failed(self) -> set[int]:
        return self._failures

    async def stop(self) -> float:
        began = time.monotonic()

        async def delete(number: int) -> None:
            async with self.http.delete(f"{self.order.url}/hub/api/users/bench-{number}/server") as answer:
                await answer.read()

        await _each(range(self.order.starts), self.order.in_flight, delete)
        while await self._active():
            await asyncio.sleep(_LOOK_EVERY)
        return time.monotonic() - began

    async def _active(self) -> bool:
        params = {"state": "active", "limit": "1"}
        async with self.http.get(f"{self.order.url}/hub/api/users", params=params) as answer:
            return bool(await answer.json())


class RSparkHub(Contender):
    """RSparkHub, by its REST API; the session's row says when it was ready."""

    probe = "/hub/api/me"

    async def prepare(self) -> None:
        self._run = uuid.uuid4().hex[:8]
        self._numbers: dict[str, int] = {}
        self._failures: set[int] = set()
        self._sessions = f"{self.order.url}/hub/api/sessions"

    async def start(self, number: int) -> int:
        headers = {"Idempotency-Key": f"{self._run}-{number}"}
        async with self.http.post(self._sessions, json={"environment": "simulated"}, headers=headers) as answer:
            body = await answer.read()
            if answer.status == 202:
                self._numbers[json.loads(body)["id"]] = number
            return answer.status

    async def ready(self) -> dict[int, float]:
        listed = await self._list()
        self._failures = {
            self._numbers[each["id"]] for each in listed if each["state"] == "failed" and each["id"] in self._numbers
        }
        return {
            self._numbers[each["id"]]: datetime.fromisoformat(each["ready"]).timestamp()
            for each in listed
            if each["ready"] and each["state"] == "running" and each["id"] in self._numbers
        }

    def failed(self) -> set[int]:
        return self._failures

    async def any_starts(self) -> bool:
        """JupyterHub's log is read for nothing; lists of all sessions every so often would be what is measured."""
        params = [("state", "queued"), ("state", "starting"), ("limit", "1")]
        try:
            async with self.http.get(self._sessions, params=params) as answer:
                return answer.status != 200 or bool((await answer.json())["sessions"])
        except aiohttp.ClientError:  # it was killed
            return True

    async def stop(self) -> float:
        began = time.monotonic()

        async def delete(session: str) -> None:
            async with self.http.delete(f"{self._sessions}/{session}") as answer:
                await answer.read()

        listed = await self._list()
        await _each([each["id"] for each in listed], self.order.in_flight, delete)
        for each in listed:  # a list leaves out what is being deleted; each one is found until it is gone
            while await self._is_there(each["id"]):
                await asyncio.sleep(_LOOK_EVERY)
        return time.monotonic() - began

    async def _list(self) -> list[dict[str, Any]]:
        try:
            async with self.http.get(self._sessions, params={"limit": "1000"}) as answer:
                return list((await answer.json())["sessions"]) if answer.status == 200 else []
        except aiohttp.ClientError:  # it was killed
            return []

    async def _is_there(self, session: str) -> bool:
        async with self.http.get(f"{self._sessions}/{session}") as answer:
            await answer.read()
            return answer.status == 200


CONTENDERS: dict[str, type[Contender]] = {"bare": BarePods, "jupyterhub": JupyterHub, "rsparkhub": RSparkHub}


async def _each(of: Any, at_once: int, do: Callable[[Any], Awaitable[None]]) -> None:
    """Do something with each, so many at a time."""
    left = iter(of)

    async def work() -> None:
        for one in left:
            await do(one)

    await asyncio.gather(*(work() for _ in range(at_once)))


class Burst:
    """One burst of starts."""

    def __init__(self, order: Order, contender: Contender, http: aiohttp.ClientSession) -> None:
        self._order, self._contender, self._http = order, contender, http
        self._asked: dict[int, float] = {}
        self._codes: Counter[int] = Counter()
        self._answered = self._refused = 0
        self._delays: list[float] = []
        self._meter = Meter({**order.processes, "driver": [os.getpid()]})
        self._killed = False

    async def run(self) -> dict[str, Any]:
        """Ask for all starts, wait until all are ready, take them away, and return the figures."""
        over = asyncio.Event()
        probing = asyncio.create_task(self._probe(over))
        began = time.time()
        await _each(range(self._order.starts), self._order.in_flight, self._start)
        accepted = time.time()
        ready: dict[int, float] = {}
        while time.time() < began + _PATIENCE:
            await asyncio.sleep(_LOOK_EVERY if self._order.what != "bare" else 0.02)
            if await self._contender.any_starts():
                continue
            ready = await self._contender.ready()
            if len(ready) + len(self._contender.failed() - ready.keys()) + self._refused >= self._order.starts:
                break
        else:
            ready = await self._contender.ready()
        if self._killed:
            self._count_successor()
        used, busy = self._meter.read(), self._meter.machine_busy()
        over.set()
        await probing
        stopped = await self._contender.stop()
        until_ready = sorted(ready[number] - self._asked[number] for number in ready)
        last = max(ready.values(), default=time.time())
        return {
            "starts": self._order.starts, "in_flight": self._order.in_flight, "killed": self._order.kill, "ready": len(ready),
            "codes": {str(code): count for code, count in self._codes.items()},
            "starts_per_second": len(ready) / (last - began), "accepted_seconds": accepted - began,
            "seconds_to_ready": {"p50": _quantile(until_ready, 0.5), "p99": _quantile(until_ready, 0.99)},
            "api_seconds": {"p50": _quantile(sorted(self._delays), 0.5), "p99": _quantile(sorted(self._delays), 0.99)},
            "api_samples": len(self._delays),
            "cpu_ms_a_start": {name: 1000 * seconds / self._order.starts for name, seconds in used.items()},
            "machine_busy": busy, "stops_per_second": self._order.starts / stopped,
            "ready_after": sorted(round(moment - began, 3) for moment in ready.values()),
        }  # fmt: skip

    async def _start(self, number: int) -> None:
        self._asked[number] = time.time()
        deadline = self._asked[number] + _PATIENCE
        while True:
            try:
                code = await self._contender.start(number)
            except aiohttp.ClientError:
                code = 0
            self._codes[code] += 1
            if (code and code not in _AWAY) or time.time() > deadline:
                break
            await asyncio.sleep(_RETRY)
        self._answered += 1
        self._refused += not 200 <= code < 300
        if self._order.kill is not None and not self._killed and self._answered * 2 >= self._order.starts:
            self._killed = True
            self._meter.read()
            os.kill(self._order.processes[self._order.kill][0], signal.SIGKILL)

    def _count_successor(self) -> None:
        """Count the process that was started in the place of the killed one."""
        assert self._order.kill is not None
        held = json.loads(Path(self._order.holder).read_text())
        self._meter.add(self._order.kill, held["processes"][self._order.kill][0])

    async def _probe(self, over: asyncio.Event) -> None:
        """Ask the hub something small every so often; a slow answer does not delay the next question."""
        if not self._contender.probe:
            return

        async def ask() -> None:
            began = time.monotonic()
            try:
                async with self._http.get(self._order.url + self._contender.probe) as answer:
                    await answer.read()
                    if answer.status in _AWAY:
                        return
            except aiohttp.ClientError:
                return  # it was killed: that it is away is told by the starts
            self._delays.append(time.monotonic() - began)

        asked = []
        while not over.is_set():
            asked.append(asyncio.create_task(ask()))
            await asyncio.sleep(_PROBE_EVERY)
        await asyncio.gather(*asked)


def _quantile(ordered: list[float], part: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


def _tls(order: Order) -> ssl.SSLContext | bool:
    if not order.certificate:
        return True
    context = ssl.create_default_context(cafile=order.authority)
    context.load_cert_chain(order.certificate)
    return context


async def main(order: Order) -> None:
    headers = {"Authorization": f"Bearer {order.token}"} if order.token else {}
    connector = aiohttp.TCPConnector(limit=0, ssl=_tls(order))
    async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as http:
        contender = CONTENDERS[order.what](order, http)
        await contender.prepare()
        print(json.dumps(await Burst(order, contender, http).run()), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Order(**json.loads(sys.argv[1]))))
