"""The data folder of PostgreSQL: made once, and sound again after any end.

data/cluster         the cluster itself, PostgreSQL's own
data/cluster.new     a cluster in the making; what is there after a crash is thrown away
data/admin.pgpass    the administrator's password, for us alone
data/port            the port that is kept over restarts
data/lock            held by the one command that works on the folder
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.processes import tree
from rspark_session.services import server_account as accounts
from rspark_session.services.postgres import binaries as programs
from rspark_session.services.postgres.binaries import Binaries
from rspark_session.services.postgres.passage import let_pass
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.server_account import Account

ADMIN = "postgres"
_ENDING = 60.0  # seconds that an orphaned server may take to write down what it has


@dataclass(frozen=True, kw_only=True)
class Cluster:
    data: Path
    account: Account | None
    binaries: Binaries

    @property
    def folder(self) -> Path:
        return self.data / "cluster"

    @property
    def passfile(self) -> Path:
        return self.data / "admin.pgpass"

    def password(self) -> str:
        """Read the administrator's password."""
        return self.passfile.read_text().rstrip("\n").split(":", 4)[4]

    @property
    def port_file(self) -> Path:
        return self.data / "port"


@contextmanager
def opened(data: Path, password: str | None = None) -> Iterator[Cluster]:
    """Take the data folder for ourselves, and make the cluster in it where there is none, its administrator's password as given.

    Raises
    ------
    ServiceProblem
        When another command has it, or something of this machine is in the way.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        with (data / "lock").open("w") as lock:
            _take(lock.fileno(), data)
            yield _sound(data, password)
    except OSError as problem:
        raise ServiceProblem(f"The data folder of PostgreSQL can't be used: {problem}.") from problem


def _take(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ServiceProblem(f"Another PostgreSQL command already works on {data}. End it first.") from None


def _sound(data: Path, password: str | None) -> Cluster:
    version = data / "cluster" / "PG_VERSION"
    binaries = programs.for_cluster(version.read_text() if version.exists() else None)
    cluster = Cluster(data=data, account=accounts.unprivileged("PostgreSQL"), binaries=binaries)
    let_pass(binaries.folder / "postgres", cluster.account)
    _end_orphans(data)
    (cluster.folder / "postmaster.pid").unlink(missing_ok=True)  # nobody is alive to own it, whoever has that pid today
    if not version.exists():
        _make(cluster, password or secrets.token_urlsafe(32))
    return cluster


def _make(cluster: Cluster, password: str) -> None:
    """Make the cluster beside its place, and put it there when it is whole."""
    fresh = cluster.data / "cluster.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    accounts.give(fresh, cluster.account)
    write_whole(cluster.passfile, f"*:*:*:{ADMIN}:{password}\n")
    secret = cluster.data / "password.new"
    write_whole(secret, password + "\n")
    accounts.give(secret, cluster.account)
    try:
        with accounts.held_open(fresh) as (place, at), accounts.held_open(secret) as (word, word_at):
            _initdb(cluster, cwd=fresh, held=(place, word), folder=at, secret=word_at)
    finally:
        secret.unlink()
    fresh.rename(cluster.folder)


def _initdb(cluster: Cluster, *, cwd: Path, held: tuple[int, int], folder: str, secret: str) -> None:
    command = [cluster.binaries.program("initdb"), "--pgdata", folder, "--username", ADMIN, "--pwfile", secret]
    command += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"]
    command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]  # the same order on every machine
    process = accounts.start(
        command,
        account=cluster.account,
        cwd=cwd,
        held=held,
        death_signal=signal.SIGKILL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process:
        try:
            said = process.communicate()[0]
        finally:
            process.kill()
    if process.returncode:
        print(said, flush=True)
        raise ServiceProblem(f"PostgreSQL could not make its data folder: {_reason(said)}.")
    print(f"Made a cluster of PostgreSQL {cluster.binaries.major}.", flush=True)


def _reason(said: str) -> str:
    """Find the line that says why; what comes after it tells of the cleaning up."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "FATAL:" in line or "could not" in line]
    return (telling or lines[-1:] or ["it gave no reason"])[0]


def _end_orphans(data: Path) -> None:
    """End what an earlier command left running on these data: it was killed, and its server ends a little later."""
    deadline = time.monotonic() + _ENDING
    for signal_number in (signal.SIGINT, signal.SIGKILL):
        while left := _running_in(data):
            for pid in left:
                _send(pid, signal_number)
            if time.monotonic() > deadline:
                deadline += _ENDING
                break
            time.sleep(0.1)
    if left := _running_in(data):
        raise ServiceProblem(f"Processes of an earlier PostgreSQL can't be ended: {', '.join(map(str, left))}. End them first.")


def _running_in(data: Path) -> list[int]:
    """Return the processes that work in a cluster of ours: a server's processes all do."""
    homes = {str(data.resolve() / "cluster"), str(data.resolve() / "cluster.new")}
    return [pid for pid in tree.pids() if (tree.working_folder(pid) or "").removesuffix(" (deleted)") in homes]


def _send(pid: int, signal_number: int) -> None:
    with suppress(ProcessLookupError):  # it ended by itself, which is what we want
        os.kill(pid, signal_number)
