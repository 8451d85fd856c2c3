"""The metastore's own process, a JVM with our guard before Hive's classes (`session/hive`), and what we ask of it.

Its database is Derby's, on the disk: what was acknowledged is there after any end. Hive's classes, Derby and Hadoop's client are
those that Spark carries, so the metastore and its clients are always of one version.

data/db            the database
data/conf          what Hive and Hadoop's client read
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rspark_session.files import write_whole
from rspark_session.processes import prctl
from rspark_session.services.hadoop import write_settings
from rspark_session.services.java import find_java, java_version
from rspark_session.services.problem import ServiceProblem

#: Ours, compiled from `session/hive`; where an installation puts it.
JAR = Path(sys.prefix, "share/rspark/jars/hive/rspark-hive.jar")
INSTALL = "Install what Hive needs: make hive."
_OLDEST_JAVA = 17
_MAIN = "org.apache.spark.rspark.hive.Metastore"
_JVM = (
    "-Xmx192m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxMetaspaceSize=192m",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    # No domain is asked: people's tokens are all that it shows to HDFS. A realm must have a name.
    "-Djava.security.krb5.realm=RSPARK",
    "-Djava.security.krb5.kdc=127.0.0.1:1",
)
_READY = 200.0  # seconds
_ANSWER = 60.0
_ENDING = 15.0
_LOG = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1}: %m%n
# What a person's call failed of is the answer that they get.
logger.handler.name = org.apache.hadoop.hive.metastore.RetryingHMSHandler
logger.handler.level = fatal
logger.pool.name = org.apache.thrift.server.TThreadPoolServer
logger.pool.level = off
logger.sasl.name = org.apache.thrift.transport
logger.sasl.level = off
logger.nucleus.name = DataNucleus
logger.nucleus.level = error
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.store.name = org.apache.hadoop.hive.metastore.ObjectStore
logger.store.level = error
"""


class Metastore:
    """One process of the metastore on a folder; `ask` may be called by several threads."""

    def __init__(self, data: Path, *, host: str, port: int) -> None:
        self._data, self._host, self._port = data, host, port
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def database(self) -> Path:
        """The folder of its database."""
        return self._data / "db"

    def start(self) -> None:
        """Start it, and wait until clients may connect.

        Raises
        ------
        ServiceProblem
            When it does not become ready.
        """
        java = find_java(INSTALL)
        package = find_spec("pyspark")
        if package is None or not package.submodule_search_locations or not JAR.is_file():
            raise ServiceProblem(f"Hive is not installed. {INSTALL}")
        spark = Path(package.submodule_search_locations[0])
        conf = self._data / "conf"
        conf.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_settings(conf / "hive-site.xml", self._settings())
        write_settings(conf / "core-site.xml", _HADOOP)
        write_settings(conf / "hdfs-site.xml", _HDFS)
        write_whole(conf / "log4j2.properties", _LOG)
        command = [
            java,
            *_JVM,
            f"-Djava.io.tmpdir={self._data}",
            f"-Dderby.stream.error.file={self._data}/derby.log",
            f"-Dlog4j2.configurationFile={conf}/log4j2.properties",
            "-cp",
            f"{conf}:{JAR}:{spark}/jars/*",
            _MAIN,
            self._host,
            str(self._port),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._data,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("HADOOP_", "HIVE_", "SPARK_", "JDK_JAVA"))
            },
            preexec_fn=prctl.ends_with_this_process(signal.SIGTERM),  # noqa: PLW1509  what it runs takes no lock
        )
        try:
            self._answer(_READY)
        except ServiceProblem as problem:
            if 0 < (version := java_version(java)) < _OLDEST_JAVA:
                raise ServiceProblem(
                    f"Hive needs Java {_OLDEST_JAVA}, and this machine's is {version}. Install a newer one: make hive."
                ) from problem
            raise

    def check_alive(self) -> None:
        """Raise `ServiceProblem` when it has ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise ServiceProblem(f"Hive's metastore ended by itself with code {code}. Its log says why.")

    def ask(self, **command: object) -> dict[str, Any]:
        """Send it a command (`Commands` in `session/hive`); return its answer.

        Raises
        ------
        ServiceProblem
            When it can't.
        """
        with self._lock:
            process = self._process
            if process is None or process.stdin is None:
                raise ServiceProblem("Hive's metastore does not run.")
            try:
                process.stdin.write(json.dumps(command).encode() + b"\n")
                process.stdin.flush()
            except OSError as problem:
                raise ServiceProblem("Hive's metastore does not answer.") from problem
            answer = self._answer(_ANSWER)
        if "problem" in answer:
            raise ServiceProblem(f"Hive's metastore could not do it: {answer['problem']}")
        return answer

    def end(self) -> None:
        """End it in order, and kill it where that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _answer(self, seconds: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        line, deadline = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            read = os.read(process.stdout.fileno(), 2**16) if ready else b""
            if not read:
                why = "has ended; its log says why" if ready else f"did not answer within {seconds:.0f} s"
                raise ServiceProblem(f"Hive's metastore {why}.")
            line += read
        found: dict[str, Any] = json.loads(line)
        return found

    def _settings(self) -> dict[str, str]:
        return {
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={self.database};create=true",
            "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
            "datanucleus.schema.autoCreateAll": "true",
            "datanucleus.connectionPoolingType": "NONE",
            "hive.metastore.schema.verification": "false",
            "hive.metastore.uris": "",
            # Of `default`, in which nobody makes anything.
            "hive.metastore.warehouse.dir": "hdfs://127.0.0.1:1/nowhere",
            "hive.warehouse.subdir.inherit.perms": "false",
            "hive.metastore.disallow.incompatible.col.type.changes": "false",
            "hive.metastore.event.listeners": "",
        }


_HADOOP = {
    "hadoop.security.authentication": "kerberos",
    "hadoop.rpc.protection": "authentication",
    "fs.permissions.umask-mode": "077",
    "fs.trash.interval": str(7 * 24 * 60),
}
_HDFS = {
    "dfs.namenode.kerberos.principal.pattern": "*",
    "dfs.data.transfer.protection": "authentication",
    "dfs.replication": "1",
}
