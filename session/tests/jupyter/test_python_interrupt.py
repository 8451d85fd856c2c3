"""An interrupt ends a Python cell that waits in the event loop, and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest
from session.tests.jupyter.odd_settings import WAIT, kernel
from session.tests.jupyter.test_odd_python import COMMAND
from session.tests.running import until

ENDLESS = {
    "await": "await asyncio.sleep(10_000)",
    "async-for": "async def numbers():\n    while True: yield await asyncio.sleep(10_000)\nasync for _ in numbers(): pass",
    "gather": "await asyncio.gather(asyncio.sleep(10_000), asyncio.sleep(10_000))",
    "future": "await asyncio.get_running_loop().create_future()",
    "computing": "await asyncio.sleep(0)\nwhile True: pass",
    "computing-in-task": "async def compute():\n    while True: await asyncio.sleep(0)\nawait asyncio.create_task(compute())",
}


@pytest.mark.long
@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_cell_that_awaits_ends_and_its_variables_stay(tmp_path: Path, code: str) -> None:
    with kernel("python", COMMAND, tmp_path) as python, ThreadPoolExecutor(1) as beside:
        python.shown("import asyncio, pathlib; before = 41")
        cell = beside.submit(python.shown, f"during = 1; pathlib.Path('begun').touch()\n{code}")
        await until(tmp_path.joinpath("begun").exists, "it has begun")
        python.interrupt()
        assert cell.result(WAIT) in ("CancelledError", "KeyboardInterrupt")
        assert python.shown("before + during") == "42"


async def test_what_catches_one_interrupt_ends_at_the_next(tmp_path: Path) -> None:
    code = """
    for name in ("first", "second"):
        try:
            pathlib.Path(name).touch()
            await asyncio.sleep(10_000)
        except BaseException:
            pass
    "went on"
    """
    with kernel("python", COMMAND, tmp_path) as python, ThreadPoolExecutor(1) as beside:
        python.shown("import asyncio, pathlib")
        cell = beside.submit(python.shown, dedent(code))
        for name in ("first", "second"):
            await until(tmp_path.joinpath(name).exists, f"it waits for the {name} time")
            python.interrupt()
        assert cell.result(WAIT) == "'went on'"
        assert python.shown("6 * 7") == "42"
