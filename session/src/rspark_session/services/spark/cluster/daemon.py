"""One of Spark's daemons: started, seen to live, started again with growing pauses when it ended by itself, and ended."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rspark_session.processes import prctl
from rspark_session.services.spark.cluster.pauses import Pauses

_ENDING = 10.0  # seconds that an end in order may take


class Daemon:
    """A process of Spark that shall run: one of Spark's programs with its arguments.

    With `again` it is started again also after it has ended in order.
    """

    def __init__(
        self, title: str, program: str, arguments: Sequence[str], *, environ: Mapping[str, str], again: bool = True
    ) -> None:
        self.title = title
        self._program = program
        self._again = again
        self._done = False
        self._arguments = arguments
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._pauses = Pauses()

    @property
    def failures(self) -> int:
        """Return how often in a row it has ended by itself."""
        return self._pauses.failures

    def keep_running(self) -> None:
        """Start it where it doesn't run: at once the first time, after a pause when it has ended by itself."""
        now = time.monotonic()
        if self._done:
            return
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            if code == 0 and not self._again:
                self._done = True
                return
            pause = self._pauses.fail(now)
            print(f"{self.title} ended by itself with the code {code}; it is started again in {pause:.0f} s.", flush=True)
        if self._pauses.are_over(now):
            self._process = subprocess.Popen(
                [str(Path(self._environ["SPARK_HOME"], "bin", self._program)), *self._arguments],
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=sys.stdout,
                stderr=sys.stderr,
                preexec_fn=prctl.ends_with_this_process(signal.SIGTERM),  # noqa: PLW1509  (no thread is here)
            )

    def ask_to_end(self) -> None:
        """Ask it to end in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """End it, by force when it takes too long."""
        self.ask_to_end()
        if self._process is not None:
            try:
                self._process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
