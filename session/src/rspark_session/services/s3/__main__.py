"""`python -m rspark_session.services.s3 --data DIR --endpoint FILE` runs the object storage until SIGTERM.

`--host` is where it listens: this machine by default, 0.0.0.0 in a container of its own. The folder has a `lock`, the `ports`
that are kept over restarts, and `storage`, which belongs to whom the server runs as.
"""

import argparse
import fcntl
import json
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services import server_account as accounts
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.run_server import run_server
from rspark_session.services.s3 import samples
from rspark_session.services.server_account import Account

_TITLE = "The object storage"
_LOOPBACK = "127.0.0.1"
#: In a container of its own it has these, which the hub knows.
_OWN_PORTS = (9000, 9001)
_READY_SECONDS, _ENDING_SECONDS = 60.0, 15.0
_TRIES = 5


def serve(data: Path, endpoint: Path, host: str) -> None:
    """Run the server; `endpoint` is there for as long as it can be used.

    Raises
    ------
    ServiceProblem
        When it doesn't start, or ends by itself.
    """
    endpoint.unlink(missing_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceProblem(f"Another object storage already works on {data}. End it first.") from None
        account = accounts.unprivileged(_TITLE)
        storage = data / "storage"
        storage.mkdir(mode=0o700, exist_ok=True)
        accounts.give(storage, account)
        for _ in range(_TRIES):
            ports = _ports(data / "ports") if host == _LOOPBACK else _OWN_PORTS
            token = secrets.token_urlsafe(32)
            with _running(storage, account, host, ports, token) as process:
                if not _became_ready(process):
                    continue  # a port was taken since it was found to be free
                write_whole(data / "ports", f"{ports[0]} {ports[1]}\n", mode=0o644)
                samples.prepare(storage / "buckets/samples", account)
                write_whole(endpoint, json.dumps({"host": host, "port": ports[0], "admin_port": ports[1], "admin": token}))
                try:
                    code = process.wait()
                finally:
                    endpoint.unlink(missing_ok=True)
                raise ServiceProblem(f"{_TITLE} ended by itself with code {code}. Its log says why; start it again.")
        raise ServiceProblem(f"{_TITLE} did not start. Its log above says why.")


@contextmanager
def _running(
    storage: Path, account: Account | None, host: str, ports: tuple[int, int], token: str
) -> "Iterator[subprocess.Popen[str]]":
    """Run the program for as long as the block lasts; folders on the way to it and to its data may be closed to its account."""
    program = Path(sys.prefix, "bin/rspark-s3")
    if not program.exists():
        raise ServiceProblem(f"{_TITLE} is not installed: there is no {program}. Run `make up` again, or scripts/build-go s3.")
    with accounts.held_open(program) as (binary, command), accounts.held_open(storage) as (folder, at):
        process = accounts.start(
            [command, "--data", at, "--host", host, "--port", str(ports[0]), "--admin-port", str(ports[1])],
            account=account, cwd=storage, held=(binary, folder), death_signal=signal.SIGTERM,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr,
        )  # fmt: skip
    try:
        with suppress(BrokenPipeError):  # it ended, which is seen
            assert process.stdin is not None
            process.stdin.write(f"{token}\n")
            process.stdin.close()
        yield process
    finally:
        _end(process)


def _became_ready(process: "subprocess.Popen[str]") -> bool:
    """Wait until it says so; False when it ended instead."""
    assert process.stdout is not None
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        readable, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
        if not readable:
            raise ServiceProblem(f"{_TITLE} was not ready after {_READY_SECONDS:.0f} s.")
        line = process.stdout.readline()
        if line.strip() == "ready":
            return True
        if not line:
            process.wait()
            return False
        print(line.rstrip(), flush=True)


def _end(process: "subprocess.Popen[str]") -> None:
    for number, patience in ((signal.SIGTERM, _ENDING_SECONDS), (signal.SIGKILL, 3.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def _ports(file: Path) -> tuple[int, int]:
    """Return the ports of the last time, so that who knew them still does, or free ones."""
    try:
        first, second = map(int, file.read_text().split())
    except (FileNotFoundError, ValueError):
        first = second = 0
    if first and _is_free(first) and _is_free(second):
        return first, second
    with socket.socket() as one, socket.socket() as other:
        one.bind((_LOOPBACK, 0))
        other.bind((_LOOPBACK, 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
        return True


def main() -> int:
    """Return the exit code: 0 after an end that was asked for, 1 with a sentence on stderr after any other."""
    parser = argparse.ArgumentParser(prog="rspark_session.services.s3", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps everything")
    parser.add_argument("--endpoint", type=Path, required=True, help="the file that says where the server listens")
    parser.add_argument("--host", default=_LOOPBACK, help="the address it listens on")
    arguments = parser.parse_args()
    return run_server(lambda: serve(arguments.data.absolute(), arguments.endpoint.absolute(), arguments.host))


if __name__ == "__main__":
    sys.exit(main())
