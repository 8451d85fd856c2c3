"""Starting a process. Without asyncio, so that the interface can be on its way before the agent has loaded it."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rspark_session.processes import memory_order


@dataclass(frozen=True)
class Launched:
    """A process that was just started; `output` is the read end of its stdout and stderr."""

    pid: int
    output: int


def launch(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    folder: Path,
    pass_fds: Sequence[int] = (),
    pipe: tuple[int, int] | None = None,
) -> Launched:
    """Start a command in a process group of its own. It writes into the pipe, or into one that is made for it.

    Raises
    ------
    OSError
        When the command can't be run.
    """
    reading, writing = pipe or os.pipe()
    try:
        process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            pass_fds=pass_fds,
            process_group=0,
        )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    memory_order.take_before_agent(process.pid, memory_order.SERVES)
    os.set_blocking(reading, False)
    process.returncode = 0  # so that Popen never waits for it: `children` does
    return Launched(process.pid, reading)
