"""A process that is another's child, with the part of `subprocess.Popen` that jupyter_client uses."""

import contextlib
import os
import select
import signal

#: The exit code it gets: its parent reads the real one, we can't.
_EXIT_CODE = 1


class AdoptedProcess:
    """A process known by its pid and by a descriptor that is its own for good (`pidfd_open`), whoever has the pid later."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pidfd = pidfd
        os.set_inheritable(pidfd, False)  # kernels have no business here
        self._end_poll = select.poll()
        self._end_poll.register(pidfd, select.POLLIN)

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, for `timeout` seconds at most, and return its exit code, or None when it runs on."""
        return self._wait(None if timeout is None else round(timeout * 1000))

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _wait(self, milliseconds: int | None) -> int | None:
        if self.returncode is None and self._end_poll.poll(milliseconds):
            self.returncode = _EXIT_CODE
        return self.returncode
