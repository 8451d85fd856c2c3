"""Several interfaces of one session: on the same home, each with a path of its own, started when somebody opens it."""

import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import psutil
import pytest
from session.tests.interfaces.test_web import COMMAND, SERVER
from session.tests.running import Running, command_of, interface, members, until

from rspark_session.processes.ports import free_port

pytestmark = pytest.mark.timeout(600)
Start = Callable[..., Running]

DOCS = interface("web", title="Docs", command=COMMAND)
SHELL = interface("terminal", title="Terminal", kernels=["python"])
PAGE = {"Accept": "text/html"}  # what a browser wants to show
REFUSES = interface("web", title="Dashboard", command=["bash", "-c", "echo no data; exit 7"])


async def opened(running: Running, name: str, path: str = "", **more: Any) -> httpx.Response:
    """Visit an interface, as a browser that loads its page again and again, until it answers."""
    answers: list[httpx.Response] = []

    async def look() -> bool:
        answers.append(await running.get(f"interfaces/{name}/{path}", headers=PAGE, **more))
        return answers[-1].status_code != 503

    while not await look():
        assert "is starting" in answers[-1].text, answers[-1].text
    return answers[-1]


async def failed(running: Running, name: str, query: str = "") -> str:
    """Visit an interface until its page says that it does not run, and return the page."""
    while "does not run" not in (answer := await running.get(f"interfaces/{name}/{query}", headers=PAGE)).text:
        assert answer.status_code == 503
        query = ""
    return answer.text


async def test_each_starts_when_it_is_opened_and_has_a_path_of_its_own(start: Start) -> None:
    running = start(interface=interface("web", command=COMMAND), beside={"docs": DOCS, "shell": SHELL})
    await running.until_state("ready")
    assert {part["name"]: part["state"] for part in running.status()["parts"]} == {
        "interface": "ready",
        "interface-docs": "waiting",
        "interface-shell": "waiting",
    }
    base = running.asked["base_path"]
    assert (await running.get("interfaces/docs?x=1")).headers["location"] == f"{base}interfaces/docs/?x=1"
    answer = await opened(running, "docs", "page?x=1")
    assert answer.text == f"GET {base}interfaces/docs/page?x=1 None {base}interfaces/docs/"
    assert (await running.get("page")).text == f"GET {base}page None {base}"
    assert (await running.get("interfaces/nobody")).text == f"GET {base}interfaces/nobody None {base}"
    assert (await opened(running, "shell", "api/status")).json()["kernels"] == 0
    assert {part["name"]: part["state"] for part in running.status()["parts"]} == {
        "interface": "ready",
        "interface-docs": "ready",
        "interface-shell": "ready",
    }
    assert (await running.get("agent/logs?service=interface-shell")).status_code == 200
    assert await running.suspend() == 0
    assert members(running.name) == []


async def test_what_a_page_fetches_by_itself_starts_nothing(start: Start) -> None:
    """A tab that was left open asks again and again: that is nobody's wish."""
    running = start(interface=interface("web", command=COMMAND), beside={"docs": DOCS})
    await running.until_state("ready")
    await running.get("interfaces/docs/poll", headers={"Sec-Fetch-Mode": "cors", **PAGE})
    await running.get("interfaces/docs/poll")  # without TLS nothing says what it is for
    await running.get("interfaces/docs/", headers={"Upgrade": "websocket", **PAGE})
    await running.post("interfaces/docs/save", headers=PAGE)
    assert [part["name"] for part in running.status()["parts"] if part["state"] != "waiting"] == ["interface"]
    navigation = await running.get("interfaces/docs/", headers={"Sec-Fetch-Mode": "navigate"})
    assert "Docs is starting" in navigation.text
    assert (await opened(running, "docs")).status_code == 200


async def test_one_that_fails_says_why_and_leaves_the_session_alone(start: Start) -> None:
    running = start(interface=interface("web", command=COMMAND), beside={"dashboard": REFUSES, "gone": interface("no-such")})
    await running.until_state("ready")
    page = await failed(running, "dashboard")
    assert "Dashboard stopped by itself, with the code 7." in page
    begun = running.log("interface-dashboard").count("no data")
    assert "does not run" in await failed(running, "dashboard")  # to look again does not try again
    assert running.log("interface-dashboard").count("no data") == begun
    assert f'href="{running.asked["base_path"]}interfaces/dashboard/?start"' in page
    await failed(running, "dashboard", "?start")
    await until(lambda: running.log("interface-dashboard").count("no data") > begun, "it was tried again")
    assert "There is no interface &#x27;no-such&#x27; in this version." in await failed(running, "gone")
    assert running.status()["state"] == "ready"
    assert await running.suspend() == 0


async def test_one_that_is_killed_starts_at_the_next_visit(start: Start) -> None:
    running = start(interface=interface("web", command=COMMAND), beside={"docs": DOCS})
    await running.until_state("ready")
    await opened(running, "docs")
    (served,) = [
        each for each in members(running.name) if SERVER in command_of(each) and "interfaces/docs" in command_of(each)[-1]
    ]
    os.kill(served.pid, signal.SIGKILL)
    ends = "It is started again when somebody opens it."
    await until(lambda: (running.part("interface-docs")["reason"] or "").endswith(ends), "its end is seen")
    assert (await opened(running, "docs")).status_code == 200
    assert running.status()["state"] == "ready"


async def test_all_of_them_are_put_to_sleep_and_wake(start: Start) -> None:
    below = "interfaces/lab/"

    async def awake(generation: int) -> Running:
        lab = interface("jupyterlab", title="Lab", kernels=["python"])
        running = start(
            interface=interface("jupyterlab", kernels=["python"]),
            beside={"lab": lab, "docs": DOCS},
            generation=generation,
            resume=generation > 1,
        )
        await running.until_state("ready")
        return running

    running = await awake(1)
    first = await running.new_kernel("python3")
    await opened(running, "lab", "api/status")
    second = await running.new_kernel("python3", below=below)
    async with running.kernel(first) as one, running.kernel(second, below=below) as other:
        await one.shown("x = 'of the first'")
        await other.shown("x = 'of the one beside it'")
    assert await running.suspend() == 0
    assert {kernel["id"] for kernel in running.record()["saved"]["kernels"]} == {first, second}

    running = await awake(2)  # nobody opens it: what it saved is there all the same at the next sleep
    await until(lambda: len((running.status()["restored"] or {"kernels": ()})["kernels"]) == 2, "both are back")
    assert running.part("interface-docs")["state"] == "waiting"
    assert await running.suspend() == 0

    running = await awake(3)
    await opened(running, "lab", "api/status")
    async with running.kernel(first) as one, running.kernel(second, below=below) as other:
        assert await one.shown("x") == "'of the first'"
        assert await other.shown("x") == "'of the one beside it'"


async def with_a_kernel_beside(start: Start) -> tuple[Running, str, str]:
    """A session with JupyterLab beside a web program: with the path and a kernel of that."""
    below = "interfaces/lab/"
    running = start(interface=interface("web", command=COMMAND), beside={"lab": interface("jupyterlab", kernels=["python"])})
    await running.until_state("ready")
    await opened(running, "lab", "api/status")
    return running, below, await running.new_kernel("python3", below=below)


async def test_what_can_not_be_kept_beside_the_first_keeps_the_session_awake(start: Start) -> None:
    running, below, kernel_id = await with_a_kernel_beside(start)
    async with running.kernel(kernel_id, below=below) as kernel:
        await kernel.shown("class Odd(list):\n    def __reduce_ex__(self, _): raise ValueError('not this one')\nodd = Odd([1])")
    assert (await running.post("agent/suspend?if=kept")).status_code == 202
    refusal = await until(lambda: running.status().get("refusal"), "the sleep is given up")
    assert "`odd`" in refusal["reason"]
    assert (await opened(running, "lab", "api/status")).status_code == 200
    async with running.kernel(kernel_id, below=below) as kernel:
        assert await kernel.shown("odd") == "[1]"


@pytest.mark.long
async def test_what_computes_beside_the_first_is_busy(start: Start) -> None:
    running, below, kernel_id = await with_a_kernel_beside(start)
    async with running.kernel(kernel_id, below=below) as kernel:
        await kernel.begin("import time; time.sleep(600)")
        await until(lambda: running.status()["busy_with"], "it is busy")
    assert await running.suspend() == 0


async def test_what_one_left_behind_is_ended_before_it_starts_again(start: Start) -> None:
    """A shell that is killed leaves the server that it started, which holds the port of the next one."""
    port = free_port("127.0.0.1")
    command = ["bash", "-c", 'setsid python3 -c "$1" "$2" "$3" & wait', "serve", SERVER, "{port}", "{base}"]
    running = start(interface=interface("web", command=COMMAND), beside={"docs": interface("web", command=command, port=port)})
    await running.until_state("ready")
    await opened(running, "docs")

    def served(word: str) -> list[int]:
        return [each.pid for each in members(running.name) if command_of(each)[:1] == [word] and SERVER in command_of(each)]

    (left,) = [pid for pid in served("python3") if str(port) in psutil.Process(pid).cmdline()]
    (shell,) = served("bash")
    os.kill(shell, signal.SIGKILL)
    await until(lambda: running.part("interface-docs")["state"] == "failed", "its end is seen")
    await until(lambda: left not in served("python3"), "what it left is ended")
    assert (await opened(running, "docs")).status_code == 200


@pytest.mark.long
async def test_those_that_answer_are_saved_also_when_the_first_has_crashed(start: Start) -> None:
    below = "interfaces/lab/"

    async def awake(generation: int) -> Running:
        both = interface("jupyterlab", kernels=["python"])
        running = start(interface=both, beside={"lab": both}, generation=generation, resume=generation > 1)
        await running.until_state("ready")
        return running

    running = await awake(1)
    first = await running.new_kernel("python3")
    async with running.kernel(first) as kernel:
        await kernel.shown("x = 'kept at the first sleep'")
    assert await running.suspend() == 0

    running = await awake(2)
    await opened(running, "lab", "api/status")
    second = await running.new_kernel("python3", below=below)
    async with running.kernel(second, below=below) as kernel:
        await kernel.shown("x = 'kept though the first crashed'")
    servers = [each for each in members(running.name) if "rspark_session.jupyter" in command_of(each)]
    (server,) = [each for each in servers if "beside" not in command_of(each)[-1]]
    os.kill(server.pid, signal.SIGKILL)
    assert await running.ended() == 1

    running = await awake(3)
    await opened(running, "lab", "api/status")
    async with running.kernel(first) as one, running.kernel(second, below=below) as other:
        assert await one.shown("x") == "'kept at the first sleep'"
        assert await other.shown("x") == "'kept though the first crashed'"
