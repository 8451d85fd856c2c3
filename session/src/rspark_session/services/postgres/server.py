"""The running server: started on the port it had, waited for, and ended with all that it holds on the disk."""

import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from rspark_session.files import write_whole
from rspark_session.services import server_account as accounts
from rspark_session.services.postgres import housekeeping
from rspark_session.services.postgres.cluster import ADMIN, Cluster
from rspark_session.services.problem import ServiceProblem

LOOPBACK = "127.0.0.1"
#: In a container of its own it has the port that everybody expects.
_OWN_PORT = 5432
#: Who may connect from where: everybody with a password; what can reach the port at all is the network's affair.
_HBA = "local all all scram-sha-256\nhost all all all scram-sha-256\n"
_READY = 240.0  # seconds; a server that was killed in the middle of much work reads its log first
_ENDING = 25.0
_PORTS = 5  # how many are tried

#: For a class on a small machine: many who do little at once. All else is PostgreSQL's own choice, fsync included.
SETTINGS = {
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "max_parallel_workers_per_gather": "1",
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


@dataclass(frozen=True, kw_only=True)
class Server:
    cluster: Cluster
    process: "subprocess.Popen[str]"
    host: str
    port: int
    socket: Path

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Connect as the administrator, each statement by itself.

        Raises
        ------
        ServiceProblem
            When the server doesn't let us in.
        """
        try:
            return psycopg.connect(
                host=str(self.socket),
                port=self.port,
                user=ADMIN,
                dbname=database,
                passfile=str(self.cluster.passfile),
                autocommit=True,
                application_name="rspark",
            )
        except psycopg.OperationalError as problem:
            raise ServiceProblem(
                f"The administrator can't connect to PostgreSQL: {str(problem).strip()} "
                f"The password is kept in {self.cluster.passfile}; if it was lost, restore it from a backup."
            ) from problem

    def endpoint(self) -> dict[str, Any]:
        """Say where it listens, for whoever makes accounts."""
        with self.connect("postgres") as connection:
            version = connection.info.parameter_status("server_version") or ""
        return {
            "host": self.host,
            "port": self.port,
            "socket": str(self.socket),
            "admin": ADMIN,
            "admin_password": self.cluster.password(),
            "version": version,
            "programs": str(self.cluster.binaries.folder),
        }

    def give_to(self, role: str, passfile: Path) -> None:
        """Make a role with all rights and a database of its name, and write a new password of it into a file."""
        password = secrets.token_urlsafe(30)
        with self.connect("postgres") as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {} SUPERUSER").format(sql.Identifier(role)))
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [role]).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(role)))
        hosts = [self.host, "localhost"] if self.host == "127.0.0.1" else [self.host]  # the name that books type
        write_whole(passfile, "".join(f"{host}:{self.port}:*:{role}:{password}\n" for host in hosts))

    def serve(self) -> None:
        """Keep people's databases in order until the server ends.

        Raises
        ------
        ServiceProblem
            When it ended, which nobody asked for.
        """
        connection: psycopg.Connection[Any] | None = None
        while self.process.poll() is None:
            try:
                if connection is None or connection.closed:
                    connection = self.connect("postgres")
                housekeeping.tidy(connection)
            except (psycopg.Error, ServiceProblem) as problem:  # it is going down, or somebody dropped what was just found
                print(f"The databases could not be looked after: {str(problem).strip()}", flush=True)
            _wait(self.process, housekeeping.INTERVAL)
        code = self.process.returncode
        raise ServiceProblem(f"PostgreSQL ended by itself with code {code}. Its log says why; start it again.")


@contextmanager
def running(cluster: Cluster, host: str, *, port: int | None = None, most_connections: int = 200) -> Iterator[Server]:
    """Run the server, ready to be connected to, for as long as the block lasts.

    `port` is the one to listen on; by default it is that of the last time, or a free one.

    Raises
    ------
    ServiceProblem
        When it doesn't become ready.
    """
    for _ in range(_PORTS):
        folder = _socket_folder(cluster)
        chosen = port or (_kept_or_free(cluster) if host == LOOPBACK else _OWN_PORT)
        process = _start(cluster, host, chosen, folder, most_connections)
        try:
            if _became_ready(cluster, process):
                write_whole(cluster.port_file, f"{chosen}\n", mode=0o644)
                yield Server(cluster=cluster, process=process, host=host, port=chosen, socket=folder)
                return
        finally:
            _end(process)
            (folder / "pg_hba.conf").unlink(missing_ok=True)
            with suppress(OSError):  # not empty after an end by force; the next start empties it
                folder.rmdir()
        if port or _is_free(chosen):
            break  # then it was not the port
    raise ServiceProblem(f"PostgreSQL did not start (code {process.returncode}). Its log above says why.")


def _start(cluster: Cluster, host: str, port: int, folder: Path, most_connections: int) -> "subprocess.Popen[str]":
    hba = folder / "pg_hba.conf"
    write_whole(hba, _HBA)
    accounts.give(hba, cluster.account)
    settings = SETTINGS | {
        "max_connections": str(most_connections),
        "listen_addresses": host,
        "port": str(port),
        "unix_socket_directories": str(folder),
        "hba_file": str(hba),
    }
    with accounts.held_open(cluster.folder) as (descriptor, at):
        command = [cluster.binaries.program("postgres"), "-D", at]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return accounts.start(
            command,
            account=cluster.account,
            cwd=cluster.folder,
            held=(descriptor,),
            death_signal=signal.SIGINT,  # should we be killed, it ends as fast and as cleanly as when we end it
            stdout=sys.stderr,
        )


def _became_ready(cluster: Cluster, process: "subprocess.Popen[str]") -> bool:
    """Wait for the word that the server itself writes; False when it ended instead."""
    status = cluster.folder / "postmaster.pid"
    deadline = time.monotonic() + _READY
    while process.poll() is None:
        lines = status.read_text().splitlines() if status.exists() else []
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
            return True
        if time.monotonic() > deadline:
            raise ServiceProblem(f"PostgreSQL was not ready after {_READY:.0f} s. Its log above says what it does.")
        _wait(process, 0.05)
    return False


def _end(process: "subprocess.Popen[str]") -> None:
    """End it: first in order, with everything on the disk; by force only when that takes too long.

    Raises
    ------
    ServiceProblem
        When it was running, and did not end in order.
    """
    if process.poll() is not None:
        return
    for signal_number, patience in ((signal.SIGINT, _ENDING), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0)):
        process.send_signal(signal_number)
        _wait(process, patience)
        if process.returncode == 0:
            return
        if process.returncode is not None:
            break
    raise ServiceProblem(
        f"PostgreSQL did not end in order (code {process.returncode}). What was committed is safe: the next start recovers it."
    )


def _wait(process: "subprocess.Popen[str]", seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def _kept_or_free(cluster: Cluster) -> int:
    """Give the port of the last time, so that who knew it still does, or a free one where another has taken it."""
    try:
        kept = int(cluster.port_file.read_text())
    except (FileNotFoundError, ValueError):
        kept = 0
    if kept and _is_free(kept):
        return kept
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _socket_folder(cluster: Cluster) -> Path:
    """Make the private folder of the socket: short, since a socket's path has 107 bytes; the same at each start."""
    digest = hashlib.sha256(str(cluster.data.resolve()).encode()).hexdigest()[:12]
    temporary = "/run" if os.getuid() == 0 else tempfile.gettempdir()  # where others can take no name of ours
    folder = Path(temporary if len(temporary) < 60 else "/tmp") / f"rspark-pg-{os.getuid()}-{digest}"  # noqa: S108
    owner = cluster.account.uid if cluster.account else os.getuid()
    try:
        folder.mkdir(mode=0o700)
        accounts.give(folder, cluster.account)
    except FileExistsError:
        seen = folder.lstat()
        if folder.is_symlink() or seen.st_uid not in {owner, os.getuid()} or seen.st_mode & 0o077:
            raise ServiceProblem(f"Somebody else has the folder of PostgreSQL's socket: {folder}. Remove it.") from None
        accounts.give(folder, cluster.account)
    for left in folder.iterdir():
        left.unlink()  # of a server that was killed; the cluster is ours alone, so nobody listens there
    return folder
