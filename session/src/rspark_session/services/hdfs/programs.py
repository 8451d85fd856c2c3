"""Finds the programs of HDFS on this machine: its servers, and those of a Kerberos domain."""

import os
import shutil
from pathlib import Path

from rspark_session.services.hadoop import INSTALL, check_installed, class_path, java
from rspark_session.services.problem import ServiceProblem

#: Small heaps, and a compiler that is done soon: a NameNode and a DataNode have some 170 MB each.
# Jersey makes classes at run time, and fails at each first answer where it may not.
_JVM = (
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "-Xmx128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxMetaspaceSize=128m",
)
_SYSTEM = "/usr/sbin:/sbin:/usr/bin:/bin"


def program(name: str) -> str:
    """Return a program of the machine, also of those that only administrators have on their PATH.

    Raises
    ------
    ServiceProblem
        When it is missing.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM}")
    if found is None:
        raise ServiceProblem(f"There is no {name} on this machine. {INSTALL}")
    return found


def keytool() -> str:
    """Return Java's own program for key stores; raise `ServiceProblem` where there is none."""
    beside = Path(java()).resolve().with_name("keytool")
    return str(beside) if beside.exists() else program("keytool")


def server_command(main: str, *arguments: str, configuration: Path, krb5: Path) -> list[str]:
    """Return the command of one of Hadoop's servers.

    Raises
    ------
    ServiceProblem
        When Java or Hadoop is missing.
    """
    check_installed()
    settings = (
        f"-Djava.security.krb5.conf={krb5}",
        f"-Djava.io.tmpdir={configuration.parent}",
        "-XX:-UsePerfData",
        f"-Djava.util.logging.config.file={configuration}/logging.properties",
    )
    return [java(), *_JVM, *settings, "-cp", class_path(configuration), main, *arguments]
