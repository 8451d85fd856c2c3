"""A process that is another's child, in the shape of `subprocess.Popen` as far as jupyter_client looks at one."""

import contextlib
import os
import select
import signal

#: What its end counts as: who reaps it is told its code, we are not.
_ENDED = 1


class Adopted:
    """A process known by its pid and by a descriptor that is its own for good (`pidfd_open`), whoever has the pid later."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pidfd = pidfd
        os.set_inheritable(pidfd, False)  # kernels have no business here
        self._ends = select.poll()
        self._ends.register(pidfd, select.POLLIN)

    def poll(self) -> int | None:
        """Tell whether it has ended: None while it lives."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, in seconds; None when it has not ended by then."""
        return self._look(None if timeout is None else round(timeout * 1000))

    def send_signal(self, number: int) -> None:
        """Signal it, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, milliseconds: int | None) -> int | None:
        if self.returncode is None and self._ends.poll(milliseconds):
            self.returncode = _ENDED
        return self.returncode
