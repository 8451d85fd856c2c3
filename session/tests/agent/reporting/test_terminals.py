"""Which commands of a terminal are work, with a real shell on a real terminal."""

import contextlib
import os
import pty
import shutil
import time
from collections.abc import Iterator

import pytest

from rspark_session.agent.reporting import terminals
from rspark_session.processes.tree import walk


class Terminal:
    def __init__(self) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execvpe("/bin/bash", ["bash", "--norc"], {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": "/tmp"})
        os.set_blocking(self.file, False)

    def type(self, text: str) -> None:
        os.write(self.file, text.encode() + b"\r")

    def running(self) -> list[str]:
        try:
            while os.read(self.file, 65536):
                pass
        except BlockingIOError:
            pass
        return terminals.running([self.pid], walk(self.pid).values())

    def until(self, expected: list[str]) -> None:
        deadline = time.monotonic() + 20
        while self.running() != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.running() == expected

    def still(self, expected: list[str]) -> None:
        time.sleep(1)
        self.until(expected)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    for process in reversed(walk(made.pid).values()):
        with contextlib.suppress(ProcessLookupError):  # it ended with its parent
            os.kill(process.pid, 9)
    os.close(made.file)
    os.waitpid(made.pid, 0)


def test_a_prompt_is_not_work(terminal: Terminal) -> None:
    terminal.still([])


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("sleep 600", ["A terminal runs sleep"]),
        ("sh -c 'sleep 600; true'", ["A terminal runs sh"]),
        ("sleep 600 | cat", ["A terminal runs sleep", "A terminal runs cat"]),
        ("nohup sleep 600 > /dev/null 2>&1 &", ["A terminal runs sleep in the background"]),
    ],
)
def test_a_command_that_waits_for_something_else_is_work(terminal: Terminal, command: str, says: list[str]) -> None:
    terminal.type(command)
    terminal.until(says)


KEYS = ["cat", "read -r line", "less /etc/passwd", "top", "vi", "python3"]


@pytest.mark.long
@pytest.mark.parametrize("command", [command for command in KEYS if command[:5] == "read " or shutil.which(command.split()[0])])
def test_what_waits_for_keys_is_not(terminal: Terminal, command: str) -> None:
    terminal.type(command)
    terminal.still([])


def test_what_a_prompt_runs_is_work_again(terminal: Terminal) -> None:
    terminal.type("python3")
    terminal.still([])
    terminal.type("import time; time.sleep(600)")
    deadline = time.monotonic() + 20
    while not terminal.running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert terminal.running()[0].startswith("A terminal runs python")


def test_a_job_that_was_stopped_is_not(terminal: Terminal) -> None:
    terminal.type("sleep 600")
    terminal.until(["A terminal runs sleep"])
    os.write(terminal.file, b"\x1a")
    terminal.until([])
