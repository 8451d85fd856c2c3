"""Finds what HDFS is made of on this machine: Java, Hadoop's jars, and the programs of a Kerberos domain."""

import os
import shutil
import sys
from pathlib import Path

from rspark_session.services.problem import ServiceProblem

#: Where an installation puts Hadoop, below the prefix of the session's Python: `jars/`, and `webapps/` with its pages.
HADOOP = Path(sys.prefix, "share/rspark/hadoop")
#: Small heaps, and a compiler that is done soon: a NameNode and a DataNode have some 170 MB each.
# Jersey makes classes at run time, and fails at each first answer where it may not.
_JVM = (
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "-Xmx128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxMetaspaceSize=128m",
)
_INSTALL = "Install what HDFS needs: make hdfs."
_SYSTEM = "/usr/sbin:/sbin:/usr/bin:/bin"


def java() -> str:
    """Return the program java; raise `ServiceProblem` where there is none."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home, "bin/java")) if home else shutil.which("java")
    if found is None or not os.access(found, os.X_OK):
        raise ServiceProblem(f"There is no Java on this machine. {_INSTALL}")
    return found


def program(name: str) -> str:
    """Return a program of the machine, also of those that only administrators have on their PATH.

    Raises
    ------
    ServiceProblem
        When it is missing.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM}")
    if found is None:
        raise ServiceProblem(f"There is no {name} on this machine. {_INSTALL}")
    return found


def keytool() -> str:
    """Return Java's own program for key stores; raise `ServiceProblem` where there is none."""
    beside = Path(java()).resolve().with_name("keytool")
    return str(beside) if beside.exists() else program("keytool")


def is_installed() -> bool:
    """Return whether Hadoop's jars are here."""
    return (HADOOP / "jars").is_dir()


def class_path(configuration: Path) -> str:
    """Return the class path of Hadoop with a folder of configuration before it."""
    return f"{configuration}:{HADOOP}:{HADOOP}/jars/*"


def server_command(main: str, *arguments: str, configuration: Path, krb5: Path) -> list[str]:
    """Return the command of one of Hadoop's servers.

    Raises
    ------
    ServiceProblem
        When Java or Hadoop is missing.
    """
    if not is_installed():
        raise ServiceProblem(f"Hadoop is not installed. {_INSTALL}")
    settings = (
        f"-Djava.security.krb5.conf={krb5}",
        f"-Djava.io.tmpdir={configuration.parent}",
        "-XX:-UsePerfData",
        f"-Djava.util.logging.config.file={configuration}/logging.properties",
    )
    return [java(), *_JVM, *settings, "-cp", class_path(configuration), main, *arguments]
