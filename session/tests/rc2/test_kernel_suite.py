"""jupyter_kernel_test's suite passes on the kernels of R and bash: inside a session, and outside of any.

The suite gives a message a second or less. Here it waits as long as a slow machine takes, and what was sent before a test has
arrived when an answer to a message of its own has.
"""

import asyncio
import json
import os
import queue
import unittest
from contextlib import suppress

import jupyter_kernel_test
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from jupyter_kernel_test.msgspec_v5 import validate_message
from session.tests.places import session_python
from session.tests.running import R_LIBRARY, WAIT, Json, Running

from rspark_contract.reading import Fields
from rspark_contract.specs import Places
from rspark_session.agent.lifecycle.socket_folder import socket_folder
from rspark_session.jupyter import kernelspecs

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


class Suite(jupyter_kernel_test.KernelTests):
    """The suite, on a kernel that runs already; each test below runs all of it."""

    __test__ = False

    @classmethod
    def setUpClass(cls) -> None:
        """Start nothing."""

    @classmethod
    def tearDownClass(cls) -> None:
        """End nothing."""

    def flush_channels(self) -> None:
        message = self.kc.kernel_info()
        replied = idle = False
        while not replied:
            reply = self.kc.get_shell_msg(timeout=WAIT)
            validate_message(reply)
            replied = reply["parent_header"]["msg_id"] == message
        while not idle:
            shown = self.kc.get_iopub_msg(timeout=WAIT)
            validate_message(shown)
            idle = shown["parent_header"].get("msg_id") == message and shown["content"].get("execution_state") == "idle"


class R(Suite):
    """The suite for R."""

    language_name = "R"
    file_extension = ".r"
    code_hello_world = "cat('hello, world\\n')"
    code_stderr = "message('careful')"
    completion_samples = ({"text": "zi", "matches": ["zip"]}, {"text": "seq_len(", "matches": ["length.out = "]})
    complete_code_samples = ("1", "print('hello, world')", "f <- function(x) {\n  x * 2\n}")
    incomplete_code_samples = ("print('hello", "f <- function(x) {\n  x * 2")
    invalid_code_samples = ("a b", "f <- function(x) }")
    code_page_something = "?cat"
    code_generate_error = "stop('broken')"
    # IRkernel shows values, of which code may have several, and has no one result.
    code_display_data = (
        {"code": "6 * 7", "mime": "text/plain"},
        {"code": "mtcars", "mime": "text/html"},
        {"code": "plot(1:3)", "mime": "image/png"},
    )
    code_inspect_sample = "cat"
    code_clear_output = "IRdisplay::clear_output()"


class Bash(Suite):
    """The suite for bash."""

    language_name = "bash"
    file_extension = ".sh"
    code_hello_world = "echo 'hello, world'"
    completion_samples = ({"text": "compge", "matches": ["compgen"]},)
    code_generate_error = "false"


SUITES = {"r": R, "bash": Bash}
#: What neither kernel says that it can, by the name of its test.
UNCLAIMED = {
    "r": {"test_execute_result", "test_history"},
    "bash": {
        "test_clear_output",
        "test_display_data",
        "test_execute_result",
        "test_execute_stderr",
        "test_history",
        "test_inspect",
        "test_is_complete",
        "test_pager",
    },
}


def until_heard(client: BlockingKernelClient) -> None:
    """Wait until what a kernel says arrives; jupyter_client's own wait gives up when no heartbeat comes for a second."""
    while True:
        client.kernel_info()
        client.get_shell_msg(timeout=WAIT)
        with suppress(queue.Empty):
            client.get_iopub_msg(timeout=1)
            return


def run_suite(language: str, connection: Json) -> None:
    """Run the suite on a kernel that is reached so, and raise when a part of it fails."""
    client = BlockingKernelClient()
    client.load_connection_info(connection)
    client.start_channels()
    try:
        until_heard(client)
        receive = client.iopub_channel.get_msg
        client.iopub_channel.get_msg = lambda timeout: receive(timeout=max(timeout, WAIT))
        result = unittest.TestResult()
        suite = type("OnKernel", (SUITES[language],), {"kc": client})
        unittest.defaultTestLoader.loadTestsFromTestCase(suite).run(result)
    finally:
        client.stop_channels()
    assert [f"{test}: {problem}" for test, problem in result.errors + result.failures] == []
    assert {test.id().split(".")[-1].split(" ")[0] for test, _ in result.skipped} == UNCLAIMED[language]


@pytest.mark.parametrize("language", list(SUITES))
async def test_the_suite_passes_outside_of_a_session(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter_kernel_test, "TIMEOUT", WAIT)
    command = kernelspecs.available()[language].to_json()["argv"]
    if language == "bash":
        command[0] = session_python()
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(argv=command, language=language)
    manager.start_kernel(env={**os.environ, "R_LIBS": str(R_LIBRARY)})
    try:
        await asyncio.to_thread(run_suite, language, manager.get_connection_info())
    finally:
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("language", list(SUITES))
async def test_the_suite_passes_inside_a_session(running: Running, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter_kernel_test, "TIMEOUT", WAIT)
    kernel = await running.new_kernel(kernelspecs.available()[language].name)
    [file] = socket_folder(Places.parse(Fields(running.asked))).rglob(f"kernel-{kernel}.json")
    await asyncio.to_thread(run_suite, language, json.loads(file.read_text()))
