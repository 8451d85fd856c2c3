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

from rspark_session.jupyter.adopted import Adopted
from rspark_session.jupyter.kernelspecs import Kernel
from rspark_session.jupyter.spare import Spare, begin

RESTS = Kernel(name="rests", title="Rests", language="none", command=(sys.executable, "-c", "import signal; signal.pause()"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "course").mkdir(parents=True)
    return folder


@pytest.fixture
def spare(home: Path, tmp_path: Path) -> Iterator[Spare]:
    for name in (".Rprofile", ".Renviron"):
        (home / name).touch()
        os.utime(home / name, (1, 1))
    begun = begin(RESTS, os.environ, home=home, sockets=tmp_path, output=subprocess.DEVNULL)
    yield Spare(begun, home=home)
    begun.end()


def test_it_fits_where_it_started_and_where_a_kernel_would_start_the_same(spare: Spare, home: Path) -> None:
    assert spare.fits(home)
    assert spare.fits(home / "course")


@pytest.mark.parametrize("name", [".Rprofile", ".Renviron", ".RData"])
def test_it_does_not_fit_a_folder_with_a_start_of_its_own(spare: Spare, home: Path, name: str) -> None:
    (home / "course" / name).touch()
    assert not spare.fits(home / "course")
    assert spare.fits(home)


@pytest.mark.parametrize("name", [".Rprofile", ".Renviron", ".RData"])
def test_it_does_not_fit_when_what_it_read_has_changed_since(spare: Spare, home: Path, name: str) -> None:
    (home / name).touch()
    os.utime(home / name, (time.time() + 1, time.time() + 1))
    assert not spare.fits(home)


def test_a_workspace_that_only_the_home_has_is_not_carried_elsewhere(spare: Spare, home: Path) -> None:
    (home / ".RData").touch()
    os.utime(home / ".RData", (1, 1))
    assert spare.fits(home)
    assert not spare.fits(home / "course")


def test_it_does_not_fit_a_folder_that_is_not_there_or_when_it_has_ended(spare: Spare, home: Path) -> None:
    assert not spare.fits(home / "elsewhere")
    spare.process.kill()
    spare.process.wait()
    assert not spare.fits(home)


def test_its_orders_tell_the_difference_and_no_more(spare: Spare, home: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "HOME"} | {
        "A": 'a "quoted" \\ ä',
        "R_ENABLE_JIT": "1",
    }
    orders = spare.orders(home / "course", environ)
    assert f"setwd({json.dumps(str(home / 'course'))})" in orders
    assert 'Sys.unsetenv(c("HOME"))' in orders
    assert '"A" = "a \\"quoted\\" \\\\ ä"' in orders
    assert '"PATH"' not in orders
    assert 'compiler::enableJIT(as.integer("1"))' in orders


def test_nothing_of_it_is_left_when_nobody_took_it(spare: Spare, tmp_path: Path) -> None:
    assert (tmp_path / "spare.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "spare-ipc-1").touch()
    spare.end()
    assert spare.process.poll() is not None
    assert list(tmp_path.glob("spare*")) == []


def test_one_that_can_not_be_started_leaves_nothing_running(home: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        begin(RESTS, os.environ, home=home, sockets=tmp_path / "missing", output=subprocess.DEVNULL)


def test_a_process_of_another_is_seen_until_its_end_and_not_signalled_after() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    adopted = Adopted(child.pid, os.pidfd_open(child.pid))
    assert adopted.poll() is None
    assert adopted.wait(timeout=0.05) is None
    adopted.terminate()
    assert adopted.wait(timeout=30) == 1
    assert adopted.poll() == 1
    assert child.wait() == -signal.SIGTERM
    adopted.kill()  # nobody is there, whoever has the number now
