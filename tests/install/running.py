"""What the tests of an installation ask of one that runs, beyond what other tests do."""

import json
import os
import subprocess
import time
from collections.abc import Callable

import psutil

from tests.installation import Installation

DEADLINE = 90.0


def environ(**more: str) -> dict[str, str]:
    """The environment of a person who has set nothing of RSparkHub's, but for `more`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RSPARKHUB_")}
    return {**clean, **more}


class Running(Installation):
    """An RSparkHub whose processes are looked at and killed."""

    def wait_for_line(self, text: str) -> None:
        """Wait until `up` has said something."""
        log = self.data.with_suffix(".up.log")
        deadline = time.monotonic() + DEADLINE
        while text not in log.read_text():
            assert time.monotonic() < deadline, f"{text!r} was not said: {log.read_text()}"
            time.sleep(0.05)

    def wait_for_answer(self, ask: Callable[[], "subprocess.CompletedProcess[str]"]) -> None:
        """Ask until it is answered."""
        deadline = time.monotonic() + DEADLINE
        while (told := ask()).returncode != 0:
            assert time.monotonic() < deadline, told.stderr
            time.sleep(0.2)

    def processes(self) -> dict[str, int]:
        """Pids of `up` and what it looks after."""
        held = json.loads((self.data / "lock").read_text())
        return {name: pid for name, (pid, _) in held["processes"].items()}

    def processes_of_sessions(self) -> list[str]:
        """Command lines of what runs of sessions and services of this data folder."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ()
                if "RSPARK_ENSEMBLE" in mine and str(self.data) in mine.get("RSPARK_HOME", ""):
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:  # it has ended meanwhile, or is the kernel's
                continue
        return found

    def kill(self) -> None:
        """End `up` as a crash does, and nothing else."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
