"""What a session writes where the process backend reads: names, links, pipes, pids, notifications and logs."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from session_sandbox import agent_of, make_spec, shim_of, until

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.backends.process.notifications import receive
from rsparkhub.backends.process.run_folder import RunFolder

REF = EnsembleRef("aaaa", 1)


@pytest.mark.parametrize(
    "name",
    ["../homes/bob.1", "aaaa/../../homes/bob.1", ".trash.1", "aaaa.²", "aaaa.-1", "aaaa.1.1", "AAAA.1", "aaaa.", ".1", "a\nb.1"],
)
async def test_a_process_names_nothing_that_is_not_a_session(backend: ProcessBackend, data: Path, name: str) -> None:
    home = data / "homes" / "bob"
    home.mkdir(parents=True)
    environ = {**os.environ, "RSPARK_ENSEMBLE": name, "RSPARK_HOME": f"{data}/homes/ada"}
    liar = subprocess.Popen([sys.executable, "-c", "input()"], env=environ, stdin=subprocess.PIPE)
    try:
        assert await backend.list() == []
    finally:
        liar.kill()
        liar.wait()
    assert home.exists()


@pytest.mark.parametrize("name", ["../homes/bob", "", ".", "..", "a/b", "a\0b"])
async def test_a_ref_that_names_no_session_is_refused(backend: ProcessBackend, data: Path, name: str) -> None:
    (data / "homes" / "bob").mkdir(parents=True)
    for step in (backend.observe, backend.kill, backend.remove):
        with pytest.raises(ValueError, match="no name of a session"):
            await step(EnsembleRef(name, 1))
    with pytest.raises(ValueError, match="no name of a session"):
        await backend.forget_session(name, user=None)
    assert (data / "homes" / "bob").exists()


async def test_folders_that_are_no_sessions_are_passed_over(backend: ProcessBackend, data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "1").mkdir(parents=True)
    sessions = data / "sessions"
    for name in ("aaaa/1", "aaaa/\u0661", "aaaa/\u00b2", "aaaa/1x", "Upper/1", "with space/1"):
        (sessions / name).mkdir(parents=True)
    (sessions / "linked").symlink_to(outside)
    assert await backend.list() == [REF]


async def test_a_log_is_no_way_to_read_what_the_hub_may_read(backend: ProcessBackend, data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.log"
    secret.write_text("everybody's secrets\n")
    folder = RunFolder(data / "sessions", REF)
    folder.make()
    (folder.log / "interface.log").symlink_to(secret)
    os.mkfifo(folder.log / "pipe.log")
    (folder.log / "agent.log").write_text("mine\n")
    (folder.log / "other words.log").write_text("not a component")
    assert await backend.log_tails(REF) == {"agent": "mine\n", "interface": "", "pipe": ""}
    for file in folder.log.iterdir():
        file.unlink()
    folder.log.rmdir()
    folder.log.symlink_to(tmp_path)
    assert await backend.log_tails(REF) == {}


@pytest.mark.parametrize("file", ["status.json", "exit.json", "shim.json", "record.json"])
async def test_a_link_or_a_pipe_in_the_place_of_a_report_is_no_report(
    backend: ProcessBackend, data: Path, tmp_path: Path, file: str
) -> None:
    elsewhere = tmp_path / "file.json"
    elsewhere.write_text(json.dumps({"code": 7, "signal": None, "state": "ready", "how": "stopped", "generation": 1}))
    folder = RunFolder(data / "sessions", REF)
    folder.make()
    (folder.path / file).symlink_to(elsewhere)
    assert (await backend.observe(REF)).phase == "absent"
    (folder.path / file).unlink()
    os.mkfifo(folder.path / file)
    async with asyncio.timeout(5):
        assert (await backend.observe(REF)).phase == "absent"


async def test_a_file_that_names_somebody_elses_process_ends_nobody(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec("bbbb", user="bob"))
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    await until(backend, EnsembleRef("bbbb", 1), lambda o: o.phase == "up")
    agent, shim = agent_of(data, "bbbb.1"), shim_of(data, "bbbb.1")
    file = data / "sessions" / "aaaa" / "1" / "shim.json"
    own = json.loads(file.read_text())
    forged = {"pid": shim.pid, "started": shim.started, "agent": {"pid": agent.pid, "started": agent.started}}
    file.write_text(json.dumps(own | forged))
    await backend.kill(REF)
    assert agent.alive()
    assert shim.alive()
    await backend.kill(EnsembleRef("bbbb", 1))
    assert not agent.alive()


async def test_the_last_line_of_a_log_is_shown_without_what_a_terminal_obeys(backend: ProcessBackend, data: Path) -> None:
    folder = RunFolder(data / "sessions", REF)
    folder.make()
    folder.write("exit.json", '{"code": 3}')
    (folder.log / "agent.log").write_bytes(b"\x1b]0;gotcha\x07\x1b[2Jred \xe2\x80\xae\xff" + b"x" * 5000)
    detail = (await backend.observe(REF)).detail
    assert detail is not None
    assert detail.startswith("x") or detail.isprintable()
    assert len(detail) <= 1000
    assert not {"\x1b", "\x07", "\u202e"} & set(detail)


async def test_a_flood_of_notifications_is_one_for_each_session(notify_dir: Path) -> None:
    received: list[EnsembleRef] = []

    async def follow() -> None:
        async for ref in receive(notify_dir):
            received.append(ref)

    task = asyncio.create_task(follow())
    while not list(notify_dir.glob("*.sock")):
        await asyncio.sleep(0.01)
    (path,) = notify_dir.glob("*.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        for said in ("../homes/bob", "\ud800", "a" * 65, "", "aaaa", "aaaa", "aaaa"):
            sender.sendto(json.dumps({"session": said, "generation": 1}).encode(), str(path))
        sender.sendto(b"[" * 4096, str(path))
    await asyncio.sleep(0.2)
    assert received == [REF]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
