"""A disk that is full: one sentence, nothing half-written, and all is well again when there is room."""

import ctypes
import os
import re
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from store_scene import hold

from rsparkhub.domain.errors import InstallationProblem, Unavailable
from rsparkhub.store import Store, open_store

_MIB = 2**20
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class LimitedFiles:
    """No file may be larger than a MiB: what a full disk is to somebody who may not make a small one."""

    folder: Path

    @contextmanager
    def limited(self) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MIB, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@dataclass
class SmallDisk:
    """A disk of a few MiB, most of which is taken by something else while it is to be full."""

    folder: Path

    @contextmanager
    def limited(self) -> Iterator[None]:
        ballast = self.folder / "ballast"
        ballast.write_bytes(bytes(6 * _MIB))
        try:
            yield
        finally:
            ballast.unlink()


def _may_mount() -> bool:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:"))
    return bool(int(line.split()[1], 16) >> 21 & 1)  # CAP_SYS_ADMIN


@pytest.fixture(params=["limited files", "small disk"] if _may_mount() else ["limited files"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LimitedFiles | SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limited files":
        yield LimitedFiles(folder)
        return
    assert _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=7m") == 0, os.strerror(ctypes.get_errno())
    try:
        yield SmallDisk(folder)
    finally:
        assert _libc.umount(os.fsencode(folder)) == 0


async def _fill(store: Store, now: datetime) -> tuple[int, str]:
    """Make sessions until there is no room for another; tell how many were made, and what was said."""
    options = {"note": "x" * 20_000}
    for made in range(1000):
        try:
            await store.sessions.create(owner="ada", environment="rspark", name="R", options=options, now=now)
        except Unavailable as error:
            return made, str(error)
    raise AssertionError("the disk was never full")


async def test_a_full_disk_loses_nothing_and_is_forgotten_when_there_is_room(
    disk: LimitedFiles | SmallDisk, noon: datetime
) -> None:
    async with open_store(f"sqlite:///{disk.folder}/rsparkhub.sqlite") as store:
        await store.users.add("ada", now=noon)
        with disk.limited():
            made, said = await _fill(store, noon)
            assert made > 5
            assert re.search(r"disk .* is full, so nothing was changed\. Make room on it", said)
            for _ in range(3):  # it stays so
                with pytest.raises(Unavailable, match="disk"):
                    await store.logs.keep((await store.sessions.list(limit=1))[0].id, 1, {"interface": "x" * 2 * _MIB})
            sessions = await store.sessions.list()
            events = await store.events.since(None, 0)
            assert len(sessions) == made
            assert {event.session for event in events} == {session.id for session in sessions}
        more, _ = await store.sessions.create(owner="ada", environment="rspark", name="R", now=noon)
        claimed = await hold(store, more, now=noon)
        assert await store.leases.save(claimed, claimed.session, holder="put", next_reconcile_at=None, now=noon)
        assert len(await store.sessions.list()) == made + 1
    with sqlite3.connect(disk.folder / "rsparkhub.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def test_a_disk_that_is_full_at_the_start_is_named(disk: LimitedFiles | SmallDisk, noon: datetime) -> None:
    url = f"sqlite:///{disk.folder}/rsparkhub.sqlite"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with disk.limited():
        rest = _take_the_rest(disk)
        try:
            with pytest.raises(InstallationProblem, match="disk"):
                async with open_store(url):
                    pass
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            rest.unlink()
    async with open_store(url) as store:
        await store.users.add("ada", now=noon)


def _take_the_rest(disk: LimitedFiles | SmallDisk) -> Path:
    """Leave no room at all."""
    rest = disk.folder / "rest"
    if isinstance(disk, LimitedFiles):
        rest.touch()
        resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return rest
    with rest.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return rest
