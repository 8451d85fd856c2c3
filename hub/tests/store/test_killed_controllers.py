"""Controllers as real processes, killed at any moment: nothing of the store is lost, doubled or half-written."""

import asyncio
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from store_scene import MakeSession

from rsparkhub.store import Store

_PROGRAM = Path(__file__).with_name("a_controller.py")
_PATIENCE = 60
_CONTROLLERS, _KILLS, _SESSIONS = 3, 9, 4


async def test_controllers_that_are_killed_lose_nothing(make: MakeSession, store: Store, store_url: str, tmp_path: Path) -> None:
    made = [await make(now=datetime.now(UTC)) for _ in range(_SESSIONS)]
    running = [await _start(store_url, tmp_path, number) for number in range(_CONTROLLERS)]
    starts = _CONTROLLERS
    try:
        for kill in range(_KILLS):
            await _until_saved(tmp_path, more_than=len(_saved(tmp_path)) + 10, running=running)
            running[kill % _CONTROLLERS].kill()
            await running[kill % _CONTROLLERS].wait()
            running[kill % _CONTROLLERS] = await _start(store_url, tmp_path, starts)
            starts += 1
        await _until_saved(tmp_path, more_than=len(_saved(tmp_path)) + 10, running=running)
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
            await process.wait()
    saved = Counter(_saved(tmp_path))
    unknown = 0  # written by one that was killed before it could say so
    for session in made:
        row = await store.sessions.get(session.id)
        assert row.generation >= saved[session.id]
        unknown += row.generation - saved[session.id]
        states = [event for event in await store.events.since(session.id, 0, limit=100_000) if event.kind == "state"]
        assert [event.data["generation"] for event in states] == list(range(1, row.generation + 1))
    assert unknown <= starts


async def _start(url: str, folder: Path, number: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(_PROGRAM), url, f"controller {number}", str(folder / f"{number}.saved")
    )


def _saved(folder: Path) -> list[str]:
    return [line for file in folder.glob("*.saved") for line in file.read_text().splitlines()]


async def _until_saved(folder: Path, *, more_than: int, running: list[Process]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while len(_saved(folder)) <= more_than:
        assert all(process.returncode is None for process in running)
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
