"""Consoles: one a project and language, whose outputs stream to all who join, and whose queue everybody sees."""

import asyncio
import re

import pytest
from session.tests.rc2.conftest import connected, restart
from session.tests.running import Running, until

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client, RefusedByServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def status(client: Client, execution: str) -> str:
    return (await client.finished(execution)).status


@pytest.mark.long
@pytest.mark.parametrize(
    ("kernel", "code", "shown"), [("ir", "6 * 7", "[1] 42"), ("python3", "6 * 7", "42"), ("bash", "echo $((6 * 7))", "42")]
)
async def test_an_execution_has_a_person_a_start_and_an_end(client: Client, kernel: str, code: str, shown: str) -> None:
    events = await client.run(await client.start(kernel), code, source=protocol.Source(path="a.R", first_line=3, last_line=3))
    queued, started, *_, finished = events
    assert isinstance(queued, protocol.ExecutionQueued)
    assert (queued.who, queued.code) == ("ann", code)
    assert queued.source == protocol.Source(path="a.R", first_line=3, last_line=3)
    assert isinstance(started, protocol.ExecutionStarted)
    assert isinstance(finished, protocol.ExecutionFinished)
    assert finished.status == "ok"
    assert finished.started is not None
    assert queued.time <= finished.started <= finished.time
    assert client.text(queued.execution).strip() == shown


async def test_all_who_join_share_one_kernel(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, "shared = 'by all'")
    async with connected(running) as other:
        assert await other.start("python3") == console
        execution = await other.begin(console, "print(shared)")
        await client.finished(execution)
        await other.finished(execution)
        assert client.text(execution) == other.text(execution) == "by all\n"
        assert [event.seq for event in other.events] == [*range(1, other.events[-1].seq + 1)]


async def test_a_project_has_its_own_kernel_in_its_folder(running: Running, client: Client) -> None:
    (running.home / "essay").mkdir(exist_ok=True)
    console = await client.start("bash", "essay")
    assert console != await client.start("bash")
    execution = await client.begin(console, "pwd")
    await client.finished(execution)
    assert client.text(execution).strip() == str(running.home / "essay")


@pytest.mark.parametrize(
    ("kernelspec", "project", "why"), [("cobol", "", "no kernel"), ("ir", "nowhere", "no folder"), ("ir", "../..", "no folder")]
)
async def test_what_there_is_not_is_refused_in_a_sentence(client: Client, kernelspec: str, project: str, why: str) -> None:
    with pytest.raises(RefusedByServer, match=why):
        await client.start(kernelspec, project)


async def test_the_queue_is_seen_and_can_be_changed(running: Running, client: Client) -> None:
    console = await client.start("bash")
    first = await client.begin(console, "sleep 1; echo first")
    second, third = await client.begin(console, "echo second"), await client.begin(console, "echo third")
    await client.until(lambda: client.event(protocol.ExecutionQueued, third))
    [info] = [each for each in (await running.get("rc2/api/consoles")).json() if each["console"] == console]
    assert info["queue"] == [first, second, third]
    await client.send(protocol.Cancel(console=console, execution=second))
    assert [await status(client, each) for each in (first, second, third)] == ["ok", "cancelled", "ok"]
    assert client.event(protocol.ExecutionStarted, second) is None


@pytest.mark.parametrize(
    "code",
    [
        "f <- function(n) f(n + 1); f(1)",
        "options(expressions = 1000); f <- function() f(); f()",
        "options(expressions = 5e5); f <- function(n) f(n + 1); f(1); 'not reached'",
        "g <- function() { cat('before\\n'); f <- function(n) f(n + 1); f(1) }; g()",
    ],
)
async def test_a_recursion_without_end_is_an_error_with_rs_sentence(client: Client, code: str) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, code)
    assert await status(client, execution) == "error"
    error = await client.until(lambda: client.event(protocol.Error, execution))
    assert re.fullmatch(r"Error: (C stack usage +\d+ is too close to the limit|evaluation nested too deeply.*)\n", error.message)
    assert [event.text for event in client.of(execution) if isinstance(event, protocol.Stream)] == ["before\n"] * (
        "before" in code
    )
    after = await client.begin(console, "options(expressions = 5000); f <- function(n) f(n + 1); tryCatch(f(1), error = class)")
    assert await status(client, after) == "ok"
    assert "StackOverflowError" in client.text(after)


async def test_an_error_completes_with_its_traceback_and_cancels_its_group(client: Client) -> None:
    console = await client.start("ir")
    first = await client.begin(console, "f <- function() stop('broken'); f()", group="all")
    second, other = await client.begin(console, "1", group="all"), await client.begin(console, "2")
    assert [await status(client, each) for each in (first, second, other)] == ["error", "cancelled", "ok"]
    error = client.event(protocol.Error, first)
    assert error is not None
    assert "broken" in error.message
    assert any("f()" in line for line in error.traceback)


@pytest.mark.parametrize(
    ("kernel", "code"),
    [
        ("ir", "cat('begun\\n'); flush.console(); Sys.sleep(600)"),
        ("ir", "cat('begun\\n'); flush.console(); for (i in 1:1e3) x <- sort(runif(5e6))"),  # in C code that checks
        ("ir", "cat('begun\\n'); flush.console(); repeat {}"),
        ("python3", "print('begun', flush=True)\nwhile True: pass"),
        ("bash", "echo begun; sleep 600"),
    ],
)
async def test_an_interrupt_ends_what_runs_and_keeps_what_it_said(client: Client, kernel: str, code: str) -> None:
    console = await client.start(kernel)
    await client.run(console, "kept=1")
    execution = await client.begin(console, code)
    await client.until(lambda: "begun" in client.text(execution) or client.event(protocol.ExecutionFinished, execution))
    await client.send(protocol.Interrupt(console=console))
    assert await status(client, execution) == "interrupted"
    after = await client.begin(console, "echo $kept" if kernel == "bash" else "kept")
    await client.finished(after)
    assert "1" in client.text(after)


@pytest.mark.parametrize(
    ("kernel", "code", "shown"),
    [
        ("ir", "x <- readline('Who? '); cat('Hello', x)", "Hello Ann"),
        ("python3", "x = input('Who? '); print('Hello', x)", "Hello Ann"),
        ("bash", "read -p 'Who? ' x; echo Hello $x", "Hello Ann"),
    ],
)
async def test_code_asks_and_any_client_answers(running: Running, client: Client, kernel: str, code: str, shown: str) -> None:
    console = await client.start(kernel)
    execution = await client.begin(console, code)
    question = await client.until(lambda: client.event(protocol.InputRequest, execution))
    await until(lambda: running.status()["busy_with"] == [], "who waits for input does not compute")
    async with connected(running) as other:
        await other.send(protocol.InputReply(console=console, value="2" if "menu" in code else "Ann"))
        assert await status(client, execution) == "ok"
    assert question.password is False
    assert shown in client.text(execution)
    assert client.event(protocol.InputReplied, execution) is not None


async def test_a_question_is_bounded(client: Client) -> None:
    console = await client.start("python3")
    execution = await client.begin(console, "print(input('?' * 10**6))")
    question = await client.until(lambda: client.event(protocol.InputRequest, execution))
    assert question.prompt == "?" * 2**16
    await client.send(protocol.InputReply(console=console, value="answered"))
    assert await status(client, execution) == "ok"
    assert "answered" in client.text(execution)


@pytest.mark.parametrize(("kernel", "code"), [("ir", "x <- readline('Who? ')"), ("python3", "x = input('Who? ')")])
async def test_a_question_can_be_interrupted(client: Client, kernel: str, code: str) -> None:
    console = await client.start(kernel)
    execution = await client.begin(console, code)
    await client.until(lambda: client.event(protocol.InputRequest, execution))
    await client.send(protocol.Interrupt(console=console))
    assert await status(client, execution) == "interrupted"
    again = await client.begin(console, code)
    await client.until(lambda: client.event(protocol.InputRequest, again))
    await client.send(protocol.InputReply(console=console, value="Bob"))
    assert await status(client, again) == "ok"
    after = await client.begin(console, "x")
    await client.finished(after)
    assert "Bob" in client.text(after)


async def test_a_restart_forgets_and_ends_what_runs(client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, "forgotten = 1")
    running = await client.begin(console, "import time; time.sleep(600)")
    waiting = await client.begin(console, "1")
    await client.until(lambda: client.event(protocol.ExecutionStarted, running))
    await client.send(protocol.Restart(console=console))
    assert [await status(client, each) for each in (running, waiting)] == ["lost", "cancelled"]
    after = await client.begin(console, "'forgotten' in globals()")
    await client.finished(after)
    assert client.text(after).strip() == "False"


async def test_what_comes_while_a_kernel_restarts_runs_when_it_is_there(client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, "forgotten = 1")
    await restart(client, console)
    after = await client.begin(console, "'forgotten' in globals()")
    assert await status(client, after) == "ok"
    assert client.text(after).strip() == "False"


@pytest.mark.parametrize(("kernel", "code"), [("ir", "Sys.sleep(600)"), ("python3", "import time; time.sleep(600)")])
async def test_who_waits_to_look_into_a_kernel_holds_up_nobody_after_a_restart(client: Client, kernel: str, code: str) -> None:
    console = await client.start(kernel)
    execution = await client.begin(console, code)
    await client.until(lambda: client.event(protocol.ExecutionStarted, execution))
    await client.send(protocol.SubscribeVariables(console=console))
    await restart(client, console)
    after = await client.begin(console, "6 * 7")
    async with asyncio.timeout(25):  # less than a kernel has for its answer
        assert await status(client, after) == "ok"


@pytest.mark.parametrize(
    ("kernel", "code"), [("ir", "tools::pskill(Sys.getpid(), 9)"), ("python3", "import os; os.kill(os.getpid(), 9)")]
)
async def test_a_kernel_that_dies_is_said_in_a_sentence_and_started_anew(client: Client, kernel: str, code: str) -> None:
    console = await client.start(kernel)
    execution = await client.begin(console, code)
    finished = await client.finished(execution)
    assert finished.status == "lost"
    assert finished.reason is not None
    assert "stopped by itself" in finished.reason
    after = await client.begin(console, "6 * 7")
    assert await status(client, after) == "ok"


@pytest.mark.long
@pytest.mark.parametrize("code", ["q()", "quit(save = 'no')", "q('yes')"])
async def test_q_ends_the_console_and_the_next_one_is_new(running: Running, client: Client, code: str) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, f"kept <- 7\n{code}\nstop('never')")
    if code == "q()":

        def asked() -> int:
            return sum(isinstance(event, protocol.InputRequest) for event in client.of(execution))

        await client.until(lambda: asked() == 1)
        await client.send(protocol.InputReply(console=console, value="?"))  # which is no answer
        await client.until(lambda: asked() == 2)
        await client.send(protocol.InputReply(console=console, value="n"))
    await client.until(
        lambda: (
            [
                event
                for event in client.events
                if isinstance(event, protocol.ConsoleState) and event.console == console and event.state == "ended"
            ]
            or None
        )
    )
    assert await status(client, execution) == "ok"
    again = await client.start("ir")
    assert again != console
    execution = await client.begin(again, "exists('kept')")
    assert await status(client, execution) == "ok"
    assert client.text(execution).strip() == ("[1] TRUE" if "yes" in code else "[1] FALSE")
    (running.home / ".RData").unlink(missing_ok=True)


async def test_what_another_client_of_the_kernel_executes_is_seen(running: Running, client: Client) -> None:
    console = await client.start("python3")
    [info] = [each for each in (await running.get("rc2/api/consoles")).json() if each["console"] == console]
    async with running.kernel(info["kernel"]) as kernel:
        assert await kernel.shown("print('by Jupyter')") == "by Jupyter"
    queued = await client.until(
        lambda: next(
            (event for event in client.events if isinstance(event, protocol.ExecutionQueued) and "by Jupyter" in event.code), None
        )
    )
    assert queued.who == "another client"
    assert await status(client, queued.execution) == "ok"
    assert client.text(queued.execution) == "by Jupyter\n"


async def test_jupyterlab_stands_beside_and_has_the_same_kernels(running: Running, client: Client) -> None:
    console = await client.start("python3")
    page = await running.get("lab")
    assert "<title>JupyterLab</title>" in page.text
    [session] = [each for each in (await running.get("api/sessions")).json() if each["id"] == console]
    assert session["type"] == "console"
    assert (await running.get("", follow_redirects=False)).headers["location"].rstrip("?").endswith("/rc2/")
    execution = await client.begin(console, "import time; time.sleep(600)")
    await client.until(lambda: client.event(protocol.ExecutionStarted, execution))
    assert (await running.post(f"api/kernels/{session['kernel']['id']}/restart")).status_code == 200
    assert await status(client, execution) == "lost"
    assert await status(client, await client.begin(console, "6 * 7")) == "ok"
    await running.http.delete(running.url(f"api/sessions/{console}"))
    await client.until(
        lambda: (
            any(
                isinstance(event, protocol.ConsoleState) and event.state == "ended" and event.console == console
                for event in client.events
            )
            or None
        )
    )
    assert await client.start("python3") != console


async def test_the_same_execution_sent_twice_runs_once(client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, "n = 0")
    request = protocol.Execute(id="sent-twice", console=console, code="n += 1; print(n)")
    await client.send(request)
    await client.send(request)
    await client.finished("sent-twice")
    after = await client.begin(console, "print(n)")
    await client.finished(after)
    assert client.text(after) == "1\n"


async def test_what_was_refused_may_be_sent_again(client: Client) -> None:
    console = await client.start("bash")
    first = await client.begin(console, "sleep 600")
    await client.until(lambda: client.event(protocol.ExecutionStarted, first))
    waiting = [await client.begin(console, "true", group="all") for _ in range(1000)]
    request = protocol.Execute(id="too-many", console=console, code="echo served")
    await client.send(request)
    with pytest.raises(RefusedByServer, match="wait already"):
        await client.finished("too-many")
    client.notices.clear()
    await client.send(protocol.Cancel(console=console, execution=waiting[0]))
    await client.send(request)
    await client.until(lambda: client.event(protocol.ExecutionQueued, "too-many"))
    await client.send(protocol.Restart(console=console))
    assert await status(client, "too-many") == "cancelled"


async def test_more_output_than_anybody_reads_is_counted_and_dropped(client: Client) -> None:
    console = await client.start("python3")
    execution = await client.begin(console, "for _ in range(100): print('x' * 10**6)")
    finished = await client.finished(execution)
    shown = len(client.text(execution))
    assert finished.dropped > 90 * 10**6
    assert shown + finished.dropped == 100 * (10**6 + 1)
    assert shown < 5 * 2**20


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"type": "fly"}, "no message 'fly'"),
        ({"type": "execute", "console": "x", "code": "1"}, "id"),
        ({"type": "execute", "id": "not an id!", "console": "x", "code": "1"}, "id"),
        ({"type": "execute", "id": "long", "console": "x", "code": "€" * (2**22 + 1)}, "code: String should have at most"),
        ({"type": "hello"}, "already"),
        ({"type": "interrupt", "console": "gone"}, "does not run"),
        ([1, 2], "no message"),
    ],
)
async def test_what_is_wrong_is_refused_and_the_connection_holds(client: Client, message: object, why: str) -> None:
    await client.send_raw(message)
    refused = await client.until(lambda: next((each for each in client.notices if isinstance(each, protocol.Refused)), None))
    assert why in refused.why
    await client.send_raw({"type": "ping", "unknown": "field"})
    await client.until(lambda: next((each for each in client.notices if isinstance(each, protocol.Pong)), None))


async def test_nothing_is_served_before_hello(running: Running) -> None:
    async with running.socket("rc2/api/socket") as socket:
        await socket.send('{"type": "ping"}')
        assert "first message is hello" in str(await asyncio.wait_for(socket.recv(), 60))
