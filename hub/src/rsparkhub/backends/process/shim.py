"""The process that watches over one generation: `python -I -S shim.py RUN ENSEMBLE HOMES NOTIFY_DIR IDENTITY COMMAND…`.

It belongs to nobody: the hub and the controller may end, and it stays. It starts the agent, waits for its end, ends
whatever the ensemble left behind, writes down how it went, and ends. It exits at once when this generation has been
started before, so that starting twice is the same as starting once. Standard library only, and little of it, since
there is one for each session.

IDENTITY is empty where the agent runs as the account that runs this. Else it is `UID:GID` and, each on a line of its own after
`groups` or `visible`, the control groups to join and what must be visible (see `become`). The shim itself keeps its rights: it
never opens a file where the account may write.
"""
# pathlib would cost each session a megabyte.
# ruff: noqa: PTH100, PTH101, PTH105, PTH110, PTH120, PTH208

import ctypes
import errno
import fcntl
import os
import signal
import sys
import time

TYPE_CHECKING = False  # as `typing` has it, which would cost memory
if TYPE_CHECKING:
    from rsparkhub.backends.process import become, cgroups, proc
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import become
    import cgroups
    import proc

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_LOOK_SECONDS = 60  # how often memory is looked at, so that its running out is not laid to a later end
_FORCE_SECONDS = 10.0


def main(run: str, ensemble: str, homes: str, notify_dir: str, *agent: str) -> int:
    """Start the ensemble unless it was started before; return when its agent runs, and leave the watching to a child."""
    lock = _lock(run)
    if lock is None or os.path.exists(f"{run}/shim.json") or os.path.exists(f"{run}/exit.json"):
        return 0
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        problem = os.read(told, 4096).decode()
        if problem:
            sys.stderr.write(problem)
        return 1 if problem else 0
    os.close(told)
    os.setsid()
    os.chdir("/")
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    what = Agent(list(agent[1:]), log=f"{run}/log/agent.log", identity=agent[0])
    watch(run, ensemble=ensemble, homes=homes.encode(), notify_dir=notify_dir, agent=what, tell=tell)
    return 0


class Agent:
    """What is to be started, and as whom; its output goes to `log`, which is the account's."""

    def __init__(self, command: "list[str]", *, log: str, identity: str) -> None:
        self.command = command
        self.log = log
        who, *lines = identity.split("\n")
        self.ids = tuple(int(number) for number in who.split(":")) if who else None
        self.words: dict[str, list[str]] = {"groups": [], "visible": []}
        kind = ""
        for line in lines:
            if line in self.words:
                kind = line
            else:
                self.words[kind].append(line)

    @property
    def groups(self) -> "list[str]":
        """The control groups with its limits."""
        return self.words["groups"]

    def open_folder(self, run: str) -> None:
        """Let the account write into the run folder, in which it may not replace what is not its own (the sticky bit)."""
        if self.ids is not None:
            os.chown(run, -1, self.ids[1])
            os.chmod(run, 0o1770)  # noqa: S103  the group is the account's own

    def run(self) -> None:
        """Become the agent.

        Raises
        ------
        OSError
            When its account or its program can't be had.
        """
        if self.ids is not None:
            become.become(*self.ids, groups=cgroups.join_files(self.groups), visible=self.words["visible"])
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # only now: another account's process has none
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number in (1, 2):
            os.dup2(log, number)
        os.close(log)
        os.chdir(os.environ["HOME"])
        os.execv(self.command[0], self.command)  # noqa: S606  it is what we are here for


def watch(run: str, *, ensemble: str, homes: bytes, notify_dir: str, agent: Agent, tell: int) -> None:
    """Start the agent, see it through, and end what it left."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    myself = proc.find(os.getpid())
    assert myself is not None, "this process runs"
    # Only now: a shim that carried the name would be ended with the ensemble, and so would one that comes too late.
    os.environ["RSPARK_ENSEMBLE"] = ensemble
    pid, go, failed = _fork(agent)
    try:  # before the agent does anything: what has this file has been started, and is never started again
        _write(f"{run}/shim.json", _shim_json(myself, proc.boot_id(), proc.find(pid)))
    except OSError as error:
        os.write(tell, str(error).encode())
        return  # the agent waits for a word, hears that there will be none, and ends
    agent.open_folder(run)
    os.write(go, b"!")
    problem = os.read(failed, 4096).decode()  # ends empty when the agent has become another program
    os.close(failed)
    os.write(tell, problem.encode())
    os.close(tell)
    status, memory_ran_out = _wait(pid, agent.groups)
    proc.kill_members(ensemble, homes, [myself], _FORCE_SECONDS, agent.ids[0] if agent.ids else None)
    cgroups.kill(agent.groups, _FORCE_SECONDS)
    cgroups.remove(agent.groups)
    _write(f"{run}/exit.json", _exit_json(status, memory_ran_out=memory_ran_out, has_limit=bool(agent.groups)))
    _notify(notify_dir, ensemble.partition(".")[0])


def _lock(run: str) -> int | None:
    """Lock the generation; None when another shim has it in work. Somebody who only looks holds the lock for an instant."""
    lock = os.open(f"{run}/lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + 2
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if os.path.exists(f"{run}/shim.json") or time.monotonic() >= deadline:
                return None
            time.sleep(0.01)
        else:
            return lock


def _fork(agent: Agent) -> "tuple[int, int, int]":
    """Fork the agent, which waits for a word; give its pid, where to say it, and where it says what kept it from starting."""
    parent = os.getpid()
    wait, go = os.pipe()
    failed, fail = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(go)
            _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            if os.getppid() == parent and os.read(wait, 1):
                agent.run()
        except OSError as error:
            os.write(fail, (str(error) if error.filename else f"{error}: {agent.command[0]!r}").encode())
        finally:
            os._exit(127)
    os.close(wait)
    os.close(fail)
    return pid, go, failed


def _wait(agent: int, groups: "list[str]") -> "tuple[int, bool]":
    """Wait for the agent's end and reap orphans; give its wait status, and whether memory ran out at about that time."""
    before = latest = _memory_kills(groups)
    while True:
        woken = signal.sigtimedwait(_SIGNALS, _LOOK_SECONDS)
        if woken is None:
            before, latest = latest, _memory_kills(groups)
        elif woken.si_signo == signal.SIGCHLD:
            status = _reap(agent)
            if status is not None:
                killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                return status, killed and _memory_kills(groups) > before
        else:
            os.kill(agent, signal.SIGTERM)  # not reaped yet, so the pid is still its own


def _memory_kills(groups: "list[str]") -> int:
    """Count what the kernel killed for memory: in the groups, or on the machine where there are none."""
    return cgroups.memory_kills(groups) if groups else proc.oom_kills()


def _reap(agent: int) -> int | None:
    """Reap every child that has ended; give the agent's status when it is one of them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == agent:
            found = status


def _write(path: str, text: str) -> None:
    """Write a file whole, under a name that nobody can have put there before: the account may write into the folder too."""
    fresh = f"{path}.{os.urandom(8).hex()}"
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(fresh, path)


def _shim_json(myself: "proc.Process", boot: str, agent: "proc.Process | None") -> str:
    inside = f'{{"pid": {agent.pid}, "started": {agent.started}}}' if agent else "null"
    return f'{{"pid": {myself.pid}, "started": {myself.started}, "boot_id": "{boot}", "agent": {inside}}}\n'


def _exit_json(status: int, *, memory_ran_out: bool, has_limit: bool) -> str:
    code = str(os.WEXITSTATUS(status)) if os.WIFEXITED(status) else "null"
    number = str(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else "null"
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ran_out, limit = str(memory_ran_out).lower(), str(has_limit).lower()
    return f'{{"code": {code}, "signal": {number}, "at": "{at}", "memory_ran_out": {ran_out}, "has_limit": {limit}}}\n'


def _notify(notify_dir: str, session: str) -> None:
    """Notify everybody who listens that the session has news."""
    import _socket  # noqa: PLC0415  only now, and without what `socket` adds: it isn't needed before

    try:
        listeners = [name for name in os.listdir(notify_dir) if name.endswith(".sock")]
    except OSError:  # nobody has ever listened
        return
    sender = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_NONBLOCK)
    for name in listeners:
        try:
            sender.sendto(f'{{"session": "{session}"}}'.encode(), f"{notify_dir}/{name}")
        except OSError as error:  # a notification is a hint; whoever doesn't get it looks by itself
            if error.errno not in (errno.EAGAIN, errno.ECONNREFUSED, errno.ENOENT):
                sys.stderr.write(f"{name} could not be rung: {error}\n")


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
