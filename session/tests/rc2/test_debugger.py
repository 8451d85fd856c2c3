"""The debugger of R: breakpoints, buttons, calls and their variables, as all who share the room see them."""

import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from session.tests.rc2.conftest import connected, restart
from session.tests.running import Running

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINES = """inner <- function(a, unused, lazy = stop("forced")) {
  b <- a + 1
  b <- b * 2

  b
}
outer <- function(x) {
  y <- inner(x)
  y + 1
}
""".splitlines()


def stopped(client: Client, console: str) -> protocol.Stopped | None:
    """Where a console waits, as a client was told last."""
    told = [each for each in client.notices if isinstance(each, protocol.DebuggerState) and each.console == console]
    return told[-1].stopped if told else None


async def waits(client: Client, console: str, line: int | None, after: int = 0) -> protocol.Stopped:
    """Wait until a console has stopped at a line, once more than `after`."""

    def there() -> protocol.Stopped | None:
        found = stopped(client, console)
        return found if found is not None and found.stop > after and found.frames[0].line == line else None

    return await client.until(there)


async def steps_done(client: Client) -> list[str]:
    """Wait until all that a client has sent has begun, and return why its steps were refused."""
    before = len(client.notices)
    await client.send(protocol.Ping())
    await client.until(lambda: any(isinstance(each, protocol.Pong) for each in client.notices[before:]))
    return [each.why for each in client.notices if isinstance(each, protocol.Refused) and each.request == "step"]


async def process_of(client: Client, console: str, code: str) -> int:
    """The process of a console's kernel, as it says itself."""
    execution = await client.begin(console, code)
    assert (await client.finished(execution)).status == "ok"
    return int(client.text(execution).split()[-1])


async def runs_on(client: Client, console: str) -> None:
    await client.until(lambda: stopped(client, console) is None)


async def step(client: Client, console: str, what: Any, line: int | None) -> protocol.Stopped:
    before = stopped(client, console)
    await client.send(protocol.Step(console=console, step=what))
    return await waits(client, console, line, after=before.stop if before else 0)


async def breakpoints(client: Client, path: str, lines: list[int], text: list[str]) -> None:
    at = tuple(protocol.BreakpointAt(line=line, text=text[line - 1].strip()) for line in lines)
    await client.send(protocol.SetBreakpoints(path=path, breakpoints=at))


async def in_force(client: Client, path: str, lines: list[int], console: str | None = None) -> None:
    """Wait until just these breakpoints of a file are in force, and still are when a `console` has executed something then.

    None is in force until a console has been told of them, which says nothing of what it makes of them.
    """

    def so() -> bool:
        told = next(each for each in reversed(client.notices) if isinstance(each, protocol.Breakpoints))
        return any(
            file.path == path and [each.line for each in file.breakpoints if each.in_force] == lines for file in told.files
        ) or (not lines and all(file.path != path for file in told.files))

    await client.until(so)
    if console is not None:
        await client.run(console, "1 + 1")
        await steps_done(client)  # what is told of breakpoints has come when this has
        assert so()


async def run_file(client: Client, console: str, path: str, lines: list[str], first: int = 1, last: int | None = None) -> None:
    last = last or len(lines)
    source = protocol.Source(path=path, first_line=first, last_line=last)
    execution = await client.begin(console, "\n".join(lines[first - 1 : last]), source=source)
    assert (await client.finished(execution)).status == "ok", client.text(execution)


async def variables(running: Running, client: Client, console: str, frame: int, **more: Any) -> dict[str, Any]:
    at = stopped(client, console)
    assert at is not None
    answer = await running.post(f"rc2/api/consoles/{console}/frame", json={"stop": at.stop, "frame": frame, **more})
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["children"]}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_waits(client: Client) -> AsyncIterator[None]:
    """Whatever fails, the next test finds a console that can be asked."""
    yield
    console = await client.start("ir")
    if stopped(client, console) is not None:
        await restart(client, console)


async def test_rs_browser_is_shown_and_led_by_buttons(running: Running, client: Client) -> None:
    console = await client.start("ir")
    await run_file(client, console, "steps.R", LINES)
    await client.run(console, "debug(outer)")
    execution = await client.begin(console, "outer(1)")
    at = await waits(client, console, 7)
    assert [(frame.name, frame.path) for frame in at.frames] == [("outer", "steps.R"), ("", None)]
    await step(client, console, "next", 8)
    at = await step(client, console, "in", 1)
    assert [(frame.name, frame.line) for frame in at.frames] == [("inner", 1), ("outer", 8), ("", None)]
    await step(client, console, "next", 2)
    at = await step(client, console, "next", 3)
    found = await variables(running, client, console, at.frames[0].frame)
    assert (found["a"]["summary"], found["unused"]["summary"], found["lazy"]["kind"]) == ("1", "missing", "promise")
    assert set(await variables(running, client, console, at.frames[1].frame)) == {"x"}
    assert {"inner", "outer"} <= set(await variables(running, client, console, 0))
    await step(client, console, "next", 5)
    await step(client, console, "finish", 9)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await runs_on(client, console)
    assert "[1] 5" in client.text(execution)


async def test_a_breakpoint_of_r_is_in_force_once_its_function_was_run(client: Client) -> None:
    console = await client.start("ir")
    await client.run(console, "rm(list = ls())")
    await breakpoints(client, "kept.R", [3, 8], LINES)
    await in_force(client, "kept.R", [], console)
    await run_file(client, console, "kept.R", LINES, 1, 6)
    await in_force(client, "kept.R", [3])
    await run_file(client, console, "kept.R", LINES, 7)
    await in_force(client, "kept.R", [3, 8])
    execution = await client.begin(console, "outer(1)")
    await waits(client, console, 8)
    at = await step(client, console, "continue", 3)
    assert [frame.name for frame in at.frames] == ["inner", "outer", ""]
    await step(client, console, "next", 5)
    await client.send(protocol.Step(console=console, step="stop"))
    assert (await client.finished(execution)).status == "interrupted"
    shown = client.text(execution)
    assert ("debug at kept.R#3: b <- b * 2" in shown, "stop_at_next" in shown) == (True, False)
    # a person steps over a line that has one as if it had none
    await client.run(console, "debugonce(outer)")
    execution = await client.begin(console, "outer(1)")
    await waits(client, console, 7)
    await step(client, console, "next", 8)
    await step(client, console, "in", 1)
    for line in (2, 3, 5):
        await step(client, console, "next", line)
    await client.send(protocol.Step(console=console, step="continue"))
    await client.finished(execution)
    assert "stop_at_next" not in client.text(execution)
    # taken away while R is idle, and the source is as it was
    await breakpoints(client, "kept.R", [], LINES)
    await in_force(client, "kept.R", [])
    assert (await client.finished(await client.begin(console, "stopifnot(outer(1) == 5)"))).status == "ok"
    execution = await client.begin(console, "outer")
    await client.finished(execution)
    assert client.text(execution).splitlines() == ["function(x) {", *LINES[7:]]


async def test_a_breakpoint_follows_its_line(client: Client) -> None:
    """The file was edited above the function since it was run: the line is another, its text the same."""
    console = await client.start("ir")
    await run_file(client, console, "moved.R", LINES)
    now = ["# a comment", "", *LINES]
    await breakpoints(client, "moved.R", [5], now)
    await in_force(client, "moved.R", [5])
    execution = await client.begin(console, "outer(1)")
    await waits(client, console, 3)  # as it was run
    await client.send(protocol.Step(console=console, step="continue"))
    await client.finished(execution)
    await breakpoints(client, "moved.R", [3], ["x", "y", "no such line"])
    await in_force(client, "moved.R", [], console)
    await breakpoints(client, "moved.R", [], LINES)


async def test_a_breakpoint_is_in_its_own_line_and_in_no_other_that_reads_the_same(client: Client) -> None:
    console = await client.start("ir")
    code = ["one <- function(x) {", "  x <- x + 1", "  x", "}", "two <- function(x) {", "  x <- x + 1", "  x", "}"]
    code += ["total <- one(1)", "print(total)", "total <- one(1)"]
    await breakpoints(client, "same.R", [6, 11], code)
    await run_file(client, console, "same.R", code, 1, 4)
    await run_file(client, console, "same.R", code, 5, 8)
    await in_force(client, "same.R", [6])
    execution = await client.begin(console, code[10], source=protocol.Source(path="same.R", first_line=11, last_line=11))
    await waits(client, console, 11)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await in_force(client, "same.R", [6, 11])
    await run_file(client, console, "same.R", code, 9, 10)
    execution = await client.begin(console, "two(1)")
    at = await waits(client, console, 6)
    assert [frame.name for frame in at.frames] == ["two", ""]
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await breakpoints(client, "same.R", [], code)


async def test_breakpoints_are_in_loops_at_the_top_level_and_in_functions_of_one_line(client: Client) -> None:
    console = await client.start("ir")
    code = ["total <- 0", "for (i in 1:3) {", "  total <- total + i", "}", "square <- function(x) x^2", "square(total)"]
    await breakpoints(client, "top.R", [1, 3, 5], code)
    source = protocol.Source(path="top.R", first_line=1, last_line=6)
    execution = await client.begin(console, "\n".join(code), source=source)
    at = await waits(client, console, 1)
    for line in (3, 3, 3, 5):
        at = await step(client, console, "continue", line)
    assert [frame.name for frame in at.frames] == ["square", ""]
    await client.send(protocol.Step(console=console, step="continue"))
    await client.finished(execution)
    assert "[1] 36" in client.text(execution)
    await breakpoints(client, "top.R", [], code)


async def test_what_source_has_read_has_its_breakpoints(running: Running, client: Client) -> None:
    (running.home / "read.R").write_text("\n".join(LINES))
    console = await client.start("ir")
    await breakpoints(client, "read.R", [8], LINES)
    await client.run(console, "source('read.R')")
    await in_force(client, "read.R", [8])
    execution = await client.begin(console, "outer(1)")
    assert (await waits(client, console, 8)).frames[0].path == "read.R"
    await client.send(protocol.Step(console=console, step="continue"))
    await client.finished(execution)
    await breakpoints(client, "read.R", [], LINES)


async def test_breakpoints_can_be_set_while_r_waits_and_typing_goes_on(client: Client) -> None:
    console = await client.start("ir")
    await run_file(client, console, "typed.R", LINES)
    execution = await client.begin(console, "browser(); outer(1)")
    await waits(client, console, None)
    await breakpoints(client, "typed.R", [5], LINES)
    await in_force(client, "typed.R", [5])
    await client.send(protocol.InputReply(console=console, value="c"))
    at = await waits(client, console, 5)
    await client.send(protocol.InputReply(console=console, value="cat('b is', b, '\\n')"))
    await waits(client, console, 5, after=at.stop)
    await client.send(protocol.InputReply(console=console, value="c"))
    await client.finished(execution)
    assert "b is 4" in client.text(execution)
    await breakpoints(client, "typed.R", [], LINES)


async def test_an_error_leads_to_where_it_happened_until_that_is_turned_off(running: Running, client: Client) -> None:
    console = await client.start("ir")
    code = ["broken <- function(x) {", "  part <- x * 2", "  log(part, 'base')", "}", "deep <- function() broken(21)"]
    await run_file(client, console, "broken.R", code)
    await client.run(console, "options(error = quote(cat('own\\n')))")
    await client.send(protocol.BreakOnError(on=True))
    execution = await client.begin(console, "deep()")
    at = await waits(client, console, 3)
    assert [(frame.name, frame.line) for frame in at.frames][:2] == [("broken", 3), ("deep", 5)]
    assert at.error is not None
    assert "non-numeric" in at.error
    assert (await variables(running, client, console, at.frames[0].frame))["part"]["summary"] == "42"
    await client.send(protocol.InputReply(console=console, value="cat('part is', part, '\\n')"))
    await waits(client, console, 3, after=at.stop)
    await client.send(protocol.Step(console=console, step="stop"))
    assert (await client.finished(execution)).status == "error"
    assert "part is 42" in client.text(execution)
    assert (await client.finished(await client.begin(console, "try(deep(), silent = TRUE)"))).status == "ok"
    await client.send(protocol.BreakOnError(on=False))
    execution = await client.begin(console, "deep()")
    assert (await client.finished(execution)).status == "error"
    assert "own" in client.text(execution)
    await client.run(console, "options(error = NULL)")


async def test_a_breakpoint_hinders_no_code_and_stays_with_debug(client: Client) -> None:
    """R's missing argument is in the global environment; lines are empty, and long; a function is under debug()."""
    console = await client.start("ir")
    long = "x <- c(" + ", ".join(f"{number}" for number in range(1000, 1100)) + ")"
    code = ["wide <- function() {", f"  {long}", "", "  length(x)", "}", "debug(wide)"]
    at = (protocol.BreakpointAt(line=2, text=long[:200]), protocol.BreakpointAt(line=3, text=""))
    await client.send(protocol.SetBreakpoints(path="wide.R", breakpoints=at))
    execution = await client.begin(console, "for (a in formals(lm)) NULL\ncat('next\\n')\ncat('last\\n')")
    assert (await client.finished(execution)).status == "ok"
    assert client.text(execution).splitlines()[-2:] == ["next", "last"]
    await client.send(protocol.SetBreakpoints(path="wide.R", breakpoints=()))
    await run_file(client, console, "wide.R", code)
    await client.send(protocol.SetBreakpoints(path="wide.R", breakpoints=at))
    await in_force(client, "wide.R", [2])
    execution = await client.begin(console, "stopifnot(isdebugged(wide)); wide()")
    await waits(client, console, 1)
    await step(client, console, "continue", 2)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    assert "[1] 100" in client.text(execution)
    await client.send(protocol.SetBreakpoints(path="wide.R", breakpoints=()))
    await client.run(console, "rm(list = ls())")


async def test_two_who_continue_at_once_do_no_more_than_one(running: Running, client: Client) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, "two <- function() { browser(); browser(); 2 }; two()")
    at = await waits(client, console, None)
    async with connected(running) as other:
        await waits(other, console, None)
        both = (client, other)
        for each in both:
            await each.send(protocol.Step(console=console, step="continue", stop=at.stop))
        for each in both:
            assert (await waits(each, console, None, after=at.stop)).stop == at.stop + 1
        # whoever was not heard is told so, and the other heard: what each asked for has been done by the time of its answer
        why = [text for each in both for text in await steps_done(each)]
        assert why == ["The code has gone on from there."]
        for each in both:
            now = stopped(each, console)
            assert now is not None
            assert now.stop == at.stop + 1
        await other.send(protocol.Step(console=console, step="continue", stop=at.stop + 1))
        assert (await client.finished(execution)).status == "ok"
    assert "[1] 2" in client.text(execution)


async def test_a_step_that_takes_long_keeps_nobody_waiting(client: Client) -> None:
    console = await client.start("ir")
    process = await process_of(client, console, "Sys.getpid()")
    execution = await client.begin(console, "slow <- function() { browser(); 3 }; slow()")
    at = await waits(client, console, None)
    os.kill(process, signal.SIGSTOP)
    try:
        for _ in range(2):
            await client.send(protocol.Step(console=console, step="continue", stop=at.stop))
        assert await steps_done(client) == []
    finally:
        os.kill(process, signal.SIGCONT)
    assert (await client.finished(execution)).status == "ok"
    assert "[1] 3" in client.text(execution)
    assert await steps_done(client) == ["The code has gone on from there."]


async def test_a_kernel_that_dies_while_it_waits_is_told_and_its_breakpoints_stay(client: Client) -> None:
    console = await client.start("ir")
    await breakpoints(client, "died.R", [8], LINES)
    await run_file(client, console, "died.R", LINES)
    await in_force(client, "died.R", [8])
    process = await process_of(client, console, "Sys.getpid()")
    execution = await client.begin(console, "outer(1)")
    at = await waits(client, console, 8)
    os.kill(process, signal.SIGKILL)
    assert (await client.finished(execution)).status == "lost"
    await runs_on(client, console)
    await in_force(client, "died.R", [])
    await run_file(client, console, "died.R", LINES)
    await in_force(client, "died.R", [8])
    execution = await client.begin(console, "outer(1)")
    await waits(client, console, 8, after=at.stop)
    await client.send(protocol.Step(console=console, step="continue"))
    assert (await client.finished(execution)).status == "ok"
    await breakpoints(client, "died.R", [], LINES)


async def test_all_see_where_it_waits_and_an_interrupt_or_a_restart_ends_it(running: Running, client: Client) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, "f <- function() { browser(); 1 }; f()")
    at = await waits(client, console, None)
    async with connected(running) as other:
        assert (await waits(other, console, None)) == at
        await other.send(protocol.Interrupt(console=console))
        for each in (client, other):
            await runs_on(each, console)
        assert (await client.finished(execution)).status == "interrupted"
        execution = await client.begin(console, "f()")
        await waits(other, console, None, after=at.stop)
        await restart(other, console)
        for each in (client, other):
            await runs_on(each, console)
        assert (await client.finished(execution)).status == "lost"
    refused = await running.post(f"rc2/api/consoles/{console}/frame", json={"stop": at.stop, "frame": 0})
    assert (refused.status_code, "gone on" in refused.json()["title"]) == (503, True)
