"""The process backend, with real processes: it starts once, finds again, ends, and leaves nothing."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from session_sandbox import agent_of, behave, make_spec, members_of, shim_of, until

from rspark_contract.record import How
from rspark_contract.specs import SecretFile
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process import proc
from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.backends.process.observation import DID_NOT_BEGIN, NO_AGENT, RESTARTED
from rsparkhub.backends.process.run_folder import empty, throw_away
from rsparkhub.domain.errors import CannotStart, Unavailable

REF = EnsembleRef("aaaa", 1)
GRACE = timedelta(seconds=10)


async def test_a_session_starts_is_up_suspends_and_leaves_its_record(backend: ProcessBackend, data: Path) -> None:
    assert (await backend.observe(REF)).phase == "absent"
    await backend.apply(make_spec())
    up = await until(backend, REF, lambda o: o.phase == "up")
    assert up.status is not None
    assert (up.status.address or "").startswith("127.0.0.1:")
    assert await backend.list() == [REF]

    await backend.end(REF, "suspend", GRACE)
    ended = await until(backend, REF, lambda o: o.phase == "ended")
    assert ended.code == 0
    assert ended.record is not None
    assert ended.record.how is How.SUSPENDED
    assert members_of(data, "aaaa.1") == []

    await backend.remove(REF)
    assert (await backend.observe(REF)).phase == "absent"
    assert await backend.list() == []


@pytest.mark.parametrize("elsewhere", ["169.254.169.254:80", "localhost:8000", "127.0.0.1:22 ", "127.0.0.1", 7])
async def test_a_session_cannot_name_an_address_elsewhere_as_its_own(
    backend: ProcessBackend, data: Path, elsewhere: object
) -> None:
    await backend.apply(make_spec())
    up = await until(backend, REF, lambda o: o.phase == "up")
    assert up.status is not None
    file = data / "sessions" / "aaaa" / "1" / "status.json"
    file.write_text(json.dumps({**up.status.to_json(), "address": elsewhere}))
    told = await until(backend, REF, lambda o: o.status is not None and o.status.address != up.status.address)
    assert told.status is not None
    assert told.status.address is None


async def test_what_was_saved_is_there_in_the_next_generation(backend: ProcessBackend, data: Path) -> None:
    for generation in (1, 2, 3):
        ref = EnsembleRef("aaaa", generation)
        await backend.apply(make_spec(generation=generation, resume=True))
        await until(backend, ref, lambda o: o.phase == "up")
        await backend.end(ref, "suspend", GRACE)
        await until(backend, ref, lambda o: o.phase == "ended")
        await backend.remove(ref)
    assert (data / "homes" / "ada" / "value").read_text() == "3"


async def test_two_applies_at_once_start_one_ensemble(
    backend: ProcessBackend, data: Path, notify_dir: Path, session_python: Path
) -> None:
    other = ProcessBackend(data=data, notify_dir=notify_dir, python=session_python)
    await asyncio.gather(*(each.apply(make_spec()) for each in (backend, other) * 4))
    await until(backend, REF, lambda o: o.phase == "up")
    agents = [
        p for p in proc.everyone() if b"stand_in_agent.py\0" in cmdline(p.pid) and proc.ensemble_of(p.pid, f"{data}/".encode())
    ]
    assert len([p for p in agents if b"shim.py" not in cmdline(p.pid)]) == 1


async def test_what_has_ended_never_runs_again(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    await backend.end(REF, "stop", GRACE)
    await until(backend, REF, lambda o: o.phase == "ended")
    await backend.apply(make_spec())
    assert (await backend.observe(REF)).phase == "ended"
    assert members_of(data, "aaaa.1") == []


async def test_a_generation_that_was_killed_before_it_started_never_starts(backend: ProcessBackend, data: Path) -> None:
    folder = backend._folder(REF)
    backend._start.prepare(folder, make_spec())
    await backend.kill(REF)
    await backend.apply(make_spec())
    assert (await backend.observe(REF)).phase == "ended"
    assert members_of(data, "aaaa.1") == []


async def test_another_hub_finds_it_again(backend: ProcessBackend, data: Path, notify_dir: Path, session_python: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    later = ProcessBackend(data=data, notify_dir=notify_dir, python=session_python)
    assert (await later.observe(REF)).phase == "up"
    await later.end(REF, "suspend", GRACE)
    await until(later, REF, lambda o: o.phase == "ended")


async def test_an_ensemble_belongs_to_no_process_of_the_hub(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    shim = proc.find(shim_of(data).pid)
    assert shim is not None
    assert shim.parent != os.getpid()
    assert os.getsid(shim.pid) == shim.pid


async def test_an_agent_that_is_killed_takes_its_whole_ensemble_with_it(backend: ProcessBackend, data: Path) -> None:
    behave(data, hides=True)
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    async with asyncio.timeout(20):
        while len(members_of(data, "aaaa.1")) != 3:  # one that forks is two for a moment
            await asyncio.sleep(0.02)
    hidden = [p for p in proc.everyone() if cmdline(p.pid) == b"sleep\x001001\0" and descends(p, shim_of(data))]
    assert hidden, "a process that threw its name away hides from a look by name"
    agent_of(data).signal(signal.SIGKILL)
    ended = await until(backend, REF, lambda o: o.phase == "ended")
    assert ended.signal == signal.SIGKILL
    assert ended.record is None
    assert members_of(data, "aaaa.1") == []
    assert not any(p.alive() for p in hidden)


async def test_an_agent_whose_shim_is_killed_saves_and_ends(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    shim_of(data).signal(signal.SIGKILL)
    ended = await until(backend, REF, lambda o: o.phase == "ended")
    assert ended.record is not None
    assert ended.record.how is How.SUSPENDED


async def test_kill_ends_all_of_an_ensemble_that_listens_to_nobody(backend: ProcessBackend, data: Path) -> None:
    behave(data, deaf=True, hides=True)
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    await backend.end(REF, "stop", GRACE)
    assert (await backend.observe(REF)).phase == "up"
    await backend.kill(REF)
    assert (await backend.observe(REF)).phase == "ended"
    assert members_of(data, "aaaa.1") == []


async def test_kill_ends_what_lives_on_without_shim_agent_and_folder(backend: ProcessBackend, data: Path) -> None:
    behave(data, deaf=True)
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    shim, agent = shim_of(data), agent_of(data)
    shim.signal(signal.SIGKILL)
    agent.signal(signal.SIGKILL)
    await backend.remove(REF)
    assert await backend.list() == [REF], "its interface still runs"
    await backend.kill(REF)
    assert await backend.list() == []


async def test_the_same_name_in_another_installation_is_left_alone(
    backend: ProcessBackend, tmp_path: Path, notify_dir: Path, session_python: Path, data: Path
) -> None:
    other = ProcessBackend(data=tmp_path / "other", notify_dir=notify_dir, python=session_python)
    try:
        for each in (backend, other):
            await each.apply(make_spec())
            await until(each, REF, lambda o: o.phase == "up")
        await backend.kill(REF)
        assert members_of(data, "aaaa.1") == []
        assert (await other.observe(REF)).phase == "up"
    finally:
        await other.kill(REF)
        await other.aclose()


async def test_who_begins_anew_in_a_removed_data_folder_is_left_alone(
    backend: ProcessBackend, data: Path, notify_dir: Path, session_python: Path
) -> None:
    await backend.apply(make_spec())
    assert await backend.list() == [REF]
    removed = data.rename(data.with_name("removed"))
    with pytest.raises(Unavailable, match="was removed or replaced"):
        await backend.list()
    other = ProcessBackend(data=data, notify_dir=notify_dir, python=session_python)
    try:
        await other.apply(make_spec())
        await until(other, REF, lambda o: o.phase == "up")
        with pytest.raises(Unavailable, match="was removed or replaced"):
            await backend.list()
    finally:
        await other.kill(REF)
        await other.aclose()
        shutil.rmtree(data)
        removed.rename(data)


async def test_a_pid_that_another_process_has_now_is_not_the_session(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    await backend.kill(REF)
    bystander = subprocess.Popen(["sleep", "1000"])
    try:
        run = data / "sessions" / "aaaa" / "1"
        (run / "exit.json").unlink()
        me = {"pid": bystander.pid, "started": 1}
        (run / "shim.json").write_text(json.dumps(me | {"boot_id": proc.boot_id(), "agent": me}))
        assert (await backend.observe(REF)).phase == "ended"
        await backend.end(REF, "suspend", GRACE)
        await backend.kill(REF)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


async def test_after_a_reboot_a_session_has_ended_and_says_why(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    await backend.kill(REF)
    run = data / "sessions" / "aaaa" / "1"
    (run / "exit.json").unlink()
    shim = json.loads((run / "shim.json").read_text())
    # The pids of this very test: after a boot they are somebody else's.
    myself = proc.find(os.getpid())
    assert myself is not None
    me = {"pid": myself.pid, "started": myself.started}
    (run / "shim.json").write_text(json.dumps(shim | me | {"boot_id": "an earlier boot", "agent": me}))
    ended = await backend.observe(REF)
    assert (ended.phase, ended.reason) == ("ended", RESTARTED)
    await backend.kill(REF)


async def test_sigterm_is_sent_to_an_agent_that_has_no_address_yet(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    (data / "sessions" / "aaaa" / "1" / "status.json").unlink()
    await backend.end(REF, "suspend", GRACE)
    ended = await until(backend, REF, lambda o: o.phase == "ended")
    assert ended.record is not None
    assert ended.record.how is How.SUSPENDED


async def test_whoever_listens_hears_each_change(backend: ProcessBackend) -> None:
    heard: list[EnsembleRef] = []
    enough = asyncio.Event()

    async def listen() -> None:
        async for ref in backend.changes():
            heard.append(ref)
            enough.set()

    listening = asyncio.create_task(listen())
    try:
        await asyncio.sleep(0.1)
        await backend.apply(make_spec())
        await until(backend, REF, lambda o: o.phase == "up")
        await asyncio.wait_for(enough.wait(), 10)
        enough.clear()
        await backend.kill(REF)
        await asyncio.wait_for(enough.wait(), 10)
        assert {ref.id for ref in heard} == {"aaaa"}
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_nonsense_that_rings_is_nobodys_loss(backend: ProcessBackend, notify_dir: Path) -> None:
    notified: asyncio.Queue[EnsembleRef] = asyncio.Queue()

    async def listen() -> None:
        async for ref in backend.changes():
            notified.put_nowait(ref)

    listening = asyncio.create_task(listen())
    try:
        while not (listeners := list(notify_dir.glob("backend-*.sock"))):
            await asyncio.sleep(0.01)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for data in (b"", b"[", b"[]", b'{"session": 1}', b"[" * 4000, b'{"session": "bbbb", "generation": 2}'):
                sender.sendto(data, str(listeners[0]))
        assert await asyncio.wait_for(notified.get(), 10) == EnsembleRef("bbbb", 2)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_what_the_agent_reads_is_for_its_owners_eyes(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec(files=(SecretFile(path="pg/pass", content="hush"),)))
    path = data / "sessions" / "aaaa" / "1" / "ensemble.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["files"] == [{"path": "pg/pass", "content": "hush"}]


async def test_nothing_of_the_hubs_environment_reaches_a_session(
    backend: ProcessBackend, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSPARKHUB_STORE_URL", "postgresql://u:password@h/d")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    environ = Path(f"/proc/{agent_of(data).pid}/environ").read_text().split("\0")
    names = {line.partition("=")[0] for line in environ if line}
    assert {"HOME", "RSPARK_HOME", "RSPARK_ENSEMBLE", "PATH"} <= names
    assert not names & {"RSPARKHUB_STORE_URL", "SOME_TOKEN"}


async def test_the_tail_of_each_log_can_be_read(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    (data / "sessions/aaaa/1/log/interface.log").write_text("first\n" * 1000 + "last\n")
    tails = await backend.log_tails(REF, most=50)
    assert "stand-in agent" in tails["agent"]
    assert tails["interface"].startswith("first\n")
    assert tails["interface"].endswith("last\n")
    assert len(tails["interface"]) <= 50


async def test_a_session_that_is_forgotten_leaves_its_home(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    await backend.kill(REF)
    await backend.forget_session("aaaa", user="ada")
    await backend.forget_session("aaaa", user="ada")
    assert not (data / "sessions" / "aaaa").exists()
    assert (data / "homes" / "ada").is_dir()


async def test_what_a_crash_left_of_a_removal_goes_with_the_next_look(backend: ProcessBackend, data: Path) -> None:
    (data / "sessions" / ".trash" / "x" / "1").mkdir(parents=True)
    assert await backend.list() == []
    assert not (data / "sessions" / ".trash").exists()


async def test_folders_are_thrown_away_while_another_empties_the_trash(data: Path) -> None:
    trash, done = data / ".trash", asyncio.Event()

    async def keep_emptying() -> None:
        while not done.is_set():
            await asyncio.to_thread(empty, trash)

    emptying = asyncio.create_task(keep_emptying())
    for number in range(200):
        folder = data / str(number)
        (folder / "log").mkdir(parents=True)
        await asyncio.to_thread(throw_away, folder, trash)
        assert not folder.exists()
    done.set()
    await emptying


@pytest.fixture
def of_nobody() -> Iterator[Path]:
    """A folder of an account without rights, which this process has for as long."""
    with tempfile.TemporaryDirectory() as folder:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if is_root:
                os.seteuid(0)


def test_folders_that_are_closed_to_their_owner_are_thrown_away(of_nobody: Path) -> None:
    home, elsewhere, trash = of_nobody / "home", of_nobody / "elsewhere", of_nobody / "trash"
    (home / "closed" / "inner").mkdir(parents=True)
    elsewhere.mkdir()
    for file in (home / "closed" / "file", home / "closed" / "inner" / "file", elsewhere / "file"):
        file.touch(0o444)
    (home / "closed" / "link").symlink_to(elsewhere)
    os.link(elsewhere / "file", home / "closed" / "other name")
    for folder, mode in ((home / "closed" / "inner", 0), (home / "closed", 0o555), (elsewhere, 0o555)):
        folder.chmod(mode)
    throw_away(home, trash)
    assert list(trash.rglob("*")) == []
    assert [path.stat().st_mode & 0o777 for path in (elsewhere, elsewhere / "file")] == [0o555, 0o444]
    elsewhere.chmod(0o755)


async def test_memory_that_ran_out_is_the_reason(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    await backend.kill(REF)
    (data / "sessions/aaaa/1/exit.json").write_text('{"code": null, "signal": 9, "memory_ran_out": true}')
    assert (await backend.observe(REF)).reason == "The system ended it because this machine ran out of memory."


@pytest.mark.parametrize(
    "nonsense",
    [
        '{"code": 1' + "0" * 400 + "}", '{"code": true}', '{"code": -1}', '{"signal": 1e99}', '{"signal": 0}',
        '{"memory_ran_out": 1}', "[7]",
    ],
)  # fmt: skip
async def test_an_end_that_can_not_be_read_is_none(backend: ProcessBackend, data: Path, nonsense: str) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    (data / "sessions/aaaa/1/exit.json").write_text(nonsense)
    assert (await backend.observe(REF)).phase == "up"


@pytest.mark.parametrize("name", ["status.json", "exit.json", "record.json", "shim.json"])
async def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(backend: ProcessBackend, data: Path, name: str) -> None:
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    file = data / "sessions/aaaa/1" / name
    content = file.read_bytes() if file.exists() else b""
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    async with asyncio.timeout(5):
        await backend.observe(REF)
    file.unlink()
    if name == "shim.json":  # without it nobody would find the shim to end
        file.write_bytes(content)


@pytest.mark.parametrize("nonsense", ["", "[]", "{", '{"state": []}', "[" * 100_000, '"ready"', '{"state": "new"}'])
async def test_a_status_that_is_none_is_a_start_still_under_way(backend: ProcessBackend, data: Path, nonsense: str) -> None:
    behave(data, deaf=True)
    await backend.apply(make_spec())
    await until(backend, REF, lambda o: o.phase == "up")
    (data / "sessions/aaaa/1/status.json").write_text(nonsense)
    assert (await backend.observe(REF)).phase == "starting"


class TestWhatKeepsASessionFromStarting:
    async def test_a_missing_python_is_said(self, data: Path, notify_dir: Path) -> None:
        backend = ProcessBackend(data=data, notify_dir=notify_dir, python=Path("/nowhere/python"))
        with pytest.raises(CannotStart, match="The Python for sessions is missing") as caught:
            await backend.apply(make_spec())
        assert "/nowhere/python" in (caught.value.detail or "")
        await backend.aclose()

    async def test_a_python_that_is_no_program_is_said(self, data: Path, notify_dir: Path, tmp_path: Path) -> None:
        program = tmp_path / "broken"
        program.write_text("#!/nowhere/interpreter\n")
        program.chmod(0o755)
        backend = ProcessBackend(data=data, notify_dir=notify_dir, python=program)
        with pytest.raises(CannotStart, match="could not start the session") as caught:
            await backend.apply(make_spec())
        assert str(program) in (caught.value.detail or "")
        assert (await until(backend, REF, lambda o: o.phase == "ended")).code == 127
        await backend.aclose()

    async def test_a_python_without_the_agent_is_said(self, data: Path, notify_dir: Path, tmp_path: Path) -> None:
        program = tmp_path / "bare"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
        program.chmod(0o755)
        backend = ProcessBackend(data=data, notify_dir=notify_dir, python=program)
        await backend.apply(make_spec())
        ended = await until(backend, REF, lambda o: o.phase == "ended")
        assert ended.reason == NO_AGENT
        assert "rspark_session" in (ended.detail or "")
        await backend.aclose()

    async def test_an_agent_that_ends_at_once_is_said_with_its_last_word(self, backend: ProcessBackend, data: Path) -> None:
        behave(data, exits=3)
        await backend.apply(make_spec())
        ended = await until(backend, REF, lambda o: o.phase == "ended")
        assert (ended.code, ended.reason, ended.detail) == (3, DID_NOT_BEGIN, "Traceback: told to exit")

    def test_a_full_disk_is_said_and_nothing_is_half_written(self, tmp_path: Path, session_python: Path) -> None:
        said, left = start_on(tmp_path, session_python, options="size=16k", fill=16384)
        assert said.startswith("The disk of this machine is full")
        assert "ensemble.json" not in left

    def test_a_folder_that_may_not_be_written_to_is_said(self, tmp_path: Path, session_python: Path) -> None:
        said, _ = start_on(tmp_path, session_python, options="ro", fill=0)
        assert said.startswith("RSparkHub may not write to its data folder")


def start_on(tmp_path: Path, python: Path, *, options: str, fill: int) -> tuple[str, str]:
    """Start a session on a file system of its own, which only this call sees; give what was said, and the files left."""
    place = tmp_path / "small"
    place.mkdir()
    program = f"""
import asyncio, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from session_sandbox import make_spec
from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.domain.errors import CannotStart
place = pathlib.Path({str(place)!r})
if {fill}:
    (place / "fill").write_bytes(b"x" * {fill})
try:
    asyncio.run(ProcessBackend(data=place, notify_dir=place, python=pathlib.Path({str(python)!r})).apply(make_spec()))
except CannotStart as error:
    print(error)
print([path.name for path in place.rglob("*")])
"""
    mount = f'mount -t tmpfs -o {options} tmpfs {place} && exec {sys.executable} -c "$0"'
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    done = subprocess.run([*alone, "sh", "-c", mount, program], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said, _, left = done.stdout.strip().rpartition("\n")
    return said, left


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def descends(process: proc.Process, ancestor: proc.Process) -> bool:
    parent: proc.Process | None = process
    while parent is not None and parent.parent:
        if parent == ancestor:
            return True
        parent = proc.find(parent.parent)
    return False
