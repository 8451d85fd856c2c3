"""A program in the background: a group of processes of its own, whose output is that of a terminal that nobody types into."""

import asyncio
import codecs
import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rspark_session.processes import memory_order, tree

_ROWS, _COLUMNS = 24, 100
#: Bytes that are read in so many seconds: who prints faster waits, and the server serves others meanwhile.
_PIECE, _PAUSE = 2**19, 0.05
#: Seconds that a program has to end by itself.
_PATIENCE = 5.0


class JobProcess:
    """A program that runs. `on_output` is called with its text, then `on_end` once with its exit code, negative for a signal."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        folder: Path,
        on_output: Callable[[str], None],
        on_end: Callable[[int], None],
    ) -> None:
        """Start the program; raise `OSError` when it can't be."""
        self._on_output, self._on_end = on_output, on_end
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._reading, writing = pty.openpty()
        self._timer: asyncio.TimerHandle | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._opened = True
        try:
            _set_up(writing)
            self._process = subprocess.Popen(
                command,
                env=dict(environ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
            )
        except OSError:
            os.close(self._reading)
            raise
        finally:
            os.close(writing)
        self.pid = self._process.pid
        self._below: dict[int, tree.Process] = {}
        self._over = False
        memory_order.take_before_agent(self.pid, memory_order.WORKS)
        os.set_blocking(self._reading, False)
        self._pidfd = os.pidfd_open(self.pid)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._reading, self._read)
        loop.add_reader(self._pidfd, self._ended)

    def end(self) -> None:
        """End the program and all that it started; what does not end by itself is killed."""
        self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(_PATIENCE, self.kill)

    def kill(self) -> None:
        """Kill the program and all that it started."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        """Send a signal to the group, and to what began a group of its own; nothing once the program's end was seen."""
        if self._over:
            return
        self._below |= tree.walk(self.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        for process in self._below.values():
            if (now := tree.read(process.pid)) is not None and now.started == process.started:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process.pid, number)

    def _read(self) -> None:
        """Read what was printed; it is passed on a moment later, and who has printed much waits until then."""
        loop = asyncio.get_running_loop()
        self._opened = self._fill()
        if not self._opened or self._size >= _PIECE:
            loop.remove_reader(self._reading)
        if self._timer is None:
            self._timer = loop.call_later(_PAUSE, self._pass_on)

    def _fill(self) -> bool:
        """Read until there is nothing, or enough, and return whether more may come."""
        while self._size < _PIECE:
            try:
                piece = os.read(self._reading, 2**16)
            except BlockingIOError:
                return True
            except OSError:  # nobody has the terminal any more
                return False
            if not piece:
                return False
            self._pieces.append(piece)
            self._size += len(piece)
        return True

    def _pass_on(self) -> None:
        self._timer = None
        content, self._pieces, self._size = b"".join(self._pieces), [], 0
        if text := self._decode.decode(content, final=self._over):
            self._on_output(text)
        if self._opened and not self._over:
            asyncio.get_running_loop().add_reader(self._reading, self._read)

    def _ended(self) -> None:
        """Take what was printed at last, and end what the program left behind: the end of a job is the end of all of it."""
        self.kill()  # before its pid may be another's
        self._over = True
        code = self._process.wait()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        loop.remove_reader(self._reading)
        if self._timer is not None:
            self._timer.cancel()
        os.close(self._pidfd)
        self._fill()
        self._pass_on()
        os.close(self._reading)
        self._on_end(code)


def _set_up(terminal: int) -> None:
    """Give the terminal a size, and let it pass on lines as they are printed."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
