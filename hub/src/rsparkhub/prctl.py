"""What the kernel is asked for: that this process ends when its parent does.

The shim of the process backend has its own words for it: it runs without this package.
"""

import ctypes
import os

_PR_SET_PDEATHSIG = 1
#: Loaded with this module: between fork and exec nothing may be.
_libc = ctypes.CDLL(None, use_errno=True)


def signal_at_end_of(parent: int, number: int) -> bool:
    """Get a signal when the parent ends, however it ends; return whether it is still there.

    Raises
    ------
    OSError
        When the kernel refuses.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        problem = ctypes.get_errno()
        raise OSError(problem, f"prctl: {os.strerror(problem)}")
    return os.getppid() == parent  # it may have ended before we asked
