"""The counting itself: what is doubled or leaked is found."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import census

_LISTEN = (
    "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"
)


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that are ended with the test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def member(data: Path, ensemble: str, *more: str) -> "subprocess.Popen[str]":
    """Start a process of an ensemble; it listens on a port, which it says first."""
    environ = {**os.environ, "RSPARK_ENSEMBLE": ensemble, "RSPARK_HOME": f"{data}/homes/ada"}
    process = subprocess.Popen(
        [sys.executable, "-c", _LISTEN, *more], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


async def seen_by_watchman(data: Path) -> dict[str, str]:
    watchman = census.Watchman(data)
    watching = asyncio.create_task(watchman.run())
    async with asyncio.timeout(20):
        while watchman.counts < 3:
            await asyncio.sleep(0.05)
    watching.cancel()
    return watchman.doubled


async def test_two_generations_of_a_session_at_once_are_seen(tmp_path: Path, started: list["subprocess.Popen[str]"]) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    started += [member(data, "aaaa.1"), member(data, "bbbb.1"), member(other, "aaaa.2")]
    assert await seen_by_watchman(data) == {}
    started.append(member(data, "aaaa.2"))
    assert set(await seen_by_watchman(data)) == {"aaaa"}


async def test_two_agents_of_one_generation_are_seen(tmp_path: Path, started: list["subprocess.Popen[str]"]) -> None:
    started += [member(tmp_path, "aaaa.1", "ensemble.json"), member(tmp_path, "aaaa.1")]
    assert await seen_by_watchman(tmp_path) == {}
    started.append(member(tmp_path, "aaaa.1", "ensemble.json"))
    assert set(await seen_by_watchman(tmp_path)) == {"aaaa"}


def test_what_is_left_of_what_should_be_gone_is_found(tmp_path: Path, started: list["subprocess.Popen[str]"]) -> None:
    for run in ("aaaa/1", "aaaa/2", "aaaa/keep"):
        (tmp_path / "sessions" / run).mkdir(parents=True)
    started += [member(tmp_path, "aaaa.1"), member(tmp_path, "aaaa.2")]
    found = census.leaks(tmp_path, alive={"aaaa.2"}, hub=True)
    assert [line.split()[:2] for line in found.processes] == [[str(started[0].pid), "aaaa.1"]]
    assert len(found.ports) == 1
    with socket.create_connection(("127.0.0.1", found.ports[0])):
        assert found.folders == ["sessions/aaaa/1"]
    assert len(census.leaks(tmp_path, alive={"aaaa.1", "aaaa.2"}, hub=True)) == 0


def test_a_process_of_the_hub_that_outlives_it_is_found(tmp_path: Path, started: list["subprocess.Popen[str]"]) -> None:
    started.append(subprocess.Popen([sys.executable, "-c", "input()", str(tmp_path)], stdin=subprocess.PIPE, text=True))
    assert len(census.leaks(tmp_path, alive=set(), hub=True)) == 0
    assert len(census.leaks(tmp_path, alive=set(), hub=False).processes) == 1
