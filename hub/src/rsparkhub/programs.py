"""Programs of this machine, run to read what they print."""

import asyncio
import os

_PATIENCE = 60.0  # seconds


async def output_of(*command: str, **environ: str) -> tuple[int, str]:
    """Run a program, and return its exit code and all that it printed, on both outputs.

    One that can't be run has code 127, one that takes longer than a minute is killed and has 124.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environ},
        )
    except OSError as error:
        return 127, error.strerror or str(error)
    try:
        async with asyncio.timeout(_PATIENCE):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return 124, f"it said nothing for {_PATIENCE:.0f} s"
    return process.returncode or 0, printed.decode(errors="replace").strip()
