"""JupyterLab behind the agent: who gets in, what counts as a person's doing, and what counts as computing."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from session.tests.running import Running, command_of, interface, members, until

Start = Callable[..., Running]


async def lab(start: Start, **changes: object) -> Running:
    """A session with JupyterLab that is ready."""
    running = start(**{"interface": interface("jupyterlab"), **changes})
    await running.until_state("ready")
    return running


@pytest.mark.long
async def test_r_python_and_bash_run_through_the_agent(start: Start) -> None:
    running = await lab(start)
    for name, code, shown in [
        ("ir", "6 * 7", "[1] 42"),
        ("python3", "6 * 7", "42"),
        ("bash", "echo $((6 * 7))", "42"),
    ]:
        async with running.kernel(await running.new_kernel(name)) as kernel:
            assert await kernel.shown(code) == shown
    assert await running.suspend() == 0
    assert not members(running.name)


async def test_only_the_environments_kernels_are_offered(start: Start) -> None:
    running = await lab(start, interface=interface("jupyterlab", kernels=["r", "bash"]))
    offered = (await running.get("api/kernelspecs")).json()
    assert offered["default"] == "ir"
    assert {name: kernel["spec"]["display_name"] for name, kernel in offered["kernelspecs"].items()} == {
        "ir": "R",
        "bash": "bash",
    }


async def test_the_page_opens_at_the_sessions_own_path(start: Start) -> None:
    running = await lab(start)
    page = await running.get("", follow_redirects=True)
    assert page.url.path == f"{running.asked['base_path']}lab/tree/Welcome.ipynb", "the first time"
    assert "<title>JupyterLab</title>" in page.text
    assert json.loads((running.run / "interface.json").read_text())["token"] not in page.text
    outside = await running.http.get(f"http://{running.status()['address']}/")
    assert outside.headers["location"] == running.asked["base_path"]


async def test_nobody_gets_in_without_the_secret(start: Start) -> None:
    running = await lab(start)
    for path in ("api/kernels", "lab", "agent/status", "agent/logs?service=interface", "spark/"):
        for headers in ({"X-Rspark-Secret": ""}, {"X-Rspark-Secret": "another"}):
            assert (await running.get(path, headers=headers)).status_code == 401
    assert (await running.get("agent/healthz", headers={"X-Rspark-Secret": ""})).status_code == 200
    told = json.loads((running.run / "interface.json").read_text())
    assert Path(told["socket"]).stat().st_mode & 0o777 == 0o600
    assert Path(told["socket"]).parent.stat().st_mode & 0o777 == 0o700
    assert (running.run / "interface.json").stat().st_mode & 0o777 == 0o600


async def test_a_long_path_of_the_data_folder_is_no_hindrance(start: Start, tmp_path: Path) -> None:
    deep = tmp_path / ("a-long-name" * 8)
    running = await lab(start, run=str(deep / "1"), keep=str(deep / "keep"))
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        assert await kernel.shown("1 + 1") == "2"
    short = Path(json.loads((running.run / "interface.json").read_text())["socket"]).parent
    assert await running.suspend() == 0
    assert not short.exists()


async def test_an_open_tab_is_no_activity(start: Start) -> None:
    running = await lab(start)
    (running.home / "a.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    session = await running.new_session("a.ipynb", "python3")
    for path in ("lab", "api/sessions", "api/kernels", "api/terminals", "api/contents", "api/contents/a.ipynb", "api/status"):
        assert (await running.get(path)).status_code == 200
    async with running.kernel(session["kernel"]["id"]) as kernel:
        await kernel.send("kernel_info_request", {})
        await kernel.send("comm_info_request", {})
        await kernel.send("history_request", {"hist_access_type": "tail", "n": 10, "raw": True, "output": False})
        assert await kernel.result_of(await kernel.begin("1 + 1", silent=True)) == ""
        await asyncio.sleep(1.5)
        assert running.status()["last_activity"] is None


@pytest.mark.long
async def test_a_persons_doing_is_activity(start: Start) -> None:
    running = await lab(start)

    async def seen_after(began: datetime) -> None:
        def look() -> bool:
            last = running.status()["last_activity"]
            return last is not None and datetime.fromisoformat(last) >= began

        await until(look, "it is seen")

    async with running.kernel(await running.new_kernel("python3")) as kernel:
        for kind, content in [
            ("execute_request", {"code": "1", "silent": False, "store_history": True, "allow_stdin": False}),
            ("complete_request", {"code": "pri", "cursor_pos": 3}),
            ("inspect_request", {"code": "print", "cursor_pos": 3, "detail_level": 0}),
        ]:
            began = datetime.now(UTC)
            await kernel.send(kind, content)
            await seen_after(began)
    began = datetime.now(UTC)
    await running.http.put(running.url("api/contents/a.txt"), json={"type": "file", "format": "text", "content": "x"})
    await seen_after(began)
    began = datetime.now(UTC)
    await running.http.patch(running.url("api/contents/a.txt"), json={"path": "b.txt"})
    await seen_after(began)


async def test_a_kernel_that_computes_makes_the_session_busy(start: Start) -> None:
    running = await lab(start)
    session = await running.new_session("analysis.ipynb", "ir")
    kernel_id = session["kernel"]["id"]
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("1")
        message = await kernel.begin("cat('now'); Sys.sleep(600)")  # an interrupt before R begins with the cell ends nothing
        while json.loads(await kernel.socket.recv())["msg_type"] != "stream":
            pass
        await until(lambda: running.status()["busy_with"] == ["R kernel, analysis.ipynb"], "the session is busy")
        assert running.status()["busy"] is True
        await running.post(f"api/kernels/{kernel_id}/interrupt")
        await kernel.result_of(message)
    await until(lambda: running.status()["busy"] is False, "it rests")


async def test_a_kernel_that_asks_something_does_not_compute(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("1")
        message = await kernel.begin("name = input('Who? ')\nwhile name != 'x': pass", may_ask=True)
        while json.loads(await kernel.socket.recv())["msg_type"] != "input_request":
            pass
        await until(lambda: running.status()["last_activity"], "the person was seen")
        await asyncio.sleep(3)
        assert running.status()["busy_with"] == []
        await kernel.send("input_reply", {"value": "x"}, channel="stdin")
        await kernel.result_of(message)


async def test_what_a_kernel_left_running_makes_the_session_busy(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'while True: pass'])")
        await until(lambda: running.status()["busy_with"] == ["Python kernel"], "the session is busy")
        await kernel.shown("p.kill(); p.wait()")
        await until(lambda: not running.status()["busy"], "it rests")


async def test_the_interface_that_dies_fails_the_session(start: Start) -> None:
    running = await lab(start)
    server = next(process for process in members(running.name) if "rspark_session.jupyter" in command_of(process))
    server.kill()
    assert await running.ended() == 1
    assert running.status()["reason"] == "Jupyterlab was killed, as happens when the memory of the machine runs out."
    assert running.record()["how"] == "failed"
    assert not members(running.name)


async def test_the_server_ends_with_its_agent(start: Start) -> None:
    """Also where no shim watches over the agent: nobody could come in any more."""
    running = await lab(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown("1")
    running.process.kill()
    running.process.wait()
    await until(lambda: not members(running.name), "nothing is left")


async def test_a_part_that_dies_does_not_take_the_work_along(start: Start) -> None:
    store = {"name": "store", "title": "The store", "command": ["{python}", "-c", "import signal; signal.pause()"]}
    running = await lab(start, parts=[store])
    kernel_id = await running.new_kernel("python3")
    async with running.kernel(kernel_id) as kernel:
        await kernel.shown("x = 42")

    def stores() -> list[psutil.Process]:
        return [process for process in members(running.name) if command_of(process)[-1:] == ["import signal; signal.pause()"]]

    (store_before,) = stores()
    store_before.terminate()
    await until(lambda: any(process.pid != store_before.pid for process in stores()), "the store is started again")
    async with running.kernel(kernel_id) as kernel:
        assert await kernel.shown("x") == "42"
    assert await running.suspend() == 0
    assert [(kernel["id"], kernel["objects"]) for kernel in running.record()["saved"]["kernels"]] == [(kernel_id, 1)]


@pytest.mark.long
async def test_a_crash_is_noted(start: Start) -> None:
    running = await lab(start)
    session = await running.new_session("analysis.ipynb", "python3")
    async with running.kernel(session["kernel"]["id"]) as kernel:
        pid = int(await kernel.shown("import os; x = 1; os.getpid()"))
        os.kill(pid, signal.SIGSEGV)
        while json.loads(await kernel.socket.recv())["content"].get("execution_state") != "restarting":
            pass
    async with running.kernel(session["kernel"]["id"]) as kernel:
        assert await kernel.shown("'x' in globals()") == "False"
    assert await running.suspend() == 0
    (kept,) = running.record()["saved"]["kernels"]
    (lost,) = kept["lost"]
    assert (lost["name"], lost["class"]) == ("workspace", "python")
    assert lost["why"].startswith("It stopped by itself at ")


async def test_a_machine_without_r_says_so(prepare: Start, tmp_path: Path) -> None:
    running = prepare(interface=interface("jupyterlab"))
    for program in ("bash", "sh"):
        (tmp_path / program).symlink_to(f"/bin/{program}")
    running.start(PATH=str(tmp_path))
    assert await running.ended() == 1
    assert running.status()["reason"] == (
        "R is not installed on this machine. Install it (on Debian: apt-get install r-base-core r-cran-irkernel), "
        "then start the session again."
    )


@pytest.mark.long
async def test_a_kernel_that_is_given_up_is_noted(start: Start) -> None:
    running = await lab(start)
    kernel_id = await running.new_kernel("python3")

    async def kernels() -> list[str]:
        return [kernel["id"] for kernel in (await running.get("api/kernels")).json()]

    while await kernels():
        for process in members(running.name):
            if kernel_id in str(command_of(process)):
                process.kill()
        await asyncio.sleep(0.1)
    assert await running.suspend() == 0
    (kept,) = running.record()["saved"]["kernels"]
    assert (kept["id"], kept["objects"]) == (kernel_id, 0)
    assert [lost["why"] for lost in kept["lost"]] == ["It stopped by itself again and again, and was not started any more."]
