"""Nothing is lost: a client that comes back gets the rest, in order, once; also after a kill of the server, and after a sleep."""

import asyncio
import signal
from collections.abc import Callable
from datetime import datetime

import pytest
from session.tests.rc2.conftest import connected
from session.tests.running import Running, command_of, interface, members, until

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

Start = Callable[..., Running]


async def room(start: Start, **changes: object) -> Running:
    running = start(interface=interface("rc2"), **changes)
    await running.until_state("ready")
    return running


def numbers(client: Client) -> list[int]:
    return [event.seq for event in client.events]


@pytest.mark.long
async def test_a_client_that_was_away_gets_the_rest_and_the_computation_went_on(start: Start) -> None:
    running = await room(start)
    async with connected(running) as first:
        console = await first.start("bash")
        execution = await first.begin(console, "for i in $(seq 1 30); do echo line $i; sleep 0.1; done")
        await first.until(lambda: "line 3\n" in first.text(execution) or None)
    await until(lambda: running.status()["busy_with"] == ["bash kernel, console-bash"], "the session is busy without anybody")
    async with connected(running, after=first) as second:
        await second.until(lambda: "line 12\n" in second.text(execution) or None)
    async with connected(running, after=second) as third:
        assert (await third.finished(execution)).status == "ok"
    assert third.text(execution) == "".join(f"line {i}\n" for i in range(1, 31))
    assert numbers(third) == [*range(1, len(third.events) + 1)]
    async with connected(running) as fresh:
        await fresh.finished(execution)
    assert fresh.events[: len(third.events)] == third.events[: len(fresh.events)], "who was never there sees the same"


async def test_who_knows_another_log_starts_from_its_beginning(start: Start) -> None:
    running = await room(start)
    async with running.socket("rc2/api/socket") as socket:
        await socket.send(protocol.Hello(since=10**6, epoch="of another session").model_dump_json())
        welcome = protocol.NOTICE.validate_json(await asyncio.wait_for(socket.recv(), 60))
        assert isinstance(welcome, protocol.Welcome)
        assert (welcome.oldest, welcome.last, welcome.epoch != "of another session") == (1, 0, True)


@pytest.mark.long
@pytest.mark.parametrize("killed", ["server", "agent"])
async def test_a_kill_loses_nothing_that_was_seen(start: Start, killed: str) -> None:
    running = await room(start)
    async with connected(running) as first:
        console = await first.start("python3")
        await first.run(console, "print('before')")
        execution = await first.begin(console, "print('begun', flush=True)\nimport time; time.sleep(600)")
        await first.until(lambda: "begun" in first.text(execution) or None)
        servers = [each for each in members(running.name) if "rspark_session.jupyter" in command_of(each)]
        assert running.process is not None
        if killed == "agent":
            running.process.kill()
        else:  # others are its forks, about to be programs
            min(servers, key=lambda each: each.create_time()).send_signal(signal.SIGKILL)
    await running.ended()
    await until(lambda: not members(running.name), "nothing of it is left")
    running = await room(start, generation=2)
    async with connected(running, after=first) as second:
        finished = await second.finished(execution)
        assert (finished.status, finished.reason) == ("lost", "The session ended while this ran.")

        def ends() -> list[protocol.AnyEvent]:
            return [event for event in second.events if isinstance(event, protocol.ConsoleState) and event.state == "ended"]

        assert [event.console for event in await second.until(lambda: ends() or None)] == [console]
        assert numbers(second) == [*range(1, len(second.events) + 1)]
        again = await second.start("python3")
        execution = await second.begin(again, "6 * 7")
        assert (await second.finished(execution)).status == "ok"


async def test_a_sleep_keeps_the_transcript_the_consoles_and_what_they_hold(start: Start) -> None:
    running = await room(start)
    code = {"ir": ("kept <- 41", "kept + 1"), "python3": ("kept = 41", "kept + 1"), "bash": ("kept=41", "echo $((kept + 1))")}
    consoles = {}
    async with connected(running) as first:
        for kernel, (before, _) in code.items():
            consoles[kernel] = await first.start(kernel)
            execution = await first.begin(consoles[kernel], before)
            assert (await first.finished(execution)).status == "ok"
    assert await running.suspend() == 0
    running = await room(start, generation=2, resume=True)
    async with connected(running, after=first) as second:
        assert second.welcome is not None
        assert {console.console for console in second.welcome.consoles} == set(consoles.values())
        for kernel, (_, after) in code.items():
            assert await second.start(kernel) == consoles[kernel]
            execution = await second.begin(consoles[kernel], after)
            assert (await second.finished(execution)).status == "ok"
            assert "42" in second.text(execution)
        assert numbers(second) == [*range(1, len(second.events) + 1)]


@pytest.mark.long
async def test_after_a_sleep_nothing_runs_twice_and_a_console_is_found_whose_start_is_forgotten(start: Start) -> None:
    running = await room(start)
    async with connected(running) as first:
        console = await first.start("bash")
        await first.run(console, "n=0")
        request = protocol.Execute(id="sent-twice", console=console, code="n=$((n + 1))")
        await first.send(request)
        await first.finished(request.id)
    assert await running.suspend() == 0
    [file] = (running.home / ".local/share/rspark/rc2").glob("*/events/*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "console_started" not in line))  # as after much output
    running = await room(start, generation=2, resume=True)
    async with connected(running, after=first) as second:
        assert await second.start("bash") == console
        await second.send(request)  # it never heard that it had arrived
        shown = await second.begin(console, "echo n is $n")
        await second.finished(shown)
        assert second.text(shown) == "n is 1\n"


@pytest.mark.long
async def test_what_a_person_does_is_activity_and_watching_is_none(start: Start) -> None:
    running = await room(start)

    def last() -> datetime | None:
        at = running.status()["last_activity"]
        return datetime.fromisoformat(at) if at else None

    async with connected(running) as client:
        await client.send(protocol.Ping())
        await client.until(lambda: next((each for each in client.notices if isinstance(each, protocol.Pong)), None))
        assert (await running.get("rc2/api/consoles")).status_code == 200
        await asyncio.sleep(1.5)
        assert last() is None
        console = await client.start("bash")
        began = await until(last, "the start is seen")
        await client.run(console, "true")
        await until(lambda: (at := last()) is not None and at > began, "the execution is seen")
