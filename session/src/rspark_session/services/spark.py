"""Spark in local mode: the folder of configuration with which `SparkSession.builder.getOrCreate()` is connected to all of it.

In local mode Spark computes inside the driver, and the driver is started by the first call in R or Python; so there is no part
to start here, only what that call will read.
"""

import sys
from pathlib import Path

from rspark_session.services.atomic import write_whole

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
"""

# Spark's pages take the address that the shell of spark-submit exports, and no setting.
_ENVIRON = "export SPARK_LOCAL_IP=127.0.0.1\n"


def write_conf(folder: Path, *, base_path: str, memory: int, cores: int, home: Path, scratch: Path) -> None:
    """Write `SPARK_CONF_DIR`.

    Parameters
    ----------
    folder
        The folder of configuration; made where it's missing.
    base_path
        The session's path, `/s/<id>/`, under which Spark's pages are seen as `spark/`.
    memory
        Memory of the driver, in bytes.
    cores
        How many tasks compute at once.
    home, scratch
        Tables that a person saves go below `home`; shuffles and spills go to `scratch`, which may vanish.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = defaults(base_path=base_path, memory=memory, cores=cores, home=home, scratch=scratch, jars=jars())
    write_whole(folder / "spark-defaults.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))
    write_whole(folder / "log4j2.properties", _LOG)
    write_whole(folder / "spark-env.sh", _ENVIRON)


def defaults(*, base_path: str, memory: int, cores: int, home: Path, scratch: Path, jars: list[Path]) -> dict[str, str]:
    """Give the settings of a local driver by Spark's own names."""
    settings = {
        "spark.master": f"local[{cores}]",
        "spark.driver.memory": f"{max(memory // 2**20, 512)}m",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # Any free port, so that several kernels may each have a driver; the agent finds it.
        "spark.ui.port": "0",
        "spark.ui.proxyBase": f"{base_path.rstrip('/')}/spark",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.killEnabled": "true",
        "spark.eventLog.enabled": "false",
        "spark.sql.warehouse.dir": (home / "spark-warehouse").as_uri(),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.local.dir": str(scratch),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # As many partitions as a small machine can use; 200, the default, is for a cluster.
        "spark.sql.shuffle.partitions": str(max(2 * cores, 4)),
    }
    if jars:
        settings["spark.driver.extraClassPath"] = ":".join(str(jar) for jar in jars)
    return settings


def jars() -> list[Path]:
    """Find the jars that an installation put beside the session's Python: the PostgreSQL driver."""
    return sorted((Path(sys.prefix) / JARS).glob("*.jar"))
