"""What the kernel is asked for by `prctl`: orphans come to this process, and a process ends when its parent does."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
#: Loaded before a fork: between fork and exec nothing may be.
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Make every descendant whose parent ends a child of this process, so that none is lost from sight.

    Raises
    ------
    OSError
        When the kernel refuses.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Get SIGTERM when the parent ends, however it ends. Not for the first process of a container, which its runtime ends.

    Raises
    ------
    OSError
        When the kernel refuses.
    """
    parent = os.getppid()
    if parent == 0:
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended in between, and nobody would say so
        os.kill(os.getpid(), signal.SIGTERM)


def ends_with_this_process(number: int) -> Callable[[], None]:
    """Return a `preexec_fn` by which a child gets the signal when this process ends, however it ends."""
    parent = os.getpid()

    def prepare() -> None:
        _prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # we ended before the line above
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
