"""From `rsparkhub up` to `rsparkhub down`, by the command line alone."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.install.running import Running, environ
from tests.installation import COMMAND

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One RSparkHub for the tests of this module, which follow on each other's work."""
    with Running(tmp_path_factory.mktemp("up") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def session(here: Running) -> str:
    """A terminal that runs."""
    started = here.command("session", "start", "terminal", "--wait", "--json", "--timeout", "240", within=300)
    assert started.returncode == 0, started.stderr
    found = json.loads(started.stdout)
    assert found["state"] == "running"
    return str(found["id"])


@pytest.mark.long
def test_the_link_is_for_the_port_that_was_asked_for(here: Running) -> None:
    assert str(here.link).startswith(f"http://localhost:{here.port}/hub/?token=")


def test_the_data_folder_and_the_access_of_the_command_line_are_their_owners_alone(here: Running) -> None:
    assert (here.data / "cli.json").stat().st_mode & 0o777 == 0o600
    assert here.data.stat().st_mode & 0o067 == 0


@pytest.mark.long
def test_waiting_tells_each_part_on_the_way(here: Running, session: str) -> None:
    assert here.command("session", "suspend", session, "--wait").returncode == 0
    woken = here.command("session", "resume", session, "--wait")
    assert woken.returncode == 0
    assert "Terminal: ready" in woken.stderr
    assert woken.stdout == f"{session} is running: http://localhost:{here.port}/s/{session}/\n"


def test_a_command_runs_in_the_session_with_its_output_and_its_exit_code(here: Running, session: str) -> None:
    told = here.command("session", "exec", session, "--", "sh", "-c", 'echo "$RSPARK_SESSION"; exit 7')
    assert (told.returncode, told.stdout) == (7, f"{session}\n")
    counted = here.command("session", "exec", session, "--", "psql", "-Atc", "select count(*) from flights", "flights")
    assert counted.stdout == "336776\n"


def test_r_runs_in_the_session_and_finds_its_package(here: Running, session: str) -> None:
    told = here.command("session", "exec", session, "--", "Rscript", "-e", 'library(rspark); cat(nchar("four"))')
    assert (told.returncode, told.stdout[-1:]) == (0, "4"), told.stdout


def test_a_shell_opens_in_a_terminal(here: Running, session: str) -> None:
    screen, terminal = pty.openpty()
    shell = subprocess.Popen(
        [COMMAND, "session", "exec", session], stdin=terminal, stdout=terminal, stderr=terminal,
        env=environ(RSPARKHUB_DATA=str(here.data)), start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    try:
        read_until(screen, "$ ")
        os.write(screen, b"echo 6 times 7 is $((6 * 7)); exit\r")
        read_until(screen, "6 times 7 is 42")
        assert shell.wait(30) == 0
    finally:
        shell.kill()
        shell.wait()
        os.close(screen)


def read_until(screen: int, text: str) -> None:
    """Read what a terminal shows until the text is there."""
    shown, deadline = "", time.monotonic() + 60
    while text not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([screen], [], [], 1)[0]:
            shown += os.read(screen, 4096).decode(errors="replace")


def test_the_logs_of_a_part_are_told(here: Running, session: str) -> None:
    told = here.command("session", "logs", session, "--service", "interface")
    assert told.returncode == 0
    assert told.stdout


def test_doctor_finds_nothing_wrong(here: Running, session: str) -> None:
    told = here.command("doctor", "--json")
    findings = json.loads(told.stdout)["findings"]
    assert [finding for finding in findings if finding["level"] == "problem"] == []
    assert told.returncode == 0
    assert {"R", "Java", "caddy", "database", "processes", "edge", "leftovers"} <= {finding["name"] for finding in findings}


@pytest.mark.parametrize("name", ["hub", "controller", "edge"])
def test_a_part_that_is_killed_comes_again_and_that_is_said_in_one_line(here: Running, session: str, name: str) -> None:
    before = here.processes()
    os.kill(before[name], signal.SIGKILL)
    here.wait_for_line(f"The {name} was ended by SIGKILL; starting it again.")
    here.wait_for_answer(lambda: here.command("session", "show", session))
    assert here.processes()["up"] == before["up"]
    assert here.processes()[name] != before[name]
    assert json.loads(here.command("session", "show", session, "--json").stdout)["state"] == "running"


def test_ctrl_c_ends_hub_controller_and_edge_and_leaves_sessions(here: Running, session: str) -> None:
    before = json.loads(here.command("session", "show", session, "--json").stdout)
    parts = here.processes()
    assert here.interrupt() == 0
    assert not any(psutil.pid_exists(pid) for pid in parts.values())
    assert here.processes_of_sessions()
    here.up()
    shown = json.loads(here.command("session", "show", session, "--json").stdout)
    assert (shown["state"], shown["generation"]) == ("running", before["generation"])


def test_down_ends_everything_and_says_what(here: Running, session: str) -> None:
    told = here.command("down")
    assert told.returncode == 0, told.stderr
    assert "Ended: hub, controller, edge." in told.stdout
    assert re.search(rf"Asleep, with the work kept: .*\({session}\)", told.stdout)
    assert "Ended shared services: postgres." in told.stdout
    assert here.processes_of_sessions() == []
    assert here.command("down").stdout == "Nothing was running.\n"
    here.up()
    assert json.loads(here.command("session", "show", session, "--json").stdout)["state"] == "suspended"


@pytest.mark.long
def test_a_data_folder_that_is_taken_away_ends_what_runs_on_it(here: Running) -> None:
    parts = here.processes()
    moved = here.data.rename(here.data.with_name("elsewhere"))
    try:
        here.wait_for_line(f"The data folder {here.data} was removed or replaced while RSparkHub ran on it")
        assert here.process is not None
        assert here.process.wait(60) == 4
        assert not any(psutil.pid_exists(pid) for pid in parts.values())
    finally:
        moved.rename(here.data)
    here.up()
