"""Asleep and awake again: what kernels hold is there, under the same ids, and nothing that was kept is ever lost."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from session.tests.running import Running, command_of, interface, members, until

Start = Callable[..., Running]


async def awake(start: Start, generation: int) -> Running:
    """The session in its first or a later generation."""
    running = start(interface=interface("jupyterlab"), generation=generation, resume=generation > 1)
    await running.until_state("ready")
    return running


async def awake_with_r(prepare: Start, r_library: Path, generation: int) -> Running:
    running = prepare(interface=interface("jupyterlab"), generation=generation, resume=generation > 1)
    running.start(RSPARK_R_LIBS=str(r_library))
    await running.until_state("ready")
    return running


async def restored(running: Running) -> dict:
    """What the session says of what it brought back."""
    return await until(lambda: running.status()["restored"], "all is brought back")


async def test_kernels_come_back_with_their_names_and_memory(start: Start) -> None:
    running = await awake(start, 1)
    (running.home / "course").mkdir()
    session = await running.new_session("course/analysis.ipynb", "python3")
    python, bash = session["kernel"]["id"], await running.new_kernel("bash")
    async with running.kernel(python) as kernel:
        await kernel.shown(
            "import os, random; os.makedirs('data'); os.chdir('data'); x = {'a': [1, 2, 3]}; lock = open('f', 'w')"
        )
    async with running.kernel(bash) as kernel:
        await kernel.shown("mkdir -p ~/elsewhere && cd ~/elsewhere")
    assert await running.suspend() == 0
    saved = {kernel["id"]: kernel for kernel in running.record()["saved"]["kernels"]}
    assert saved[python]["name"] == "python3"
    assert saved[python]["language"] == "python"
    assert saved[python]["path"] == "course/analysis.ipynb"
    assert saved[python]["objects"] >= 1
    assert saved[python]["bytes"] > 0
    assert [lost["name"] for lost in saved[python]["lost"]] == ["lock"]
    assert saved[bash]["name"] == "bash"
    assert saved[bash]["path"] is None

    running = await awake(start, 2)
    assert (await running.get("api/sessions")).json()[0]["id"] == session["id"]
    assert (await running.get("api/sessions")).json()[0]["kernel"]["id"] == python
    async with running.kernel(python) as kernel:  # at once: nobody's code runs before the memory is back
        assert await kernel.shown("print(x['a'], os.getcwd())") == f"[1, 2, 3] {running.home}/course/data"
    async with running.kernel(bash) as kernel:
        assert await kernel.shown("pwd") == f"{running.home}/elsewhere"
    told = {kernel["id"]: kernel for kernel in (await restored(running))["kernels"]}
    assert told[python]["reason"] is None
    assert [lost["name"] for lost in told[python]["lost"]] == ["lock"]
    assert told[python]["path"] == "course/analysis.ipynb"


async def test_what_slept_in_jupyterlab_wakes_in_rc2_and_goes_on_in_both(start: Start) -> None:
    running = await awake(start, 1)
    session = await running.new_session("analysis.ipynb", "python3")
    async with running.kernel(session["kernel"]["id"]) as kernel:
        await kernel.shown("x = 6 * 7")
    assert await running.suspend() == 0
    running = start(interface=interface("rc2"), generation=2, resume=True)  # as the environment says by now
    await running.until_state("ready")
    assert (await running.get("api/sessions")).json()[0]["kernel"]["id"] == session["kernel"]["id"]
    async with running.kernel(session["kernel"]["id"]) as kernel:
        assert await kernel.shown("x") == "42"
    page = await running.get("", follow_redirects=True)
    assert page.url.path == f"{running.asked['base_path']}rc2/"
    assert "<title>JupyterLab</title>" in (await running.get("lab", follow_redirects=True)).text


async def test_r_comes_back_with_its_memory(prepare: Start, r_library: Path) -> None:
    running = await awake_with_r(prepare, r_library, 1)
    (running.home / "data").mkdir()
    kernel_id = await running.new_kernel("ir")
    async with running.kernel(kernel_id) as kernel:
        code = "setwd('data'); library(splines); options(digits = 4); set.seed(7); invisible(runif(3)); x <- data.frame(a = 1:3)"
        await kernel.shown(code)
        expected = await kernel.shown("y <- .Random.seed; cat(runif(1)); .Random.seed <- y; con <- file('f', 'w')")
    assert await running.suspend() == 0
    (kept,) = running.record()["saved"]["kernels"]
    assert (kept["name"], kept["language"]) == ("ir", "R")
    assert kept["objects"] >= 2
    assert [lost["name"] for lost in kept["lost"]] == ["con"], kept["lost"]

    running = await awake_with_r(prepare, r_library, 2)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("cat(sum(x$a), getOption('digits'), basename(getwd()))") == "6 4 data"
        assert await kernel.shown("cat('package:splines' %in% search())") == "TRUE"
        assert await kernel.shown("cat(runif(1))") == expected
    (told,) = (await restored(running))["kernels"]
    assert told["reason"] is None
    assert [lost["name"] for lost in told["lost"]] == ["con"]


@pytest.mark.long
async def test_a_busy_r_is_interrupted_and_saved(prepare: Start, r_library: Path) -> None:
    running = await awake_with_r(prepare, r_library, 1)
    kernel_id = await running.new_kernel("ir")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("x <- 42")
        await kernel.begin("while (TRUE) x <- x + 0")
        await kernel.begin("x <- 43")  # waits for its turn, and is swept away with what was interrupted
        await until(lambda: running.status()["busy"], "it computes")
        assert await running.suspend() == 0
    assert running.record()["saved"]["kernels"][0]["lost"] == []
    running = await awake_with_r(prepare, r_library, 2)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("cat(x)") == "42"


async def test_a_start_anew_brings_nothing_back(start: Start) -> None:
    running = await awake(start, 1)
    await running.new_kernel("python3")
    assert await running.suspend() == 0
    running = start(interface=interface("jupyterlab"), generation=2, resume=False)
    await running.until_state("ready")
    assert (await running.get("api/kernels")).json() == []
    assert running.status()["restored"] is None


async def test_to_stop_saves_nothing_and_keeps_what_was_saved(start: Start) -> None:
    running = await awake(start, 1)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("x = 1")
    assert await running.suspend() == 0
    running = await awake(start, 2)
    assert (await running.post("agent/stop")).status_code == 202
    assert await running.ended() == 0
    assert running.record()["saved"] is None
    assert [entry.name for entry in (running.keep / "workspace").iterdir()] == ["1"]


@pytest.mark.long
async def test_a_busy_kernel_is_interrupted_and_saved(start: Start) -> None:
    running = await awake(start, 1)
    kernel_id = await running.new_kernel("python3")
    async with running.kernel(kernel_id) as kernel:
        await kernel.begin("x = 42\nwhile True: pass")
        await until(lambda: running.status()["busy"], "it computes")
        assert await running.suspend() == 0
    assert running.record()["saved"]["kernels"][0]["lost"] == []
    running = await awake(start, 2)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("x") == "42"


STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nopen('begun', 'w').close()\nwhile True: time.sleep(1)"
)


async def test_a_kernel_that_can_not_be_interrupted_is_named_and_keeps_no_other_from_sleeping(start: Start) -> None:
    running = await awake(start, 1)
    good, stubborn = await running.new_kernel("python3"), await running.new_kernel("python3")
    async with running.kernel(good) as kernel:
        await kernel.shown("x = 42")
    async with running.kernel(stubborn) as kernel:
        await kernel.shown("y = 1")
    assert await running.suspend() == 0
    running = await awake(start, 2)
    async with running.kernel(good) as kernel:
        await kernel.shown("x += 1")
    async with running.kernel(stubborn) as kernel:
        await kernel.begin("y = 2\n" + STUBBORN)
        await until((running.home / "begun").exists, "it has begun")
        await until(lambda: running.status()["busy"], "it computes")
        assert await running.suspend() == 1
    lost = {kernel["id"]: kernel["lost"] for kernel in running.record()["saved"]["kernels"]}
    assert lost[good] == []
    why = "It could not be saved: It was computing and could not be interrupted. What you get back is from the time before."
    assert lost[stubborn] == [{"name": "workspace", "class": "python", "why": why, "failed": True}]
    running = await awake(start, 3)
    async with running.kernel(good) as kernel:
        assert await kernel.shown("x") == "43"
    async with running.kernel(stubborn) as kernel:
        assert await kernel.shown("y") == "1"


@pytest.mark.long
async def test_what_can_not_be_brought_back_is_said_and_kept(start: Start) -> None:
    running = await awake(start, 1)
    kernel_id = await running.new_kernel("python3")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("x = 42")
    assert await running.suspend() == 0
    folder = running.keep / "workspace/1" / kernel_id
    (folder / "state").write_bytes(b"not what was saved")
    before = sorted(path.name for path in folder.iterdir())

    running = await awake(start, 2)
    (told,) = (await restored(running))["kernels"]
    assert told["reason"].startswith("What was saved could not be brought back: ")
    assert told["reason"].endswith(" It is still kept.")
    assert told["objects"] == 0
    async with running.kernel(kernel_id) as kernel:  # it runs all the same
        assert await kernel.shown("y = 1; 'x' in globals()") == "False"
    assert await running.suspend() == 0
    kept = running.keep / "workspace/2/unrestored" / f"1-{kernel_id}"
    assert set(before) <= {path.name for path in kept.iterdir()}

    running = await awake(start, 3)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("y") == "1"
    assert await running.suspend() == 0
    assert (running.keep / "workspace/3/unrestored" / f"1-{kernel_id}/state").read_bytes() == b"not what was saved"


async def test_a_saved_workspace_that_can_not_be_read_keeps_nobody_out(start: Start) -> None:
    running = await awake(start, 1)
    kernel_id = await running.new_kernel("python3")
    assert await running.suspend() == 0
    (running.keep / "workspace/1/state.json").write_text("half of")
    running = await awake(start, 2)
    assert (await restored(running))["reason"] == "What was saved could not be read. It is still kept."
    assert (await running.get("api/kernels")).json() == []
    assert await running.suspend() == 0
    assert (running.keep / "workspace/2/unrestored" / f"1-{kernel_id}").is_dir()


async def test_a_kill_in_the_middle_of_saving_leaves_what_was_saved_before(start: Start) -> None:
    running = await awake(start, 1)
    kernel_id = await running.new_kernel("python3")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("x = 42")
    assert await running.suspend() == 0
    running = await awake(start, 2)
    async with running.kernel(kernel_id) as kernel:
        slow = "class Slow:\n    def __reduce__(self):\n        import time; time.sleep(600)\nx = 43; slow = Slow()"
        await kernel.shown(slow)
    assert (await running.post("agent/suspend")).status_code == 202
    await until((running.keep / "workspace/2.new" / kernel_id).exists, "it saves")
    for process in members(running.name):
        process.kill()
    await running.ended()
    assert sorted(entry.name for entry in (running.keep / "workspace").iterdir()) == ["1", "2.new"]

    running = await awake(start, 3)
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("x") == "42"
    assert await running.suspend() == 0
    assert [entry.name for entry in (running.keep / "workspace").iterdir()] == ["3"]


@pytest.mark.long
async def test_who_sleeps_before_being_awake_keeps_what_was_saved(start: Start) -> None:
    running = await awake(start, 1)
    kernel_id = await running.new_kernel("python3")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown(
            "import time\nclass Slow:\n    def __reduce__(self):\n        return time.sleep, (600,)\nslow = Slow()"
        )
    assert await running.suspend() == 0
    assert running.record()["saved"]["kernels"][0]["lost"] == []
    running = await awake(start, 2)
    assert await running.suspend() == 0
    (kept,) = running.record()["saved"]["kernels"]
    why = "It could not be saved: It was still being brought back. What you get back is from the time before."
    assert [lost["why"] for lost in kept["lost"]] == [why]
    assert (running.keep / "workspace/2" / kernel_id / "manifest.json").exists()


_TAKES_NO_END = "Its class takes no end to say how it is saved. Save it in another way."
_NOT_IN_TIME = "It could not be saved: It wasn't done in time."
_IN_C = "__import__('hashlib').pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"  # code that looks at no signal


@pytest.mark.long
@pytest.mark.parametrize(
    ("wait", "lost"), [("__import__('time').sleep(600)", ("slow", _TAKES_NO_END)), (_IN_C, ("workspace", _NOT_IN_TIME))]
)
async def test_saving_that_takes_too_long_is_told(start: Start, wait: str, lost: tuple[str, str]) -> None:
    running = start(interface=interface("jupyterlab"), grace=8.0)
    await running.until_state("ready")
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown(f"class Slow:\n    def __reduce__(self):\n        {wait}\nslow, other = Slow(), list(range(1000))")
    assert await running.suspend() == 1
    (kept,) = running.record()["saved"]["kernels"]
    assert [(each["name"], each["why"]) for each in kept["lost"]] == [lost]
    assert not members(running.name)


async def test_terminals_come_back_where_they_were(start: Start) -> None:
    running = await awake(start, 1)
    (running.home / "here").mkdir()
    name = (await running.post("api/terminals", json={})).json()["name"]
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await shell.send(json.dumps(["stdin", "cd here; touch arrived\r"]))
        await until((running.home / "here/arrived").exists, "the shell has moved")
    assert await running.suspend() == 0
    assert running.record()["saved"]["terminals"] == 1
    running = await awake(start, 2)
    assert [shell["name"] for shell in (await running.get("api/terminals")).json()] == [name]
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await shell.send(json.dumps(["stdin", "touch again\r"]))
        await until((running.home / "here/again").exists, "the shell is where it was")


@pytest.mark.long
async def test_a_server_that_hangs_is_told_and_what_was_saved_stays(start: Start) -> None:
    running = await awake(start, 1)
    await running.new_kernel("python3")
    assert await running.suspend() == 0
    running = start(interface=interface("jupyterlab"), generation=2, resume=True, grace=6.0)
    await running.until_state("ready")
    server = next(process for process in members(running.name) if "rspark_session.jupyter" in command_of(process))
    os.kill(server.pid, signal.SIGSTOP)
    assert await running.suspend() == 1
    assert running.status()["reason"] == "The workspace could not be saved in time. What was saved before is still there."
    assert running.record()["how"] == "failed"
    assert [entry.name for entry in (running.keep / "workspace").iterdir()] == ["1"]
    assert not members(running.name)
