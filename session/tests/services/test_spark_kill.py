"""Spark's pages end a job where a browser only reads; here that takes a POST, which the edge lets nobody send who only looks."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from rspark_session.proxy.server import Connection, Reply, Request
from rspark_session.services.spark.pages import Application, SparkPages

BASE = "/s/flights/spark"


class Pages(SparkPages):
    """Those of one driver, of which only the port is known."""

    port = 0

    def find(self, processes: object) -> list[Application]:
        return [Application(id="local-1", name="flights", port=self.port, is_served=False)]


@pytest.fixture
async def spark(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, list[str]]]:
    """A client of the pages, and the first lines of what the driver is asked."""
    asked: list[str] = []

    async def driver(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().partition(" HTTP")[0])
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /jobs/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    pages = Pages(base=BASE, drivers=tmp_path, headers=())

    async def handle(request: Request, reply: Reply) -> None:
        await pages.answer(request, reply, request.path.removeprefix(BASE), ())

    behind = await asyncio.start_server(driver, "127.0.0.1", 0)
    pages.port = behind.sockets[0].getsockname()[1]
    before = await asyncio.get_running_loop().create_server(partial(Connection, handle), "127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{before.sockets[0].getsockname()[1]}") as client:
        yield client, asked
    before.close()
    behind.close()


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/job/kill/?id=3",
        "/stages/stage/kill/?id=3",
        "/jobs/job/kill?id=3",
        "/jobs/job/%6Bill/?id=3",
        "/jobs/job%2Fkill/?id=3",
        "//jobs//job/kill/?id=3",
        "/jobs/job/kill;a=b/?id=3",
        "/jobs/job/kill%3Ba=b/?id=3",
    ],
)
async def test_who_reads_ends_no_job(spark: tuple[httpx.AsyncClient, list[str]], path: str) -> None:
    client, asked = spark
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = await client.request(method, BASE + path)
        assert answer.status_code == 200
    assert "End" in (await client.get(BASE + path)).text
    assert set(asked) == {"GET /jobs/"}, "only what the driver wants to be sent back is asked"


async def test_a_button_ends_a_job(spark: tuple[httpx.AsyncClient, list[str]]) -> None:
    client, asked = spark
    page = await client.get(f"{BASE}/jobs/job/kill/?id=3%22%3E&terminate=true")
    assert '<form method="post"><button>End it</button></form>' in page.text
    assert "3%22" not in page.text
    ended = await client.post(f"{BASE}/jobs/job/kill/?id=3&terminate=true")
    assert ended.headers["location"] == f"{BASE}/jobs/"
    assert (await client.get(f"{BASE}/jobs/job/?id=3")).status_code == 302
    assert asked == ["GET /jobs/", "POST /jobs/job/kill/?id=3&terminate=true", "GET /jobs/job/?id=3"]
