"""A ResourceManager and a NodeManager of the session's own: started by the first job that wants them, ended when they rest.

Hadoop without Kerberos believes whoever says who they are, and with Kerberos its reduces don't run without native code. So both
have a network of their own, in which only processes of the session's person can be: nobody else has a way to their ports. A map
there has no network either; its input is here, and so is its output.
"""

import array
import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.files import write_whole
from rspark_session.processes import prctl, tree
from rspark_session.services import hadoop
from rspark_session.services.mapreduce import configuration, jobs
from rspark_session.services.mapreduce.settings import Settings
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.run_server import run_server

_STATE, _LOG, _LOCK = "yarn.json", "yarn.log", "yarn.lock"
_PAGES = 8088
_PATIENCE = 240.0  # seconds until both are up
_REST = 600.0  # seconds without a job after which they end
_NUMBER = reading.integer(0, 2**62)
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_SPACES = ("--user", "--net", "--uts")
_SERVERS = (
    ("ResourceManager", "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager"),
    ("NodeManager", "org.apache.hadoop.yarn.server.nodemanager.NodeManager"),
)


@dataclass(frozen=True, kw_only=True)
class Yarn:
    """A YARN that runs: `pid` and `started` name the process that looks after it, `servers` are the pids of both."""

    pid: int
    started: int
    servers: tuple[int, ...]

    def inside(self, command: Iterable[str]) -> list[str]:
        """Return a command that runs where its ports are."""
        return ["nsenter", "--target", str(self.pid), *_SPACES, "--preserve-credentials", "--", *command]


def running(folder: Path) -> Yarn | None:
    """Return the session's YARN; None where it doesn't run."""
    try:
        fields = Fields(reading.decode((folder / _STATE).read_bytes(), most=2**16))
        found = Yarn(
            pid=fields.required("pid", _NUMBER),
            started=fields.required("started", _NUMBER),
            servers=fields.required("servers", reading.items(_NUMBER, most=10)),
        )
    except (OSError, Unreadable):
        return None
    process = tree.read(found.pid)
    return found if process is not None and process.started == found.started else None


def ensure(folder: Path, report: Callable[[str], None]) -> Yarn:
    """Return the session's YARN, which is started where it doesn't run.

    Raises
    ------
    ServiceProblem
        When it can't run here.
    """
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found := running(folder):
            return found
        report("Starting YARN, which takes some ten seconds the first time")
        return _start(folder)


def _start(folder: Path) -> Yarn:
    command = ["unshare", *_SPACES, "--map-current-user", "--", *configuration.interpreter(), "-m", __name__, str(folder)]
    with (folder / _LOG).open("wb") as log:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        except OSError as problem:
            raise ServiceProblem(f"YARN can't run here: {problem}. Choose mode: local for this environment.") from problem
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if found := running(folder):
            process.returncode = 0  # it outlives this command
            return found
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    lines = (folder / _LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it says nothing of why"]
    if any("unshare" in line for line in lines):
        raise ServiceProblem("YARN can't run here: this machine allows no networks of a session's own. Choose mode: local.")
    raise ServiceProblem(f"YARN did not start: {lines[-1]}")


def serve(folder: Path) -> None:
    """Run both until they rest; return then.

    Raises
    ------
    ServiceProblem
        When one can't run, or ends.
    """
    _, settings = Settings.of_folder(folder)
    _open_network()
    work = settings.work / f"yarn-{os.getpid()}"
    work.mkdir(mode=0o700, parents=True)
    configuration.write(work / "conf", configuration.of_yarn(work, settings))
    servers: list[subprocess.Popen[bytes]] = []
    try:
        for _, main in _SERVERS:
            servers.append(_server(main, work))
        _wait_until_ready(servers)
        myself = tree.read(os.getpid())
        assert myself is not None
        state = {"pid": myself.pid, "started": myself.started, "servers": [server.pid for server in servers]}
        write_whole(folder / _STATE, json.dumps(state), durable=False)
        print("YARN is ready.", flush=True)
        _wait_until_resting(folder, servers)
    finally:
        (folder / _STATE).unlink(missing_ok=True)
        for server in servers:
            server.kill()
        for server in servers:
            server.wait()
        shutil.rmtree(work, ignore_errors=True)


def _server(main: str, work: Path) -> "subprocess.Popen[bytes]":
    jvm = ("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", configuration.OPENED)
    command = [hadoop.java(), *jvm, f"-Djava.io.tmpdir={work}", "-cp", hadoop.class_path(work / "conf"), main]
    hidden = ("HADOOP_TOKEN_FILE_LOCATION", "HADOOP_CONF_DIR")
    return subprocess.Popen(
        command,
        cwd=work,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        stdin=subprocess.DEVNULL,
        preexec_fn=prctl.ends_with_this_process(signal.SIGKILL),  # noqa: PLW1509  (no thread is here)
    )


def _wait_until_ready(servers: Iterable["subprocess.Popen[bytes]"]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not _has_a_node():
        _check_alive(servers)
        if time.monotonic() > deadline:
            raise ServiceProblem(f"YARN was not ready within {_PATIENCE:.0f} s.")
        time.sleep(0.2)


def _has_a_node() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", _PAGES, timeout=5)
    try:
        connection.request("GET", "/ws/v1/cluster/metrics")
        answer = reading.decode(connection.getresponse().read(2**20), most=2**20)
        metrics = Fields(Fields(answer).required("clusterMetrics", lambda value: value))
        return metrics.required("activeNodes", _NUMBER) > 0
    except (OSError, http.client.HTTPException, Unreadable):
        return False
    finally:
        connection.close()


def _wait_until_resting(folder: Path, servers: Iterable["subprocess.Popen[bytes]"]) -> None:
    rests_since = time.monotonic()
    while time.monotonic() - rests_since < _REST:
        _check_alive(servers)
        if jobs.noted(folder):
            rests_since = time.monotonic()
        time.sleep(0.5)


def _check_alive(servers: Iterable["subprocess.Popen[bytes]"]) -> None:
    for server, (title, _) in zip(servers, _SERVERS, strict=False):
        if server.poll() is not None:
            raise ServiceProblem(f"The {title} of YARN ended with the code {server.returncode}.")


def _open_network() -> None:
    """Bring up the loopback interface of a network that has nothing yet, and be called localhost, as it is found by."""
    socket.sethostname("localhost")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = array.array("B", struct.pack("16sH14x", b"lo", 0))
        fcntl.ioctl(control, _SIOCGIFFLAGS, asked)
        (flags,) = struct.unpack_from("H", asked, 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def main() -> int:
    """Run the YARN of the session's folder; return the exit code."""
    with contextlib.suppress(IndexError):
        folder = Path(sys.argv[1])
        return run_server(lambda: serve(folder))
    return 2


if __name__ == "__main__":
    sys.exit(main())
