"""When a kernel that was started before anybody asked for it is as one that starts now."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rspark_session.jupyter.adopted_process import AdoptedProcess
from rspark_session.jupyter.kernelspecs import Kernel
from rspark_session.jupyter.warm_kernel import WarmKernel, start

RESTS = Kernel(name="rests", title="Rests", language="none", command=(sys.executable, "-c", "import signal; signal.pause()"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "course").mkdir(parents=True)
    return folder


@pytest.fixture
def warm(home: Path, tmp_path: Path) -> Iterator[WarmKernel]:
    for name in (".Rprofile", ".Renviron"):
        (home / name).touch()
        os.utime(home / name, (1, 1))
    started = start(RESTS, os.environ, home=home, sockets=tmp_path, output=subprocess.DEVNULL)
    yield WarmKernel(started, home=home)
    started.end()


def test_it_matches_where_it_started_and_where_a_kernel_would_start_the_same(warm: WarmKernel, home: Path) -> None:
    assert warm.matches(home)
    assert warm.matches(home / "course")


@pytest.mark.parametrize("name", [".Rprofile", ".Renviron", ".RData"])
def test_it_does_not_match_a_folder_with_a_start_of_its_own(warm: WarmKernel, home: Path, name: str) -> None:
    (home / "course" / name).touch()
    assert not warm.matches(home / "course")
    assert warm.matches(home)


@pytest.mark.parametrize("name", [".Rprofile", ".Renviron", ".RData"])
def test_it_does_not_match_when_what_it_read_has_changed_since(warm: WarmKernel, home: Path, name: str) -> None:
    (home / name).touch()
    os.utime(home / name, (time.time() + 1, time.time() + 1))
    assert not warm.matches(home)


def test_a_workspace_that_only_the_home_has_is_not_carried_elsewhere(warm: WarmKernel, home: Path) -> None:
    (home / ".RData").touch()
    os.utime(home / ".RData", (1, 1))
    assert warm.matches(home)
    assert not warm.matches(home / "course")


def test_it_does_not_match_a_folder_that_is_not_there_or_when_it_has_ended(warm: WarmKernel, home: Path) -> None:
    assert not warm.matches(home / "elsewhere")
    warm.process.kill()
    warm.process.wait()
    assert not warm.matches(home)


def test_its_setup_code_is_the_difference_and_no_more(warm: WarmKernel, home: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "HOME"} | {
        "A": 'a "quoted" \\ ä',
        "R_ENABLE_JIT": "1",
    }
    code = warm.setup_code(home / "course", environ)
    assert f"setwd({json.dumps(str(home / 'course'))})" in code
    assert 'Sys.unsetenv(c("HOME"))' in code
    assert '"A" = "a \\"quoted\\" \\\\ ä"' in code
    assert '"PATH"' not in code
    assert 'compiler::enableJIT(as.integer("1"))' in code


def test_nothing_of_it_is_left_when_nobody_took_it(warm: WarmKernel, tmp_path: Path) -> None:
    assert (tmp_path / "warm-kernel.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "warm-ipc-1").touch()
    warm.end()
    assert warm.process.poll() is not None
    assert list(tmp_path.glob("warm*")) == []


def test_one_that_can_not_be_started_leaves_nothing_running(home: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        start(RESTS, os.environ, home=home, sockets=tmp_path / "missing", output=subprocess.DEVNULL)


def test_a_process_of_another_is_seen_until_its_end_and_not_signalled_after() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    adopted = AdoptedProcess(child.pid, os.pidfd_open(child.pid))
    assert adopted.poll() is None
    assert adopted.wait(timeout=0.05) is None
    adopted.terminate()
    assert adopted.wait(timeout=30) == 1
    assert adopted.poll() == 1
    assert child.wait() == -signal.SIGTERM
    adopted.kill()  # nobody is there, whoever has the number now
