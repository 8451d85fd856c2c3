"""Logs: rotated, followed, and never in the way."""

import asyncio
import os
from pathlib import Path

import pytest

from rspark_session.agent.components.logs import Log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "part.log"


async def read(log: Log, *, tail: int = 10**6) -> bytes:
    return b"".join([data async for data in log.read(tail=tail, follow=False)])


async def test_a_full_log_makes_room_and_the_oldest_goes(path: Path) -> None:
    log = Log(path, most=10)
    for number in range(6):
        log.write(b"line %d..\n" % number)
    assert path.read_bytes() == b"line 5..\n"
    assert [path.with_name(f"part.log.{n}").read_bytes() for n in (1, 2, 3)] == [b"line 4..\n", b"line 3..\n", b"line 2..\n"]
    assert len(list(path.parent.iterdir())) == 4
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_tail_is_what_came_last(path: Path) -> None:
    log = Log(path)
    log.write(b"one\ntwo\n")
    assert await read(log, tail=4) == b"two\n"
    assert await read(log) == b"one\ntwo\n"


async def test_the_last_line_that_says_something(path: Path) -> None:
    log = Log(path)
    assert log.last_line() is None
    log.write(b"Traceback\nValueError: no\n\n  \n")
    assert log.last_line() == "ValueError: no"


async def test_who_follows_hears_everything_also_over_a_rotation(path: Path) -> None:
    log = Log(path, most=30)
    heard = bytearray()

    async def follow() -> None:
        async for data in log.read(tail=0, follow=True):
            heard.extend(data)

    following = asyncio.ensure_future(follow())
    await asyncio.sleep(0)
    said = b""
    for number in range(20):
        line = b"this is line %d\n" % number
        log.write(line)
        said += line
        await asyncio.sleep(0)
    log.end()
    await asyncio.wait_for(following, 5)
    assert bytes(heard) == said


async def test_what_comes_out_of_a_pipe_goes_into_the_log(path: Path) -> None:
    log = Log(path)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pumping = asyncio.ensure_future(log.pump(reading))
    os.write(writing, b"hello ")
    await asyncio.sleep(0.01)
    os.write(writing, b"world\n")
    os.close(writing)
    await asyncio.wait_for(pumping, 5)
    assert path.read_bytes() == b"hello world\n"


async def test_a_full_disk_loses_lines_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        log.write(b"lost\n")
    log.write(b"kept\n")
    assert path.read_bytes() == b"kept\n"


async def test_a_log_that_can_not_be_rotated_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(path, most=10)
    log.write(b"one.......")

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "open", full)
        log.write(b"two\n")
    assert path.with_name("part.log.1").read_bytes() == b"one.......two\n"
    log.write(b"three......")
    assert path.read_bytes() == b"three......"
