"""What one person can ask of the hub has an end: streams, things made in a loop, cookies, and HTTP that is drawn out."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import World

from rsparkhub.api.bounded_http import BoundedHttp, HttpBounds
from rsparkhub.api.rate import Rate
from rsparkhub.api.streams.places import StreamPlaces
from rsparkhub.auth.cookies import MOST_VALUES, values_of
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import TooManyRequests
from rsparkhub.domain.user import User

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def identity(name: str) -> Identity:
    return Identity(user=User(name=name, admin=False, created=NOON), how="cookie")


def test_the_oldest_stream_of_a_person_ends_and_nobody_elses() -> None:
    places = StreamPlaces(most=100, most_of_one=2)
    with places.place(identity("bob")) as bobs, places.place(identity("ada")) as first, places.place(identity("ada")) as second:
        assert not first.is_set()
        with places.place(identity("ada")):
            assert (first.is_set(), second.is_set(), bobs.is_set()) == (True, False, False)
    assert places.count == 0


def test_when_all_places_are_taken_the_next_one_is_told_when_to_come_back() -> None:
    places = StreamPlaces(most=3, most_of_one=2)
    with places.place(identity("ada")), places.place(identity("ada")), places.place(identity("bob")):
        with pytest.raises(TooManyRequests, match="Try again in a few seconds") as refusal:
            places.check(identity("carl"))
        assert refusal.value.retry_after == 10
        places.check(identity("ada"))  # another one of hers ends for it
    places.check(identity("carl"))


def test_what_is_made_in_a_loop_comes_to_an_end_and_goes_on_later() -> None:
    now = [NOON]
    rate = Rate("tokens", burst=3, refill=timedelta(minutes=3), clock=lambda: now[0])
    for _ in range(3):
        rate.take("ada")
    with pytest.raises(TooManyRequests, match=r"You have made 3 tokens in a short time. Wait 60 seconds") as refusal:
        rate.take("ada")
    assert refusal.value.retry_after == 60
    rate.take("bob")
    now[0] += timedelta(seconds=60)
    rate.take("ada")
    with pytest.raises(TooManyRequests):
        rate.take("ada")


def test_to_look_counts_nothing() -> None:
    rate = Rate("changes", burst=1, refill=timedelta(minutes=1), clock=lambda: NOON)
    for _ in range(5):
        rate.check("ada")
    rate.take("ada")
    with pytest.raises(TooManyRequests):
        rate.check("ada")


def test_a_cookie_that_is_there_thousands_of_times_costs_a_few_looks() -> None:
    header = "; ".join(f"rsparkhub=l_{number}" for number in range(3000))
    assert values_of("rsparkhub", header) == [f"l_{number}" for number in range(MOST_VALUES)]
    assert values_of("rsparkhub", "rsparkhub=a; " * 3000) == ["a"]


_SOON = HttpBounds(head_seconds=0.3, body_seconds=0.3, unread_seconds=0.3, answered_seconds=0.3)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "bounds", _SOON)


class _Hub:
    """A server of one small app, on a Unix socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.was_closed = False  # the last connection, by the server

    async def said(self, *pieces: bytes, pause: float = 0.1) -> bytes:
        return await asyncio.to_thread(self._said, pieces, pause)

    def _said(self, pieces: tuple[bytes, ...], pause: float) -> bytes:
        said, self.was_closed = b"", False
        with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
            connection.settimeout(60)
            connection.connect(str(self.path))
            with suppress(OSError):  # it has had enough
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
            try:
                while data := connection.recv(65536):
                    said += data
                self.was_closed = True
            except ConnectionError:
                self.was_closed = True
        return said


@pytest.fixture
async def small() -> AsyncIterator[_Hub]:
    import uvicorn

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            while (message := await receive()).get("more_body"):
                pass
            if message["type"] == "http.disconnect":
                return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    path = Path(f"/tmp/rsh-bounds-{os.getpid()}.sock")
    server = uvicorn.Server(uvicorn.Config(app, uds=str(path), http=BoundedHttp, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield _Hub(path)
    server.should_exit = True
    await serving
    path.unlink(missing_ok=True)


GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.usefixtures("soon")
async def test_heads_and_bodies_have_their_time(small: _Hub) -> None:
    assert (await small.said(GET + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert await small.said() == b"", "who says nothing is told nothing"
    assert (await small.said(GET, *[b"X: y\r\n"] * 10)).startswith(b"HTTP/1.1 408 ")
    slow = await small.said(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 10)
    assert slow.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"too-slow"' in slow
    in_time = await small.said(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n", b"xx")
    assert in_time.startswith(b"HTTP/1.1 200 ")


@pytest.mark.usefixtures("soon")
async def test_who_is_answered_before_the_body_came_keeps_no_connection(small: _Hub) -> None:
    said = await small.said(GET + b"Content-Length: 100000000\r\n\r\n", b"x")  # the app reads no body of it
    assert small.was_closed
    assert b"HTTP/1.1 408 " not in said, "it has its answer"


async def test_a_connection_goes_on_after_the_rest_of_a_body_came_and_ends_when_nothing_follows(small: _Hub) -> None:
    early = GET + b"Content-Length: 2\r\n\r\n"
    said = await small.said(early, b"xx" + GET + b"\r\n")
    assert said.count(b"HTTP/1.1 200 ") == 2
    assert (await small.said(early, b"xx")).count(b"HTTP/1.1 200 ") == 1
    assert small.was_closed


async def test_a_file_has_more_time_and_nothing_else_has(small: _Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "bounds", replace(_SOON, slowest_file=1, largest_file=1000))
    rest = b"Host: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n"
    large = rest.replace(b"10\r", b"1000000000\r")
    file, other = b"POST /hub/api/groups/a/hand-ins?file=a HTTP/1.1\r\n", b"POST /hub/api/groups HTTP/1.1\r\n"
    assert (await small.said(file + rest.replace(b"10\r", b"100\r"), *[b"x" * 10] * 10)).startswith(b"HTTP/1.1 200 ")
    assert (await small.said(other + large, b"x")).startswith(b"HTTP/1.1 408 ")


async def test_heads_have_their_size(small: _Hub) -> None:
    for head in (GET + b"X: y\r\n" * 1000 + b"\r\n", GET + b"X: " + b"y" * 10**6, b"GET /" + b"x" * 10**6):
        assert (await small.said(head, pause=0)).startswith(b"HTTP/1.1 431 ")
    assert (await small.said(b"\0\xff\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_of_a_heap_of_cookies_the_app_sees_what_may_be_ours(world: World) -> None:
    bob = await world.browser("bob")
    own = bob.headers["Cookie"]
    heap = "; ".join(
        [*(f"n{number}=v" for number in range(2000)), own, 'other="' + '\\"' * 20_000 + '"', "rsparkhub=" + "x" * 4000]
    )
    began = time.process_time()  # what it costs: how long it takes is the machine's doing too
    assert (await bob.get("/hub/api/me", headers={"Cookie": heap})).json()["name"] == "bob"
    assert (await bob.get("/hub/api/me", headers={"Cookie": heap.replace(own, "a=b")})).status_code == 401
    assert time.process_time() - began < 1
