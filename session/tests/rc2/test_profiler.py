"""Profiles of R: what a selection computes, by call, function and line, with the memory it takes; each with real R."""

from pathlib import Path
from typing import Any

import pytest
from session.tests.rc2.conftest import restart
from session.tests.running import Running

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client
from rspark_session.rc2.profiler.calls import put_together
from rspark_session.rc2.profiler.rprof import Samples

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Computes for so many seconds of the processor's time, however slow that is.
BURN = "burn <- function(seconds) { t <- proc.time()[[1]]; while (proc.time()[[1]] - t < seconds) x <- sqrt(runif(1e5)); x }"
SCRIPT = """grow <- function(n) {
  all <- numeric()
  t <- proc.time()[[1]]
  while (proc.time()[[1]] - t < n)
    all <- rev(runif(2e5))
  all
}
outer_call <- function(n) grow(n)
found <- outer_call(0.6)
"""


async def profile_of(running: Running, blob: protocol.Blob) -> protocol.Profile:
    answer = await running.get(f"rc2/api/blob/{blob.sha256}?type=application/json")
    return protocol.Profile.model_validate_json(answer.text)


async def profiled(
    running: Running, client: Client, console: str, code: str, **more: Any
) -> tuple[protocol.Profiled, protocol.Profile | None, str]:
    """Profile code; return what is recorded of it, the profile, and how the code ended."""
    execution = await client.begin(console, code, profile=True, **more)
    status = (await client.finished(execution)).status
    event = client.event(protocol.Profiled, execution)
    assert event is not None
    profile = await profile_of(running, event.blob) if event.blob is not None else None
    return event, profile, status


async def is_profiling(client: Client, console: str) -> bool:
    execution = await client.begin(console, "cat(.Call(rspark:::profiling_on))")
    await client.finished(execution)
    return client.text(execution) == "TRUE"


async def test_a_profile_has_calls_functions_and_lines(running: Running, client: Client) -> None:
    console = await client.start("ir")
    source = protocol.Source(path="work/slow.R", first_line=11, last_line=19)
    event, profile, status = await profiled(running, client, console, SCRIPT, source=source)
    assert (status, event.problem) == ("ok", None)
    assert profile is not None
    # The processor's time that R itself has measured, less what one sample may miss at either end.
    assert event.seconds == pytest.approx(profile.samples * profile.interval)
    assert event.seconds > 0.3
    names = [call.name for call in profile.calls]
    outermost = profile.calls[names.index("outer_call")]
    assert (outermost.parent, outermost.path, outermost.line) == (None, "work/slow.R", 19)
    inner = profile.calls[names.index("grow")]
    assert inner.parent is not None
    assert profile.calls[inner.parent].name == "outer_call"
    assert (inner.line, inner.samples <= outermost.samples <= profile.samples) == (18, True)
    assert outermost.samples > profile.samples / 2
    functions = {function.name: function for function in profile.functions}
    assert functions["runif"].samples >= functions["runif"].own > 0
    assert functions["grow"].bytes > 2e5 * 8
    assert profile.peak > 10e6
    lines = {(line.path, line.line): line for line in profile.lines}
    assert lines["work/slow.R", 14].samples > profile.samples / 2
    assert lines["work/slow.R", 19].samples >= lines["work/slow.R", 18].samples
    # Nothing of the kernel's own is around a person's calls.
    assert not {"eval", "run_outermost", "evaluate"} & {call.name for call in profile.calls if call.parent is None}
    assert not await is_profiling(client, console)


async def test_an_error_is_shown_as_always_and_the_profile_until_then(running: Running, client: Client) -> None:
    console = await client.start("ir")
    await client.run(console, f"{BURN}\nnever <- function() burn(1)")
    execution = await client.begin(console, "x <- burn(0.3); stop('too far'); never()", profile=True)
    assert (await client.finished(execution)).status == "error"
    error, event = client.event(protocol.Error, execution), client.event(protocol.Profiled, execution)
    assert error is not None
    assert "too far" in error.message
    assert event is not None
    assert event.blob is not None
    profile = await profile_of(running, event.blob)
    assert {"burn", "never"} & {function.name for function in profile.functions} == {"burn"}
    assert not await is_profiling(client, console)


async def test_an_interrupt_ends_the_profile_and_shows_it(running: Running, client: Client) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, f"{BURN}\nx <- burn(0.3); cat('begun\\n'); flush.console(); burn(600)", profile=True)
    await client.until(lambda: "begun" in client.text(execution))
    await client.send(protocol.Interrupt(console=console))
    assert (await client.finished(execution)).status == "interrupted"
    event = client.event(protocol.Profiled, execution)
    assert event is not None
    assert event.blob is not None
    assert not await is_profiling(client, console)


@pytest.mark.parametrize(
    ("code", "status", "why"),
    [
        ("1 + 1", "ok", "too quick"),
        ("Sys.sleep(0.2)", "ok", "Waiting is not computing"),
        ("1 +", "error", "did not run"),
        ("invokeRestart('abort')", "interrupted", "too quick"),
    ],
)
async def test_what_gives_no_profile_is_said_in_a_sentence(
    running: Running, client: Client, code: str, status: str, why: str
) -> None:
    console = await client.start("ir")
    event, profile, ended = await profiled(running, client, console, code)
    assert (profile, ended) == (None, status)
    assert why in (event.problem or "")
    assert not await is_profiling(client, console)


async def test_a_profile_of_the_persons_own_goes_on(running: Running, client: Client) -> None:
    console = await client.start("ir")
    own = running.home / "mine.out"
    await client.run(console, f"{BURN}\nRprof({str(own)!r})")
    event, profile, status = await profiled(running, client, console, "y <- burn(0.3)")
    assert (profile, status) == (None, "ok")
    assert "Rprof(NULL)" in (event.problem or "")
    assert await is_profiling(client, console)
    await client.run(console, "Rprof(NULL)")
    assert '"burn"' in own.read_text()
    event, profile, _ = await profiled(running, client, console, "y <- burn(0.3)")
    assert profile is not None


async def test_code_that_profiles_itself_keeps_its_own(running: Running, client: Client) -> None:
    console = await client.start("ir")
    own = running.home / "inner.out"
    await client.run(console, BURN)
    code = f"a <- burn(0.3)\nRprof({str(own)!r})\nb <- burn(0.3)"
    _, profile, status = await profiled(running, client, console, code)
    assert profile is not None
    assert status == "ok"
    assert "called Rprof() itself" in (profile.note or "")
    assert await is_profiling(client, console)
    await client.run(console, "Rprof(NULL)")
    assert '"burn"' in own.read_text()


async def test_a_kernel_that_is_started_anew_while_it_is_profiled_leaves_what_it_had(running: Running, client: Client) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, f"{BURN}\nburn(0.3); cat('begun\\n'); flush.console(); burn(600)", profile=True)
    await client.until(lambda: "begun" in client.text(execution))
    await restart(client, console)
    assert (await client.finished(execution)).status == "lost"
    event = client.event(protocol.Profiled, execution)
    assert event is not None
    assert event.blob is not None or event.problem
    await client.run(console, "1")
    assert not await is_profiling(client, console)


async def test_python_has_no_profile_here_and_runs_the_code(running: Running, client: Client) -> None:
    console = await client.start("python3")
    event, profile, status = await profiled(running, client, console, "print(6 * 7)")
    assert (profile, status) == (None, "ok")
    assert "%prun" in (event.problem or "")


HEAD = "memory profiling: GC profiling: line profiling: sample.interval=10000\n"


def read(folder: Path, text: str) -> protocol.Profile:
    file = folder / "profile.out"
    file.write_text(text)
    return put_together(Samples(file))


async def test_memory_that_is_given_back_is_not_subtracted(tmp_path: Path) -> None:
    profile = read(
        tmp_path,
        HEAD
        + "#File 1: a.R\n"
        + ':10:10:0:0:"f" 1#1 \n:10:1010:0:0:"g" 1#2 "f" 1#1 \n:10:10:0:0:"<GC>" "g" 1#2 "f" 1#1 \n:10:1',  # cut off
    )
    assert (profile.samples, profile.bytes, profile.peak) == (3, 8000, 8160)
    assert [(call.name, call.parent, call.samples, call.own, call.bytes, call.line) for call in profile.calls] == [
        ("f", None, 3, 1, 8000, 1),
        ("g", 0, 2, 1, 8000, 2),
        ("<GC>", 1, 1, 1, 0, None),
    ]
    assert [(line.line, line.samples) for line in profile.lines] == [(1, 3), (2, 2)]


async def test_a_recursion_counts_once_and_a_wide_and_deep_tree_is_bounded(tmp_path: Path) -> None:
    deep = '"f" ' * 1000
    wide = "".join(f':1:1:1:0:"g{number}" "top" \n' for number in range(10_000))
    profile = read(tmp_path, HEAD + f":1:1:1:0:{deep}\n" * 3 + wide + ':1:1:1:0:"g1" "top" \n')
    functions = {function.name: function for function in profile.functions}
    assert functions["f"].samples == 3
    assert len(profile.calls) <= 3000
    assert profile.left_out > 0
    depth = 0
    for call in profile.calls:
        if call.name == "f":
            depth += 1
    assert depth <= 300
    top = next(call for call in profile.calls if call.name == "top")
    assert top.samples == 10_001
    assert sum(call.own for call in profile.calls) == profile.samples
    assert read(tmp_path, "").samples == 0
    assert read(tmp_path, "no profile\n\x00\xff").samples == 0
