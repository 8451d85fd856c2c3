"""A sleep that nobody is forced to: it ends a session only when everything that was data is kept, and else says why not."""

import json
from collections.abc import Callable

import pytest
from session.tests.running import Json, Running, interface, members, until

Start = Callable[..., Running]

#: Its class is what fails, and no kind that we know: so it is data that could not be kept.
BROKEN = "class Broken:\n    def __reduce__(self):\n        raise ValueError('no way')\nbroken, x = Broken(), 42"


async def awake(start: Start, generation: int = 1) -> Running:
    running = start(interface=interface("jupyterlab"), generation=generation, resume=generation > 1)
    await running.until_state("ready")
    return running


async def ask(running: Running, condition: str) -> None:
    assert (await running.post(f"agent/suspend?if={condition}")).status_code == 202


async def ask_at_rest(running: Running, condition: str) -> None:
    """Ask once nothing computes: what a cell did a moment ago counts for that moment."""
    await until(lambda: not running.status()["busy"], "nothing computes")
    await ask(running, condition)


async def refusal(running: Running, number: int = 1) -> Json:
    def look() -> Json | None:
        refused = running.status().get("refusal")
        return refused if refused and refused["number"] == number else None

    return await until(look, "the sleep is refused")


@pytest.mark.long
async def test_one_that_keeps_everything_ends(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("x = 42; file = open('f', 'w')")  # a file is never kept, and keeps nobody awake
    await ask_at_rest(running, "idle")
    assert await running.ended() == 0
    record = running.record()
    assert (record["how"], record.get("ended")) == ("suspended", None)
    assert [(lost["name"], lost.get("failed")) for lost in record["saved"]["kernels"][0]["lost"]] == [("file", None)]


async def test_one_that_loses_data_stays_awake_and_says_what_and_the_forced_one_ends_with_1(start: Start) -> None:
    running = await awake(start)
    kernel_id = await running.new_kernel("python3")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("x = 41")
    assert await running.suspend() == 0
    running = await awake(start, 2)
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown(BROKEN)
    for number in (1, 2):
        await ask_at_rest(running, "idle")
        refused = await refusal(running, number)
        assert refused["reason"] == "could not keep `broken` (It can't be saved: no way)."
        assert [(lost["name"], lost.get("failed")) for lost in refused["lost"]] == [("broken", True)]
        status = await running.until_state("ready")
        assert status["reason"] is None
        assert [entry.name for entry in (running.keep / "workspace").iterdir()] == ["1"]  # the last good one
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("x") == "42"  # it goes on as before
    assert await running.suspend() == 1
    record = running.record()
    assert (record["how"], record["code"]) == ("suspended", 1)
    assert record["reason"] == "Your session could not keep `broken` (It can't be saved: no way)."
    running = await awake(start, 3)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("x") == "42"


async def test_what_computes_is_not_interrupted_by_an_idle_sleep(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.begin("while True: pass")
        await until(lambda: running.status()["busy"], "it computes")
        await ask(running, "idle")
        refused = await refusal(running)
    assert refused["reason"] == "it computes (Python kernel)."
    assert refused["lost"] == []
    assert running.status()["state"] == "ready"
    assert running.status()["busy"]


@pytest.mark.long
async def test_a_sleep_that_may_end_what_computes_names_it(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.begin("x = 42\nwhile True: pass")
        await until(lambda: running.status()["busy"], "it computes")
        await ask(running, "kept")
        assert await running.ended() == 0
    assert running.record()["ended"] == ["Python kernel"]
    assert running.record()["saved"]["kernels"][0]["lost"] == []


@pytest.mark.long
async def test_what_a_notebook_left_running_is_work_also_while_it_waits(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("import subprocess; p = subprocess.Popen(['sleep', '600'])")
        await until(lambda: running.status()["busy_with"] == ["Python kernel"], "the session is busy")
        await ask(running, "idle")
        assert (await refusal(running))["reason"] == "it computes (Python kernel)."
    await ask(running, "kept")
    assert await running.ended() == 0
    assert running.record()["ended"] == ["Python kernel"]


@pytest.mark.long
async def test_bash_has_its_variables_and_functions_again(start: Start) -> None:
    running = await awake(start)
    kernel_id = await running.new_kernel("bash")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("x='a b'; f() { echo \"f $1\"; }; alias hi='echo hello'; cd /tmp")
    await ask_at_rest(running, "idle")
    assert await running.ended() == 0
    assert running.record()["saved"]["kernels"][0]["lost"] == []
    running = await awake(start, 2)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown('echo "$x"; f 3; alias hi; pwd') == "a b\nf 3\nalias hi='echo hello'\n/tmp"


async def test_a_query_in_a_terminal_is_work_and_an_editor_is_not(start: Start) -> None:
    running = await awake(start)
    name = (await running.post("api/terminals", json={})).json()["name"]
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await shell.send(json.dumps(["stdin", "sleep 600\r"]))
        await until(lambda: running.status()["busy_with"] == ["A terminal runs sleep"], "the terminal is busy")
        await ask(running, "idle")
        assert (await refusal(running))["reason"] == "it computes (A terminal runs sleep)."


@pytest.mark.long
async def test_a_forced_end_takes_over_from_one_under_way(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        slow = "class Slow:\n    def __reduce__(self):\n        import time; time.sleep(5); return int, ()\nslow, x = Slow(), 42"
        await kernel.shown(slow)
    await ask_at_rest(running, "idle")
    await until(lambda: running.status()["state"] == "suspending", "it falls asleep")
    assert (await running.post("agent/suspend")).status_code == 202
    assert await running.ended() == 0
    assert running.record()["saved"]["kernels"][0]["objects"] == 3
    assert not members(running.name)


async def test_to_stop_takes_over_from_one_under_way(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("class Slow:\n    def __reduce__(self):\n        import time; time.sleep(600)\nslow = Slow()")
    await ask(running, "kept")
    await until(lambda: running.status()["state"] == "suspending", "it falls asleep")
    assert (await running.post("agent/stop")).status_code == 202
    assert await running.ended() == 0
    assert running.record()["how"] == "stopped"
    assert list((running.keep / "workspace").iterdir()) == []
