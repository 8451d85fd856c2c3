"""Processes that are looked after: real ones, small."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from rsparkhub.backends.process.proc import Process, find
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.installation import supervisor as supervision
from rsparkhub.installation.supervisor import Supervisor, end_processes, pause_after

WELL = """
import os, signal, sys, time
from rsparkhub.installation.supervised import end_with_parent, say_ready
end_with_parent()
print(f"{sys.argv[1]} is here", flush=True)
say_ready()
signal.pause()
"""


def command(name: str, code: str = WELL) -> list[str]:
    return [sys.executable, "-c", code, name]


class World:
    """A supervisor, and what it told."""

    def __init__(self, folder: Path, **commands: list[str]) -> None:
        self.said: list[str] = []
        self.running: dict[str, Process] = {}
        self.news = asyncio.Event()
        self.logs = folder
        self.supervisor = Supervisor(commands=commands, logs=folder, sockets=folder, tell=self.said.append, changed=self._changed)

    def _changed(self, running: Mapping[str, Process]) -> None:
        self.running = dict(running)
        self.news.set()

    async def next_change(self) -> None:
        self.news.clear()
        await asyncio.wait_for(self.news.wait(), 30)


async def test_all_run_when_start_returns_and_none_when_stop_does(tmp_path: Path) -> None:
    world = World(tmp_path, hub=command("hub"), edge=command("edge"))
    await world.supervisor.start()
    assert all(process.alive() for process in world.running.values())
    assert list(world.running) == ["hub", "edge"]
    await world.supervisor.stop()
    assert not any(process.alive() for process in world.running.values())
    assert (tmp_path / "hub.log").read_text() == "hub is here\n"
    assert not list(tmp_path.glob("*.sock"))


async def test_one_that_is_killed_is_started_again_and_that_is_said_in_one_line(tmp_path: Path) -> None:
    world = World(tmp_path, hub=command("hub"), edge=command("edge"))
    await world.supervisor.start()
    before = dict(world.running)
    os.kill(before["hub"].pid, signal.SIGKILL)
    await world.next_change()
    assert world.running["hub"].alive()
    assert world.running["hub"] != before["hub"]
    assert world.running["edge"] == before["edge"]
    await world.supervisor.stop()
    assert world.said == [
        f"The hub was ended by SIGKILL; starting it again. Sessions are not touched. Its log: {tmp_path / 'hub.log'}"
    ]


async def test_one_that_cannot_start_ends_all_and_its_last_line_is_the_reason(tmp_path: Path) -> None:
    broken = command("edge", "import sys; print('first'); sys.exit('the port is taken')")
    world = World(tmp_path, hub=command("hub"), edge=broken)
    with pytest.raises(InstallationProblem, match="The edge could not start: the port is taken"):
        await world.supervisor.start()
    assert not any(process.alive() for process in world.running.values())


async def test_one_that_never_gets_ready_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "START_DEADLINE", 0.5)
    world = World(tmp_path, hub=command("hub", "import signal; signal.pause()"))
    with pytest.raises(InstallationProblem, match=r"Not ready after .*: hub"):
        await world.supervisor.start()
    assert not world.running["hub"].alive()


async def test_one_that_ignores_sigterm_is_ended_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "END_DEADLINE", 0.3)
    stubborn = WELL.replace("say_ready()\n", "signal.signal(signal.SIGTERM, signal.SIG_IGN); say_ready()\n")
    world = World(tmp_path, hub=command("hub", f"{stubborn}\nsignal.pause()"))
    await world.supervisor.start()
    await world.supervisor.stop()
    assert not world.running["hub"].alive()


async def test_a_child_does_not_outlive_who_looks_after_it(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from rsparkhub.installation.supervisor import Supervisor\n"
        "async def main():\n"
        "    folder = Path(sys.argv[1])\n"
        "    tell = lambda running: print(running['hub'].pid, flush=True)\n"
        "    s = Supervisor(commands={'hub': sys.argv[2:]}, logs=folder, sockets=folder, tell=print, changed=tell)\n"
        "    await s.start(); print('ready', flush=True); await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), *command("hub"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = find(int(await parent.stdout.readline()))
    assert child is not None
    assert await parent.stdout.readline() == b"ready\n"
    parent.kill()
    await parent.wait()
    assert await asyncio.to_thread(child.wait, 20)


async def test_what_an_earlier_run_left_is_ended_and_named() -> None:
    left = await asyncio.create_subprocess_exec(sys.executable, "-c", "import signal; signal.pause()")
    mark = find(left.pid)
    assert mark is not None
    later = Process(left.pid, mark.started + 1)  # the same pid, given again to another process
    assert await end_processes({"edge": later}) == []
    assert mark.alive()
    assert await end_processes({"hub": mark}) == ["hub"]
    assert await left.wait() == -signal.SIGTERM


def test_a_child_that_dies_again_and_again_is_started_less_and_less_often() -> None:
    pauses = [pause_after(deaths) for deaths in range(12)]
    assert pauses[:5] == [0, 0.25, 0.5, 1, 2]
    assert pauses[-1] == 30
