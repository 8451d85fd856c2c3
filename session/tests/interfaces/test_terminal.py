"""The terminal: a page with a shell that outlives the network, and says when it has ended."""

import asyncio
import json
from collections.abc import Callable

import pytest
import websockets
from session.tests.running import WAIT, Running, command_of, interface, members, until

Start = Callable[..., Running]


async def terminal(start: Start) -> tuple[Running, str]:
    """A session that is ready, and the name of a shell in it."""
    running = start(interface=interface("terminal"))
    await running.until_state("ready")
    return running, (await running.post("api/terminals", json={})).json()["name"]


async def type_in(shell: websockets.ClientConnection, text: str) -> None:
    await shell.send(json.dumps(["stdin", text]))


async def hear(shell: websockets.ClientConnection, what: str) -> str:
    """Listen until the shell has said `what`; gives all that was said."""
    said = ""
    while what not in said:
        kind, *rest = json.loads(await asyncio.wait_for(shell.recv(), WAIT))
        said += rest[0] if kind == "stdout" else f"[{kind}]"
    return said


async def test_the_page_is_at_the_sessions_path(start: Start) -> None:
    running, _ = await terminal(start)
    page = await running.get("", follow_redirects=True)
    assert page.url.path == f"{running.asked['base_path']}terminal/"
    assert '<main id="terminal"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await running.get("terminal/config.json")).json() == {"hub": "http://localhost:8000/hub/"}


async def test_bash_runs_in_the_home(start: Start) -> None:
    running, name = await terminal(start)
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await type_in(shell, "echo I am in $PWD, $0, $RSPARK_USER\r")
        assert f"I am in {running.home}, /bin/bash, ann" in await hear(shell, ", ann\r\n")
    assert await running.suspend() == 0
    assert not members(running.name)


async def test_a_login_shell_has_the_sessions_programs_first(start: Start) -> None:
    running, name = await terminal(start)
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await type_in(shell, "HERE=$PATH bash -lc '[[ $PATH == $HERE:* ]]; echo it said $?, in all'\r")
        assert "it said 0, in all" in await hear(shell, ", in all\r\n")
        # A shell without the variable is as anywhere else.
        await type_in(shell, "HERE=$PATH RSPARK_PATH= bash -lc '[[ $PATH == $HERE:* ]]; echo then $?, in all'\r")
        assert "then 1, in all" in await hear(shell, ", in all\r\n")


async def test_whoever_comes_back_sees_what_was_shown_but_not_without_end(start: Start) -> None:
    running, name = await terminal(start)
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await type_in(shell, "seq -f 'row %.0f' 1 200000; echo all; echo done\r")
        await hear(shell, "all\r\ndone\r\n")
    async with running.socket(f"terminals/websocket/{name}") as shell:
        again = await hear(shell, "all\r\ndone\r\n")
    assert "row 200000\r\n" in again
    assert len(again) < 2**20


async def test_a_shell_that_ended_says_so(start: Start) -> None:
    running, name = await terminal(start)
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await type_in(shell, "exit\r")
        await hear(shell, "[disconnect]")
    assert (await running.get("api/terminals")).json() == []


@pytest.mark.long
async def test_typing_is_activity_and_output_is_not(start: Start) -> None:
    running, name = await terminal(start)
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await shell.send(json.dumps(["set_size", 40, 100]))
        await type_in(shell, "\x1b[?1;2c")  # an answer of the terminal's own
        await asyncio.sleep(1.5)
        assert running.status()["last_activity"] is None
        await type_in(shell, "\x15for n in 1 2 3 4 5; do sleep 1; echo tick $n; done\r")
        typed = await until(lambda: running.status()["last_activity"], "typing is seen")
        await hear(shell, "tick 5\r\n")
        assert running.status()["last_activity"] == typed


@pytest.mark.long
async def test_a_job_that_computes_makes_the_session_busy(start: Start) -> None:
    running, name = await terminal(start)
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await type_in(shell, "sleep 600 & python3 -c 'while True: pass'\r")
        await until(lambda: any("python3" in what for what in running.status()["busy_with"]), "it computes")
        await type_in(shell, "\x03")
        await until(
            lambda: running.status()["busy_with"] == ["A terminal runs sleep in the background"], "the job in the background runs"
        )
        await type_in(shell, "kill %1\r")
        await until(lambda: running.status()["busy_with"] == [], "nothing runs any more")


@pytest.mark.long
async def test_what_has_ended_computes_no_more_as_soon_as_somebody_asks(start: Start) -> None:
    running, name = await terminal(start)
    async with running.socket(f"terminals/websocket/{name}") as shell:
        await type_in(shell, "setsid python3 -c 'while True: pass' & disown\r")
        await until(lambda: running.status()["busy_with"] == ["python3"], "it computes")
        fresh = {"cache-control": "no-cache"}
        assert (await running.get("agent/status", headers=fresh)).json()["busy_with"] == ["python3"]
        for process in members(running.name):
            if "while True: pass" in command_of(process):
                process.kill()
                process.wait()
        assert (await running.get("agent/status", headers=fresh)).json()["busy_with"] == []
        assert running.status()["busy_with"] == []
