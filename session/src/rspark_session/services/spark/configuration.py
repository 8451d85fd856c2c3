"""The folder of configuration with which `SparkSession.builder.getOrCreate()` is connected to all of a session.

The driver is started by the first call in R or Python; here is what that call will read. In local mode the driver computes
itself, in standalone mode workers of the session do (`standalone`). On Kubernetes it may ask for executors: pods of their own
(`pods`), which end with the session's.
"""

import json
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.files import write_whole
from rspark_session.services.base import SparkAdditions
from rspark_session.services.spark import class_archive, event_logs, standalone
from rspark_session.services.spark.pods import CONTAINER, ExecutorPods, executor, worker
from rspark_session.services.spark.secrets import DriverSecrets

#: Where an installation puts jars that every driver sees, below the prefix of the session's Python.
JARS = Path("share/rspark/jars")

_LOG = """\
# Warnings are for those who look for them; the console of a person belongs to the person.
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex{short}
# What a task failed of is in the error that the person gets.
logger.executor.name = org.apache.spark.executor.Executor
logger.executor.level = fatal
logger.tasks.name = org.apache.spark.scheduler.TaskSetManager
logger.tasks.level = fatal
logger.models.name = org.apache.spark.ml.util.Instrumentation
logger.models.level = fatal
# A shell whose level is that of all others doesn't say that it set one.
logger.python.name = org.apache.spark.api.python.PythonGatewayServer
logger.python.level = error
logger.shell.name = org.apache.spark.repl.Main
logger.shell.level = error
logger.sql.name = org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver
logger.sql.level = error
# In a full home a driver goes on without its log.
logger.events.name = org.apache.spark.scheduler.AsyncEventQueue
logger.events.level = fatal
"""

# Spark's pages take the address that the shell of spark-submit exports, and no setting.
_ENVIRON = "export SPARK_LOCAL_IP=127.0.0.1\n"
# Several drivers may be in a session: each has a number of its own, which is in the names of its executors.
_ENVIRON_ON_KUBERNETES = 'export RSPARK_DRIVER="$$" RSPARK_POD_ADDRESS="$(hostname -i)"\n'

_WAREHOUSE = "spark-warehouse"
#: Ours among them; see `session/driver`.
OWN_JAR = "rspark-driver.jar"
#: The folder beside that of the configuration in which each driver writes where its pages are.
DRIVERS = "drivers"


_BYTES = reading.integer(0, 2**62)
_COUNT = reading.integer(0, 10**6)


@dataclass(frozen=True, kw_only=True)
class SparkConfig:
    """What an environment asks of Spark.

    `memory` is the driver's in local mode, else each executor's, in bytes; `cores` are those of the session. `workers` executors
    are there at first and `most` at most; `executors` says how they are had on Kubernetes, `cluster` what the session's own
    workers are. Both are None in local mode. `ahead` is a driver that starts with the session, and `connect_port` where it serves
    Spark Connect.
    """

    memory: int
    cores: int
    workers: int = 0
    most: int = 0
    executors: ExecutorPods | None = None
    cluster: standalone.ClusterSettings | None = None
    ahead: standalone.DriverAhead | None = None
    connect_port: int = 0

    @classmethod
    def parse(cls, value: object) -> "SparkConfig":
        """Read it from the service's configuration; raise `Unreadable` when it isn't as expected."""
        fields = Fields(value)
        mode = fields.get("mode", reading.text(64), "local")
        is_cluster = mode == "standalone" and "port" in fields
        if mode != "local" and not is_cluster and "kubernetes" not in fields:  # never in local mode without a word
            raise Unreadable(f"its mode is {mode}, and nothing here says how a driver gets executors")
        ahead, connect = fields.get("ahead", reading.flag, False), fields.get("connect", reading.flag, False)
        return cls(
            memory=fields.required("memory", _BYTES),
            cores=fields.required("cores", _COUNT),
            workers=fields.get("workers", _COUNT, 0),
            most=fields.get("max", _COUNT, 0),
            executors=fields.get("kubernetes", ExecutorPods.parse, None),
            cluster=standalone.ClusterSettings.parse(fields) if is_cluster else None,
            ahead=standalone.DriverAhead(connect=connect) if ahead or connect else None,
            connect_port=fields.required("connect_port", standalone.port) if connect else 0,
        )


def write_configuration(
    folder: Path,
    config: SparkConfig,
    *,
    base_path: str,
    home: Path,
    scratch: Path,
    secrets: DriverSecrets,
    additions: Sequence[SparkAdditions] = (),
) -> None:
    """Write `SPARK_CONF_DIR`.

    Parameters
    ----------
    folder
        The folder of configuration; made where it's missing.
    config
        What the environment asks for.
    base_path
        The session's path, `/s/<id>/`, under which Spark's pages are seen as `spark/`.
    home, scratch
        Tables that a person saves go below `home`; shuffles and spills go to `scratch`, which may vanish.
    secrets
        What keeps the drivers' ports for this session.
    additions
        What the session's other services add.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = everywhere(config, base_path=base_path, home=home, scratch=scratch) | secrets.settings_of_pages()
    found = jars()
    if any(jar.name == OWN_JAR for jar in found):
        settings |= of_own_jar(drivers=folder.parent / DRIVERS, home=home)
    options = [
        f"-Dderby.stream.error.file={scratch}/derby.log",
        *(word for each in additions for word in each.java_options),
        *class_archive.java_options(),
    ]
    settings["spark.driver.defaultJavaOptions"] = " ".join(f'"{option}"' for option in options)
    for addition in additions:
        settings |= addition.settings
    every = [*map(str, found), *(str(jar) for addition in additions for jar in addition.jars)]
    if class_archive.java_options():
        every = [*class_archive.class_path(), *every]
    if every:
        settings["spark.driver.extraClassPath"] = ":".join(every)
    if config.executors is None:
        # By default it is /tmp/hadoop-<account>, which whoever comes first makes, with rights that keep all others out.
        settings["spark.hadoop.hadoop.tmp.dir"] = str(scratch / "hadoop")
    environ = _ENVIRON + event_logs.shell(home)
    if config.cluster is not None:
        cluster = replace(config.cluster, authorization=secrets.authorization())
        if config.executors is not None:
            cluster = replace(cluster, host=socket.gethostbyname(socket.gethostname()))
        place = standalone.ClusterFolder(folder.parent / standalone.FOLDER)
        place.write_settings(cluster)
        if config.executors is not None:
            place.write_worker(worker(config.executors, cluster, home=home))
        settings |= standalone.driver_settings(cluster) | secrets.settings_of_ports()
        settings |= growing(workers=config.workers, most=config.most) | _jars_of_executors(settings)
    elif config.executors is None:
        settings |= local(config) | secrets.settings_of_ports()
    else:
        template = folder / "executor.json"  # JSON is YAML
        write_whole(template, json.dumps(executor(config.executors), indent=1))
        settings |= on_kubernetes(config, config.executors, template=template, home=home)
        settings |= _jars_of_executors(settings)
        environ = environ.replace(_ENVIRON, _ENVIRON_ON_KUBERNETES)
    if config.ahead is not None:
        standalone.ClusterFolder(folder.parent / standalone.FOLDER).ask_for_driver(config.ahead)
    if config.connect_port:
        settings |= secrets.settings_of_connect() | {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(config.connect_port),
            "spark.connect.grpc.port.maxRetries": "0",
        }
    write_whole(folder / "spark-defaults.conf", "".join(f"{name} {_escaped(value)}\n" for name, value in settings.items()))
    write_whole(folder / "log4j2.properties", _LOG)
    write_whole(folder / "spark-env.sh", environ)


def everywhere(config: SparkConfig, *, base_path: str, home: Path, scratch: Path) -> dict[str, str]:
    """Return the settings of any driver, by Spark's own names."""
    return {
        # Any free port, so that several kernels may each have a driver; the agent finds it.
        "spark.ui.port": "0",
        "spark.ui.proxyBase": f"{base_path.rstrip('/')}/spark",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.killEnabled": "true",
        "spark.sql.warehouse.dir": (home / _WAREHOUSE).as_uri(),
        "spark.sql.catalogImplementation": "in-memory",
        # Who asks for Hive's catalog (spark-sql, enableHiveSupport()) gets a metastore in the driver's own memory: one on the
        # disk is for one driver alone, and lies in whichever folder the driver was started.
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:metastore;create=true",
        "spark.local.dir": str(scratch),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # As many partitions as a small machine can use; 200, the default, is for a cluster.
        "spark.sql.shuffle.partitions": str(max(2 * max(config.cores, config.most), 4)),
        **event_logs.settings(home),
    }


def of_own_jar(*, drivers: Path, home: Path) -> dict[str, str]:
    """Return the settings of what our own jar does in a driver: it writes where its pages are, and what tables there are.

    Parameters
    ----------
    drivers
        Where each driver writes a file `<pid>.json` with its `id`, `name` and the `port` of its pages.
    home
        Where tables are described, below the warehouse.
    """
    return {
        "spark.extraListeners": "org.apache.spark.rspark.Announcement",
        "spark.rspark.drivers": str(drivers),
        "spark.rspark.tables": str(home / _WAREHOUSE),
    }


def local(config: SparkConfig) -> dict[str, str]:
    """Return the settings of a driver that computes itself, and that nobody else reaches."""
    return {
        "spark.master": f"local[{config.cores}]",
        "spark.driver.memory": _megabytes(config.memory),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }


def on_kubernetes(config: SparkConfig, pods: ExecutorPods, *, template: Path, home: Path) -> dict[str, str]:
    """Return the settings of a driver that asks for executors, and gives them back when it has no work for them."""
    settings = {
        "spark.master": "k8s://https://kubernetes.default.svc",
        "spark.submit.deployMode": "client",
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "${env:RSPARK_POD_ADDRESS}",
        "spark.driver.host": pods.host,
        "spark.executor.memory": _megabytes(config.memory),
        "spark.executor.cores": "1",
        "spark.kubernetes.executor.request.cores": f"{max(round(1000 * pods.cpu_requests), 1)}m",
        "spark.kubernetes.executor.limit.cores": "1",
        "spark.kubernetes.namespace": pods.namespace,
        "spark.kubernetes.driver.pod.name": pods.pod,
        "spark.kubernetes.executor.podNamePrefix": f"{pods.prefix}-${{env:RSPARK_DRIVER}}",
        "spark.kubernetes.executor.podTemplateFile": str(template),
        "spark.kubernetes.executor.podTemplateContainerName": CONTAINER,
        "spark.kubernetes.executor.disableConfigMap": "true",
        "spark.kubernetes.executor.deleteOnTermination": "true",
        "spark.kubernetes.container.image": pods.image,
        "spark.kubernetes.container.image.pullPolicy": pods.image_pull_policy,
        # Several at a time: a person waits for the first rows.
        "spark.kubernetes.allocation.batch.size": "10",
    }
    settings |= growing(workers=config.workers, most=config.most)
    settings |= {f"spark.kubernetes.executor.label.{name}": value for name, value in pods.labels.items()}
    settings |= {f"spark.kubernetes.node.selector.{name}": value for name, value in pods.node_selector.items()}
    if pods.pull_secrets:
        settings["spark.kubernetes.container.image.pullSecrets"] = ",".join(pods.pull_secrets)
    if pods.home_claim:
        volume = "spark.kubernetes.executor.volumes.persistentVolumeClaim.home"
        settings |= {f"{volume}.options.claimName": pods.home_claim, f"{volume}.mount.path": str(home)}
    return settings


def growing(*, workers: int, most: int) -> dict[str, str]:
    """Return the settings of a driver that asks for executors while it has work for them, and gives back those that rest."""
    return {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "0",
        "spark.dynamicAllocation.initialExecutors": str(min(workers, most)),
        "spark.dynamicAllocation.maxExecutors": str(most),
        "spark.dynamicAllocation.executorIdleTimeout": "60s",
    }


def jars(service: str = "") -> list[Path]:
    """Return the jars that an installation put beside the session's Python: for every driver, or for the sake of a service."""
    return sorted((Path(sys.prefix) / JARS / service).glob("*.jar"))


def _jars_of_executors(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the class path of executors: they have the driver's jars, and the archive of classes, at the same place."""
    found, options = settings.get("spark.driver.extraClassPath"), " ".join(f'"{each}"' for each in class_archive.java_options())
    return ({"spark.executor.extraClassPath": found} if found else {}) | (
        {"spark.executor.defaultJavaOptions": options} if options else {}
    )


def _escaped(value: str) -> str:
    """Return a value as a file of Java's properties has it."""
    return value.replace("\\", "\\\\")


def _megabytes(size: int) -> str:
    return f"{max(size // 2**20, 512)}m"
