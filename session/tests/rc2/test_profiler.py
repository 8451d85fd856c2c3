"""Profiles of R and Python: what a selection computes, by call, function and line, with its memory; in real kernels."""

from pathlib import Path
from typing import Any

import pytest
from session.tests.rc2.conftest import restart
from session.tests.running import Running

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client
from rspark_session.rc2.profiler.calls import put_together
from rspark_session.rc2.profiler.python_sampling import PythonSamples
from rspark_session.rc2.profiler.r_rprof import RSamples

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
    ("kernel", "code", "status", "why"),
    [
        ("ir", "invisible(1 + 1)", "ok", "too quick"),  # to show it takes R time, which a profile may have
        ("ir", "Sys.sleep(0.2)", "ok", "Waiting is not computing"),
        ("ir", "1 +", "error", "did not run"),
        ("ir", "invokeRestart('abort')", "interrupted", "too quick"),
        ("python3", "1 + 1", "ok", "too quick"),
        ("python3", "__import__('time').sleep(0.2)", "ok", "Waiting is not computing"),
        ("python3", "1 +", "error", "did not run"),
    ],
)
async def test_what_gives_no_profile_is_said_in_a_sentence(
    running: Running, client: Client, kernel: str, code: str, status: str, why: str
) -> None:
    console = await client.start(kernel)
    event, profile, ended = await profiled(running, client, console, code)
    assert (profile, ended) == (None, status)
    assert why in (event.problem or "")
    if kernel == "ir":
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


#: As `BURN`, in Python.
PYTHON_BURN = """import time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))
"""
PYTHON = """def grow(seconds):
    import time
    found, end = [], time.process_time() + seconds
    while time.process_time() < end:
        found.append(bytes(100_000))
    return len(found)

def outer_call(seconds):
    return grow(seconds)

found = outer_call(0.6)
"""
NAMES = "print(sorted(n for n in dir() if n[0] != '_' and n not in ('In', 'Out', 'exit', 'quit', 'get_ipython', 'open')))"


async def test_a_profile_of_python_has_calls_functions_and_lines(running: Running, client: Client) -> None:
    console = await client.start("python3")
    source = protocol.Source(path="work/slow.py", first_line=11, last_line=21)
    event, profile, status = await profiled(running, client, console, PYTHON, source=source)
    assert (status, event.problem) == ("ok", None)
    assert profile is not None
    assert profile.language == "Python"
    assert event.seconds == pytest.approx(profile.samples * profile.interval)
    assert event.seconds > 0.3
    module, outer, inner = profile.calls[:3]
    assert (module.name, module.parent, module.path) == ("<module>", None, None)
    assert (outer.name, outer.parent, outer.path, outer.line) == ("outer_call", 0, "work/slow.py", 21)
    assert (inner.name, inner.parent, inner.line) == ("grow", 1, 19)
    functions = {function.name: function for function in profile.functions}
    assert functions["grow"].own > profile.samples / 2
    assert functions["grow"].bytes > 100_000
    assert profile.peak > 10e6
    lines = {(line.path, line.line): line.samples for line in profile.lines}
    assert lines["work/slow.py", 21] >= lines["work/slow.py", 19] > profile.samples / 2
    assert lines.get(("work/slow.py", 14), 0) + lines.get(("work/slow.py", 15), 0) > profile.samples / 2
    # Nothing but the code's own names is left, and what is profiled later has the lines of what was run before.
    execution = await client.begin(console, NAMES)
    await client.finished(execution)
    assert client.text(execution).strip() == "['found', 'grow', 'outer_call']"
    _, profile, _ = await profiled(running, client, console, "%time outer_call(0.3)")
    assert profile is not None
    assert ("work/slow.py", 19) in {(line.path, line.line) for line in profile.lines}


async def test_a_module_of_the_home_has_lines_and_an_installed_one_has_none(running: Running, client: Client) -> None:
    (running.home / "burning.py").write_text(PYTHON_BURN)
    console = await client.start("python3")
    code = (
        "import json, burning\nburning.burn(0.3)\nsome = json.dumps([str(n) for n in range(3000)])\n"
        "for _ in range(1500): json.loads(some)"
    )
    _, profile, _ = await profiled(running, client, console, code)
    assert profile is not None
    assert {line.path for line in profile.lines} == {"burning.py"}
    assert {"burn", "loads"} <= {function.name for function in profile.functions}


async def test_an_error_and_an_interrupt_of_python_end_the_profile_and_show_it(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, PYTHON_BURN)
    execution = await client.begin(console, "burn(0.3); raise ValueError('too far')", profile=True)
    assert (await client.finished(execution)).status == "error"
    error, event = client.event(protocol.Error, execution), client.event(protocol.Profiled, execution)
    assert error is not None
    assert "too far" in error.message
    assert event is not None
    assert event.blob is not None
    assert "burn" in {function.name for function in (await profile_of(running, event.blob)).functions}
    execution = await client.begin(console, "burn(0.3); print('begun', flush=True); burn(600)", profile=True)
    await client.until(lambda: "begun" in client.text(execution))
    await client.send(protocol.Interrupt(console=console))
    assert (await client.finished(execution)).status == "interrupted"
    event = client.event(protocol.Profiled, execution)
    assert event is not None
    assert event.blob is not None
    # No thread is left that looks.
    threads = []
    for profile in (False, True, False):
        execution = await client.begin(console, "import os; print(len(os.listdir('/proc/self/task')))", profile=profile)
        await client.finished(execution)
        threads.append(int(client.text(execution)))
    assert threads[1] == threads[0] + 1
    assert threads[2] == threads[0]


async def test_a_cell_that_awaits_is_profiled_while_it_computes(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, PYTHON_BURN)
    code = "import asyncio\nasync def waits():\n    await asyncio.sleep(1)\n    burn(0.3)\nawait waits()"
    event, profile, _ = await profiled(running, client, console, code)
    assert profile is not None
    assert event.seconds < 1
    assert {"waits", "burn"} <= {function.name for function in profile.functions}


async def test_a_language_without_a_profiler_says_so_and_runs_the_code(running: Running, client: Client) -> None:
    console = await client.start("bash")
    event, profile, status = await profiled(running, client, console, "echo 42")
    assert (profile, status) == (None, "ok")
    assert "has no profiler here" in (event.problem or "")


async def test_samples_of_python_that_are_cut_off_are_read_until_there(tmp_path: Path) -> None:
    file = tmp_path / "profile.out"
    piece = protocol.Source(path="a.py", first_line=5, last_line=6)
    lines = [
        '["cell", "<1>", "f()\\n"]',
        '["sample", 2, 1000, [["<module>", "<1>", 1], ["f", "<2>", 7]]]',
        '["sample", 1, 3000, [["<module>", "<1>", 2]]]',
        '["sample", 1, 30',
    ]
    file.write_text("\n".join(lines))
    profile = put_together(PythonSamples(file, {"f()": piece}, tmp_path), "Python")
    assert (profile.samples, profile.bytes, profile.peak) == (3, 2000, 3000)
    assert [(call.name, call.parent, call.samples, call.own, call.line) for call in profile.calls] == [
        ("<module>", None, 3, 1, None),
        ("f", 0, 2, 2, 5),
    ]
    assert [(line.line, line.samples) for line in profile.lines] == [(5, 2), (6, 1)]


HEAD = "memory profiling: GC profiling: line profiling: sample.interval=10000\n"


def read(folder: Path, text: str) -> protocol.Profile:
    file = folder / "profile.out"
    file.write_text(text)
    return put_together(RSamples(file), "R")


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


async def test_what_the_kernel_sends_is_part_of_what_prints_and_nothing_alone(tmp_path: Path) -> None:
    sends = '"undisturbed" "zmq.send.multipart" "send_response" "<Anonymous>" "<Anonymous>" '
    profile = read(tmp_path, HEAD + "#File 1: a.R\n" + f':1:1:1:0:{sends}\n:1:1:1:0:{sends}1#7 "print" 1#3 "f" \n')
    assert [(call.name, call.samples, call.own, call.line) for call in profile.calls] == [("f", 1, 0, None), ("print", 1, 1, 3)]
    assert [(line.line, line.samples) for line in profile.lines] == [(3, 1), (7, 1)]


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
    assert read(tmp_path, HEAD + ':1:1:1:0:"paste" "IRkernel::main" \n:1:1:1:0:"f" \n').samples == 1  # the other is the kernel's
    assert read(tmp_path, "").samples == 0
    assert read(tmp_path, "no profile\n\x00\xff").samples == 0
