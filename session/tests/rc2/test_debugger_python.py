"""The debugger of Python: debugpy by Jupyter's debug protocol, led by the same buttons as R's."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from session.tests.rc2.conftest import connected, restart
from session.tests.rc2.test_debugger import (
    breakpoints,
    in_force,
    process_of,
    run_file,
    runs_on,
    step,
    steps_done,
    stopped,
    variables,
    waits,
)
from session.tests.running import Running

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINES = """import math
def inner(a):
    part = {'double': a * 2}
    return part['double'] + 1

def outer(x):
    y = inner(x)
    return y + 1
""".splitlines()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_waits(client: Client) -> AsyncIterator[None]:
    """Whatever fails, the next test finds a console that can be asked."""
    yield
    console = await client.start("python3")
    if stopped(client, console) is not None:
        await restart(client, console)


@pytest.mark.long
async def test_python_stops_at_a_breakpoint_and_is_led_by_buttons(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await run_file(client, console, "steps.py", LINES, 1, 4)
    await breakpoints(client, "steps.py", [7], LINES)
    await in_force(client, "steps.py", [], console)
    await run_file(client, console, "steps.py", LINES, 6, 8)
    await in_force(client, "steps.py", [7])
    execution = await client.begin(console, "outer(1)")
    at = await waits(client, console, 7)
    assert [(frame.name, frame.path) for frame in at.frames] == [("outer", "steps.py"), ("", None)]
    at = await step(client, console, "in", 3)
    assert [(frame.name, frame.line) for frame in at.frames] == [("inner", 3), ("outer", 7), ("", None)]
    await step(client, console, "next", 4)
    found = await variables(running, client, console, 1)
    assert (found["a"]["summary"], found["part"]["kind"], set(found)) == ("1", "list", {"a", "part"})
    assert "double" in await variables(running, client, console, 1, name="part")
    assert await variables(running, client, console, 1, name="part", path=[0]) == {}
    assert set(await variables(running, client, console, 2)) == {"x"}
    assert {"inner", "outer", "math"} <= set(await variables(running, client, console, 3))
    await step(client, console, "finish", 7)
    await step(client, console, "next", 8)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await runs_on(client, console)
    assert "4" in client.text(execution)


async def test_a_breakpoint_is_in_its_own_line_and_in_no_other_that_reads_the_same(client: Client) -> None:
    console = await client.start("python3")
    code = ["def one(x):", "    x = x + 1", "    return x", "", "def two(x):", "    x = x + 1", "    return x"]
    code += ["total = one(1)", "print(total)", "total = one(1)"]
    await breakpoints(client, "same.py", [6, 10], code)
    await run_file(client, console, "same.py", code, 1, 3)
    await run_file(client, console, "same.py", code, 5, 7)
    await in_force(client, "same.py", [6])
    execution = await client.begin(console, code[9], source=protocol.Source(path="same.py", first_line=10, last_line=10))
    await waits(client, console, 10)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    # the very same code is another piece, and has the file of the first
    await run_file(client, console, "same.py", code, 8, 8)
    await in_force(client, "same.py", [6])
    execution = await client.begin(console, "two(1)")
    at = await waits(client, console, 6)
    assert [frame.name for frame in at.frames] == ["two", ""]
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await breakpoints(client, "same.py", [], code)


@pytest.mark.long
async def test_stop_ends_what_runs_and_breakpoints_stay(client: Client) -> None:
    console = await client.start("python3")
    await run_file(client, console, "ended.py", LINES)
    await breakpoints(client, "ended.py", [3], LINES)
    await in_force(client, "ended.py", [3])
    for _ in range(2):
        execution = await client.begin(console, "while True: outer(1)")
        await waits(client, console, 3)
        await client.send(protocol.Step(console=console, step="stop"))
        assert (await client.finished(execution)).status == "interrupted"
        await runs_on(client, console)
    await breakpoints(client, "ended.py", [], LINES)
    await in_force(client, "ended.py", [])
    assert (await client.finished(await client.begin(console, "assert outer(1) == 4"))).status == "ok"


async def test_code_that_ends_how_it_is_watched_is_watched_again(client: Client) -> None:
    """What an interrupt does that arrives while debugpy itself computes."""
    console = await client.start("python3")
    await run_file(client, console, "watched.py", LINES)
    await breakpoints(client, "watched.py", [3], LINES)
    await in_force(client, "watched.py", [3])
    await client.run(console, "import sys; sys.settrace(None)")
    execution = await client.begin(console, "outer(1)")
    await waits(client, console, 3)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await breakpoints(client, "watched.py", [], LINES)


async def test_an_interrupt_while_breakpoints_are_set_runs_nothing(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await run_file(client, console, "early.py", LINES)
    process = await process_of(client, console, "import os; os.getpid()")
    os.kill(process, signal.SIGSTOP)  # it is told of breakpoints before it executes, and takes long for that
    try:
        await breakpoints(client, "early.py", [3], LINES)
        execution = await client.begin(console, "print('has run'); outer(1)")
        await client.until(lambda: client.event(protocol.ExecutionQueued, execution))
        queues = [each["queue"] for each in (await running.get("rc2/api/consoles")).json() if each["console"] == console]
        assert queues == [[execution]]
        assert client.event(protocol.ExecutionStarted, execution) is None
        await client.send(protocol.Interrupt(console=console))
        assert await steps_done(client) == []
    finally:
        os.kill(process, signal.SIGCONT)
    assert (await client.finished(execution)).status == "cancelled"
    assert client.text(execution) == ""
    await in_force(client, "early.py", [3])
    execution = await client.begin(console, "outer(1)")
    await waits(client, console, 3)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await breakpoints(client, "early.py", [], LINES)


@pytest.mark.long
async def test_who_ends_or_loses_a_kernel_that_waits_is_told(client: Client) -> None:
    console = await client.start("python3")
    process = await process_of(client, console, "import os; os.getpid()")
    await run_file(client, console, "lost.py", LINES)
    await breakpoints(client, "lost.py", [3], LINES)
    await in_force(client, "lost.py", [3])
    execution = await client.begin(console, "outer(1)")
    at = await waits(client, console, 3)
    os.kill(process, signal.SIGKILL)
    assert (await client.finished(execution)).status == "lost"
    await runs_on(client, console)
    await run_file(client, console, "lost.py", LINES)
    await in_force(client, "lost.py", [3])
    await client.begin(console, "outer(1)")
    await waits(client, console, 3, after=at.stop)
    await client.send(protocol.CloseConsole(console=console))
    await runs_on(client, console)
    await breakpoints(client, "lost.py", [], LINES)


@pytest.mark.long
async def test_what_is_cancelled_or_interrupted_elsewhere_leaves_breakpoints_in_force(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await run_file(client, console, "cancelled.py", LINES)
    await breakpoints(client, "cancelled.py", [3], LINES)
    await in_force(client, "cancelled.py", [3])
    execution = await client.begin(console, "while True: outer(1)")
    await waits(client, console, 3)
    await client.send(protocol.Cancel(console=console, execution=execution))
    assert (await client.finished(execution)).status == "interrupted"
    await runs_on(client, console)
    execution = await client.begin(console, "print('computes')\nwhile True: pass")
    await client.until(lambda: "computes" in client.text(execution))
    kernel = next(each["id"] for each in (await running.get("api/kernels")).json() if each["name"] == "python3")
    assert (await running.post(f"api/kernels/{kernel}/interrupt")).status_code == 204
    assert (await client.finished(execution)).status == "interrupted"
    execution = await client.begin(console, "outer(1)")
    await waits(client, console, 3)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await breakpoints(client, "cancelled.py", [], LINES)


async def test_an_error_leads_to_its_line(running: Running, client: Client) -> None:
    console = await client.start("python3")
    code = ["def broken(x):", "    part = x * 2", "    return part / 0"]
    await run_file(client, console, "broken.py", code)
    await client.send(protocol.BreakOnError(on=True))
    execution = await client.begin(console, "broken(21)")
    at = await waits(client, console, 3)
    assert at.error is not None
    assert "division by zero" in at.error
    assert (await variables(running, client, console, 1))["part"]["summary"] == "42"
    await client.send(protocol.Step(console=console, step="continue"))
    await client.finished(execution)
    await client.send(protocol.BreakOnError(on=False))
    execution = await client.begin(console, "broken(21)")
    assert (await client.finished(execution)).status == "error"


async def test_all_see_where_it_waits_and_an_interrupt_or_a_restart_ends_it(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await run_file(client, console, "seen.py", LINES)
    await breakpoints(client, "seen.py", [3], LINES)
    await in_force(client, "seen.py", [3])
    execution = await client.begin(console, "while True: outer(1)")
    at = await waits(client, console, 3)
    async with connected(running) as other:
        assert (await waits(other, console, 3)) == at
        await other.send(protocol.Interrupt(console=console))
        assert (await client.finished(execution)).status == "interrupted"
        execution = await client.begin(console, "outer(1)")
        await waits(client, console, 3, after=at.stop)
        await restart(other, console)
        for each in (client, other):
            await runs_on(each, console)
        assert (await client.finished(execution)).status == "lost"
    await breakpoints(client, "seen.py", [], LINES)
