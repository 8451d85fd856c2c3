"""A sleep while code waits in the debugger: it ends as any other, and what was set is there again."""

from collections.abc import Callable

from session.tests.rc2 import test_debugger_python
from session.tests.rc2.conftest import connected
from session.tests.rc2.test_debugger import LINES, breakpoints, in_force, run_file, stopped, waits
from session.tests.running import Running, interface, members

from rspark_session.rc2 import protocol


async def test_a_sleep_ends_what_waits_and_keeps_what_is_set(start: Callable[..., Running]) -> None:
    running = start(interface=interface("rc2"))
    await running.until_state("ready")
    files = {"ir": ("slept.R", LINES), "python3": ("slept.py", test_debugger_python.LINES)}
    consoles, executions = {}, []
    async with connected(running) as first:
        for kernel, (path, lines) in files.items():
            console = consoles[kernel] = await first.start(kernel)
            await run_file(first, console, path, lines)
            await breakpoints(first, path, [3], lines)
            await in_force(first, path, [3])
        await first.send(protocol.BreakOnError(on=True))
        for console in consoles.values():
            executions.append(await first.begin(console, "outer(1)"))
            await waits(first, console, 3)
    assert await running.suspend() == 0
    assert members(running.name) == []
    lost = [object_ for kernel in running.record()["saved"]["kernels"] for object_ in kernel["lost"]]
    assert lost == []
    running = start(interface=interface("rc2"), generation=2, resume=True)
    await running.until_state("ready")
    async with connected(running, after=first) as second:
        for execution in executions:
            assert (await second.finished(execution)).status in ("interrupted", "lost")
        told = await second.until(lambda: next((each for each in second.notices if isinstance(each, protocol.Breakpoints)), None))
        kept = {file.path: [each.line for each in file.breakpoints] for file in told.files}
        assert (kept, told.break_on_error) == ({"slept.R": [3], "slept.py": [3]}, True)
        for console in consoles.values():
            assert stopped(second, console) is None
        # R's functions are found again by where they are from; Python's code is to be run anew
        await in_force(second, "slept.R", [3])
        execution = await second.begin(consoles["ir"], "outer('a')")
        at = await waits(second, consoles["ir"], 2)
        assert at.error is not None
        await second.send(protocol.Step(console=consoles["ir"], step="stop", stop=at.stop))
        assert (await second.finished(execution)).status == "error"
        path, lines = files["python3"]
        await run_file(second, consoles["python3"], path, lines)
        await in_force(second, path, [3])
