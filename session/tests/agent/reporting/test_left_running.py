"""What of the programs that a kernel started is work, with real ones: the kernel is a Python or an R that runs its code."""

import contextlib
import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rspark_session.agent.reporting import left_running
from rspark_session.processes import prctl
from rspark_session.processes.tree import walk

R = shutil.which("R")
PR_SET_CHILD_SUBREAPER = 36
TITLE = "R kernel, a.ipynb"
#: A program that the kernel tells what to do, with one of its own that has another input: so browsers run for screenshots.
FED = """\
code = 'import os; os.spawnl(os.P_NOWAIT, "/bin/sh", "sh", "-c", "exec sleep 600 < /dev/null"); input()'
p = subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE)
"""

Kernel = Callable[..., "Started"]


class Started:
    def __init__(self, code: str, folder: Path, *, r: bool) -> None:
        self.ready = folder / "ready"
        words = [str(R), "--no-echo", "--no-save", "-e"] if r else [sys.executable, "-c"]
        waits = f"file.create('{self.ready}'); Sys.sleep(1e6)" if r else f"open({str(self.ready)!r}, 'w'); time.sleep(1e6)"
        code = f"{code}; {waits}" if r else f"import subprocess, sys, time, os\n{code}\n{waits}"
        self.process = subprocess.Popen([*words, code], stdin=subprocess.PIPE, cwd=folder, start_new_session=True)
        assert self.process.stdin is not None
        self.process.stdin.close()  # as Jupyter does it
        self.pid = self.process.pid

    def running(self) -> list[str]:
        return left_running.running({self.pid: TITLE}, walk(os.getpid()).values(), own=[os.getpid()], adopter=os.getpid())

    def until(self, *expected: str) -> None:
        """Wait until this is found running: a program that is starting is at times between two of its own."""
        deadline = time.monotonic() + 60
        while not self.ready.exists() or (found := self.running()) != list(expected):
            assert time.monotonic() < deadline, found if self.ready.exists() else "the kernel has not begun"
            time.sleep(0.05)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    prctl.adopt_orphans()
    before = set(walk(os.getpid()))
    yield lambda code, r=False: Started(code, tmp_path, r=r)
    while left := set(walk(os.getpid())) - before:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it ended, or its parent reaps it
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.Popen(['sleep', '600'])",
        "subprocess.Popen('sleep 600; true', shell=True)",
        "subprocess.Popen(['sleep', '600'], start_new_session=True)",
        "subprocess.Popen(['sleep', '600'], stdout=subprocess.PIPE)",
        "os.system('nohup sleep 600 > /dev/null 2>&1 &')",
        "subprocess.Popen([sys.executable, '-c', 'import asyncio; asyncio.run(asyncio.sleep(600))'])",
    ],
)
def test_what_waits_for_something_else_is_work(kernel: Kernel, code: str) -> None:
    kernel(code).until(TITLE)


@pytest.mark.skipif(R is None, reason="no R")
@pytest.mark.parametrize(
    "code",
    [
        "system('sleep 600', wait = FALSE)",
        "system2('sleep', '600', stdout = FALSE, wait = FALSE)",
        "system('nohup sleep 600 > /dev/null 2>&1 &')",
        "system2('Rscript', c('-e', shQuote('Sys.sleep(600)')), wait = FALSE)",
        "x <- pipe('sleep 600; true', 'r')",
    ],
)
def test_of_r_too(kernel: Kernel, code: str) -> None:
    kernel(code, r=True).until(TITLE)


def started_by(kernel: Started) -> set[int]:
    """Return all that there is beside the test and the kernel: of a shell that ended, what it started came to the test."""
    return set(walk(os.getpid())) - {os.getpid(), kernel.pid}


def still_nothing(kernel: Started) -> None:
    deadline = time.monotonic() + 60
    while not (kernel.ready.exists() and started_by(kernel)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert started_by(kernel)
    kernel.until()


@pytest.mark.parametrize(
    "code",
    [
        "import multiprocessing\np = multiprocessing.get_context('spawn').Pool(2)",
        "import multiprocessing\np = multiprocessing.get_context('fork').Pool(2)",
        "p = subprocess.Popen(['cat'], stdin=subprocess.PIPE)",
        FED,
        "import socket\na, b = socket.socketpair()\np = subprocess.Popen(['cat'], stdin=b)",
        "p = subprocess.Popen(['sleep', '600']); os.kill(p.pid, 19)",
    ],
)
def test_what_waits_for_its_kernel_or_was_stopped_is_not(kernel: Kernel, code: str) -> None:
    still_nothing(kernel(code))


def test_what_serves_is_not(kernel: Kernel) -> None:
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); open('listens', 'w'); time.sleep(600)"
    command = shlex.join([sys.executable, "-c", code])
    waits = "while not os.path.exists('listens'): time.sleep(0.05)"
    still_nothing(kernel(f"subprocess.Popen({f'true && {command}; true'!r}, shell=True)\n{waits}"))


@pytest.mark.skipif(R is None, reason="no R")
@pytest.mark.parametrize("code", ["x <- parallel::makeCluster(2)", "x <- pipe('cat', 'w')"])
def test_nor_of_r(kernel: Kernel, code: str) -> None:
    still_nothing(kernel(code, r=True))


def test_without_children_a_kernel_rests(kernel: Kernel) -> None:
    kernel("").until()


def test_what_has_ended_runs_no_more(kernel: Kernel) -> None:
    started = kernel("subprocess.Popen(['sleep', '600'])")
    started.until(TITLE)
    for pid in set(walk(started.pid)) - {started.pid}:
        os.kill(pid, signal.SIGKILL)
    started.until()
