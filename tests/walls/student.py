"""What a curious student tries from inside their own session, as one program: it prints what it got, one line each.

Run with the Python of sessions, and nothing but the standard library. What it is given: a JSON object with the data folder, the
process ids and paths of a victim, of the hub and of what watches over the student's own session, and words that nobody else may
ever read.
"""

import contextlib
import ctypes
import json
import os
import pwd
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

ASKED = json.loads(Path(sys.argv[1]).read_text())
DATA, VICTIM = Path(ASKED["data"]), ASKED["victim"]
OWN_RUN = Path(ASKED["run"])
ROOTS_HOME = Path(pwd.getpwuid(0).pw_dir)
SECRETS: list[str] = ASKED["secrets"]


def attempt(name: str, work: Callable[[], object]) -> None:
    """Print the name when the work succeeds, and what it got."""
    try:
        got = work()
    except (OSError, ValueError, LookupError):
        return
    if got is not False and got is not None:
        print(f"{name}: {str(got)[:200]!r}", flush=True)


def read(path: str | Path) -> bytes:
    return Path(path).read_bytes()


def first_byte(path: str) -> bytes | None:
    with Path(path).open("rb") as file:
        return file.read(1) or None


def opened(path: str, mode: str) -> str:
    with Path(path).open(mode):
        return "opened"


def files() -> None:
    """Look at what belongs to the hub and to others."""
    names = ["cli.json", "rsparkhub.sqlite", "rsparkhub.sqlite-wal", "settings.yaml", "lock", "backend", "log/hub.log"]
    for path in [*(DATA / name for name in names), *map(Path, VICTIM["files"])]:
        attempt(f"read {path}", lambda path=path: read(path))
        attempt(f"write {path}", lambda path=path: opened(str(path), "r+b"))
        attempt(f"remove {path}", lambda path=path: path.unlink() or "removed")
    folders = ["", "homes", "sessions", "services", "log", "run", "edge", "accounts", f"homes/{VICTIM['name']}"]
    for folder in [*(DATA / name for name in folders), *map(Path, VICTIM["folders"]), ROOTS_HOME]:
        attempt(f"look into {folder}", lambda folder=folder: [path.name for path in folder.iterdir()])
        attempt(f"make a file in {folder}", lambda folder=folder: (folder / ".mine").write_text("x"))
        attempt(f"rename {folder}", lambda folder=folder: folder.rename(f"{folder}.x"))
    attempt("make a listener where agents notify", lambda: (DATA / "notify/student.sock").write_text("x"))
    for pattern in ("/etc/shadow", "/etc/sudoers", f"{ROOTS_HOME}/.ssh/*", f"{ROOTS_HOME}/.bash_history", f"{ROOTS_HOME}/.*rc"):
        for path in list(Path("/").glob(pattern[1:])) or [pattern]:
            attempt(f"read {path}", lambda path=path: read(path))


def processes() -> None:
    """Look into every process that is not one's own, end it, and take hold of it."""
    libc = ctypes.CDLL(None, use_errno=True)
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            uid = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Uid:")).split()[
                1
            ]
            command = read(f"/proc/{pid}/cmdline")
        except (OSError, StopIteration):
            continue
        for secret in SECRETS:
            if secret.encode() in command:
                print(f"a secret in the command line of {pid}: {command[:100]!r}")
        if int(uid) == os.getuid():
            continue
        for name in ("environ", "mem", "maps", "auxv"):
            attempt(f"read {name} of {pid}", lambda pid=pid, name=name: first_byte(f"/proc/{pid}/{name}"))
        for name in ("root", "cwd", "exe"):
            attempt(f"follow {name} of {pid}", lambda pid=pid, name=name: Path(f"/proc/{pid}/{name}").readlink())
        attempt(f"list the files of {pid}", lambda pid=pid: list(Path(f"/proc/{pid}/fd").iterdir()))
        attempt(f"signal {pid}", lambda pid=pid: os.kill(pid, signal.SIGCONT) or "sent")
        if pid in VICTIM["pids"]:
            attempt(f"trace {pid}", lambda pid=pid: libc.ptrace(16, pid, 0, 0) == 0)
            attempt(f"slow {pid}", lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19) or "slowed")


def sockets() -> None:
    """Speak to every Unix socket that has a name, and to all that listens on this machine's own address."""
    for line in read("/proc/net/unix").decode().splitlines()[1:]:
        words = line.split()
        path = words[7] if len(words) > 7 else ""
        if not path.startswith(str(DATA)) or "/notify/" in path or path.startswith(str(OWN_RUN)):
            continue
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_UNIX, kind) as caller:
                attempt(f"connect to {path}", lambda caller=caller, path=path: caller.connect(path) or "connected")
    for port in VICTIM["ports"]:
        for path in ("/", "/agent/status", "/agent/logs?service=agent", "/config/", "/api/v1/applications", "/api/kernels",
                     f"/s/{VICTIM['session']}/", f"/s/{VICTIM['session']}/api/terminals", "/shutdown"):  # fmt: skip
            attempt(f"ask port {port} for {path}", lambda port=port, path=path: ask(port, path))


def ask(port: int, path: str) -> str | None:
    """Return what a port says to a stranger; None when it refuses, or says nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as caller:
        caller.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nX-Rspark-Secret: x\r\nX-Rspark-User: root\r\n\r\n".encode())
        with contextlib.suppress(TimeoutError):
            said = caller.recv(4096).decode("latin-1")
            status = said.split(" ", 2)[1:2]
            return None if status in ([], ["401"], ["403"]) else said
    return None


def rights() -> None:
    """Become somebody else, leave one's limits, change the machine."""
    attempt("become root", lambda: os.setuid(0) or "root")
    attempt("become the victim", lambda: os.setuid(VICTIM["uids"][0]) or "victim")
    attempt("join root's group", lambda: os.setgroups([0]) or "joined")
    for command in ("sudo -n id -u", "su -c id\\ -u", "pkexec id -u", "mount -t tmpfs x /mnt && echo 0", "chroot / id -u",
                    "userdel nobody && echo 0", "dmesg -C && echo 0", "hostname x && echo 0"):  # fmt: skip
        attempt(command, lambda command=command: output_of(command) == "0")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(39, 0, 0, 0, 0) != 1:
        print("set-user-id programs give rights")
    for group in ASKED["groups"]:
        for name in ("memory.limit_in_bytes", "memory.max", "pids.max", "cpu.cfs_quota_us", "cpu.max"):
            if Path(group, name).exists():
                attempt(f"lift {group}/{name}", lambda group=group, name=name: Path(group, name).write_text("-1"))
        attempt(f"leave {group}", lambda group=group: Path(group, "../../cgroup.procs").write_text(str(os.getpid())))
        if str(os.getpid()) not in read(f"{group}/cgroup.procs").decode().split():
            print(f"not limited by {group}")


def output_of(command: str) -> str:
    """Return what a command prints, without a terminal that it could ask on."""
    return os.popen(f"setsid -w timeout 10 sh -c '{command}' 2>/dev/null </dev/null").read().strip()


def run_folder() -> None:
    """Change what watches over one's own session, and lead the hub by links to what it may read and one may not."""
    for name in ("shim.json", "exit.json", "groups.json", "lock"):
        if not (OWN_RUN / name).exists():
            continue
        attempt(f"read {name}", lambda name=name: read(OWN_RUN / name))
        attempt(f"replace {name}", lambda name=name: (OWN_RUN / name).rename(OWN_RUN / f"{name}.x") or "replaced")
        attempt(f"remove {name}", lambda name=name: (OWN_RUN / name).unlink() or "removed")
    attempt("forge an end", lambda: (OWN_RUN / "exit.json").write_text('{"code": 0}') and None)
    attempt("replace the run folder", lambda: OWN_RUN.rename(f"{OWN_RUN}.x") or "replaced")
    attempt("replace what is kept", lambda: (OWN_RUN.parent / "keep").rename(OWN_RUN.parent / "k") or "replaced")
    # Not refused, and must lead to nothing: whoever started this looks at what the hub makes of it.
    for name in ("cli", "hub", "shadow"):
        with contextlib.suppress(OSError):
            target = {"cli": DATA / "cli.json", "hub": DATA / "log/hub.log", "shadow": "/etc/shadow"}[name]
            (OWN_RUN / f"log/{name}.log").symlink_to(target)
    for name in ("record.json", "status.json.x"):
        with contextlib.suppress(OSError):
            (OWN_RUN / name).symlink_to("/etc/shadow")


def terminals() -> None:
    """Read and write what others have on their screens."""
    for entry in os.scandir("/dev/pts"):
        if entry.name.isdigit() and entry.stat().st_uid != os.getuid():
            attempt(f"write to the terminal {entry.name}", lambda entry=entry: opened(entry.path, "wb"))
            attempt(f"read the terminal {entry.name}", lambda entry=entry: opened(entry.path, "rb"))


for part in (files, processes, sockets, rights, run_folder, terminals):
    part()
print("tried")
