"""What an agent does in a container that it doesn't do as a process of a machine."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from session.tests.running import PYTHON, Running, part

from rspark_contract.record import MOST_MESSAGE, How, Record
from rspark_contract.saved import LostObject, Saved, SavedKernel
from rspark_session.agent.lifecycle.own_packages import image_mark, r_version
from rspark_session.agent.reporting.record import fitting

Start = Callable[..., Running]
SPEAKS = ("{python}", "-uc", "import signal; print('one'); print('two', end=''); signal.pause()")


async def test_secret_files_are_for_their_owners_eyes_and_lie_inside(start: Start) -> None:
    running = start(kind="service", parts=[part("one", *SPEAKS)], files=[{"path": "pg/pass", "content": "hush"}])
    await running.until_state("ready")
    assert (running.run / "pg/pass").read_text() == "hush"
    assert (running.run / "pg/pass").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["../x", "/x", ""])
async def test_a_file_that_leads_elsewhere_is_refused(start: Start, path: str) -> None:
    running = start(kind="service", files=[{"path": path, "content": ""}])
    assert await running.ended() == 1
    assert "can't be the path of a file" in running.log("agent")


async def test_the_record_is_the_termination_message(start: Start, tmp_path: Path) -> None:
    message = tmp_path / "message"
    running = start(kind="service", parts=[part("one", *SPEAKS)], termination_message=str(message))
    await running.until_state("ready")
    assert await running.suspend() == 0
    assert json.loads(message.read_text()) == json.loads((running.run / "record.json").read_text())


async def test_why_nothing_could_be_started_is_the_termination_message(start: Start, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    message = tmp_path / "message"
    running = start(kind="service", termination_message=str(message))
    assert await running.ended() == 1
    assert json.loads(message.read_text())["how"] == "failed"


async def test_a_record_that_is_too_long_is_cut_and_still_says_how_it_ended() -> None:
    lost = tuple(
        LostObject(name=f"connection{number}", class_name="connection", why="It leads out of R. " * 3) for number in range(100)
    )
    kernel = SavedKernel(id="1", name="ir", language="R", path="a.ipynb", objects=7, bytes=9, lost=lost)
    whole = Record(how=How.SUSPENDED, code=0, detail="é" * 900, saved=Saved(kernels=(kernel,) * 3))
    text = fitting(whole)
    assert len(text.encode()) <= MOST_MESSAGE
    cut = json.loads(text)
    assert cut["how"] == "suspended"
    assert cut["saved"]["kernels"][0]["objects"] == 7
    told = cut["saved"]["kernels"][0]["lost"]
    assert told[-1]["why"] == f"And {101 - len(told)} more."
    many = fitting(replace(whole, saved=Saved(kernels=(kernel,) * 500)))
    assert len(many) <= MOST_MESSAGE
    assert json.loads(many)["how"] == "suspended"
    long = fitting(replace(whole, how=How.FAILED, reason="é" * 5000, session="a" * 64))
    assert len(long) <= MOST_MESSAGE
    assert json.loads(long)["how"] == "failed"


async def test_the_lines_of_each_part_are_on_the_containers_output(prepare: Start) -> None:
    running = prepare(kind="service", parts=[part("one", *SPEAKS)], logs="stdout")
    running.run.mkdir(parents=True)
    file = running.run / "ensemble.json"
    file.write_text(json.dumps(running.asked))
    agent = subprocess.Popen([PYTHON, "-m", "rspark_session.agent", file], stdout=subprocess.PIPE, text=True)
    running.process = agent  # type: ignore[assignment]
    assert agent.stdout is not None
    lines = [agent.stdout.readline()]
    while lines[-1] and not lines[-1].startswith("one | "):
        lines.append(agent.stdout.readline())
    assert lines[-1] == "one | one\n"
    os.kill(agent.pid, signal.SIGTERM)
    rest, _ = agent.communicate(timeout=60)
    assert agent.returncode == 0
    assert all(line.partition(" | ")[0] in ("agent", "one") for line in rest.splitlines())
    assert "agent | " in rest


async def test_what_deleted_sessions_kept_is_thrown_away_and_nothing_else(start: Start, tmp_path: Path) -> None:
    homes = tmp_path / "sessions"
    for name in ("gone", "stays"):
        (homes / name / "workspace").mkdir(parents=True)
    keep = homes / "own"
    running = start(kind="service", parts=[part("one", *SPEAKS)], keep=str(keep), forget=["gone", "own", "../stays", "never"])
    await running.until_state("ready")
    assert sorted(path.name for path in homes.iterdir()) == ["stays"]
    assert await running.suspend() == 0
    assert keep.is_dir()


def test_each_image_has_a_library_of_its_own() -> None:
    digest = "0123456789abcdef" * 4
    assert image_mark(f"rspark@sha256:{digest}", {}) == digest[:12]
    tagged = {image_mark("rspark:1", {"RSPARK_IMAGE": built}) for built in ("a", "b")} | {image_mark("rspark:2", {})}
    assert len(tagged) == 3


def test_the_version_of_r_is_known_without_starting_it() -> None:
    said = subprocess.run(["Rscript", "-e", "cat(format(getRversion()))"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"{r_version()}.")
