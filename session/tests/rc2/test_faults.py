"""What goes wrong ends in a sentence and a console that can be used; no event is lost or comes twice."""

import psutil
import pytest
from session.tests.rc2.conftest import connected
from session.tests.running import Running

from rspark_session.rc2.client import Client

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def shown(client: Client, console: str, code: str) -> str:
    execution = await client.begin(console, code)
    await client.finished(execution)
    return client.text(execution)


def each_event_came_once(client: Client) -> None:
    assert [event.seq for event in client.events] == [*range(1, client.events[-1].seq + 1)]


async def works(running: Running, client: Client, console: str) -> None:
    """The console goes on, and who comes now hears what the others have heard."""
    assert await shown(client, console, "6 * 7") == "[1] 42\n"
    each_event_came_once(client)
    async with connected(running) as fresh:
        await fresh.until(lambda: (fresh.events and fresh.events[-1].seq >= client.events[-1].seq) or None)
        each_event_came_once(fresh)
        assert fresh.events[: len(client.events)] == client.events


async def test_r_that_has_no_memory_left_says_so_and_goes_on(running: Running, client: Client) -> None:
    console = await client.start("ir")
    pid = int((await shown(client, console, "cat(Sys.getpid())")).strip())
    psutil.Process(pid).rlimit(psutil.RLIMIT_AS, (psutil.Process(pid).memory_info().vms + 2**29, -1))
    execution = await client.begin(console, "kept <- list(); repeat kept[[length(kept) + 1]] <- numeric(1e7)")
    assert (await client.finished(execution)).status == "error"
    assert "cannot allocate vector of size" in client.text(execution)
    psutil.Process(pid).rlimit(psutil.RLIMIT_AS, (-1, -1))
    assert await shown(client, console, "cat(length(kept) > 0); rm(kept)") == "TRUE"
    await works(running, client, console)


async def test_a_segfault_is_said_and_r_is_started_anew(running: Running, client: Client) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, "tools::pskill(Sys.getpid(), 11)")
    finished = await client.finished(execution)
    assert finished.status == "lost"
    assert finished.reason is not None
    assert "stopped by itself" in finished.reason
    await works(running, client, console)


@pytest.mark.long
async def test_a_print_of_100_mb_is_counted_and_the_console_goes_on(running: Running, client: Client) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, "x <- strrep('y', 1e6); for (i in 1:100) print(x)")
    finished = await client.finished(execution)
    assert finished.status == "ok"
    assert len(client.text(execution)) + finished.dropped == 100 * (10**6 + 7)
    await works(running, client, console)
