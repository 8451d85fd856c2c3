"""Interrupts of R's kernel: they may end what a person has written, at any moment, and never R with what is in its memory."""

import queue
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Kernel, kernels
from .test_r_output import _STREAMED
from .test_r_workspace import library  # noqa: F401  (a fixture)

ROUNDS = 123  # three at each moment


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[Kernel]:  # noqa: F811
    with kernels(tmp_path_factory.mktemp("interrupts")) as start:
        kernel = start(_STREAMED, environ={"R_LIBS": str(library), "R_PROFILE_USER": "/dev/null"})
        kernel.run("kept <- 42")
        yield kernel


def _interrupt(kernel: Kernel) -> None:
    kernel.manager.interrupt_kernel()


def _reply(kernel: Kernel, message: str) -> dict[str, Any]:
    """Wait for the reply to a message, and give its content."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            reply = kernel.client.get_shell_msg(timeout=1)
        except queue.Empty:
            assert kernel.manager.is_alive(), "R has ended"
            continue
        if reply["parent_header"].get("msg_id") == message:
            content: dict[str, Any] = reply["content"]
            return content
    raise AssertionError("there was no reply")


def _until_idle(kernel: Kernel, message: str) -> str:
    """Wait until all of a message is told, and give what it printed."""
    printed = ""
    while True:
        told = kernel.client.get_iopub_msg(timeout=30)
        if told["parent_header"].get("msg_id") == message:
            printed += told["content"].get("text", "")
            if told["content"].get("execution_state") == "idle":
                return printed


def test_an_interrupt_at_any_moment_ends_the_cell_at_most(kernel: Kernel) -> None:
    for number in range(ROUNDS):
        message = kernel.client.execute("x <- 1; print(x)", allow_stdin=False)
        time.sleep(number % 41 * 0.001)  # R has taken it, runs it, shows it, or waits again
        _interrupt(kernel)
        assert _reply(kernel, message)["status"] in {"ok", "abort"}, f"after interrupt {number + 1}"
        _until_idle(kernel, message)
    assert kernel.run("kept") == "[1] 42"


def test_an_interrupt_that_came_before_a_cell_is_none_of_it(kernel: Kernel) -> None:
    for _ in range(20):
        assert _reply(kernel, kernel.client.execute("x <- 1", allow_stdin=False))["status"] == "ok"
        _interrupt(kernel)
        message = kernel.client.execute("for (i in 1:20) Sys.sleep(0.002); cat('whole')", allow_stdin=False)
        assert _reply(kernel, message)["status"] == "ok"
        assert _until_idle(kernel, message) == "whole"


INTERRUPTS_ONCE = """
options(device = local({ before <- getOption("device"); function() {
  options(device = before)
  tools::pskill(Sys.getpid(), 2)
  grDevices::pdf(NULL)
} }))
"""


def test_an_interrupt_before_the_code_runs_ends_its_cell(kernel: Kernel) -> None:
    """R looks for a device of plots first, and here is what it finds."""
    kernel.run(INTERRUPTS_ONCE)
    message = kernel.client.execute("cat('never')", allow_stdin=False)
    assert _reply(kernel, message)["status"] == "abort"
    assert _until_idle(kernel, message) == ""
    assert kernel.run("kept") == "[1] 42"


ENDLESS = """
makeActiveBinding('endless', function() { writeLines('', 'begun'); repeat {} }, globalenv())
comms <- get('comm_manager', IRkernel:::runtime_env)
comms$register_target('endless', function(comm, data) endless)
"""


@pytest.mark.parametrize("asked", ["complete_request", "inspect_request", "comm_open"])
def test_what_a_kernel_is_asked_beside_code_can_be_interrupted(kernel: Kernel, asked: str) -> None:
    kernel.run(ENDLESS)
    begun = kernel.folder / "begun"
    begun.unlink(missing_ok=True)
    content = {"code": "endless$", "cursor_pos": 8, "comm_id": "1", "target_name": "endless", "data": {}}
    if asked == "inspect_request":
        content |= {"code": "endless", "cursor_pos": 3}
    message = kernel.client.session.msg(asked, content)
    kernel.client.shell_channel.send(message)
    deadline = time.monotonic() + 30
    while not begun.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    _interrupt(kernel)
    if asked != "comm_open":
        assert _reply(kernel, message["header"]["msg_id"])["status"] == "ok"
    _until_idle(kernel, message["header"]["msg_id"])
    assert kernel.run("kept") == "[1] 42"


def test_a_completion_that_fails_leaves_r_alone(kernel: Kernel) -> None:
    kernel.run(".DollarNames.odd <- function(x, pattern) stop('no'); odd <- structure(list(), class = 'odd')")
    assert _reply(kernel, kernel.client.complete("odd$", 4))["matches"] == []
    assert kernel.run("kept") == "[1] 42"


def test_unseen_code_can_be_interrupted(kernel: Kernel) -> None:
    begun = kernel.folder / "unseen"
    message = kernel.client.execute("writeLines('', 'unseen'); repeat {}", silent=True, allow_stdin=False)
    while not begun.exists():
        time.sleep(0.01)
    _interrupt(kernel)
    assert _reply(kernel, message)["status"] == "abort"
    assert kernel.run("kept") == "[1] 42"


@pytest.mark.parametrize("read", ["readLines('/proc/self/status')", "system('cat /proc/self/status', intern = TRUE)"])
def test_what_a_cell_runs_and_starts_hears_interrupts(kernel: Kernel, read: str) -> None:
    blocked = kernel.run(f"lines <- {read}; cat(lines[startsWith(lines, 'SigBlk')])").split()[1]
    assert not int(blocked, 16) & 1 << signal.SIGINT - 1


def test_another_signal_ends_r_that_waits(kernel: Kernel) -> None:
    kernel.manager.signal_kernel(signal.SIGTERM)
    deadline = time.monotonic() + 30
    while kernel.manager.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
