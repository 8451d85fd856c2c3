"""What kernels left running, and doesn't wait for them: it is work also while it uses no processor, as a transfer or a query.

A notebook starts programs beside itself: `subprocess.Popen`, `system(wait = FALSE)`, `nohup`. They end with the session, so they
count for their kernel. Three kinds don't, since nobody waits for their end, and the session would never sleep: what serves (it
listens), what waits for the kernel's next words (its input comes from the kernel, or it is a worker of a pool), and what was
stopped. All of them count by the processor that they use.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from rspark_session.processes import descriptors, standing, tree
from rspark_session.processes.descriptors import Descriptor
from rspark_session.processes.tree import Process

Opened = Callable[[int], Mapping[int, Descriptor]]  # what a process has open

_USUAL = 3  # a program's own descriptors are below: its input, its output and its errors
#: Workers of R's `parallel` (and `future`) and of `mirai` wait for their kernel on a port.
_WORKER_OF_R = re.compile(r"\bworkRSOCK\b|\bworkCommand\b|\bmirai::(daemon|dispatcher)\b")


def running(kernels: Mapping[int, str], processes: Iterable[Process], *, own: Iterable[int], adopter: int) -> list[str]:
    """Return the titles of the kernels of which something runs.

    Parameters
    ----------
    kernels
        Titles of kernels, by their pid.
    processes
        All of the session, parents before children.
    own
        Processes that serve: neither they count, nor what they started.
    adopter
        The process to which those come whose parent has ended.
    """
    if not kernels:
        return []
    own = frozenset(own)
    kernel_of: dict[int, int] = {}  # the kernel that each process comes from
    parents: set[int] = set()  # they wait for what they started, which is judged in their place
    sockets = descriptors.Listening()
    opened = cache(descriptors.of)
    for process in processes:
        parent = process.parent
        if parent == adopter and process.pid not in kernels:
            at = standing.read(process.pid)
            kernel = at.session if at is not None and at.session in kernels else None  # a kernel leads its session
        else:
            kernel = parent if parent in kernels else kernel_of.get(parent)
        if kernel is None:
            continue
        parents.add(parent)
        serves = process.pid in own or sockets.any_of(process.pid, beside=kernel)
        if not serves and not _has_input_from(kernel, process.pid, opened):
            kernel_of[process.pid] = kernel
    found = (kernels[kernel] for pid, kernel in kernel_of.items() if pid not in parents and _is_work(pid, kernel, opened))
    return list(dict.fromkeys(found))


def _has_input_from(kernel: int, pid: int, opened: Opened) -> bool:
    """Return whether the kernel writes what a process reads: by a pipe, or a pair of sockets."""
    kernels = opened(kernel)
    read = opened(pid).get(0)
    if read is None or read == kernels.get(0):
        return False
    return read.is_socket or (read.is_pipe and any(each.written and each.name == read.name for each in kernels.values()))


def _is_work(pid: int, kernel: int, opened: Opened) -> bool:
    at = standing.read(pid)
    if at is None or at.stopped or (at.terminal and at.session == pid):  # the last is a shell at its prompt
        return False
    return not (tree.program(pid) == tree.program(kernel) and _is_worker(pid, kernel, opened))


def _is_worker(pid: int, kernel: int, opened: Opened) -> bool:
    """Return whether a process that runs the kernel's own program is a copy of it, or talks with it beside input and output."""
    words = tree.command_line(pid)
    if words == tree.command_line(kernel) or _WORKER_OF_R.search(" ".join(words)):
        return True
    kernels = opened(kernel)
    return any(each.is_pipe and number >= _USUAL and kernels.get(number) != each for number, each in opened(pid).items())
