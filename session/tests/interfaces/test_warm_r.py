"""The R that starts with the server: the first who asks for R gets it, as if it had been started then."""

import asyncio
from collections.abc import Callable

import psutil
import pytest
from session.tests.running import Json, Running, command_of, interface, members, until

from rspark_session.agent.reporting.busy import COMPUTES

Start = Callable[..., Running]


async def lab(start: Start) -> Running:
    running = start(interface=interface("jupyterlab"))
    await running.until_state("ready")
    return running


def warm_kernels(running: Running) -> list[psutil.Process]:
    return [
        process
        for process in members(running.name)
        if process.name() == "R" and " ".join(command_of(process)).endswith("/warm-kernel.json")
    ]


async def take_one_that_hangs(running: Running) -> tuple[psutil.Process, Json]:
    """Take the warm R for a notebook in a folder, while it hears nothing, as one that still starts."""
    (running.home / "course").mkdir()
    (warm,) = warm_kernels(running)
    warm.suspend()
    return warm, await running.new_session("course/analysis.ipynb", "ir")


async def test_the_first_r_is_the_warm_one_with_its_folder_and_its_name(start: Start) -> None:
    running = await lab(start)
    (running.home / "course ö").mkdir()
    (warm,) = warm_kernels(running)
    session = await running.new_session("course ö/analysis.ipynb", "ir")
    async with running.kernel(session["kernel"]["id"]) as kernel:
        assert await kernel.shown("cat(Sys.getpid(), basename(getwd()))") == f"{warm.pid} course ö"
        assert await kernel.shown("cat(basename(Sys.getenv('JPY_SESSION_NAME')))") == "analysis.ipynb"
        assert await kernel.shown("cat(Sys.getenv('R_ENABLE_JIT', 'unset'), compiler::enableJIT(-1))") == "unset 3"
        own = "cat(normalizePath(Sys.getenv('R_LIBS_USER')) %in% .libPaths())"
        assert await kernel.shown(own) == "TRUE", "a person's own packages are found in a new home, too"
        await kernel.shown("x <- 1")
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        assert (
            await kernel.shown("cat(Sys.getpid() != " + str(warm.pid) + ", basename(getwd()), exists('x'))") == "TRUE home FALSE"
        )

    await running.post(f"api/kernels/{session['kernel']['id']}/restart")
    async with running.kernel(session["kernel"]["id"]) as kernel:
        assert await kernel.shown("cat(basename(getwd()), exists('x'))") == "course ö FALSE"
    assert await running.suspend() == 0
    assert not members(running.name)


async def test_a_kernel_without_a_notebook_has_the_environment_of_any_other(start: Start) -> None:
    running = await lab(start)
    (warm,) = warm_kernels(running)
    # All but R's own temporary folder.
    environ = "x <- Sys.getenv(); x <- x[names(x) != 'R_SESSION_TMPDIR']; "
    described = environ + "cat(paste0(names(x), '=', x), compiler::enableJIT(-1), getwd(), sep = '\\n')"
    first, second = await running.new_kernel("ir"), await running.new_kernel("ir")
    async with running.kernel(first) as kernel, running.kernel(second) as other:
        assert await kernel.shown("cat(Sys.getpid())") == str(warm.pid)
        assert await kernel.shown(described) == await other.shown(described)


async def test_a_profile_that_was_written_meanwhile_is_read(start: Start) -> None:
    running = await lab(start)
    (warm,) = warm_kernels(running)
    (running.home / ".Rprofile").write_text("options(course = 'Statistics 1')\n")
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        assert await kernel.shown("cat(getOption('course'))") == "Statistics 1"
    assert not warm.is_running()


async def test_one_that_dies_as_it_is_taken_is_started_anew_with_its_folder(start: Start) -> None:
    running = await lab(start)
    warm, session = await take_one_that_hangs(running)
    warm.kill()
    async with running.kernel(session["kernel"]["id"]) as kernel:
        assert await kernel.shown("cat(basename(getwd()))") == "course"


async def test_one_that_is_started_again_as_it_is_taken_keeps_nobody_waiting(start: Start) -> None:
    running = await lab(start)
    warm, session = await take_one_that_hangs(running)
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(0.1)
    warm.kill()  # nobody has seen it dead when the next one runs
    await running.post(f"api/kernels/{session['kernel']['id']}/restart")
    async with running.kernel(session["kernel"]["id"]) as kernel:
        assert await kernel.shown("cat(basename(getwd()))") == "course"
    assert asyncio.get_running_loop().time() - began < 120, "it waited for a kernel that is gone"
    assert not warm.is_running()


@pytest.mark.long
async def test_what_it_does_makes_no_session_busy(prepare: Start) -> None:
    running = prepare(interface=interface("jupyterlab"))
    running.home.mkdir()
    (running.home / ".Rprofile").write_text("repeat {}\n")
    running.start()
    await running.until_state("ready")
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("1")  # who did something is looked at often
    await until(lambda: running.status()["busy_with"] == [], "the kernel that was asked rests")
    looks: list[Json] = []  # one after another in which it computes; two would make a session busy

    def computes() -> bool:
        status = running.status()
        assert status["busy_with"] == []
        if not looks or looks[-1]["updated"] != status["updated"]:
            looks.append(status) if status["cpu"] > COMPUTES else looks.clear()
        return len(looks) == 4

    await until(computes, "it is seen to compute")


async def test_what_it_prints_by_itself_is_in_the_log_of_the_interface(prepare: Start) -> None:
    running = prepare(interface=interface("jupyterlab"))
    running.home.mkdir()
    (running.home / ".Rprofile").write_text("message('from the profile')\n")
    running.start()
    await running.until_state("ready")
    await until(lambda: "from the profile" in running.log("interface"), "it is heard")


async def test_none_is_left_where_the_interface_can_not_be_started(prepare: Start) -> None:
    running = prepare(interface=interface("jupyterlab"))
    (running.run / "interface.json").mkdir(parents=True)
    running.start()
    assert await running.ended() == 1
    assert running.status()["reason"] == "Jupyterlab can't be started: Is a directory."
    assert not members(running.name)
    (running.run / "interface.json").rmdir()


@pytest.mark.parametrize(("kind", "kernels"), [("jupyterlab", ["python"]), ("terminal", ["r"])])
async def test_a_session_where_nobody_asks_for_r_soon_starts_none(start: Start, kind: str, kernels: list[str]) -> None:
    running = start(interface=interface(kind, kernels=kernels))
    await running.until_state("ready")
    assert warm_kernels(running) == []


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_nobody_asks_for_it_so_it_ends(start: Start) -> None:
    running = await lab(start)
    assert warm_kernels(running)
    await asyncio.sleep(100)
    assert warm_kernels(running)
    await until(lambda: not warm_kernels(running), "it has ended", 40)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        assert await kernel.shown("cat(6 * 7)") == "42"
