"""`python -m rspark_session.services.hive.hiveserver2 hiveserver2|hive …`: what the session's programs of these names do."""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.hive.programs import free_port, is_running

_MAIN = "org.apache.spark.rspark.hive.HiveServer"
_READY = 180.0  # seconds


class NotReady(Exception):
    """HiveServer2 does not run; the message says why."""


def ensure(folder: Path) -> int:
    """Start the session's HiveServer2 where it doesn't run; return its port.

    Raises
    ------
    NotReady
        When it does not become ready.
    """
    with (folder / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pid, port = folder / "server.pid", folder / "server.port"
        if pid.exists() and is_running(int(pid.read_text())):
            return int(port.read_text())
        pid.unlink(missing_ok=True)
        print("Starting HiveServer2 ...", file=sys.stderr, flush=True)
        write_whole(port, str(free_port()))
        log = folder / "server.log"
        command = [
            f"{os.environ['SPARK_HOME']}/bin/spark-submit", "--class", _MAIN,
            "--conf", f"spark.hadoop.hive.server2.thrift.port={port.read_text()}",
            "--conf", "spark.hadoop.hive.server2.thrift.bind.host=127.0.0.1",
            "--conf", "spark.hadoop.hive.server2.authentication=CUSTOM",
            # Who asks for the class reads no settings of Spark, but Java's own.
            "--driver-java-options", "-Dhive.server2.custom.authentication.class=org.apache.spark.rspark.hive.SessionPassword",
            "--conf", "spark.hadoop.hive.server2.enable.doAs=false",
            "spark-internal", str(pid),
        ]  # fmt: skip
        with log.open("wb") as written:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT, start_new_session=True, pass_fds=()
            )
        deadline = time.monotonic() + _READY
        while not pid.exists():
            if started.poll() is not None or time.monotonic() > deadline:
                started.kill()
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise NotReady(f"HiveServer2 could not be started: {' '.join(last)} The rest is in {log}.")
            time.sleep(0.1)
        return int(port.read_text())


def _for_pyhive(port: int, database: str, password: str) -> dict[str, str | int]:
    """Return what `pyhive.hive.connect` takes, by the names of its arguments."""
    who = {"username": database, "password": password, "auth": "CUSTOM"}
    return {"host": "127.0.0.1", "port": port, "database": database, **who}


def main() -> int:
    """Return the exit code: 0, or else with a sentence on stderr; beeline takes this process over."""
    name, *arguments = sys.argv[1:]
    if name == "hiveserver2" and arguments not in ([], ["--json"]):
        print("hiveserver2 takes nothing but --json, with which it prints what pyhive.hive.connect() takes.", file=sys.stderr)
        return 2
    password, database = Path(os.environ["RSPARK_HIVE_PASSWORD_FILE"]), os.environ["RSPARK_HIVE"]
    try:
        port = ensure(password.parent)
    except NotReady as problem:
        print(problem, file=sys.stderr)
        return 1
    if arguments == ["--json"] and name == "hiveserver2":
        print(json.dumps(_for_pyhive(port, database, password.read_text().strip())))
        return 0
    url = f"jdbc:hive2://127.0.0.1:{port}/{database}"
    if name == "hiveserver2":
        print(f"{url}\nThe user is {database}; the password is in {password}.")
        return 0
    beeline = f"{os.environ['SPARK_HOME']}/bin/beeline"
    command = [beeline, "-u", url, "-n", database, "-w", str(password), *arguments]
    os.execv(beeline, command)  # noqa: S606  its arguments are the person's
    return 1


if __name__ == "__main__":
    sys.exit(main())
